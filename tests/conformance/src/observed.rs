//! What a session said, compared with what the scenario expects while it is read, so that nothing is kept.

use std::collections::HashMap;

use madrigal::{Message, MessageKind, testing::matches};
use serde_json::{Value, json};

use crate::Outcome;

/// The messages of one session so far.
pub(crate) struct Observed {
    expect: Value,
    /// How many of the expected messages were seen.
    matched: usize,
    count: u64,
    text: String,
    deltas: String,
    exit: Option<Value>,
    /// The last number or word a `system` message had under each name: ids of processes and tasks.
    fields: HashMap<String, Value>,
}

impl Observed {
    pub(crate) fn new(expect: Value) -> Self {
        Self {
            expect,
            matched: 0,
            count: 0,
            text: String::new(),
            deltas: String::new(),
            exit: None,
            fields: HashMap::new(),
        }
    }

    pub(crate) fn see(&mut self, message: &Message) {
        self.count += 1;
        match message.kind() {
            MessageKind::Assistant => self.text.push_str(&message.text()),
            MessageKind::StreamEvent if !self.expect["deltas"].is_null() => {
                self.deltas.push_str(&message.text());
            }
            MessageKind::System => {
                if let Value::Object(fields) = message.value() {
                    self.fields
                        .extend(fields.into_iter().filter(|(_, value)| value.is_u64() || value.is_string()));
                }
            }
            _ => {}
        }
        if let Some(pattern) = self.expect["messages"].get(self.matched)
            && is_match(pattern, message)
        {
            self.matched += 1;
        }
    }

    pub(crate) fn ended(&mut self, exit: Value) {
        self.exit = Some(exit);
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Arguments in which `"$seen.task_id"` is what the last message that had a `task_id` said.
    pub(crate) fn fill(&self, with: &Value) -> Outcome<Value> {
        let mut with = with.clone();
        for value in with.as_object_mut().into_iter().flat_map(|fields| fields.values_mut()) {
            if let Some(name) = value.as_str().and_then(|text| text.strip_prefix("$seen.")) {
                *value = self.field(name).cloned().ok_or_else(|| format!("no message had {name}"))?;
            }
        }
        Ok(with)
    }

    /// Compares the whole with what was expected.
    pub(crate) fn check(&self, asks: &[Value]) -> Outcome {
        let expect = &self.expect;
        let wanted = expect["messages"].as_array().map_or(0, Vec::len);
        if self.matched < wanted {
            return Err(format!(
                "expect.messages[{}] was not among the {} messages behind the one before: {}",
                self.matched, self.count, expect["messages"][self.matched]
            ));
        }
        let parts = [
            ("count", json!(self.count)),
            ("text", json!(self.text)),
            ("deltas", json!(self.deltas)),
            ("asks", json!(asks)),
            ("exit", self.exit.clone().unwrap_or_default()),
        ];
        for (name, found) in parts {
            if let Some(pattern) = expect.get(name)
                && !matches(pattern, &found)
            {
                return Err(format!("expect.{name}: {pattern} was expected, found {found}"));
            }
        }
        Ok(())
    }
}

/// Matches without looking into frames of another type: floods are long.
pub(crate) fn is_match(pattern: &Value, message: &Message) -> bool {
    match pattern["type"].as_str() {
        Some(kind) if !kind.starts_with('$') && kind != message.kind_name() => false,
        _ => matches(pattern, &message.value()),
    }
}
