//! The taxonomy against what the real program said, and against vectors for what was not recorded.

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::{Error, ErrorKind, Message};

/// Every recording with a failure, and some without.
const RECORDED: [(&str, Option<FailureKind>, Replay); 18] = [
    ("basic_turn", None, Replay::Fresh),
    ("perm_allow", None, Replay::ResumeOnly),
    ("fallback_529", None, Replay::Fresh),
    ("schema_ok", None, Replay::Fresh),
    ("oneshot_e401_sj", Some(FailureKind::Auth), Replay::Fresh),
    ("oneshot_e529_sj", Some(FailureKind::Overloaded), Replay::Fresh),
    ("oneshot_nokey_sj", Some(FailureKind::Auth), Replay::Fresh),
    ("interrupt_during_tool", Some(FailureKind::Cancelled), Replay::ResumeOnly),
    ("perm_deny_interrupt", Some(FailureKind::Cancelled), Replay::ResumeOnly),
    ("max_turns", Some(FailureKind::MaxTurns), Replay::ResumeOnly),
    ("parsing/max_budget", Some(FailureKind::BudgetExceeded), Replay::ResumeOnly),
    ("parsing/oneshot_max_tokens_sj", Some(FailureKind::MaxOutputTokens), Replay::Fresh),
    ("parsing/oneshot_refusal_sj", Some(FailureKind::Refusal), Replay::Fresh),
    ("parsing/rate_limit_rejected", Some(FailureKind::RateLimited), Replay::Fresh),
    ("parsing/schema_exhausted", Some(FailureKind::StructuredInvalid), Replay::Fresh),
    ("parsing/startup_failure_result", Some(FailureKind::InvalidRequest), Replay::Fresh),
    ("parsing/oneshot_drop_sj", None, Replay::Fresh),
    ("rate_limit_event", None, Replay::Fresh),
];

fn watched(name: &str) -> (OutcomeWatch, Vec<Signal>) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/frames").join(name).with_extension("jsonl");
    let (mut watch, mut signals) = (OutcomeWatch::new(), Vec::new());
    for line in fs::read_to_string(path).unwrap().lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        if entry["dir"] == "out" && entry["frame"]["type"].is_string() {
            signals.extend(watch.observe(&Message::parse(&entry["frame"].to_string()).unwrap()));
        }
    }
    (watch, signals)
}

#[test]
fn recordings_are_classified() {
    for (name, kind, replay) in RECORDED {
        let (watch, _) = watched(name);
        let outcome = watch.outcome(None, Some(Some(1)));
        assert_eq!(outcome.as_ref().err().map(|failure| failure.kind), kind, "{name}");
        assert_eq!(watch.replay(), replay, "{name}");
    }
}

#[test]
fn retries_of_the_program_are_signalled_one_by_one() {
    let (watch, signals) = watched("oneshot_e529_sj");
    let failed: Vec<_> =
        signals.iter().filter(|signal| matches!(signal, Signal::AttemptFailed { .. })).collect();
    assert!(failed.len() >= 2, "{signals:?}");
    let Signal::AttemptFailed { kind, retry_after } = failed[0] else { unreachable!() };
    assert_eq!(*kind, FailureKind::Overloaded);
    assert!(*retry_after >= Duration::from_millis(400), "{retry_after:?}");
    assert!(!signals.contains(&Signal::Answered), "a made-up message is no answer");
    assert!(watch.outcome(None, None).unwrap_err().retry_after.is_some());
}

#[test]
fn a_run_of_two_calls_is_answered_twice() {
    let (_, signals) = watched("perm_allow");
    assert_eq!(signals.iter().filter(|signal| **signal == Signal::Answered).count(), 2, "{signals:?}");
    assert_eq!(signals[0], Signal::Ready);
}

#[test]
fn a_used_up_subscription_says_until_when() {
    let (watch, signals) = watched("parsing/rate_limit_rejected");
    let resets_at = Duration::from_secs(1_795_354_251);
    assert_eq!(watch.rejected_until(), Some(resets_at));
    assert!(signals.contains(&Signal::Subscription { rejected: true, resets_at: Some(resets_at) }));
    let (watch, signals) = watched("rate_limit_event");
    assert_eq!(watch.rejected_until(), None);
    assert!(signals.iter().any(|signal| matches!(signal, Signal::Subscription { rejected: false, .. })));
}

