//! The files that every language reads are what they say they are.

use std::{collections::BTreeSet, fs, path::Path};

use madrigal::{ErrorKind, testing::Scenario};
use madrigal_conformance::{known_failing, scenarios};
use serde_json::Value;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn json(path: &str) -> Value {
    let text = fs::read_to_string(here().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_scenario_has_the_form_of_the_schema() {
    let schema = json("scenario.schema.json");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut wrong = Vec::new();
    for scenario in scenarios() {
        for error in validator.iter_errors(&scenario.value) {
            wrong.push(format!("{}: {} at {}", scenario.name, error, error.instance_path()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_schema_refuses_what_no_runner_knows() {
    let validator = jsonschema::validator_for(&json("scenario.schema.json")).unwrap();
    let with = |key: &str, value: Value| {
        let mut scenario = serde_json::json!({"name": "x", "about": "a short story", "mode": "session", "host": [{"open": {}}], "expect": {}});
        assert!(validator.is_valid(&scenario), "the plain one is fine");
        scenario[key] = value;
        validator.is_valid(&scenario)
    };
    assert!(!with("host", serde_json::json!([{"opne": {}}])));
    assert!(!with("cli", serde_json::json!([{"emit": {"no": "type"}}])));
    assert!(!with("expect", serde_json::json!({"mesages": []})));
    assert!(!with("host", serde_json::json!([{"open": {}, "error": {"code": "no_such_code"}}])));
}

#[test]
fn every_field_of_the_schema_is_described() {
    fn look(value: &Value, path: &str, bare: &mut Vec<String>) {
        let Value::Object(fields) = value else {
            if let Value::Array(list) = value {
                list.iter().enumerate().for_each(|(n, value)| look(value, &format!("{path}[{n}]"), bare));
            }
            return;
        };
        for (key, value) in fields {
            let path = format!("{path}.{key}");
            if key == "properties" {
                for (name, field) in value.as_object().unwrap() {
                    if field["description"].is_null() && field["$ref"].is_null() {
                        bare.push(format!("{path}.{name}"));
                    }
                }
            }
            look(value, &path, bare);
        }
    }
    let mut bare = Vec::new();
    look(&json("scenario.schema.json"), "", &mut bare);
    assert!(bare.is_empty(), "{bare:?}");
}

#[test]
fn the_simulator_reads_every_scenario_and_names_are_those_of_the_files() {
    for scenario in scenarios() {
        let read = Scenario::from_file(&scenario.path);
        assert_eq!(read.map(|read| read.name().to_owned()).map_err(|e| e.to_string()), Ok(scenario.name));
    }
}

#[test]
fn every_recording_is_played() {
    let played: BTreeSet<String> = scenarios()
        .iter()
        .flat_map(|scenario| scenario.value["cli"].as_array().cloned().unwrap_or_default())
        .filter_map(|step| Some(step["replay"].as_str()?.trim_start_matches("frames/").to_owned()))
        .collect();
    let there: BTreeSet<String> = fs::read_dir(here().join("../frames"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".jsonl"))
        .collect();
    assert_eq!(played, there);
}

#[test]
fn every_control_request_is_shown_by_the_scenario_it_names() {
    let scenarios = scenarios();
    let mut missing = Vec::new();
    for row in madrigal::protocol::CONTROL_REQUESTS {
        let scenario = scenarios.iter().find(|scenario| scenario.name == row.scenario);
        let shown = scenario.is_some_and(|scenario| {
            let steps = scenario.value["host"].as_array().cloned().unwrap_or_default();
            steps.iter().any(|step| {
                step["call"] == row.method
                    || step["control"]["subtype"] == row.subtype
                    || step.get(row.subtype).is_some()
            })
        });
        if !shown {
            missing.push(format!("{} by {}", row.subtype, row.scenario));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_kind_of_error_has_its_name_in_each_language() {
    let vectors = json("vectors/errors.json");
    let listed: Vec<&str> =
        vectors["errors"].as_array().unwrap().iter().filter_map(|error| error["code"].as_str()).collect();
    let known: Vec<&str> = ErrorKind::ALL.into_iter().map(ErrorKind::code).collect();
    assert_eq!(listed, known);
    for (error, kind) in vectors["errors"].as_array().unwrap().iter().zip(ErrorKind::ALL) {
        assert_eq!(error["rust"], format!("ErrorKind::{kind:?}"));
        assert_eq!(error["elixir"], format!(":{kind}"));
    }
}

#[test]
fn known_failures_name_scenarios_and_say_why() {
    let names: BTreeSet<String> = scenarios().into_iter().map(|scenario| scenario.name).collect();
    for language in ["rust", "python", "node", "elixir"] {
        for (name, reason) in known_failing(language) {
            assert!(names.contains(&name), "{language}: there is no scenario {name}");
            assert!(!reason.is_empty(), "{language}: {name}: why?");
        }
    }
}

#[test]
fn every_kind_of_error_is_explained() {
    let page = fs::read_to_string(here().join("../../docs/errors.md")).unwrap();
    let missing: Vec<_> =
        ErrorKind::ALL.iter().filter(|kind| !page.contains(&format!("\n| `{kind}` |"))).collect();
    assert!(missing.is_empty(), "docs/errors.md says nothing of {missing:?}");
}
