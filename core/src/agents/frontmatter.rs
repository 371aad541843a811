//! The block of YAML at the head of a file, as the program reads and a person writes it.

use serde_json::{Map, Value};

/// Longer blocks are not an agent's.
const LONGEST: usize = 256 * 1024;

/// The fields between two lines `---` at the start of a text, and what stands behind them. The error says what is wrong.
pub(super) fn split(text: &str) -> Result<(Map<String, Value>, &str), String> {
    let none = || {
        "expected frontmatter: a first line `---`, fields such as `name: ...`, and another line `---`"
            .to_owned()
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.split_inclusive('\n').next().filter(|line| line.trim_end() == "---").ok_or_else(none)?;
    let mut end = first.len();
    for line in text[end..].split_inclusive('\n') {
        if line.trim_end() == "---" {
            let fields = read(&text[first.len()..end])?;
            return Ok((fields, &text[end + line.len()..]));
        }
        end += line.len();
    }
    Err(none())
}

/// Reads the block. What is no YAML because of a value such as `Use it when: ...` is read again with such values quoted, as the
/// program does (seen on 2.1.330).
fn read(block: &str) -> Result<Map<String, Value>, String> {
    if block.len() > LONGEST {
        return Err("the frontmatter is longer than 256 KiB".to_owned());
    }
    let value = parse(block).or_else(|error| parse(&quoted(block)).map_err(|_| error))?;
    match value {
        Value::Object(fields) => Ok(fields),
        Value::Null => Ok(Map::new()),
        _ => Err("expected fields such as `name: ...` in the frontmatter".to_owned()),
    }
}

fn parse(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let message = error.to_string();
        let first = message.lines().next().unwrap_or_default();
        format!("the frontmatter is no YAML: {first}")
    })
}

/// Quotes plain values that hold signs with a meaning of their own.
fn quoted(block: &str) -> String {
    let line = |line: &str| {
        let (key, value) = line.split_once(':')?;
        let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let value = value.strip_prefix([' ', '\t'])?.trim();
        let written = value.starts_with(['"', '\'', '[', '{']) && parse(value).is_ok();
        let special = value.contains(": ") || value.contains(|c| "{}[]*&#!|>%@`".contains(c));
        (plain && !written && special).then(|| format!("{key}: {}", text(value)))
    };
    block
        .lines()
        .map(|whole| line(whole).unwrap_or_else(|| whole.replace('\t', "  ")))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Writes fields as lines, in their order.
pub(super) fn write(fields: &[(&str, Value)]) -> String {
    fields.iter().map(|(name, value)| format!("{}: {}\n", scalar(name), written(value))).collect()
}

fn written(value: &Value) -> String {
    match value {
        Value::String(value) => scalar(value),
        // JSON is YAML.
        other => safe(other.to_string()),
    }
}

/// A text as it is where it stays the same text, else quoted.
fn scalar(value: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || " _-./,()'+;=?".contains(c);
    let plain =
        value.starts_with(char::is_alphanumeric) && value.chars().all(harmless) && value.trim() == value;
    if plain && parse(value).is_ok_and(|read| read == value) { value.to_owned() } else { text(value) }
}

fn text(value: &str) -> String {
    safe(Value::from(value).to_string())
}

/// JSON whose few letters that YAML does not print are escaped.
fn safe(json: String) -> String {
    let hidden = |c: char| {
        matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if !json.contains(hidden) {
        return json;
    }
    json.chars().map(|c| if hidden(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_are_read_as_people_write_them() {
        let (fields, rest) =
            split("---\nname: a\ntools: [Read, Grep]\nmaxTurns: 3\n---\nBody\n---\nmore").unwrap();
        assert_eq!(Value::Object(fields), json!({"name": "a", "tools": ["Read", "Grep"], "maxTurns": 3}));
        assert_eq!(rest, "Body\n---\nmore");
        let (fields, rest) = split("\u{feff}---\r\ndescription: >\r\n  two\r\n  lines\r\n---\r\n").unwrap();
        assert_eq!((fields["description"].as_str().unwrap().trim(), rest), ("two lines", ""));
    }

    #[test]
    fn a_value_that_should_have_been_quoted_is_understood() {
        let (fields, _) =
            split("---\nname: a\ndescription: Use it when: it rains [or *snows*]. # really\n---\n").unwrap();
        assert_eq!(fields["description"], "Use it when: it rains [or *snows*]. # really");
    }

    #[test]
    fn what_is_none_says_what_was_expected() {
        for (text, said) in [
            ("no frontmatter", "`---`"),
            ("---\nname: a\n", "`---`"),
            ("---\n- a\n- b\n---\n", "fields"),
            ("---\nname: \"a\n---\n", "no YAML"),
        ] {
            let problem = split(text).unwrap_err();
            assert!(problem.contains(said), "{text}: {problem}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in ".{0,60}", key in "[a-z][a-zA-Z]{0,9}") {
            let block = write(&[(&key, json!(value)), ("list", json!([value, 1, true, null])), ("map", json!({"a": value}))]);
            let text = format!("---\n{block}---\n");
            let (fields, _) = split(&text).unwrap();
            prop_assert_eq!(&fields[&key], &json!(value));
            prop_assert_eq!(&fields["list"][0], &json!(value));
            prop_assert_eq!(&fields["map"]["a"], &json!(value));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(---\n)?.{0,80}\n(---)?\n.{0,20}") {
            let _ = split(&text);
        }
    }
}
