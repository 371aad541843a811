//! What is probably a mistake in the options though the program starts with it: said once, in the stream, before the first turn
//! costs anything. The program itself is silent: it puts an unknown model on its own list and fails at the first prompt, and an
//! agent whose tool is mistyped works without that tool.

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Actor;
use crate::{
    Error, Message, Options,
    agents::validate_agents,
    models::{Suggestions, suggest_models},
    session::Opened,
};

/// One thing that may not be meant.
#[derive(Debug, PartialEq, Serialize)]
struct Warning {
    code: &'static str,
    /// The path of the option.
    field: String,
    message: String,
    suggestions: Vec<String>,
}

impl Actor {
    /// The session says what is strange about its options, once the program has said which models it has.
    pub(super) fn warn(&mut self, info: &Value) {
        for warning in warnings(&self.options, info) {
            tracing::warn!(field = warning.field, "{}", warning.message);
            let frame = json!({
                "type": "system", "subtype": "option_warning", "source": "madrigal", "code": warning.code, "field": warning.field,
                "message": warning.message, "suggestions": warning.suggestions, "uuid": Uuid::new_v4().to_string(),
            });
            self.batch.push(Message::parse(&frame.to_string()));
        }
    }
}

impl Actor {
    /// A refusal of a model, with the names that may be meant.
    pub(super) fn meant(&self, error: Error, model: Option<&str>) -> Error {
        let code = error.context().get("error_code").and_then(Value::as_str);
        let (Some(model), Some("not_found")) = (model, code) else { return error };
        let models = match &*self.opened.borrow() {
            Opened::Yes(info) => info["models"].as_array().cloned(),
            _ => None,
        };
        match suggest_models(model, models.as_deref()).suggestions {
            none if none.is_empty() => error,
            found => error.with("suggestions", found),
        }
    }
}

fn warnings(options: &Options, info: &Value) -> Vec<Warning> {
    let models = info["models"].as_array().map(Vec::as_slice);
    let given = options.model.iter().map(|model| ("model", model.as_str()));
    let chain = options.fallback_model.iter().flat_map(|chain| chain.split(','));
    let mut found: Vec<Warning> = given
        .chain(chain.map(|model| ("fallback_model", model.trim())))
        .filter(|(_, model)| !model.is_empty())
        .filter_map(|(field, model)| unknown_model(field, model, suggest_models(model, models)))
        .collect();
    // A session with agents that cannot work was refused before it started.
    for warning in validate_agents(&options.agents, None).unwrap_or_default() {
        found.push(Warning {
            code: "agent",
            field: format!("agents.{}.{}", warning.agent, warning.field),
            message: format!("agent `{}`: {}", warning.agent, warning.message),
            suggestions: warning.suggestions,
        });
    }
    found
}

fn unknown_model(field: &str, model: &str, found: Suggestions) -> Option<Warning> {
    (!found.known).then(|| Warning {
        code: "unknown_model",
        field: field.to_owned(),
        message: format!(
            "{field}: {}; a turn with a model that the API does not have ends with status 404",
            found.message(model)
        ),
        suggestions: found.suggestions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(options: Value, info: &Value) -> Vec<(&'static str, String, Vec<String>)> {
        let options: Options = serde_json::from_value(options).unwrap();
        warnings(&options, info).into_iter().map(|of| (of.code, of.field, of.suggestions)).collect()
    }

    #[test]
    fn each_name_that_is_none_is_warned_of_where_it_stands() {
        let options = json!({"model": "sonet", "fallback_model": "haiku, opuss", "agents": {"a": {
            "description": "d", "prompt": "p", "tools": ["Raed"], "model": "haku"}}});
        let found = warned(options, &json!({}));
        let expected = [
            ("unknown_model", "model", "sonnet"),
            ("unknown_model", "fallback_model", "opus"),
            ("agent", "agents.a.tools[0]", "Read"),
            ("agent", "agents.a.model", "haiku"),
        ];
        let expected =
            expected.map(|(code, field, meant)| (code, field.to_owned(), vec![meant.to_owned()])).to_vec();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_model_of_the_programs_list_is_no_mistake_and_one_it_only_repeats_is() {
        let listed = |value: &str, description: &str| {
            json!({"models": [{"value": "sonnet", "description": "d"},
                {"value": value, "displayName": value, "description": description}]})
        };
        assert!(warned(json!({"model": "house-model"}), &listed("house-model", "Ours")).is_empty());
        let found = warned(json!({"model": "sonet"}), &listed("sonet", "Custom model"));
        assert_eq!(found[0].2, ["sonnet"]);
        assert!(warned(json!({}), &json!({})).is_empty());
    }
}