#[test]
fn a_reset_in_milliseconds_is_the_same_moment() {
    for resets in [json!(1_795_354_251_u64), json!(1_795_354_251_000_u64)] {
        let mut watch = OutcomeWatch::new();
        let frame = json!({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": resets}});
        watch.observe(&Message::parse(&frame.to_string()).unwrap());
        assert_eq!(watch.rejected_until(), Some(Duration::from_secs(1_795_354_251)));
    }
}

fn after(frames: &[Value]) -> FailureKind {
    let mut watch = OutcomeWatch::new();
    for frame in frames {
        watch.observe(&Message::parse(&frame.to_string()).unwrap());
    }
    watch.outcome(None, None).unwrap_err().kind
}

#[test]
fn statuses_and_words() {
    use FailureKind as Kind;
    let table = [
        (json!(529), "server_error", "", Kind::Overloaded),
        (json!(429), "rate_limit", "", Kind::RateLimited),
        (json!(500), "server_error", "", Kind::ServerError),
        (json!(503), "server_error", "", Kind::ServerError),
        (json!(504), "server_error", "", Kind::Network),
        (json!(408), "server_error", "", Kind::Network),
        (json!(401), "authentication_failed", "", Kind::Auth),
        (json!(403), "authentication_failed", "", Kind::Auth),
        (json!(404), "model_not_found", "", Kind::ModelNotFound),
        (json!(400), "unknown", "messages: unexpected", Kind::InvalidRequest),
        (json!(400), "billing_error", "", Kind::Billing),
        (json!(400), "unknown", "You have reached your specified API usage limits", Kind::Billing),
        (json!(400), "invalid_request", "Prompt is too long", Kind::ContextOverflow),
        (json!(413), "invalid_request", "", Kind::InvalidRequest),
        (json!(null), "server_error", "Connection error", Kind::Network),
        (json!(null), "server_error", "unable to verify the first certificate", Kind::TlsCert),
        (json!(null), "authentication_failed", "", Kind::Auth),
        (json!(null), "a word of tomorrow", "", Kind::Unknown),
    ];
    for (status, word, text, kind) in table {
        let said = json!({"type": "assistant", "error": word, "is_api_error_message": true,
            "message": {"model": "<synthetic>", "content": []}});
        let end = json!({"type": "result", "subtype": "success", "is_error": true, "terminal_reason": "api_error",
            "api_error_status": status, "result": text});
        assert_eq!(after(&[said, end]), kind, "{status} {word} {text}");
    }
}

#[test]
fn a_lost_connection_and_a_wrong_certificate_differ() {
    let end = |text: &str| {
        json!({"type": "result", "subtype": "success", "is_error": true, "terminal_reason": "api_error",
            "api_error": "connection_failed", "api_error_status": null, "result": text})
    };
    let said = json!({"type": "assistant", "error": "server_error", "message": {"model": "<synthetic>", "content": []}});
    assert_eq!(after(&[said.clone(), end("refused")]), FailureKind::Network);
    assert_eq!(after(&[said, end("SSL certificate problem")]), FailureKind::TlsCert);
}

#[test]
fn exits_and_errors_of_ours() {
    use FailureKind as Kind;
    let ready = || {
        let mut watch = OutcomeWatch::new();
        watch.observe(&Message::parse(r#"{"type":"system","subtype":"init"}"#).unwrap());
        watch
    };
    for (code, kind) in [
        (Some(0), Kind::IncompleteResponse),
        (Some(1), Kind::CrashedMidRun),
        (Some(143), Kind::Cancelled),
        (None, Kind::CrashedMidRun),
    ] {
        assert_eq!(ready().outcome(None, Some(code)).unwrap_err().kind, kind, "{code:?}");
        let early = OutcomeWatch::new().outcome(None, Some(code)).unwrap_err().kind;
        assert_eq!(early, Kind::CrashedBeforeInit);
    }
    let error = |kind| Error::new(kind, "test");
    let exited = |code: i32| error(ErrorKind::ProcessExited).with("exit", json!({"code": code}));
    for (given, kind) in [
        (error(ErrorKind::SpawnFailed), Kind::SpawnFailed),
        (error(ErrorKind::CliVersion), Kind::NotInstalled),
        (exited(0), Kind::IncompleteResponse),
        (exited(1), Kind::CrashedMidRun),
        (error(ErrorKind::ProcessExited).with("exit", json!({"signal": 9})), Kind::CrashedMidRun),
        (error(ErrorKind::Timeout).operation("open"), Kind::CrashedBeforeInit),
        (error(ErrorKind::Timeout).operation("turn"), Kind::DeadlineExceeded),
        (error(ErrorKind::Timeout).operation("read"), Kind::Stalled),
        (error(ErrorKind::Timeout).with("callback", "can_use_tool"), Kind::HostFailed),
        (error(ErrorKind::Closed), Kind::Cancelled),
        (error(ErrorKind::StructuredOutput), Kind::StructuredInvalid),
        (error(ErrorKind::InvalidOptions), Kind::InvalidRequest),
        (error(ErrorKind::Internal), Kind::Unknown),
    ] {
        assert_eq!(ready().outcome(Some(&given), None).unwrap_err().kind, kind, "{given:?}");
    }
    for kind in ErrorKind::ALL {
        OutcomeWatch::new().outcome(Some(&error(kind)), None).unwrap_err();
    }
}

#[test]
fn a_turn_that_we_interrupted_for_time_is_over_time() {
    let mut watch = OutcomeWatch::new();
    let end = json!({"type": "result", "subtype": "error_during_execution", "is_error": true,
        "terminal_reason": "aborted_streaming"});
    watch.observe(&Message::parse(&end.to_string()).unwrap());
    let late = Error::new(ErrorKind::Timeout, "late").operation("turn");
    assert_eq!(watch.outcome(Some(&late), None).unwrap_err().kind, FailureKind::DeadlineExceeded);
    assert_eq!(watch.outcome(None, None).unwrap_err().kind, FailureKind::Cancelled);
}

#[test]
fn tools_that_are_said_to_change_nothing_do_not_forbid_a_replay() {
    let call = json!({"type": "assistant", "message": {"id": "m", "model": "m", "content": [
        {"type": "tool_use", "id": "t", "name": "mcp__notes__search", "input": {}}]}});
    let message = Message::parse(&call.to_string()).unwrap();
    let (mut strict, mut told) =
        (OutcomeWatch::new(), OutcomeWatch::new().read_only_tools(["mcp__notes__search"]));
    strict.observe(&message);
    told.observe(&message);
    assert_eq!((strict.replay(), told.replay()), (Replay::ResumeOnly, Replay::Fresh));
}

#[test]
fn failures_cross_languages() {
    let failure =
        Failure::new(FailureKind::RateLimited).retry_after(Duration::from_millis(1500)).resume_only();
    let wire = serde_json::to_value(&failure).unwrap();
    assert_eq!(
        wire,
        json!({"kind": "rate_limited", "retry_after_ms": 1500, "replay": "resume_only", "status": null, "message": ""})
    );
    assert_eq!(serde_json::from_value::<Failure>(wire).unwrap(), failure);
}
