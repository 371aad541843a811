//! An agent as the program's own file: frontmatter, and the prompt behind it.

use serde_json::{Map, Value};

use super::{Agent, check::check_name, frontmatter};
use crate::{Error, Result, options::invalid};

/// Fields that hold a list, and may be written as one text with commas.
const LISTS: [&str; 3] = ["tools", "disallowedTools", "skills"];

/// The fields that come first in a file, in this order.
const FIRST: [&str; 4] = ["description", "tools", "disallowedTools", "model"];

/// The text of the file `NAME.md` for an agent. Reading it gives the same agent; fields that the program does not know
/// are kept.
///
/// ```
/// use madrigal::agents::{Agent, agent_from_markdown, agent_to_markdown};
/// let (name, agent) = Agent::builder("counter").description("Counts files").tools(["Glob", "Read"]).build()?;
/// let text = agent_to_markdown(&name, &agent)?;
/// assert!(text.starts_with("---\nname: counter\ndescription: Counts files\ntools: Glob, Read\n---\n\nYou are"));
/// assert_eq!(agent_from_markdown(&text)?, (name, agent));
/// # Ok::<_, madrigal::Error>(())
/// ```
///
/// # Errors
/// `invalid_options` when the agent cannot work, or its name none of a file: `:` is kept for plugins.
pub fn agent_to_markdown(name: &str, agent: &Agent) -> Result<String> {
    check_file_name(name)?;
    agent.check(name)?;
    let mut rest: Map<String, Value> = agent.clone().into();
    let mut fields = vec![("name", Value::from(name))];
    for field in FIRST {
        if let Some(value) = rest.remove(field) {
            fields.push((field, if LISTS.contains(&field) { joined(value) } else { value }));
        }
    }
    // The prompt is the body, and the name has been said.
    rest.retain(|field, _| field != "prompt" && field != "name");
    for (field, value) in &rest {
        fields.push((field, if LISTS.contains(&&**field) { joined(value.clone()) } else { value.clone() }));
    }
    Ok(format!("---\n{}---\n\n{}\n", frontmatter::write(&fields), agent.prompt.trim()))
}

/// Reads the text of such a file: the name and the agent.
///
/// # Errors
/// `invalid_options`, saying what is wrong; in the context the path of the field as `field`.
pub fn agent_from_markdown(text: &str) -> Result<(String, Agent)> {
    let (mut fields, body) = frontmatter::split(text)
        .map_err(|problem| Error::new(crate::ErrorKind::InvalidOptions, problem).operation("options"))?;
    let name = match fields.remove("name") {
        Some(Value::String(name)) if !name.trim().is_empty() => name,
        _ => return Err(invalid("name", "expected a text in the frontmatter, the name of the agent")),
    };
    check_file_name(&name)?;
    for field in LISTS {
        match fields.get_mut(field) {
            Some(value @ Value::String(_)) => *value = listed(value.as_str().unwrap_or_default()),
            // Nothing behind the colon means none, not all.
            Some(value @ Value::Null) => *value = Value::Array(Vec::new()),
            _ => {}
        }
    }
    if let Some(Value::String(description)) = fields.get_mut("description") {
        // The program reads these two signs as the end of a line.
        *description = description.replace("\\n", "\n");
    }
    fields.insert("prompt".to_owned(), body.trim().into());
    let agent = Agent::from_fields(&name, &fields)?;
    Ok((name, agent))
}

/// Refuses names that cannot be those of a file.
pub(super) fn check_file_name(name: &str) -> Result<()> {
    check_name(name)?;
    let problem = if name.contains(':') {
        "a name must not have a `:`, which is kept for agents of plugins"
    } else if name.contains(['/', '\\']) || name.starts_with('.') {
        "a name must not have a `/` or `\\`, nor begin with `.`: it is that of a file"
    } else {
        return Ok(());
    };
    Err(invalid(&format!("agents.{name}"), problem))
}

/// `Read, Bash(git log:*)` as a list: commas in parentheses belong to the rule.
fn listed(text: &str) -> Value {
    let mut depth = 0_usize;
    let split = text.split(|letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    split.map(str::trim).filter(|entry| !entry.is_empty()).collect()
}

/// A list as one text, where that reads as the same list.
fn joined(list: Value) -> Value {
    let names: Option<Vec<&str>> = list.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
    match names.map(|names| names.join(", ")) {
        Some(text) if !text.is_empty() && listed(&text) == list => text.into(),
        _ => list,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_forms_of_lists_are_all_read() {
        let text = "---\nname: a\ndescription: d\ntools: Read, Bash(git log:*, x), Grep\nskills: [one, two]\ndisallowedTools:\n---\nDo it.\n";
        let (name, agent) = agent_from_markdown(text).unwrap();
        assert_eq!((name.as_str(), agent.prompt.as_str()), ("a", "Do it."));
        assert_eq!(agent.tools.unwrap(), ["Read", "Bash(git log:*, x)", "Grep"]);
        assert_eq!(agent.skills.unwrap(), ["one", "two"]);
        assert_eq!(agent.disallowed_tools.unwrap(), Vec::<String>::new());
    }

    #[test]
    fn unknown_fields_stay() {
        let text = "---\nname: a\ndescription: \"Use: always\"\nmodel: haiku\ncolor: red\nmine:\n  x: [1, 2]\n---\n\nDo it.\n";
        let (name, agent) = agent_from_markdown(text).unwrap();
        assert_eq!(agent.extra["mine"], json!({"x": [1, 2]}));
        let again = agent_to_markdown(&name, &agent).unwrap();
        assert_eq!(agent_from_markdown(&again).unwrap(), (name, agent));
    }

    #[test]
    fn a_bad_file_says_what_is_wrong() {
        for (text, said) in [
            ("Do it.", "frontmatter"),
            ("---\ndescription: d\n---\nx", "name"),
            ("---\nname: a\n---\nx", "agents.a.description"),
            ("---\nname: a\ndescription: d\n---\n", "agents.a.prompt"),
            ("---\nname: a:b\ndescription: d\n---\nx", "`:`"),
            ("---\nname: ../a\ndescription: d\n---\nx", "`/`"),
            ("---\nname: a\ndescription: d\nmaxTurns: many\n---\nx", "agents.a.maxTurns"),
        ] {
            let error = agent_from_markdown(text).unwrap_err();
            assert!(error.to_string().contains(said), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(description in "[^\\\\]{1,40}", prompt in ".{1,40}", tools in proptest::collection::vec(".{1,10}", 0..3)) {
            let builder = Agent::builder("a").description(description).prompt(prompt.trim()).tools(tools);
            if let Ok((name, agent)) = builder.build() {
                let text = agent_to_markdown(&name, &agent).unwrap();
                prop_assert_eq!(agent_from_markdown(&text).unwrap(), (name, agent));
            }
        }
    }
}
