//! Whether a name is that of a model, and which one may have been meant.

use serde::Serialize;
use serde_json::Value;

use crate::suggest::nearest;

/// The names that the program offers (2.1.330) and those it takes besides.
pub const ALIASES: [&str; 8] = ["default", "opus", "fable", "sonnet", "haiku", "best", "opusplan", "inherit"];

/// What a full name of the maker's begins with, behind which only a family can come.
const MAKER: &str = "claude-";

/// The families that full names have: `claude-sonnet-4-5-20250929`, `claude-3-7-sonnet-latest`.
const FAMILIES: [&str; 5] = ["opus", "fable", "sonnet", "haiku", "instant"];

/// How the program (2.1.330) describes an entry of its list that only repeats the name it was started with, whether or not there
/// is such a model. One that `ANTHROPIC_CUSTOM_MODEL_OPTION` names has more than these words.
const REPEATED: &str = "Custom model";

/// At most this many suggestions are made.
const MOST: usize = 3;

/// What is known of the name of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Suggestions {
    /// Whether it is a name that can be that of a model. A full name is not looked up: newer ones than the list must pass.
    pub known: bool,
    /// Names that may have been meant, the best first.
    pub suggestions: Vec<String>,
}

impl Suggestions {
    /// What to tell a person about a name that is not known.
    pub(crate) fn message(&self, model: &str) -> String {
        match &*self.suggestions {
            [] => format!("no model `{model}` is known"),
            all => format!("no model `{model}` is known; did you mean {}?", listed(all)),
        }
    }
}

fn listed(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(" or ")
}

/// Looks a name up: among `models` (those of the program's answer to `initialize`: texts, or objects with `value` and
/// `resolvedModel`; an entry that only repeats what the program was started with does not count), else among the known aliases. Names of other providers (with `.`, `/`, `:` or `@`) always count as known.
///
/// ```
/// use madrigal::models::suggest_models;
/// assert!(suggest_models("sonnet", None).known);
/// assert!(suggest_models("claude-sonnet-4-5-20250929", None).known);
/// let found = suggest_models("sonet", None);
/// assert_eq!((found.known, &*found.suggestions), (false, &["sonnet".to_owned()][..]));
/// ```
pub fn suggest_models(model: &str, models: Option<&[Value]>) -> Suggestions {
    let mut names: Vec<&str> = Vec::new();
    let offered =
        models.unwrap_or_default().iter().filter(|listed| listed["description"].as_str() != Some(REPEATED));
    for listed in offered.clone() {
        let fields = [Some(listed), listed.get("value"), listed.get("resolvedModel")];
        names.extend(fields.into_iter().flatten().filter_map(Value::as_str));
    }
    let from_program = !names.is_empty();
    names.extend(ALIASES);
    let plain = model.trim().to_lowercase();
    // `sonnet[1m]` asks for the longer context of `sonnet`.
    let plain = plain.strip_suffix("[1m]").unwrap_or(&plain);
    let bare = |name: &str| name.to_lowercase().trim_end_matches("[1m]") == plain;
    if names.iter().any(|name| bare(name)) || full(plain) || plain.contains(['.', '/', ':', '@']) {
        return Suggestions { known: true, suggestions: Vec::new() };
    }
    let mut found = nearest(plain, names.iter().copied().filter(|name| *name != "inherit"), MOST);
    if found.is_empty() {
        // `claude-sonnet5`, `sonnet-latest-please`: the family is said.
        found =
            names.iter().copied().filter(|name| FAMILIES.contains(name) && plain.contains(name)).collect();
        found.dedup();
    }
    if found.is_empty() && from_program {
        found = offered.filter_map(|listed| listed.get("value")?.as_str()).take(MOST).collect();
    }
    Suggestions { known: false, suggestions: found.into_iter().map(str::to_owned).collect() }
}

/// A full name: the maker, a family, and numbers around it.
fn full(model: &str) -> bool {
    let Some(rest) = model.strip_prefix(MAKER) else { return false };
    let parts: Vec<&str> = rest.split('-').collect();
    let number = |part: &str| part.starts_with(|letter: char| letter.is_ascii_digit());
    parts.iter().any(|part| FAMILIES.contains(part))
        && parts.iter().any(|part| number(part))
        && parts.iter().all(|part| {
            FAMILIES.contains(part)
                || number(part)
                || ["latest", "fast", "preview", "v1", "v2"].contains(part)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_can_be_models_are_known() {
        for model in [
            "opus",
            "Sonnet",
            "haiku",
            "fable",
            "default",
            "sonnet[1m]",
            "claude-opus-5-5",
            "claude-3-7-sonnet-20250219",
            "claude-3-5-haiku-latest",
            "us.anthropic.claude-sonnet-4-5-v1:0",
            "claude-sonnet-4-5@20250929",
        ] {
            assert!(suggest_models(model, None).known, "{model}");
        }
    }

    #[test]
    fn a_typing_error_finds_what_was_meant() {
        for (model, meant) in [
            ("sonet", "sonnet"),
            ("opuss", "opus"),
            ("haku", "haiku"),
            ("SONNTE", "sonnet"),
            ("claude-sonnet", "sonnet"),
        ] {
            let found = suggest_models(model, None);
            assert_eq!(
                (found.known, found.suggestions.first().map(String::as_str)),
                (false, Some(meant)),
                "{model}"
            );
        }
        assert_eq!(suggest_models("gpt", None), Suggestions::default());
    }

    #[test]
    fn a_name_that_the_program_only_repeats_is_not_offered() {
        let models = |description: &str| {
            [
                json!({"value": "sonnet", "resolvedModel": "claude-sonnet-5-5"}),
                json!({"value": "sonet", "resolvedModel": "sonet", "description": description}),
            ]
        };
        let found = suggest_models("sonet", Some(&models("Custom model")));
        assert_eq!((found.known, &*found.suggestions), (false, &["sonnet".to_owned()][..]));
        assert!(suggest_models("sonet", Some(&models("Custom model (sonet)"))).known);
    }

    #[test]
    fn the_programs_own_list_comes_first() {
        let models = [json!({"value": "opus", "resolvedModel": "claude-opus-5-5"}), json!({"value": "nova"})];
        assert!(suggest_models("nova", Some(&models)).known);
        let found = suggest_models("claude-opsu-5-5", Some(&models));
        assert_eq!(found.suggestions[0], "claude-opus-5-5");
        assert_eq!(suggest_models("zzzzzzzz", Some(&models)).suggestions, ["opus", "nova"]);
    }
}
