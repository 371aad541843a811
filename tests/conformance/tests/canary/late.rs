//! A program that hangs, and the limits of time it runs into.

use std::time::Duration;

use madrigal::{
    ErrorKind, Session,
    options::{StallAction, Timeouts},
    orchestrate::{Orchestrator, OrchestratorConfig, Task},
    resilience::RetryPolicy,
    transport::Exit,
};
use serde_json::{Value, json};

use crate::{
    place::{Place, manager, options, run},
    seen::Seen,
};

/// What the talker says of a secret when that is hidden.
const TOLD: &str = "TEST_SERVICE_TOKEN=...";

/// A program that says of itself what an API would, and then nothing any more. It is deaf for those who ask it to end.
fn hangs() -> Value {
    json!([
        {"ignore": ["SIGTERM", "SIGINT"]}, {"await": {"type": "user"}}, {"init": {}},
        {"stderr": "still waiting with test-canary-of-header, test-canary-of-query\n"}, {"hang": true},
    ])
}

/// One that says nothing either, but can be interrupted.
fn waits() -> Value {
    json!([{"await": {"type": "user"}}, {"init": {}}, {"await": {"type": "never"}}, {"result": {}}])
}

#[tokio::test]
async fn a_start_that_takes_too_long() {
    let place = Place::new();
    let program = place.program("{ env; printf '%s\\n' \"$init\"; } >&2\nexec sleep 600");
    // Until it was long enough to say something.
    for limit in [500, 5_000, 50_000] {
        let seen = Seen::default();
        let mut options = options(&place.0, program.clone(), &json!([]));
        options.timeouts = Timeouts { start_ms: Some(limit), kill_ms: 100, ..Timeouts::default() };
        run(&seen, options.clone(), &manager()).await;
        let opened = Session::builder(options).auth(manager()).open().await;
        seen.error(&opened.unwrap_err());
        seen.is_clean(30);
        assert!(seen.has("did not answer `initialize`"), "{}", seen.all());
        if seen.has(TOLD) {
            return;
        }
    }
    panic!("the program said nothing");
}

#[tokio::test]
async fn a_turn_that_takes_too_long() {
    type Limit = fn(&mut Timeouts);
    let cases: [(&str, Value, Limit); 5] = [
        ("turn_ms", waits(), |limits| limits.turn_ms = Some(200)),
        ("first_token_ms", waits(), |limits| limits.first_token_ms = Some(200)),
        ("idle_ms", hangs(), |limits| limits.idle_ms = Some(200)),
        ("stall_ms", hangs(), |limits| {
            (limits.stall_ms, limits.stall_action) = (Some(200), StallAction::Stop);
        }),
        ("stall_ms", hangs(), |limits| {
            (limits.stall_ms, limits.stall_action) = (Some(200), StallAction::Resume);
        }),
    ];
    let place = Place::new();
    for (says, steps, limit) in cases {
        let seen = Seen::default();
        let mut options = options(&place.0, place.talker(), &steps);
        options.timeouts.kill_ms = 100;
        limit(&mut options.timeouts);
        run(&seen, options, &manager()).await;
        seen.is_clean(30);
        assert!(seen.has(&format!("(timeouts.{says})")) && seen.has(TOLD), "{says}: {}", seen.all());
    }
}

#[tokio::test]
async fn a_program_that_has_to_be_killed() {
    let place = Place::new();
    let seen = Seen::default();
    let mut steps = hangs();
    // It hangs over this question, and not only after it.
    let question = json!({"await": {"type": "control_request", "request": {"subtype": "set_model"}}});
    steps.as_array_mut().unwrap().insert(4, question);
    let mut options = options(&place.0, place.talker(), &steps);
    options.timeouts =
        Timeouts { control_ms: Some(200), close_ms: Some(100), kill_ms: 100, ..Timeouts::default() };
    let lines = seen.clone();
    let builder = Session::builder(options).auth(manager());
    let mut session =
        builder.on_stderr(move |line| lines.text("a line of stderr", line)).open().await.unwrap();
    session.handle().send("hi").await.unwrap();
    session.next().await.unwrap().unwrap();
    let unanswered = session.set_model(Some("test-canary-is-no-model")).await.unwrap_err();
    assert_eq!(unanswered.kind(), ErrorKind::Timeout);
    seen.error(&unanswered);
    let end = session.close().await;
    assert_eq!(end.exit, Some(Exit::Signal(9)), "{end:?}");
    seen.end(&end);
    seen.is_clean(10);
    assert!(seen.has(TOLD), "{}", seen.all());
}

#[tokio::test]
async fn tasks_that_run_out_of_time() {
    let place = Place::new();
    let seen = Seen::default();
    let mut deaf = options(&place.0, place.talker(), &hangs());
    deaf.timeouts.kill_ms = 100;
    let mut idle = deaf.clone();
    idle.timeouts.idle_ms = Some(200);
    let mut slow = options(&place.0, place.talker(), &waits());
    slow.timeouts.turn_ms = Some(200);
    let retry =
        RetryPolicy { max_attempts: 2, spawn_base_ms: 1, network_base_ms: 1, ..RetryPolicy::default() };
    let config = OrchestratorConfig { auth: manager().into(), retry, ..OrchestratorConfig::default() };
    let orchestrator = Orchestrator::new(config).unwrap();
    seen.text("an orchestrator", format!("{orchestrator:?} {:?}", orchestrator.config()));
    let mut progress = orchestrator.subscribe();
    // The last one ends with the answer that the interrupt cut short.
    for (name, status, kind, task) in [
        (
            "deadline",
            "timed_out",
            ErrorKind::Timeout,
            Task::new("hi").options(deaf).timeout(Duration::from_secs(1)),
        ),
        ("idle", "failed", ErrorKind::Timeout, Task::new("hi").options(idle)),
        ("slow", "failed", ErrorKind::TurnFailed, Task::new("hi").options(slow)),
    ] {
        let task = task.name(name);
        seen.text("a task", format!("{task:?}"));
        let outcome = orchestrator.run(task).await;
        seen.outcome(&outcome);
        let ended = (outcome.status(), outcome.error().unwrap().kind());
        assert_eq!(ended, (status, kind), "{name}: {}", seen.all());
    }
    for progress in progress.take() {
        seen.text("progress", format!("{progress:?}"));
        seen.text("progress on its way to another language", json!(progress).to_string());
    }
    seen.text("counts", format!("{:?}", orchestrator.stats()));
    orchestrator.close().await;
    assert!(seen.has("Retry"), "{}", seen.all());
    seen.is_clean(40);
}
