//! Frames with holes: the text of a frame as the scenario's author wrote it, cut once at its references, so that
//! playing it is copying bytes. Keys keep their order and floods run at the speed of a pipe.

use std::io::Write as _;

use serde_json::{Value, value::RawValue};

/// A compact line of JSON with references in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// Bytes to copy.
    Text(Vec<u8>),
    /// `"$x.a.b"`: replaced by a value.
    Reference(String),
    /// `$i`: the number of the repetition.
    Index,
}

impl Template {
    /// Cuts JSON text at its references. `counting` makes `$i` the number of the repetition: alone in a string it becomes a
    /// number, inside a longer string its digits.
    pub(crate) fn new(json: &RawValue, counting: bool) -> Self {
        let mut template = Self::default();
        let mut rest = json.get();
        while let Some(at) = rest.find('"') {
            template.text_without_spaces(&rest[..at]);
            let end = at + string_length(&rest[at..]);
            let literal = &rest[at..end];
            rest = &rest[end..];
            let is_key = rest.trim_start().starts_with(':');
            template.string(literal, is_key, counting);
        }
        template.text_without_spaces(rest);
        template
    }

    /// Compact JSON text in which nothing is a reference.
    pub(crate) fn plain(json: &RawValue) -> Self {
        let mut template = Self::default();
        let mut rest = json.get();
        while let Some(at) = rest.find('"') {
            template.text_without_spaces(&rest[..at]);
            let end = at + string_length(&rest[at..]);
            template.text(&rest[at..end]);
            rest = &rest[end..];
        }
        template.text_without_spaces(rest);
        template
    }

    /// A value in which nothing is a reference.
    pub(crate) fn literal(value: &Value) -> Self {
        Self { parts: vec![Part::Text(value.to_string().into_bytes())] }
    }

    fn string(&mut self, literal: &str, is_key: bool, counting: bool) {
        let inner = &literal[1..literal.len() - 1];
        match inner.strip_prefix('$') {
            _ if is_key => self.text(literal),
            Some("i") if counting => self.parts.push(Part::Index),
            Some(escaped) if escaped.starts_with('$') => {
                self.text("\"");
                self.text(escaped);
                self.text("\"");
            }
            Some(name) if is_reference(name) => self.parts.push(Part::Reference(name.to_owned())),
            _ if counting && inner.contains("$i") => {
                for (n, piece) in literal.split("$i").enumerate() {
                    if n > 0 {
                        self.parts.push(Part::Index);
                    }
                    self.text(piece);
                }
            }
            _ => self.text(literal),
        }
    }

    fn text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(bytes)) => bytes.extend_from_slice(text.as_bytes()),
            _ if text.is_empty() => {}
            _ => self.parts.push(Part::Text(text.as_bytes().to_vec())),
        }
    }

    fn text_without_spaces(&mut self, text: &str) {
        for word in text.split_ascii_whitespace() {
            self.text(word);
        }
    }

    /// Fills the references in, leaving only the index open. Fails with the name of a reference that is not known.
    pub(crate) fn bind(&self, mut lookup: impl FnMut(&str) -> Option<Value>) -> Result<Self, String> {
        let mut bound = Self::default();
        for part in &self.parts {
            match part {
                Part::Text(text) => match bound.parts.last_mut() {
                    Some(Part::Text(before)) => before.extend_from_slice(text),
                    _ => bound.parts.push(part.clone()),
                },
                Part::Index => bound.parts.push(Part::Index),
                Part::Reference(name) => {
                    let value = lookup(name).ok_or_else(|| format!("${name} is not known here"))?;
                    bound.text(&value.to_string());
                }
            }
        }
        Ok(bound)
    }

    /// Writes a bound template and a newline.
    pub(crate) fn write(&self, out: &mut Vec<u8>, index: u64) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                // Writing to a vector does not fail.
                Part::Index => drop(write!(out, "{index}")),
                Part::Reference(_) => {}
            }
        }
        out.push(b'\n');
    }

    /// Whether this is the end of a turn, as far as its fixed text tells.
    pub(crate) fn starts_like_a_result(&self) -> bool {
        matches!(self.parts.first(), Some(Part::Text(text)) if memchr::memmem::find(text, br#""type":"result""#).is_some())
    }

    /// The line, when nothing in it changes from one repetition to the next.
    pub(crate) fn constant(&self) -> Option<&[u8]> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// `x`, `x.a.0`, `env.HOME`: what may follow a `$`.
pub(crate) fn is_reference(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// The length of the string literal at the start of `text`, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(json: &str, counting: bool) -> Template {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        Template::new(&raw, counting)
    }

    fn line(template: &Template, index: u64) -> String {
        let mut out = Vec::new();
        template.write(&mut out, index);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_order_of_keys_and_escapes_stay_and_spaces_go() {
        let template = template("{ \"z\": \"a \\\" b\",\n  \"a\" : [1, 2] }", false);
        assert_eq!(line(&template, 0), "{\"z\":\"a \\\" b\",\"a\":[1,2]}\n");
        assert!(template.constant().is_some());
    }

    #[test]
    fn references_become_values() {
        let template = template(r#"{"$x": "$x.a", "price": "$5", "cost": "$$x"}"#, false);
        let bound = template.bind(|name| (name == "x.a").then(|| json!({"b": [1]}))).unwrap();
        assert_eq!(line(&bound, 0), "{\"$x\":{\"b\":[1]},\"price\":\"$5\",\"cost\":\"$x\"}\n");
    }

    #[test]
    fn an_unknown_reference_is_named() {
        let error = template(r#"["$nobody.uuid"]"#, false).bind(|_| None).unwrap_err();
        assert!(error.contains("$nobody.uuid"), "{error}");
    }

    #[test]
    fn the_index_counts_as_a_number_and_inside_text() {
        let bound = template(r#"{"n": "$i", "text": "word $i, "}"#, true).bind(|_| None).unwrap();
        assert_eq!(line(&bound, 7), "{\"n\":7,\"text\":\"word 7, \"}\n");
        assert!(bound.constant().is_none());
    }
}
