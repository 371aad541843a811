//! The page about the protocol says what the code says.

use std::{fs, path::Path};

use madrigal_conformance::{protocol_page, scenarios};

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

#[test]
fn every_message_kind_is_proven_and_every_scenario_named_exists() {
    let names: Vec<String> = scenarios().into_iter().map(|scenario| scenario.name).collect();
    let page = protocol_page();
    let part = |from: &str, to: &str| page.split(from).nth(1).unwrap().split(to).next().unwrap().to_owned();
    // A mirrored transcript goes to a store; those scenarios say what the store got, not the frame.
    for line in part("## Messages\n", "## Hook events").lines().filter(|line| line.starts_with("| `")) {
        let mirrored = line.starts_with("| `transcript_mirror`");
        assert!(mirrored || !line.ends_with("| - |"), "no scenario has {line}");
    }
    for line in page.lines().filter(|line| line.starts_with("| `") && !line.ends_with("| - |")) {
        let cell = line.trim_end_matches(" |").rsplit("| ").next().unwrap_or_default();
        let name = cell.trim_matches('`');
        assert!(names.iter().any(|known| known == name), "{line}");
    }
}
