//! `madrigal loopback` as a test in another language uses it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

fn start(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_madrigal"))
        .arg("loopback")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

#[test]
fn it_says_where_it_is_and_ends_with_its_input() {
    let mut child = start(&["--json"]);
    let line: Value = serde_json::from_str(&first_line(&mut child)).unwrap();
    assert_eq!(line["env"]["ANTHROPIC_BASE_URL"], line["url"]);
    let address = line["url"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(&address).unwrap();
    socket.write_all(b"GET /_madrigal/requests HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("[]"), "{answer}");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(TcpStream::connect(&address).is_err());
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_well() {
    let mut child = start(&[]);
    assert!(first_line(&mut child).starts_with("http://127.0.0.1:"));
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_mistake_in_the_script_is_named_and_is_a_usage_error() {
    let script = std::env::temp_dir().join(format!("madrigal-bad-script-{}.json", std::process::id()));
    std::fs::write(&script, r#"{"turns": [{"txt": "typo"}]}"#).unwrap();
    let output = start(&["--script", script.to_str().unwrap()]).wait_with_output().unwrap();
    std::fs::remove_file(&script).unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("turns[0]") && stderr.contains("txt"), "{stderr}");
}
