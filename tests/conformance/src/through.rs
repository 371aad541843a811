//! Public functions that make or add to options: for a model, and for agents. Where the other languages give options to
//! one of these, Rust puts what it makes over them.

use madrigal::{
    Error, ErrorKind, Options, Result,
    agents::{AgentOperation, AgentPreset, presets},
};
use serde_json::{Map, Value, json};

/// The functions that a step `invoke` may call.
pub(crate) const NAMES: [&str; 5] = ["with_opus", "with_sonnet", "with_haiku", "with_model", "with_agents"];

/// Options that went through each of these: `[{"with_opus": {}}, ...]`.
pub(crate) fn options(options: Options, functions: &Value) -> Result<Options> {
    let all = functions.as_array().into_iter().flatten();
    let mut each = all.flat_map(|one| one.as_object().into_iter().flatten());
    each.try_fold(options, |options, (name, with)| put(options, name, with))
}

/// The function of this name, with `options` among its arguments; what it gives.
pub(crate) fn invoke(name: &str, with: &Value) -> Result<Value> {
    let given = Options::from_json(&with.get("options").unwrap_or(&json!({})).to_string())?;
    let mut options = json!(put(given, name, with)?);
    if let Some(fields) = options.as_object_mut() {
        // What is not said.
        fields.retain(|_, value| !value.is_null());
    }
    Ok(options)
}

fn put(mut options: Options, name: &str, with: &Value) -> Result<Options> {
    Ok(match name {
        "with_opus" => over(options, Options::with_opus()),
        "with_sonnet" => over(options, Options::with_sonnet()),
        "with_haiku" => over(options, Options::with_haiku()),
        "with_model" => {
            let chosen = Options::with_model(with["model"].as_str().unwrap_or_default());
            let several =
                |names: &Vec<Value>| names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",");
            let fallback = &with["fallback"];
            let fallback = fallback.as_str().map(str::to_owned).or_else(|| fallback.as_array().map(several));
            Options { model: chosen.model, fallback_model: fallback.or(options.fallback_model), ..options }
        }
        "with_agents" => {
            let wanted = |name: &str| {
                with["presets"] == true
                    || with["presets"].as_array().is_some_and(|all| all.contains(&json!(name)))
            };
            for AgentPreset { name, agent, .. } in presets(None)? {
                if wanted(&name) {
                    options.agents.insert(name, agent.into());
                }
            }
            for one in with["built"].as_array().into_iter().flatten() {
                let (name, agent) = built(one)?;
                options.agents.insert(name, agent);
            }
            options
        }
        unknown => {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("there is no function {unknown}")));
        }
    })
}

/// Options on the model of others; turns that are said stay, a fallback does not.
fn over(options: Options, model: Options) -> Options {
    let max_turns = options.max_turns.or(model.max_turns);
    Options { model: model.model, fallback_model: model.fallback_model, max_turns, ..options }
}

/// An agent that the builder makes of `{"name", "agent", "examples"?}`.
fn built(said: &Value) -> Result<(String, Map<String, Value>)> {
    let mut request = said.clone();
    request["operation"] = "build_agent".into();
    let text = AgentOperation::from_json(&request.to_string())?.perform()?;
    let made: Value = serde_json::from_str(&text).unwrap_or_default();
    let agent = made["agent"].as_object().cloned().unwrap_or_default();
    Ok((made["name"].as_str().unwrap_or_default().to_owned(), agent))
}

/// The arguments of `save_agent` with the agent that `preset` names.
pub(crate) fn with_preset(mut with: Value) -> Result<Value> {
    let Some(named) = with.as_object_mut().and_then(|fields| fields.remove("preset")) else {
        return Ok(with);
    };
    let preset = presets(None)?.into_iter().find(|preset| named == preset.name);
    let preset = preset
        .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, format!("there is no preset {named}")))?;
    with["name"] = named;
    with["agent"] = json!(preset.agent);
    Ok(with)
}
