//! The API as its caller sees it, over real sockets.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use super::{Loopback, Script};
use crate::ErrorKind;

fn start(script: &str) -> Loopback {
    Loopback::start(Script::from_json(script).unwrap()).unwrap()
}

fn connect(api: &Loopback, method: &str, path: &str, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(api.url().trim_start_matches("http://")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let length = body.len();
    write!(
        socket,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-key: test-key\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    socket
}

/// Status, head and body of an answer, read to its end; chunk sizes are left in.
fn call(api: &Loopback, method: &str, path: &str, body: &Value) -> (u16, String, String) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut answer = String::new();
    connect(api, method, path, &body).read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_lowercase(), body.to_owned())
}

fn ask(prompt: &str, stream: bool) -> Value {
    json!({"model": "claude-test", "stream": stream, "max_tokens": 100, "messages": [{"role": "user", "content": prompt}]})
}

fn post(api: &Loopback, body: &Value) -> (u16, String, String) {
    call(api, "POST", "/v1/messages?beta=true", body)
}

#[test]
fn a_message_comes_whole_or_as_a_stream() {
    let api = start(r#"{"turns": [{"text": "Hello there", "chunks": 3}]}"#);
    let (status, head, body) = post(&api, &ask("hi", false));
    assert_eq!(status, 200);
    assert!(head.contains("request-id: req_"));
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["content"][0]["text"], "Hello there");
    let (status, head, body) = post(&api, &ask("hi", true));
    assert_eq!(status, 200);
    assert!(head.contains("text/event-stream"));
    assert_eq!(body.matches("event: content_block_delta").count(), 3);
    assert!(body.contains("event: message_stop"));
}

#[test]
fn errors_have_their_status_body_and_headers() {
    let api = start(
        r#"{"turns": [{"error": 429, "retry_after": 7, "headers": {"x-test": "yes"}},
                      {"error": 400, "error_type": "custom_error", "message": "no"}]}"#,
    );
    let (status, head, body) = post(&api, &ask("hi", true));
    assert_eq!(status, 429);
    assert!(head.contains("retry-after: 7") && head.contains("x-test: yes"), "{head}");
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["error"]["type"], "rate_limit_error");
    let (status, _, body) = post(&api, &ask("hi", true));
    assert_eq!(status, 400);
    assert!(body.contains("custom_error") && body.contains("\"no\""));
    let (status, _, body) = post(&api, &ask("hi", true));
    assert_eq!(status, 400);
    assert!(body.contains("no step left"), "{body}");
}

#[test]
fn unknown_models_are_not_found_and_probes_use_no_step() {
    let api = start(r#"{"turns": [{"text": "only once"}]}"#);
    let mut request = ask("hi", false);
    request["model"] = "bogus".into();
    assert_eq!(post(&api, &request).0, 404);
    let mut request = ask("hi", false);
    request["max_tokens"] = 1.into();
    assert_eq!(post(&api, &request).0, 200);
    assert!(post(&api, &ask("hi", false)).2.contains("only once"));
}

#[test]
fn tokens_are_counted_and_other_paths_are_empty() {
    let api = start("{}");
    let (status, _, body) = call(&api, "POST", "/v1/messages/count_tokens?beta=true", &ask("hi", false));
    assert_eq!(status, 200);
    assert!(serde_json::from_str::<Value>(&body).unwrap()["input_tokens"].as_u64().unwrap() > 0);
    assert_eq!(call(&api, "GET", "/api/hello", &Value::Null).2, "{}");
    let mut answer = String::new();
    connect(&api, "POST", "/v1/messages", "{").read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("not JSON"), "{answer}");
}

#[test]
fn requests_are_logged_without_credentials() {
    let api = start(r#"{"turns": [{"text": "x"}], "repeat": true}"#);
    post(&api, &ask("remember me", true));
    let (_, _, log) = call(&api, "GET", "/_madrigal/requests", &Value::Null);
    assert!(!log.contains("test-key"));
    let log: Value = serde_json::from_str(&log).unwrap();
    let expected = json!({"number": 1, "method": "POST", "path": "/v1/messages", "prompt": "remember me", "status": 200, "finished": true});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&log[0][name], value, "{name}");
    }
    assert_eq!(log.as_array().unwrap().len(), 1);
    assert_eq!(api.requests()[0].prompts, ["remember me"]);
}

#[test]
fn a_stream_can_be_cut_or_end_in_an_error() {
    let api = start(
        r#"{"rules": [{"when": {"prompt_is": "cut"}, "reply": [{"text": "abc", "chunks": 3, "end": "cut"}]},
                      {"when": {"prompt_is": "busy"}, "reply": [{"text": "abc", "end": "overloaded"}]}]}"#,
    );
    let body = post(&api, &ask("cut", true)).2;
    // A well ended chunked body ends with a chunk of no bytes.
    assert!(
        body.contains("content_block_delta")
            && !body.contains("message_stop")
            && !body.ends_with("0\r\n\r\n")
    );
    let body = post(&api, &ask("busy", true)).2;
    assert!(
        body.contains("event: error") && body.contains("overloaded_error") && !body.contains("message_stop")
    );
    assert!(!api.requests()[0].finished);
}

#[test]
fn a_held_stream_stays_open_and_dropping_the_api_breaks_it() {
    let api = start(r#"{"turns": [{"text": "abc", "end": "hold"}]}"#);
    let mut answer = BufReader::new(connect(&api, "POST", "/v1/messages", &ask("hi", true).to_string()));
    let mut line = String::new();
    while !line.contains("text_delta") {
        line.clear();
        assert!(answer.read_line(&mut line).unwrap() > 0, "the text comes before the silence");
    }
    assert!(!api.requests()[0].finished);
    let address = api.url();
    drop(api);
    let mut rest = String::new();
    // Either the end or a reset: it must not wait for ever.
    drop(answer.read_to_string(&mut rest));
    assert!(!rest.contains("message_stop"));
    assert!(TcpStream::connect(address.trim_start_matches("http://")).is_err());
}

#[test]
fn a_used_port_is_an_error_that_says_so() {
    let api = start("{}");
    let port = api.url().rsplit(':').next().unwrap().parse().unwrap();
    let error = Loopback::start_on(port, Script::echo()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SpawnFailed);
    assert!(error.message().contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn it_can_be_started_and_dropped_inside_a_runtime() {
    drop(start("{}"));
}

#[test]
fn a_request_that_is_too_large_is_refused() {
    let api = start(r#"{"turns": [{"text": "x"}]}"#);
    let mut socket = TcpStream::connect(api.url().trim_start_matches("http://")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(socket, "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", 33 << 20).unwrap();
    let mut status = String::new();
    BufReader::new(socket).read_line(&mut status).unwrap();
    assert!(status.contains("413"), "{status}");
}
