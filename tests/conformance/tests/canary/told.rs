//! What the program says, what the API answers, and options that cannot be read.

use std::time::SystemTime;

use madrigal::{
    Options, Session,
    auth::{AuthSource, FileTokenStore, StoredToken, TokenStore as _},
    orchestrate::{Orchestrator, OrchestratorConfig, Task},
};
use madrigal_conformance::simulator;
use serde_json::json;

use crate::{
    place::{Place, manager, options, run},
    seen::Seen,
};

#[tokio::test]
async fn a_program_that_tells_all_it_knows() {
    let place = Place::new();
    let seen = Seen::default();
    let auth = manager();
    let tells = "{ env; printf '%s\\n' \"$init\"; printf '%s' \"$HTTPS_PROXY\" | sed 's/%2F/\\//'; } >&2\n";
    let program = place.program(&format!("{tells}exit 3"));
    run(&seen, options(&place.0, program, &json!([])), &auth).await;
    let everything = seen.all();
    for told in ["TEST_SERVICE_TOKEN=...", "http://...@127.0.0.1:9", "exited with code 3"] {
        assert!(everything.contains(told), "{told}: {everything}");
    }
    // The same as frames that are none, and as the explanation of an answer.
    let frames = "env | sed 's/^/{/'; printf '%s\\n' \"$init\" | tr '{' '['; printf '\"%s\"\\n' \"$TEST_SERVICE_TOKEN\"\n";
    let program = place.program(&format!("{frames}exit 1"));
    run(&seen, options(&place.0, program, &json!([])), &auth).await;
    // What it calls its questions and answers goes to the log.
    let names = "printf '{\"type\":\"control_request\",\"request_id\":\"1\",\"request\":{\"subtype\":\"%s\"}}\\n{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"%s\"}}\\n' \
                 \"$TEST_SERVICE_TOKEN\" \"$TEST_SERVICE_TOKEN\"\n";
    let program = place.program(&format!("{names}exit 1"));
    run(&seen, options(&place.0, program, &json!([])), &auth).await;
    let refuses = "printf '{\"type\":\"control_response\",\"response\":{\"subtype\":\"error\",\"request_id\":\"%s\",\"error\":\"no %s\"}}\\n' \
                   \"$(printf '%s' \"$init\" | sed 's/.*\"request_id\":\"\\([^\"]*\\)\".*/\\1/')\" \"$TEST_SERVICE_TOKEN\"";
    let program = place.program(refuses);
    run(&seen, options(&place.0, program, &json!([])), &auth).await;
    seen.text("a manager", format!("{auth:?}"));
    seen.text("its status", json!(auth.status().await.unwrap()).to_string());
    seen.is_clean(60);
}

#[tokio::test]
async fn a_stored_token_that_the_api_refuses() {
    let place = Place::new();
    let seen = Seen::default();
    let store = FileTokenStore::new(place.0.join(".claude_sdk/token.json"));
    let token = StoredToken::new("sk-ant-oat01-test-canary-of-file".into(), SystemTime::now()).unwrap();
    store.save(&token).await.unwrap();
    seen.text("a token", format!("{token:?}"));
    let refused = "401 for sk-ant-oat01-test-canary-of-file, test-canary-of-header, test-canary-of-query";
    let steps = json!([
        {"await": {"type": "user"}}, {"init": {}}, {"stderr": format!("{refused}\n")},
        {"text": {"text": "Invalid key", "model": "<synthetic>", "error": "authentication_failed", "is_api_error_message": true}},
        {"result": {"is_error": true, "api_error_status": 401, "terminal_reason": "api_error", "result": refused}},
    ]);
    let options = options(&place.0, simulator(), &steps);
    run(&seen, options.clone(), AuthSource::default()).await;
    let orchestrator =
        Orchestrator::new(OrchestratorConfig { options, ..OrchestratorConfig::default() }).unwrap();
    seen.text("an orchestrator", format!("{:?}", orchestrator.config()));
    let outcome = orchestrator.run(Task::new("hi")).await;
    seen.error(outcome.error().unwrap());
    assert_eq!(outcome.error().unwrap().kind(), madrigal::ErrorKind::Auth);
    orchestrator.close().await;
    seen.is_clean(15);
}

#[tokio::test]
async fn options_that_cannot_work() {
    let place = Place::new();
    let seen = Seen::default();
    for wrong in [
        json!({"env": "test-canary-of-env"}),
        json!({"env": {"TEST_TOKEN": {"test": "test-canary-of-env"}}}),
        json!({"extra_args": "test-canary-flag"}),
        json!({"settings": "{\"apiKeyHelper\": \"test-canary-of-helper\""}),
        json!({"mcp_servers": {"a": "test-canary-of-server"}}),
        json!({"agents": ["test-canary-of-agent"]}),
        json!({"env": {"TEST_TOKEN": "test-canary-of-env\u{0}"}}),
    ] {
        let read = Options::from_json(&wrong.to_string());
        let refused = match read {
            Ok(options) => Session::builder(Options { cli_path: Some(place.program("exit 1")), ..options })
                .open()
                .await
                .err(),
            Err(error) => Some(error),
        };
        seen.error(&refused.unwrap_or_else(|| panic!("{wrong} was accepted")));
    }
    let dead = options(&place.0, place.0.join("no-such-program"), &json!([]));
    run(&seen, dead, AuthSource::Off).await;
    seen.is_clean(24);
}
