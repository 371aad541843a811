//! The page about the protocol says what the code says.

use std::{fs, path::Path};

use madrigal::hook::HOOK_EVENTS;
use madrigal_conformance::{protocol_page, scenarios};
use serde_json::Value;

#[test]
fn the_page_is_what_the_code_says() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md")).unwrap();
    let written = protocol_page();
    let differs = written.lines().zip(page.lines()).find(|(new, old)| new != old);
    assert!(
        written == page,
        "docs/protocol.md is out of date, first at {differs:?}: `cargo run -p madrigal-conformance --bin protocol-page > docs/protocol.md`"
    );
}

/// What goes to a session store: scenarios say what the store got, not which frame or option made it so.
const STORE: [&str; 3] = ["transcript_mirror", "timeouts.store_ms", "session_store_flush"];

/// Each row is shown by a scenario, and by one that exists; an option, by one that does not only refuse it.
#[test]
fn every_row_names_a_scenario_that_exists() {
    let names: Vec<String> = scenarios().into_iter().map(|scenario| scenario.name).collect();
    let page = protocol_page();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert!(rows.len() > 200, "only {} rows were found", rows.len());
    for line in rows {
        let cell = line.trim_end_matches(" |").rsplit("| ").next().unwrap_or_default();
        let known = names.iter().any(|name| cell == format!("`{name}`"));
        let stored = cell == "-" && STORE.iter().any(|name| line.starts_with(&format!("| `{name}` |")));
        assert!(known || stored, "no scenario shows this row: {line}");
    }
}

/// A hook event is shown whole: the program sends every field of its input and gets every field of its output.
#[test]
fn every_field_of_every_hook_event_is_shown() {
    let mut objects = Vec::new();
    let scenarios = scenarios();
    scenarios.iter().for_each(|scenario| objects_of(&scenario.value, &mut objects));
    let shown = |name: &str, event: &str, field: &str| {
        objects.iter().any(|object| object[name] == event && object.get(field).is_some())
    };
    let mut missing = Vec::new();
    for info in HOOK_EVENTS {
        let input = info.input.iter().map(|field| ("hook_event_name", field.trim_end_matches('?')));
        let output = info.output.iter().map(|field| ("hookEventName", *field));
        let hidden = input.chain(output).filter(|(name, field)| !shown(name, info.name, field));
        missing.extend(hidden.map(|(_, field)| format!("{}.{field}", info.name)));
    }
    assert!(missing.is_empty(), "no scenario has {missing:?}");
}

fn objects_of<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.push(value);
            fields.values().for_each(|field| objects_of(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| objects_of(item, found)),
        _ => {}
    }
}
