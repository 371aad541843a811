//! The JSON Schema and the table of the options, made from the list of fields.

use serde_json::{Map, Value, json};

use super::{
    Limits, Options, Timeouts,
    described::{Described, Row},
};

/// Every option: its name, what it holds, where it goes, its default, what it does. Options inside others follow them.
///
/// ```
/// let model = madrigal::options::describe().into_iter().find(|option| option.name == "model").unwrap();
/// assert_eq!(model.kind, "text");
/// assert_eq!(model.destination[0].to_string(), "flag `--model`");
/// ```
pub fn describe() -> Vec<Described> {
    let defaults = json!(Options::default());
    let mut all = Vec::new();
    for row in Options::rows() {
        let inner = match row.name {
            "timeouts" => Timeouts::rows(),
            "limits" => Limits::rows(),
            _ => Vec::new(),
        };
        let default = &defaults[row.name];
        let name = row.name;
        all.push(described(&row, name.to_owned(), default));
        for row in inner {
            all.push(described(&row, format!("{name}.{}", row.name), &default[row.name]));
        }
    }
    all
}

fn described(row: &Row, name: String, default: &Value) -> Described {
    Described {
        name,
        kind: row.kind.clone(),
        destination: row.to.to_vec(),
        default: default.clone(),
        summary: row.summary(),
        scenario: row.scenario,
    }
}

/// The JSON Schema of the options, for editors and for checks before a request is made.
///
/// ```
/// let schema = madrigal::options::schema();
/// assert_eq!(schema["properties"]["max_turns"]["anyOf"][0]["type"], "integer");
/// ```
pub fn schema() -> Value {
    let mut schema = of_rows(&Options::rows(), &json!(Options::default()));
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Options".into();
    schema
}

pub(super) fn of_rows(rows: &[Row], defaults: &Value) -> Value {
    let mut properties = Map::new();
    for row in rows {
        let mut field = row.schema.clone();
        field["description"] = row.summary().into();
        if !defaults[row.name].is_null() {
            field["default"] = defaults[row.name].clone();
        }
        properties.insert(row.name.to_owned(), field);
    }
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}
