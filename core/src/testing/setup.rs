//! The steps of `setup-token`: what a stand-in for the program draws on a terminal while a person logs in there.

use serde_json::{Map, Value};

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SetupStep {
    /// Draws a text; with `wrap` lines end at the right edge of the terminal, as the real program ends them.
    Show { text: String, wrap: bool },
    /// Waits until the person typed a line that holds this.
    Type(String),
    /// Ends.
    Exit(i32),
    /// Draws nothing more, and stays.
    Hang,
}

/// Reads the field `setup_token` of a scenario. The error names the step.
pub(super) fn steps(given: &Value) -> Result<Vec<SetupStep>, String> {
    let list = given.as_array().ok_or("setup_token: a list of steps was expected")?;
    list.iter()
        .enumerate()
        .map(|(number, step)| {
            let fields = step.as_object().ok_or_else(|| "an object was expected".to_owned());
            fields.and_then(read).map_err(|problem| format!("setup_token[{number}]: {problem}"))
        })
        .collect()
}

fn read(fields: &Map<String, Value>) -> Result<SetupStep, String> {
    let verb = ["show", "type", "exit", "hang"]
        .into_iter()
        .find(|verb| fields.contains_key(*verb))
        .ok_or_else(|| "`show`, `type`, `exit` or `hang` was expected".to_owned())?;
    if let Some(stray) = fields.keys().find(|key| *key != verb && !(verb == "show" && *key == "wrap")) {
        return Err(format!("{stray:?} does not belong to the step {verb:?}"));
    }
    let given = &fields[verb];
    let text = || given.as_str().map(str::to_owned).ok_or_else(|| format!("{verb}: a string was expected"));
    Ok(match verb {
        "show" => SetupStep::Show { text: text()?, wrap: fields.get("wrap") == Some(&Value::Bool(true)) },
        "type" => SetupStep::Type(text()?),
        "exit" => SetupStep::Exit(
            given.as_i64().and_then(|code| i32::try_from(code).ok()).ok_or("exit: a number was expected")?,
        ),
        _ => SetupStep::Hang,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_are_read_and_mistakes_are_named() {
        let read =
            steps(&json!([{"show": "a", "wrap": true}, {"type": "code"}, {"exit": 1}, {"hang": true}]));
        let show = SetupStep::Show { text: "a".into(), wrap: true };
        assert_eq!(
            read.unwrap(),
            [show, SetupStep::Type("code".into()), SetupStep::Exit(1), SetupStep::Hang]
        );
        for (given, named) in [
            (json!("show"), "a list"),
            (json!([{"hang": true}, 7]), "setup_token[1]: an object"),
            (json!([{"draw": "a"}]), "`show`"),
            (json!([{"show": 7}]), "show: a string"),
            (json!([{"type": "code", "wrap": true}]), "\"wrap\" does not belong"),
            (json!([{"exit": "1"}]), "exit: a number"),
        ] {
            let problem = steps(&given).unwrap_err();
            assert!(problem.contains(named), "{problem}");
        }
    }
}
