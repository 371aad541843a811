//! One list of fields makes the struct, its documentation, its table and its schema, so that none can drift from another.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Map, Value, json};

/// Where an option goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A flag of the command line, without its dashes. Visible in process lists.
    Flag(&'static str),
    /// A field of the `initialize` request, sent over stdin.
    Initialize(&'static str),
    /// A variable of the program's environment.
    Environment(&'static str),
    /// A key of the settings that travel in the `initialize` request.
    Settings(&'static str),
    /// The process itself: program, directory, environment.
    Process,
    /// Nothing of it reaches the program as it stands.
    Library,
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag `--{name}`"),
            Self::Initialize(name) => write!(f, "`initialize.{name}`"),
            Self::Environment(name) => write!(f, "variable `{name}`"),
            Self::Settings(name) => write!(f, "`initialize.settings.{name}`"),
            Self::Process => f.write_str("process"),
            Self::Library => f.write_str("library"),
        }
    }
}

/// One option, as tables and schemas show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Its name on the wire; with a dot when it is inside another.
    pub name: String,
    /// What it holds, in words.
    pub kind: String,
    /// Where it goes; several when its value decides.
    pub destination: Vec<Destination>,
    /// What it is when left out.
    pub default: Value,
    /// What it does.
    pub summary: String,
    /// The scenario that proves it.
    pub scenario: Option<&'static str>,
}

/// A field, as the list of fields has it.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) kind: String,
    pub(super) schema: Value,
    pub(super) to: &'static [Destination],
    pub(super) summary: &'static [&'static str],
    pub(super) scenario: Option<&'static str>,
}

impl Row {
    /// The text of the documentation, on one line.
    pub(super) fn summary(&self) -> String {
        self.summary.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
    }
}

/// Makes a struct that is read from JSON with unknown fields refused, and the rows that describe its fields.
macro_rules! described {
    (@wire $field:ident) => { stringify!($field) };
    (@wire $field:ident $wire:literal) => { $wire };
    (@scenario) => { None };
    (@scenario $scenario:literal) => { Some($scenario) };
    ($(#[$meta:meta])* pub struct $name:ident {
        $( $(#[doc = $doc:literal])+ $field:ident $(as $wire:literal)? : $type:ty
            => [$($to:ident $(($detail:literal))?),+] $(proved by $scenario:literal)? ; )+
    }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $( $(#[doc = $doc])+ $(#[serde(rename = $wire)])? pub $field: $type, )+
        }

        impl $name {
            pub(in crate::options) fn rows() -> Vec<$crate::options::described::Row> {
                use $crate::options::described::{Destination, Kind, Row};
                vec![$( Row {
                    name: described!(@wire $field $($wire)?),
                    kind: <$type as Kind>::kind(),
                    schema: <$type as Kind>::schema(),
                    to: &[$(Destination::$to $(($detail))?),+],
                    summary: &[$($doc),+],
                    scenario: described!(@scenario $($scenario)?),
                } ),+]
            }
        }
    };
}
pub(super) use described;

/// How a type is named in tables and written in schemas.
pub(super) trait Kind {
    fn kind() -> String;
    fn schema() -> Value;
}

impl Kind for bool {
    fn kind() -> String {
        "boolean".to_owned()
    }
    fn schema() -> Value {
        json!({"type": "boolean"})
    }
}

impl Kind for String {
    fn kind() -> String {
        "text".to_owned()
    }
    fn schema() -> Value {
        json!({"type": "string"})
    }
}

impl Kind for PathBuf {
    fn kind() -> String {
        "path".to_owned()
    }
    fn schema() -> Value {
        json!({"type": "string"})
    }
}

impl Kind for f64 {
    fn kind() -> String {
        "number".to_owned()
    }
    fn schema() -> Value {
        json!({"type": "number"})
    }
}

macro_rules! whole_number {
    ($($type:ty),+) => { $(
        impl Kind for $type {
            fn kind() -> String {
                "whole number".to_owned()
            }
            fn schema() -> Value {
                json!({"type": "integer", "minimum": 0})
            }
        }
    )+ };
}
whole_number!(u32, u64, usize);

impl Kind for Map<String, Value> {
    fn kind() -> String {
        "object".to_owned()
    }
    fn schema() -> Value {
        json!({"type": "object"})
    }
}

impl<T: Kind> Kind for Option<T> {
    fn kind() -> String {
        T::kind()
    }
    fn schema() -> Value {
        json!({"anyOf": [T::schema(), {"type": "null"}]})
    }
}

impl<T: Kind> Kind for Vec<T> {
    fn kind() -> String {
        format!("list of {}", T::kind())
    }
    fn schema() -> Value {
        json!({"type": "array", "items": T::schema()})
    }
}

impl<T: Kind> Kind for BTreeMap<String, T> {
    fn kind() -> String {
        format!("map of name to {}", T::kind())
    }
    fn schema() -> Value {
        json!({"type": "object", "additionalProperties": T::schema()})
    }
}

/// Makes an enum of words, read from and written to the wire as such.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident {
        $( $(#[doc = $doc:literal])+ $(#[$other:meta])* $variant:ident = $word:literal, )+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $( $(#[doc = $doc])+ $(#[$other])* #[serde(rename = $word)] $variant, )+
        }

        impl $name {
            /// The word for it, on the wire and to the CLI.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl $crate::options::described::Kind for $name {
            fn kind() -> String {
                [$(concat!("`", $word, "`")),+].join(", ")
            }
            fn schema() -> serde_json::Value {
                serde_json::json!({"enum": [$($word),+]})
            }
        }
    };
}
pub(super) use words;
