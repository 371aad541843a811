//! The list of fields is right: each option goes exactly where its row says, and every row has a sample here.

use serde_json::{Map, Value, json};

use super::*;

/// Values that make an option travel every way its row names.
fn samples() -> Map<String, Value> {
    serde_json::from_str(include_str!("samples.json")).unwrap()
}

/// What reaches the program, as the words of [`Destination`].
fn travelled(options: &Options) -> Vec<String> {
    let (base, plain) = (Options::default().launch("claude".into(), false), Options::default().initialize());
    let launch = options.launch("claude".into(), false);
    let mut ways: Vec<String> = Vec::new();
    for arg in launch.args.iter().filter(|arg| !base.args.contains(arg)) {
        let arg = arg.to_string_lossy();
        let name = arg.split('=').next().unwrap_or_default();
        // These say how others are read; they carry nothing themselves.
        if !["--await-initialize", "--initialize-fields", "--managed-settings-in-initialize"].contains(&name)
        {
            ways.push(format!("flag `{name}`"));
        }
    }
    let request = options.initialize();
    for (name, value) in request.as_object().unwrap() {
        if plain.get(name).is_none() {
            match value.get("sandbox").filter(|_| name == "settings") {
                Some(_) => ways.push("`initialize.settings.sandbox`".to_owned()),
                None => ways.push(format!("`initialize.{name}`")),
            }
        }
    }
    ways.extend(
        launch
            .env
            .keys()
            .filter(|name| !base.env.contains_key(*name))
            .map(|name| format!("variable `{}`", name.to_string_lossy())),
    );
    ways
}

#[test]
fn every_option_goes_where_its_row_says_and_nowhere_else() {
    let samples = samples();
    for row in Options::rows() {
        let values = samples.get(row.name).unwrap_or_else(|| panic!("{}: no sample", row.name));
        let mut ways = Vec::new();
        for value in values.as_array().unwrap() {
            let options = Options::from_json(&json!({row.name: value}).to_string()).unwrap();
            ways.extend(travelled(&options));
        }
        // The levels look at the directory; they have tests of their own.
        if row.to == [Destination::Process] || row.name == "workspace" {
            continue;
        }
        // Skills are found in these files, so they bring the choice of files with them.
        ways.retain(|way| row.name != "skills" || !way.contains("setting-sources"));
        ways.sort();
        ways.dedup();
        let mut declared: Vec<String> =
            row.to.iter().filter(|to| **to != Destination::Library).map(ToString::to_string).collect();
        declared.sort();
        assert_eq!(ways, declared, "{}", row.name);
    }
}

#[test]
fn every_field_is_described_once_with_what_it_does() {
    let written = json!(Options::default());
    let mut names: Vec<&str> = Options::rows().iter().map(|row| row.name).collect();
    assert_eq!(names.len(), written.as_object().unwrap().len());
    for row in Options::rows() {
        assert!(written.get(row.name).is_some(), "{} is not a field", row.name);
        assert!(row.summary().len() > 10 && row.summary().ends_with('.'), "{}: {}", row.name, row.summary());
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Options::rows().len());
}

#[test]
fn options_survive_the_wire() {
    for (name, values) in samples() {
        for value in values.as_array().unwrap() {
            let options = Options::from_json(&json!({&name: value}).to_string()).unwrap();
            let again = Options::from_json(&json!(options).to_string()).unwrap();
            assert_eq!(again, options, "{name}");
        }
    }
}

#[test]
fn what_may_be_secret_is_not_shown() {
    let text = json!({
        "model": "opus", "env": {"KEY": "SECRET"}, "extra_args": {"flag": "SECRET"}, "settings": {"env": {"A": "SECRET"}},
        "managed_settings": {"a": "SECRET"}, "mcp_servers": {"s": {"command": "x", "env": {"A": "SECRET"}}},
    });
    let options = Options::from_json(&text.to_string()).unwrap();
    let shown = format!("{options:?}");
    assert!(shown.contains("KEY") && shown.contains("opus") && !shown.contains("SECRET"), "{shown}");
    assert!(!shown.contains("fork_session"), "only what is not the default: {shown}");
    for part in [format!("{:?}", options.settings), format!("{:?}", options.mcp_servers)] {
        assert!(!part.contains("SECRET"), "{part}");
    }
}
