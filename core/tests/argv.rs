//! What options put on a command line arrives at a real program byte for byte, and never as a flag of its own.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use madrigal::{
    Options,
    options::{Plugin, PluginType, SystemPrompt, Tools},
    transport::{ChildTransport, Transport},
};
use proptest::prelude::*;
use tokio::io::AsyncReadExt;

/// Any text a host could pass: quotes, dashes, line breaks, other scripts; no NUL, which is refused.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["--?[a-z-]{0,8}(=[a-z])?", "[ \\t\\n\"'$`\\\\*;|&<>=-]{1,9}", "[^\\x00]{1,12}"]
}

/// Any path, also one that is no text.
fn path() -> impl Strategy<Value = OsString> {
    proptest::collection::vec(1..=255_u8, 1..12).prop_map(OsString::from_vec)
}

fn options() -> impl Strategy<Value = Options> {
    let one = (text(), text(), text(), text(), path());
    let many = (
        proptest::collection::vec(text(), 1..4),
        proptest::collection::vec(path(), 1..4),
        proptest::collection::btree_map("[a-z][a-z-]{0,8}x", proptest::option::of(text()), 0..4),
    );
    (one, many).prop_map(|((model, agent, resume, client, file), (list, dirs, extra))| Options {
        model: Some(model),
        agent: Some(agent),
        resume: Some(resume.clone()),
        resume_session_at: Some(resume),
        client_app: Some(client),
        system_prompt: Some(SystemPrompt::File(file.clone().into())),
        debug_file: Some(file.clone().into()),
        plugins: vec![Plugin { kind: PluginType::Local, path: file.into(), skip_mcp_discovery: true }],
        allowed_tools: list.clone(),
        tools: Some(Tools::List(list)),
        add_dirs: dirs.into_iter().map(Into::into).collect(),
        extra_args: BTreeMap::from_iter(extra),
        ..Options::default()
    })
}

/// The arguments as a program found them, and one of its variables.
async fn echoed(options: &Options) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut launch = options.launch("/bin/sh".into(), false);
    let script =
        r#"for arg in "$@"; do printf '%s\0' "$arg"; done; printf '%s\0' "$CLAUDE_AGENT_SDK_CLIENT_APP""#;
    launch.args.splice(0..0, ["-c", script, "sh"].map(OsString::from));
    let mut connection = ChildTransport.connect(launch).await.unwrap();
    let mut said = Vec::new();
    connection.output.read_to_end(&mut said).await.unwrap();
    let mut parts: Vec<Vec<u8>> = said.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    assert_eq!(parts.pop(), Some(Vec::new()));
    let variable = parts.pop().unwrap();
    (parts, variable)
}

#[test]
fn arguments_arrive_byte_for_byte() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    proptest!(ProptestConfig::with_cases(200), |(options in options())| {
        let expected: Vec<Vec<u8>> =
            options.launch("/bin/sh".into(), false).args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
        let (arrived, variable) = runtime.block_on(echoed(&options));
        prop_assert_eq!(&arrived, &expected);
        prop_assert_eq!(variable, options.client_app.clone().unwrap().into_bytes());
        // Each value is inside the argument of its flag: nothing a host passed begins an argument.
        let model = format!("--model={}", options.model.clone().unwrap());
        prop_assert!(arrived.contains(&model.into_bytes()));
        let known = arrived.iter().all(|arg| {
            let name = String::from_utf8_lossy(arg.split(|byte| *byte == b'=').next().unwrap()).into_owned();
            let extra = name.strip_prefix("--").is_some_and(|name| options.extra_args.contains_key(name));
            extra || KNOWN.contains(&name.as_str())
        });
        prop_assert!(known, "{:?}", arrived);
    });
}

const KNOWN: [&str; 14] = [
    "-p",
    "--input-format",
    "--output-format",
    "--verbose",
    "--model",
    "--agent",
    "--resume",
    "--resume-session-at",
    "--system-prompt-file",
    "--debug-file",
    "--plugin-dir-no-mcp",
    "--allowedTools",
    "--tools",
    "--add-dir",
];

#[test]
fn a_text_with_nul_is_refused_wherever_it_stands() {
    for field in [
        "model",
        "agent",
        "resume",
        "resume_session_at",
        "resume_drops_turn",
        "client_app",
        "user",
        "cwd",
        "debug_file",
        "permission_prompt_tool_name",
        "fallback_model",
        "project_config_root",
        "settings",
        "mcp_servers",
    ] {
        let text = serde_json::json!({field: "a\0b"}).to_string();
        let error = Options::from_json(&text).unwrap().validate().unwrap_err();
        assert_eq!(error.context()["field"], field);
        assert!(error.message().contains("NUL"), "{error}");
    }
}
