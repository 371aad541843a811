//! Every method sends what it should and reads what comes back; the table of requests says the same as the methods.

use std::{collections::BTreeMap, future::IntoFuture, time::Duration};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Control;
use crate::{
    ErrorKind, Options, Result, Session, options::PermissionMode, protocol::CONTROL_REQUESTS, testing::Script,
};

async fn open(script: &Script) -> Session {
    Session::builder(Options::default()).transport(script.clone()).open().await.unwrap()
}

/// A program that answers one request in this way.
fn answering(subtype: &str, answer: Value) -> Script {
    Script::from_json(&json!({"control": {subtype: answer}}).to_string()).unwrap()
}

/// What was sent and what came back, both as the CLI writes them.
async fn call<T: Serialize + Send + 'static>(
    done: &mut BTreeMap<String, Result<Value>>,
    control: Control<T>,
) {
    let subtype = control.subtype.clone();
    let answer = control.into_future().await.map(|answer| serde_json::to_value(answer).unwrap());
    assert!(done.insert(subtype.clone(), answer).is_none(), "{subtype} was called before");
}

/// Every method once, with all that can be said to it.
async fn call_all(session: &Session, done: &mut BTreeMap<String, Result<Value>>) {
    let settings = || Map::from_iter([("effortLevel".to_owned(), json!("low"))]);
    call(done, session.interrupt().cancel_queued()).await;
    call(done, session.set_model(Some("haiku"))).await;
    call(done, session.set_permission_mode(PermissionMode::Plan)).await;
    call(done, session.set_mcp_permission_mode_override("x", Some("auto"))).await;
    call(done, session.set_max_thinking_tokens(Some(1024)).with("thinking_display", "omitted")).await;
    call(done, session.apply_flag_settings(settings())).await;
    call(done, session.update_settings("localSettings", settings())).await;
    call(done, session.mcp_server_status()).await;
    call(done, session.set_mcp_servers(Map::from_iter([("calc".to_owned(), json!({"type": "http"}))]))).await;
    call(done, session.reconnect_mcp_server("calc")).await;
    call(done, session.toggle_mcp_server("calc", false)).await;
    call(done, session.mcp_call("mcp__calc__add", json!({"a": 1}))).await;
    call(done, session.read_mcp_resource("calc", "ui://a")).await;
    call(done, session.mcp_message("calc", json!({"jsonrpc": "2.0"}))).await;
    call(done, session.rewind_files("u", true)).await;
    call(done, session.read_file("Cargo.toml").max_bytes(3).base64()).await;
    call(done, session.seed_read_state("a.txt", 7)).await;
    call(done, session.file_suggestions("a")).await;
    call(done, session.register_repo_root("sub")).await;
    call(done, session.stop_task("t")).await;
    call(done, session.background_tasks(Some("toolu"))).await;
    call(done, session.get_task_output("t")).await;
    call(done, session.cancel_async_message("u")).await;
    call(done, session.get_context_usage().summary()).await;
    call(done, session.get_usage().skip_behaviors()).await;
    call(done, session.get_session_cost()).await;
    call(done, session.get_settings()).await;
    call(done, session.list_permission_rules()).await;
    call(done, session.get_hooks_listing()).await;
    call(done, session.list_models()).await;
    call(done, session.get_binary_version()).await;
    call(done, session.rename_session("title")).await;
    call(done, session.generate_session_title("about", true)).await;
    call(done, session.side_question("what?")).await;
    call(done, session.reload_plugins()).await;
    call(done, session.reload_skills()).await;
    call(done, session.reload_output_styles()).await;
    call(done, session.set_has_subscribers(None)).await;
    call(done, session.set_color("red")).await;
    call(done, session.end_session("over")).await;
}

