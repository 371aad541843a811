//! The bridge as a binding sees it: texts in, texts out, one wake per edge, over the real simulator process.

#![allow(clippy::unwrap_used)] // a test that cannot go on must stop

mod host;

use std::{path::PathBuf, sync::Arc, time::Duration};

use madrigal_bridge::{
    Close, ErrorKind, Wake, close, drain, logs, open, release, set_log_level, shutdown, submit,
};
use serde_json::{Value, json};

use host::{Bell, Host, simulator};

fn ask() -> Value {
    let request = json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {}, "tool_use_id": "t"});
    json!({"type": "control_request", "request_id": "r1", "request": request})
}

#[test]
fn a_query_from_open_to_end() {
    let mut host = Host::open(&json!([
        {"await": {"type": "user"}}, {"stderr": "a warning\n"}, {"init": {}}, {"text": {"text": "Hello"}}, {"result": {}}
    ]));
    host.say(&json!({"command": "send", "id": 1, "prompt": "hi"}));
    host.say(&json!({"command": "finish", "id": 2}));
    host.until(|host| host.end.is_some());
    assert_eq!(host.end.as_ref().unwrap(), &json!({"exit": {"code": 0}, "error": null}));
    assert!(host.messages.iter().any(|message| message["type"] == "result"));
    host.until(|host| host.signals.len() == 4);
    let opened = host.signal("opened").unwrap();
    assert!(opened["pid"].is_u64() && opened["info"].is_object(), "{opened}");
    assert!(host.signals.iter().any(|signal| signal["id"] == 1 && signal["result"]["uuid"].is_string()));
    assert!(host.signals.iter().any(|signal| signal["id"] == 2 && signal["result"].is_null()));
    assert_eq!(host.signal("stderr").unwrap()["line"], "a warning");
    assert_eq!(drain(host.session, 10).unwrap().end, host.end, "the end stays");
    release(host.session);
    assert_eq!(drain(host.session, 10).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_failed_callback_denies_and_comes_back_under_the_number_of_its_question() {
    let denied = json!({"type": "control_response", "response": {"response": {"behavior": "deny", "message": "boom"}}});
    let mut host =
        Host::open(&json!([{"await": {"type": "user"}}, {"emit": ask()}, {"await": denied}, {"result": {}}]));
    host.say(&json!({"command": "send", "id": 1, "prompt": "hi"}));
    host.until(|host| host.signal("ask").is_some());
    let asked = host.signal("ask").unwrap().clone();
    assert_eq!((&asked["kind"], &asked["request"]["tool_name"]), (&json!("can_use_tool"), &json!("Bash")));
    host.say(&json!({"command": "answer", "ask": asked["ask"], "error": {"message": "boom"}}));
    host.until(|host| host.messages.iter().any(|message| message["type"] == "result"));
    assert_eq!(
        (&host.errors[0]["code"], &host.errors[0]["context"]["ask"]),
        (&json!("callback"), &asked["ask"])
    );
    close(host.session, Close::Graceful);
    host.until(|host| host.end.is_some());
    assert_eq!(host.end.as_ref().unwrap()["error"], Value::Null);
}

#[test]
fn hooks_and_tools_of_the_host_are_asked_by_kind() {
    let server = |id: &str, message: Value| {
        json!({"emit": {"type": "control_request", "request_id": id,
            "request": {"subtype": "mcp_message", "server_name": "calc", "message": message}}})
    };
    let call = json!({"jsonrpc": "2.0", "id": 5, "method": "tools/call",
        "params": {"name": "add", "arguments": {"a": 1}, "_meta": {"progressToken": 5}}});
    let told = |method: &str| json!({"await": {"type": "control_request", "request": {"subtype": "mcp_message", "message": {"method": method}}}});
    let cli = json!([
        {"await": {"type": "user"}},
        {"emit": {"type": "control_request", "request_id": "r1",
            "request": {"subtype": "hook_callback", "callback_id": "h1", "input": {}, "tool_use_id": "t"}}},
        {"await": {"response": {"request_id": "r1", "response": {"continue": true}}}},
        server("r2", call),
        told("notifications/progress"),
        {"await": {"response": {"request_id": "r2", "response": {"mcp_response": {"id": 5}}}}},
        server("r3", json!({"jsonrpc": "2.0", "id": 6, "method": "tools/call", "params": {"name": "add"}})),
        server("r4", json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 6}})),
        {"result": {}}
    ]);
    let provided = json!({
        "hooks": {"PreToolUse": [{"matcher": "Bash", "callbacks": ["h1"]}]},
        "tool_servers": [{"name": "calc", "version": "1.0.0", "tools": [{"name": "add", "inputSchema": {"type": "object"}}]}],
    });
    let mut host = Host::open_with(&cli, provided);
    host.say(&json!({"command": "send", "id": 1, "prompt": "hi"}));
    host.until(|host| host.signal("ask").is_some());
    let asked = host.signal("ask").unwrap().clone();
    assert_eq!((&asked["kind"], &asked["request"]["callback_id"]), (&json!("hook_callback"), &json!("h1")));
    host.signals.clear();
    host.say(&json!({"command": "answer", "ask": asked["ask"], "result": {"continue": true}}));
    host.until(|host| host.signal("ask").is_some());
    let asked = host.signal("ask").unwrap().clone();
    assert_eq!(asked["kind"], "tool_call");
    assert_eq!(
        asked["request"],
        json!({"server": "calc", "tool": "add", "arguments": {"a": 1}, "meta": {"progressToken": 5}})
    );
    host.say(&json!({"command": "progress", "ask": asked["ask"], "progress": 1, "total": 2}));
    host.say(&json!({"command": "answer", "ask": asked["ask"], "result": {"content": []}}));
    // The second call is withdrawn by the program.
    host.until(|host| host.signal("ask_cancelled").is_some());
    host.say(&json!({"command": "set_tools", "id": 9, "server": "calc", "tools": []}));
    host.until(|host| host.signals.iter().any(|signal| signal["id"] == 9 && signal["result"].is_null()));
    host.say(&json!({"command": "set_tools", "id": 10, "server": "ghost", "tools": []}));
    host.until(|host| host.signals.iter().any(|signal| signal["id"] == 10 && signal["error"].is_object()));
    release(host.session);
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_reason() {
    let bell: Arc<dyn Wake> = Arc::new(Bell::default());
    let refused = |request: &str| open(request, bell.clone()).unwrap_err();
    assert_eq!(refused("{").kind(), ErrorKind::InvalidArgument);
    assert_eq!(refused(r#"{"options": {"modle": 1}}"#).kind(), ErrorKind::InvalidOptions);
    assert_eq!(refused(r#"{"asks": ["anything"]}"#).context()["field"], "asks");
    assert_eq!(refused(r#"{"hooks": {"PreTolUse": []}}"#).context()["field"], "hooks.PreTolUse");
    assert_eq!(refused(r#"{"tool_servers": [{"name": ""}]}"#).context()["field"], "tool_servers[0].name");
    let host = Host::open(&json!([]));
    assert_eq!(
        submit(host.session, r#"{"command": "dance"}"#).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    assert_eq!(submit(999_999, "{}").unwrap_err().kind(), ErrorKind::Closed);
    release(host.session);
}

#[test]
fn a_missing_program_is_the_end_of_the_stream() {
    let bell = Arc::new(Bell::default());
    let request = json!({"options": {"cli_path": "/nowhere/claude"}});
    let session = open(&request.to_string(), bell.clone()).unwrap();
    let mut seen = 0;
    let end = loop {
        if let Some(end) = drain(session, 1).unwrap().end {
            break end;
        }
        bell.wait(&mut seen);
    };
    assert_eq!((&end["error"]["code"], &end["exit"]), (&json!("cli_not_found"), &Value::Null));
}

#[test]
fn closing_now_ends_a_program_that_hangs_and_withdraws_open_questions() {
    let mut host = Host::open(&json!([{"emit": ask()}, {"hang": true}]));
    host.until(|host| host.signal("ask").is_some());
    close(host.session, Close::Now);
    host.until(|host| host.end.is_some() && host.signal("ask_cancelled").is_some());
}

#[test]
fn a_panic_becomes_an_error() {
    let error = madrigal_bridge::catch::<()>(|| panic!("a test panics on purpose")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.message().contains("on purpose"));
}

/// In a process of its own, for it ends every session there is.
#[test]
fn shutdown_ends_every_process() {
    const CHILD: &str = "MADRIGAL_TEST_SHUTDOWN";
    if std::env::var_os(CHILD).is_none() {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "shutdown_ends_every_process"])
            .env(CHILD, "1")
            .env("MADRIGAL_BIN", simulator());
        assert!(child.status().unwrap().success());
        return;
    }
    let mut host = Host::open(&json!([{"await_eof": true}, {"hang": true}]));
    host.until(|host| host.signal("opened").is_some());
    let pid = host.signal("opened").unwrap()["pid"].clone();
    assert!(PathBuf::from(format!("/proc/{pid}")).exists());
    shutdown(Duration::from_secs(10));
    assert!(!PathBuf::from(format!("/proc/{pid}")).exists());
    assert_eq!(drain(host.session, 1).unwrap_err().kind(), ErrorKind::Closed);
    // The engine can be used again.
    let mut host = Host::open(&json!([]));
    host.until(|host| host.signal("opened").is_some());
    release(host.session);
}

/// In a process of its own, for there is one log for all sessions.
#[test]
fn log_lines_wait_for_the_host_at_the_level_it_chose() {
    const CHILD: &str = "MADRIGAL_TEST_LOG";
    if std::env::var_os(CHILD).is_none() {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "log_lines_wait_for_the_host_at_the_level_it_chose"]);
        assert!(child.env(CHILD, "1").env("MADRIGAL_BIN", simulator()).status().unwrap().success());
        return;
    }
    assert_eq!(set_log_level("loud", None).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let mut host = Host::open(&json!([]));
    host.until(|host| host.signal("opened").is_some());
    assert!(logs().is_empty(), "off by default");
    set_log_level("debug", Some(host.bell.clone())).unwrap();
    let mut host = Host::open(&json!([]));
    host.until(|host| host.signal("opened").is_some());
    let lines: Vec<Value> = logs().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let started = lines.iter().find(|line| line["message"] == "started the claude program").unwrap();
    assert_eq!(
        (&started["level"], &started["target"]),
        (&json!("debug"), &json!("madrigal::session::starter"))
    );
    assert_eq!(started["fields"]["pid"], host.signal("opened").unwrap()["pid"]);
    assert!(
        !lines.iter().any(|line| line.to_string().contains("MADRIGAL_SIMULATE")),
        "no environment in a log"
    );
}

/// A store in a few lines, for the questions a session or an operation puts.
#[derive(Default)]
struct Shelf(Vec<(Value, Vec<Value>)>);

impl Shelf {
    fn serve(&mut self, host: &mut Host) {
        let asked: Vec<Value> =
            host.signals.iter().filter(|signal| signal["kind"] == "session_store").cloned().collect();
        host.signals.retain(|signal| signal["kind"] != "session_store");
        for ask in asked {
            let (request, mut result) = (&ask["request"], Value::Null);
            // Each number is a store of its own.
            let key = json!([request["store"], request["key"]]);
            match request["method"].as_str().unwrap() {
                "append" => {
                    let entries = request["entries"].as_array().unwrap().clone();
                    match self.0.iter_mut().find(|(other, _)| *other == key) {
                        Some((_, kept)) => kept.extend(
                            entries
                                .into_iter()
                                .filter(|entry| {
                                    entry["uuid"].is_null()
                                        || !kept.iter().any(|old| old["uuid"] == entry["uuid"])
                                })
                                .collect::<Vec<_>>(),
                        ),
                        None => self.0.push((key, entries)),
                    }
                }
                "load" => {
                    let found = self.0.iter().find(|(other, _)| *other == key);
                    result = found.map(|(_, entries)| json!(entries)).unwrap_or_default();
                }
                other => panic!("{other} was not offered"),
            }
            host.say(&json!({"command": "answer", "ask": ask["ask"], "result": result}));
        }
    }
}

const SESSION: &str = "00000000-0000-4000-8000-000000000001";

#[test]
fn the_store_of_the_host_gets_the_transcript_before_the_end() {
    let frame = json!({"type": "transcript_mirror", "filePath": format!("/c/projects/-srv/{SESSION}.jsonl"),
        "entries": [{"type": "user", "uuid": "u1"}]});
    let cli = json!([{"await": {"type": "user"}}, {"emit": frame}, {"result": {}}]);
    let mut host = Host::open_with(&cli, json!({"session_store": {"methods": ["append", "load"]}}));
    host.say(&json!({"command": "send", "prompt": "hi"}));
    host.say(&json!({"command": "finish"}));
    let mut shelf = Shelf::default();
    while host.end.is_none() {
        host.until(|host| host.end.is_some() || host.signal("ask").is_some());
        shelf.serve(&mut host);
    }
    let key = json!([null, {"project_key": "-srv", "session_id": SESSION}]);
    assert_eq!(shelf.0, [(key, vec![json!({"type": "user", "uuid": "u1"})])]);
    assert!(!host.messages.iter().any(|message| message["type"] == "transcript_mirror"));
}

/// An operation from its request to its end; returns the reply.
fn work(operation: Value) -> Value {
    let bell = Arc::new(Bell::default());
    let request = json!({"operation": operation, "session_store": {"methods": ["append", "load"]}});
    let session = open(&request.to_string(), bell.clone()).unwrap();
    let mut host =
        Host { session, bell, seen: 0, signals: vec![], messages: vec![], errors: vec![], end: None };
    let mut shelf = Shelf::default();
    while host.end.is_none() {
        host.until(|host| host.end.is_some() || host.signal("ask").is_some());
        shelf.serve(&mut host);
    }
    host.take();
    assert_eq!(host.end, Some(json!({"exit": null, "error": null})));
    let reply = host.signal("reply").unwrap().clone();
    assert_eq!(reply["id"], 0);
    release(session);
    reply
}

#[test]
fn an_operation_over_a_store_asks_replies_and_ends() {
    let reply = work(json!({"operation": "session_store_conformance"}));
    let checks = reply["result"].as_array().unwrap();
    assert!(checks.len() >= 8 && checks.iter().all(|check| check["passed"] == true), "{reply}");
    let reply = work(json!({"operation": "list_sessions_from_store", "directory": "/"}));
    assert_eq!(reply["error"]["context"]["method"], "list_sessions", "{reply}");
    let messages =
        json!({"operation": "get_session_messages_from_store", "session_id": SESSION, "limit": null});
    assert_eq!(work(messages)["result"], json!([]));
}

#[test]
fn work_on_a_store_can_be_given_up_and_takes_no_prompts() {
    let bell = Arc::new(Bell::default());
    let request = json!({"operation": {"operation": "session_store_conformance"},
        "session_store": {"methods": ["append", "load"]}});
    let session = open(&request.to_string(), bell.clone()).unwrap();
    let mut host =
        Host { session, bell, seen: 0, signals: vec![], messages: vec![], errors: vec![], end: None };
    host.until(|host| host.signal("ask").is_some());
    let refused = submit(session, &json!({"command": "send", "prompt": "hi"}).to_string()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Closed);
    close(session, Close::Graceful);
    host.until(|host| host.end.is_some());
    host.take();
    assert_eq!(host.signal("ask_cancelled").unwrap()["ask"], host.signal("ask").unwrap()["ask"]);
    assert_eq!(host.signal("reply").unwrap()["error"]["code"], "closed");
    release(session);
}

#[test]
fn a_store_that_is_described_wrongly_is_refused() {
    for (request, field) in [
        (json!({"options": {}, "session_store": {"methods": ["append"]}}), "load"),
        (json!({"options": {}, "session_store": {"methods": ["append", "load", "fetch"]}}), "fetch"),
        (json!({"operation": {"operation": "session_store_conformance"}}), "session_store"),
        (
            json!({"operation": {"operation": "nonsense"}, "session_store": {"methods": ["append", "load"]}}),
            "nonsense",
        ),
    ] {
        let error = open(&request.to_string(), Arc::new(Bell::default())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(field), "{error}");
    }
}
