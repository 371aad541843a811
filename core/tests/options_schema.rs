//! The committed schema of the options is that of the code. `MADRIGAL_UPDATE=1 cargo test -p madrigal --test options_schema`
//! writes it anew.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs, path::Path};

use madrigal::{Options, options};
use serde_json::{Value, json};

#[test]
fn the_committed_schema_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/options.schema.json");
    let written = format!("{:#}\n", options::schema());
    if std::env::var_os("MADRIGAL_UPDATE").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == written,
        "docs/options.schema.json is not that of the code: set MADRIGAL_UPDATE=1 and run this test"
    );
}

#[test]
fn the_schema_takes_what_the_code_takes() {
    let schema = jsonschema::validator_for(&options::schema()).unwrap();
    let samples: Value = serde_json::from_str(include_str!("../src/options/samples.json")).unwrap();
    for (name, values) in samples.as_object().unwrap() {
        for value in values.as_array().unwrap() {
            let options = json!({name: value});
            assert!(schema.is_valid(&options), "{options}");
        }
    }
    assert!(schema.is_valid(&json!(Options::default())));
}

#[test]
fn the_schema_refuses_what_the_code_refuses() {
    let schema = jsonschema::validator_for(&options::schema()).unwrap();
    for text in [
        r#"{"modle": "opus"}"#,
        r#"{"max_turns": "three"}"#,
        r#"{"max_turns": -1}"#,
        r#"{"timeouts": {"strat_ms": 5}}"#,
        r#"{"permission_mode": "yolo"}"#,
        r#"{"system_prompt": 7}"#,
        r#"{"tools": "Bash"}"#,
        r#"{"skills": "some"}"#,
        r#"{"thinking": {"type": "deep"}}"#,
        r#"{"output_format": {"type": "json_schema"}}"#,
        r#"{"agents": {"a": "x"}}"#,
        r#"{"plugins": [{"path": "x"}]}"#,
        r#"{"workspace": "open"}"#,
        r#"{"trace_context": {}}"#,
    ] {
        assert!(!schema.is_valid(&serde_json::from_str(text).unwrap()), "{text}");
        assert!(Options::from_json(text).is_err(), "{text}");
    }
}