/// Names that end in `?` may be left out; here nothing was.
fn names(list: &[&str]) -> Vec<String> {
    let mut names: Vec<_> = list.iter().map(|name| name.trim_end_matches('?').to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn every_row_of_the_table_has_a_method_that_sends_its_fields() {
    let script = Script::new();
    let mut done = BTreeMap::new();
    call_all(&open(&script).await, &mut done).await;
    let sent: BTreeMap<String, Vec<String>> = script
        .received()
        .into_iter()
        .filter(|frame| frame["type"] == "control_request")
        .map(|frame| {
            let request = frame["request"].as_object().unwrap();
            let fields = request.keys().filter(|key| *key != "subtype").cloned().collect();
            (request["subtype"].as_str().unwrap().to_owned(), fields)
        })
        .filter(|(subtype, _)| subtype != "initialize")
        .collect();
    let table: BTreeMap<String, Vec<String>> =
        CONTROL_REQUESTS.iter().map(|row| (row.subtype.to_owned(), names(row.fields))).collect();
    assert_eq!(sent, table);
    let refused: Vec<_> =
        done.iter().filter(|(_, answer)| answer.is_err()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(refused, ["get_task_output", "mcp_read_resource", "rewind_files", "set_color"]);
}

#[tokio::test]
async fn every_answer_keeps_what_this_library_does_not_know() {
    for row in CONTROL_REQUESTS.iter().filter(|row| !row.answer.is_empty()) {
        let mut answer = Map::from_iter([("brandNew".to_owned(), json!({"a": [1]}))]);
        let known = |name: &str| match name {
            "canRewind" | "cancelled" if row.subtype != "interrupt" => json!(true),
            "lossy" | "truncated" | "synthetic" | "rate_limits_available" => json!(true),
            "insertions" | "deletions" | "skippedLinks" | "total_bytes" | "totalTokens" | "maxTokens"
            | "rawMaxTokens" | "error_count" => json!(7),
            "percentage" => json!(1.5),
            "still_queued"
            | "cancelled"
            | "filesChanged"
            | "added"
            | "removed"
            | "available_output_styles" => json!(["a"]),
            "contents" if row.subtype == "read_file" => json!("text"),
            "suggestions" | "contents" | "categories" | "events" | "hooks" | "eventCatalog" | "models"
            | "commands" | "agents" | "plugins" | "mcpServers" | "skills" | "sources" => json!([]),
            "errors" | "effective" | "applied" | "state" => json!({}),
            "session" => json!({
                "total_cost_usd": 0.5, "total_api_duration_ms": 1.0, "total_duration_ms": 2.0, "total_lines_added": 3,
                "total_lines_removed": 4, "model_usage": {},
            }),
            _ => json!("text"),
        };
        answer.extend(row.answer.iter().map(|name| ((*name).to_owned(), known(name))));
        let script = answering(row.subtype, json!({"response": answer}));
        let mut done = BTreeMap::new();
        if row.subtype == "interrupt" || row.subtype == "cancel_async_message" {
            continue; // those the player answers itself; their answers are in other tests
        }
        call_all(&open(&script).await, &mut done).await;
        assert_eq!(done[row.subtype].as_ref().unwrap(), &Value::Object(answer), "{}", row.subtype);
    }
}

#[tokio::test]
async fn typed_answers_are_read_from_what_the_real_program_said() {
    let script = Script::from_json(
        r#"{"control": {"mcp_status": {"response": {"mcpServers": [
            {"name": "bad", "status": "failed", "error": "ENOENT", "config": {"env": {"KEY": "test-secret"}}, "transport": "stdio"},
            {"name": "calc", "status": "connected", "tools": [{"name": "one", "annotations": {}}]}]}}},
            "cli": [{"await": {"type": "user"}}, {"result": {}}]}"#,
    );
    let mut session = open(&script.unwrap()).await;
    let servers = session.mcp_server_status().await.unwrap().mcp_servers;
    assert_eq!(servers[0].error.as_deref(), Some("ENOENT"));
    assert!(!format!("{servers:?}").contains("test-secret"), "a configuration can hold secrets");
    assert_eq!(servers[1].tools.as_ref().unwrap()[0].name, "one");
    let turn = session.send("hi").await.unwrap();
    let prompt = turn.uuid().to_owned();
    turn.result().await.unwrap();
    assert_eq!(session.rewind_files(&prompt, true).await.unwrap().files_changed, Some(vec![]));
    assert_eq!(session.rewind_files(&prompt, false).await.unwrap().skipped_links, Some(0));
    assert!(session.get_usage().await.unwrap().session.total_cost_usd > 0.0);
}

