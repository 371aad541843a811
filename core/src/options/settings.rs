//! Settings of the CLI that come with the options, and which files of settings are read beside them.

use std::{fmt, path::Path};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, value::MapAccessDeserializer},
};
use serde_json::{Map, Value, json};

use super::{
    described::{Kind, words},
    shape,
};

words! {
    /// A settings file of the CLI.
    pub enum SettingSource {
        /// The user's.
        User = "user",
        /// The repository's.
        Project = "project",
        /// The repository's, not committed.
        Local = "local",
    }
}

/// Settings beside those in files, and above them.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Settings {
    /// Sent over stdin.
    Inline(Map<String, Value>),
    /// The path of a file, or JSON text, which is then sent over stdin.
    Text(String),
}

impl fmt::Debug for Settings {
    /// The names of inline settings: their values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file(), self.inline()) {
            (Some(path), _) => f.debug_tuple("File").field(&path).finish(),
            (None, Ok(Some(settings))) => {
                f.debug_tuple("Inline").field(&settings.keys().collect::<Vec<_>>()).finish()
            }
            (None, _) => f.write_str("Text"),
        }
    }
}

impl Settings {
    /// The file that is named, when a file is named.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Text(text) if !text.trim_start().starts_with('{') => Some(Path::new(text)),
            _ => None,
        }
    }

    /// The settings, unless they are in a file. `Err` says why a text is not JSON.
    pub(crate) fn inline(&self) -> Result<Option<Map<String, Value>>, String> {
        match self {
            Self::Inline(settings) => Ok(Some(settings.clone())),
            Self::Text(_) if self.file().is_some() => Ok(None),
            Self::Text(text) => serde_json::from_str(text).map(Some).map_err(|error| error.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape::read(deserializer)
    }
}

impl<'de> shape::Shape<'de> for Settings {
    const EXPECTED: &'static str = "an object, the path of a file, or JSON text";

    fn text(text: String) -> Option<Self> {
        Some(Self::Text(text))
    }

    fn object<A: MapAccess<'de>>(object: MapAccessDeserializer<A>) -> Result<Self, A::Error> {
        Map::deserialize(object).map(Self::Inline)
    }
}

impl Kind for Settings {
    fn kind() -> String {
        "object, path, or JSON text".to_owned()
    }

    fn schema() -> Value {
        json!({"anyOf": [{"type": "object"}, {"type": "string"}]})
    }
}

/// Lays `over` on `under`: objects are merged key by key, everything else is replaced.
pub(super) fn merge(under: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            _ => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_json_when_it_looks_like_an_object_and_a_path_otherwise() {
        let json = Settings::Text(" {\"a\": 1}".into());
        assert_eq!((json.file(), json.inline().unwrap().unwrap()["a"].clone()), (None, json!(1)));
        let path = Settings::Text("/etc/settings.json".into());
        assert_eq!((path.file(), path.inline().unwrap()), (Some(Path::new("/etc/settings.json")), None));
        assert!(Settings::Text("{oops".into()).inline().is_err());
    }

    #[test]
    fn objects_are_merged_and_the_rest_is_replaced() {
        let mut under = json!({"a": {"x": 1, "y": 2}, "b": [1]}).as_object().cloned().unwrap();
        merge(&mut under, json!({"a": {"y": 3}, "b": [2]}).as_object().unwrap());
        assert_eq!(Value::Object(under), json!({"a": {"x": 1, "y": 3}, "b": [2]}));
    }
}
