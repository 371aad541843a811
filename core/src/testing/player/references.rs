//! What `$name` stands for, in frames to be written and in patterns.

use serde_json::{Map, Value, json};

use super::{Player, Stage, Stop};
use crate::testing::template::Template;

impl<S: Stage> Player<S> {
    pub(super) fn bound(&mut self, template: &Template) -> Result<Template, Stop> {
        template.bind(|name| self.lookup(name)).map_err(|problem| self.refuse(&problem))
    }

    /// What `$name` stands for.
    fn lookup(&mut self, name: &str) -> Option<Value> {
        let (first, path) = name.split_once('.').unwrap_or((name, ""));
        if first == "env" {
            return Some(self.stage.env(path).map_or(Value::Null, Value::String));
        }
        let value = match first {
            "argv" => json!(self.stage.args()),
            "pid" => json!(self.facts.pid),
            "session_id" => json!(self.facts.session_id),
            "uuid" => json!(self.uuids.next()),
            "child" => json!(self.child?),
            _ => self.saved.get(first)?.clone(),
        };
        path.split('.').filter(|key| !key.is_empty()).try_fold(value, |value, key| match value {
            Value::Array(list) => list.get(key.parse::<usize>().ok()?).cloned(),
            other => other.get(key).cloned(),
        })
    }

    /// A value with its references filled in; what is no known reference stays as it is.
    pub(super) fn resolve(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => match text.strip_prefix('$') {
                Some(escaped) if escaped.starts_with('$') => Value::String(escaped.to_owned()),
                Some(name) => self.lookup(name).unwrap_or_else(|| value.clone()),
                None => value.clone(),
            },
            Value::Array(list) => list.iter().map(|value| self.resolve(value)).collect(),
            Value::Object(fields) => Value::Object(self.resolved(fields)),
            other => other.clone(),
        }
    }

    pub(super) fn resolved(&mut self, fields: &Map<String, Value>) -> Map<String, Value> {
        fields.iter().map(|(key, value)| (key.clone(), self.resolve(value))).collect()
    }
}

/// Fresh uuids, cheaper than asking the system for randomness each time.
pub(super) struct Uuids(pub(super) u128);

impl Uuids {
    pub(super) fn next(&mut self) -> String {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        uuid::Builder::from_random_bytes(self.0.to_be_bytes()).into_uuid().to_string()
    }
}