#[tokio::test]
async fn what_was_told_at_the_start_is_not_asked_again() {
    let script = Script::new();
    let session = open(&script).await;
    assert_eq!(session.supported_commands().await.unwrap()[1].aliases.as_ref().unwrap()[0], "reset");
    assert_eq!(session.supported_agents().await.unwrap()[1].model.as_deref(), Some("inherit"));
    assert_eq!(session.account_info().await.unwrap().api_provider.as_deref(), Some("firstParty"));
    assert_eq!(script.received().len(), 1, "only `initialize`");
}

#[tokio::test]
async fn a_refusal_has_every_fact_the_program_gave() {
    let answer =
        json!({"error": "Model 'x' not found", "error_code": "not_found", "model": "claude-opus-5-5"});
    let session = open(&answering("set_model", answer)).await;
    let error = session.set_model(Some("x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Control);
    assert_eq!(
        (&error.context()["error_code"], &error.context()["model"]),
        (&json!("not_found"), &json!("claude-opus-5-5"))
    );
}

#[tokio::test]
async fn an_answer_of_another_form_names_the_field() {
    let session = open(&answering("get_context_usage", json!({"response": {"totalTokens": "many"}}))).await;
    let error = session.get_context_usage().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(error.context()["field"], "totalTokens");
    assert_eq!(session.control("get_context_usage", Value::Null).await.unwrap()["totalTokens"], "many");
}

#[tokio::test]
async fn what_cannot_be_a_request_is_refused_before_it_is_sent() {
    let session = open(&Script::new()).await;
    for (subtype, fields, field) in
        [("", json!({}), "subtype"), ("initialize", json!({}), "subtype"), ("x", json!([]), "fields")]
    {
        let error = session.control(subtype, fields).await.unwrap_err();
        assert_eq!((error.kind(), &error.context()["field"]), (ErrorKind::InvalidArgument, &json!(field)));
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_can_have_a_limit_of_its_own() {
    let script =
        Script::new().await_frame(json!({"type": "control_request", "request": {"subtype": "never"}})).hang();
    let session = open(&script).await;
    let started = tokio::time::Instant::now();
    let error = session.control("never", Value::Null).within(Duration::from_secs(3)).await.unwrap_err();
    assert_eq!((error.kind(), started.elapsed().as_secs()), (ErrorKind::Timeout, 3));
    assert!(!error.message().contains("control_ms"), "{error}");
    let error = session.control("again", Value::Null).await.unwrap_err();
    assert!(error.message().contains("timeouts.control_ms"), "{error}");
    let patient = session.control("patient", Value::Null).without_limit();
    assert!(tokio::time::timeout(Duration::from_secs(300), patient.into_future()).await.is_err());
}

#[tokio::test]
async fn requests_are_sent_in_the_order_they_were_started() {
    let script = Script::new();
    let session = open(&script).await;
    let first = session.set_model(Some("a")).into_future();
    let second = session.set_model(Some("b")).into_future();
    assert_eq!(second.await.unwrap().model.as_deref(), Some("b"));
    assert_eq!(first.await.unwrap().model.as_deref(), Some("a"));
    let models: Vec<_> =
        script.received()[1..].iter().map(|frame| frame["request"]["model"].clone()).collect();
    assert_eq!(models, ["a", "b"]);
}
