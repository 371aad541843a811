//! Agents that come with the library, on the real `claude`: given with the options, and as files that were saved.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeMap;

use madrigal::{
    Options, Session,
    agents::{AgentPreset, SaveAgent, agent_to_markdown, presets, save_agent},
    options::SettingSource,
};
use madrigal_real::{Place, cases};
use serde_json::{Value, json};

/// The names that the program lists when a session with these options begins.
async fn listed(options: Options) -> Vec<String> {
    let mut session = Session::builder(options).open().await.unwrap();
    let mut turn = session.send("Please say hello.").await.unwrap();
    let mut names = None;
    while let Some(message) = turn.next().await {
        let message: Value = serde_json::from_str(&message.unwrap().to_string()).unwrap();
        if message["subtype"] == "init" {
            names = Some(serde_json::from_value(message["agents"].clone()).unwrap());
        }
    }
    session.close().await;
    names.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_preset_is_an_agent_of_the_program() {
    let place = Place::new();
    let all = presets(None).unwrap();
    let agents: BTreeMap<_, _> =
        all.iter().map(|preset| (preset.name.clone(), preset.agent.clone().into())).collect();
    let listed = listed(Options { agents, ..place.options() }).await;
    for AgentPreset { name, .. } in &all {
        assert!(listed.contains(name), "{name} is not among {listed:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_preset_that_was_saved_is_an_agent_of_the_program() {
    let place = Place::new();
    let all = presets(None).unwrap();
    for AgentPreset { name, agent, .. } in &all {
        let request = SaveAgent {
            name: name.clone(),
            agent: agent.clone().into(),
            cwd: Some(place.work()),
            ..SaveAgent::default()
        };
        save_agent(&request).unwrap();
    }
    let none = listed(Options { setting_sources: Some(Vec::new()), ..place.options() }).await;
    let found =
        listed(Options { setting_sources: Some(vec![SettingSource::Project]), ..place.options() }).await;
    for AgentPreset { name, .. } in &all {
        assert!(found.contains(name) && !none.contains(name), "{name}: {found:?}, without files {none:?}");
    }
}

/// `agent_in_a_file` shows the program a file as it is written here.
#[test]
fn the_file_of_the_case_is_one_that_is_saved() {
    let case = cases().into_iter().find(|case| case.name() == "agent_in_a_file").unwrap();
    let looker =
        json!({"description": "Looks for files", "prompt": "You look for files.", "tools": ["Glob"]});
    let agent = serde_json::from_value(looker).unwrap();
    let written = agent_to_markdown("looker", &agent).unwrap();
    assert_eq!(case.made(".claude/agents/looker.md"), Some(&*written));
}
