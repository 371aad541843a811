//! Options for a model or a purpose, by name. Each is a handful of options that are there anyway: nothing here can be said
//! only by a preset.

use serde_json::{Map, Value, json};

use crate::{Error, ErrorKind, Options, Result, options::invalid, suggest::nearest};

/// A name and what makes the options.
type Preset = (&'static str, fn() -> Value);

/// The presets by name. The numbers of turns are those of the Elixir library that `ClaudeCodeSDK` is compatible with.
const PRESETS: [Preset; 12] = [
    ("development", || {
        json!({"max_turns": 10, "permission_mode": "acceptEdits",
            "allowed_tools": ["Bash", "Read", "Write", "Edit", "Grep", "Glob"]})
    }),
    ("staging", || json!({"max_turns": 5, "permission_mode": "plan"})),
    (
        "production",
        || json!({"max_turns": 3, "permission_mode": "plan", "permission_prompts": "none", "workspace": "isolated"}),
    ),
    (
        "analysis",
        || json!({"max_turns": 7, "allowed_tools": ["Read", "Grep", "Glob"], "disallowed_tools": ["Write", "Edit", "NotebookEdit"]}),
    ),
    ("chat", || json!({"max_turns": 1, "tools": []})),
    ("documentation", || {
        json!({"max_turns": 8, "permission_mode": "acceptEdits", "allowed_tools": ["Read", "Write", "Edit", "Grep", "Glob"],
            "disallowed_tools": ["Bash"]})
    }),
    (
        "testing",
        || json!({"max_turns": 6, "permission_mode": "acceptEdits", "allowed_tools": ["Bash", "Read", "Write", "Edit", "Grep", "Glob"]}),
    ),
    ("sandboxed", || {
        json!({"max_turns": 5, "permission_mode": "acceptEdits", "workspace": "isolated",
            "sandbox": {"enabled": true, "autoAllowBashIfSandboxed": true, "allowUnsandboxedCommands": false},
            "disallowed_tools": ["WebFetch", "WebSearch"]})
    }),
    ("quick", || json!({"max_turns": 1})),
    ("opus", || json!({"model": "opus", "fallback_model": "sonnet", "max_turns": 10})),
    ("sonnet", || json!({"model": "sonnet", "max_turns": 5})),
    ("haiku", || json!({"model": "haiku", "max_turns": 3})),
];

/// The names of the presets.
pub fn option_presets() -> impl ExactSizeIterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// The options of a preset, with those of `over` in their place; `null` in `over` takes an option away. Options count as
/// a whole: lists and objects are replaced, not joined.
///
/// ```
/// use madrigal::models::option_preset;
/// let over = serde_json::json!({"max_turns": 20, "model": "opus"});
/// let options = option_preset("development", over.as_object().unwrap())?;
/// assert_eq!((options["max_turns"].as_u64(), options["permission_mode"].as_str()), (Some(20), Some("acceptEdits")));
/// # Ok::<_, madrigal::Error>(())
/// ```
///
/// # Errors
/// `invalid_argument` when there is no such preset; `invalid_options` when the options together cannot work.
pub fn option_preset(name: &str, over: &Map<String, Value>) -> Result<Map<String, Value>> {
    let Some((_, preset)) = PRESETS.iter().find(|(preset, _)| *preset == name) else {
        let meant = nearest(name, option_presets(), 1).first().map_or_else(
            || format!("expected one of {}", option_presets().collect::<Vec<_>>().join(", ")),
            |meant| format!("did you mean `{meant}`?"),
        );
        let error =
            Error::new(ErrorKind::InvalidArgument, format!("name: there is no preset `{name}`; {meant}"));
        return Err(error.operation("invoke").with("field", "name"));
    };
    let Value::Object(mut options) = preset() else {
        return Err(invalid(name, "expected an object"));
    };
    options.extend(over.iter().map(|(option, value)| (option.clone(), value.clone())));
    options.retain(|_, value| !value.is_null());
    Options::from_json(&Value::Object(options.clone()).to_string())?.validate()?;
    Ok(options)
}

impl Options {
    /// Opus, with Sonnet where it is overloaded or unknown, and at most 10 steps. All others are the defaults.
    ///
    /// ```
    /// let options = madrigal::Options::with_opus();
    /// assert_eq!((options.fallback_model.as_deref(), options.max_turns), (Some("sonnet"), Some(10)));
    /// ```
    #[must_use]
    pub fn with_opus() -> Self {
        Self { fallback_model: Some("sonnet".into()), max_turns: Some(10), ..Self::with_model("opus") }
    }

    /// Sonnet, and at most 5 steps.
    #[must_use]
    pub fn with_sonnet() -> Self {
        Self { max_turns: Some(5), ..Self::with_model("sonnet") }
    }

    /// Haiku, and at most 3 steps.
    #[must_use]
    pub fn with_haiku() -> Self {
        Self { max_turns: Some(3), ..Self::with_model("haiku") }
    }

    /// A model, by alias or full name.
    #[must_use]
    pub fn with_model(model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..Self::default() }
    }

    /// The options of a preset: see [`option_preset`].
    ///
    /// ```
    /// assert_eq!(madrigal::Options::preset("chat")?.max_turns, Some(1));
    /// # Ok::<_, madrigal::Error>(())
    /// ```
    ///
    /// # Errors
    /// `invalid_argument` when there is no such preset.
    pub fn preset(name: &str) -> Result<Self> {
        Self::from_json(&Value::Object(option_preset(name, &Map::new())?).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_valid_options() {
        for name in option_presets() {
            let options = Options::preset(name).unwrap();
            assert!(options.max_turns.is_some(), "{name}");
        }
        assert_eq!(option_presets().len(), 12);
    }

    #[test]
    fn the_functions_say_what_the_presets_say() {
        for (name, options) in [
            ("opus", Options::with_opus()),
            ("sonnet", Options::with_sonnet()),
            ("haiku", Options::with_haiku()),
        ] {
            assert_eq!(format!("{:?}", Options::preset(name).unwrap()), format!("{options:?}"));
        }
    }

    #[test]
    fn what_is_put_over_wins_and_is_checked() {
        let over = |json: Value| json.as_object().unwrap().clone();
        let options = option_preset("opus", &over(json!({"fallback_model": null, "max_turns": 2}))).unwrap();
        assert_eq!(Value::Object(options), json!({"model": "opus", "max_turns": 2}));
        let error = option_preset("chat", &over(json!({"max_turn": 2}))).unwrap_err();
        assert_eq!(
            (error.kind(), &error.context()["field"]),
            (ErrorKind::InvalidOptions, &json!("max_turn"))
        );
        let error = option_preset("develpment", &Map::new()).unwrap_err();
        assert!(error.message().contains("`development`"), "{error}");
    }
}
