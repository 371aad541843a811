//! An orchestrator as a binding sees it: calls in, outcomes out, questions and progress on the way.

#![allow(clippy::unwrap_used)] // a test that cannot go on must stop

mod host;

use madrigal_bridge::{Close, ErrorKind, close, open, release, submit};
use serde_json::{Value, json};
use std::sync::Arc;

use host::{Bell, Host, simulator};

/// Options of a program that says what it was asked.
fn echo() -> Value {
    let cli = json!([{"await": {"type": "user"}, "save": "asked"}, {"init": {}}, {"emit": {"type": "result", "subtype": "success",
        "is_error": false, "result": "$asked.message.content", "session_id": "$session_id", "total_cost_usd": 0.01}}]);
    playing(&cli)
}

fn playing(cli: &Value) -> Value {
    json!({"cli_path": simulator(), "env": {"MADRIGAL_SIMULATE": json!({"name": "inline", "cli": cli}).to_string()}})
}

fn orchestrator(options: &Value) -> Host {
    Host::request(&json!({"orchestrator": {"options": options, "rate_limit": null}, "progress": true}))
}

impl Host {
    /// The reply to a call.
    fn reply(&mut self, id: i64) -> Value {
        let is = |signal: &Value| signal["event"] == "reply" && signal["id"] == id;
        self.until(|host| host.signals.iter().any(is));
        self.signals.iter().find(|signal| is(signal)).unwrap().clone()
    }

    /// The next question of a kind, answered.
    fn answer(&mut self, kind: &str, answer: &Value) -> Value {
        let is = |signal: &Value| signal["event"] == "ask" && signal["kind"] == kind;
        self.until(|host| host.signals.iter().any(is));
        let place = self.signals.iter().position(is).unwrap();
        let ask = self.signals.remove(place);
        self.say(&json!({"command": "answer", "ask": ask["ask"], "result": answer}));
        ask
    }
}

#[test]
fn tasks_run_side_by_side_and_each_has_its_outcome() {
    let mut host = orchestrator(&echo());
    let tasks = json!(["one", {"prompt": "two", "name": "second"}, {"promt": "three"}]);
    host.say(&json!({"command": "run", "id": 1, "flow": {"kind": "parallel", "tasks": tasks}}));
    let outcomes = host.reply(1)["result"]["outcomes"].clone();
    let seen: Vec<_> =
        outcomes.as_array().unwrap().iter().map(|o| (o["status"].clone(), o["text"].clone())).collect();
    assert_eq!(seen[..2], [(json!("succeeded"), json!("one")), (json!("succeeded"), json!("two"))]);
    assert_eq!((&seen[2].0, &outcomes[2]["error"]["code"]), (&json!("failed"), &json!("invalid_argument")));
    assert!(outcomes[0]["messages"].as_array().unwrap().iter().any(|message| message["type"] == "result"));
    host.until(|host| host.messages.iter().filter(|message| message["stage"] == "done").count() == 3);
    let sequence: Vec<_> =
        host.messages.iter().map(|message| message["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequence, (0..sequence.len() as u64).collect::<Vec<_>>());
    assert!(host.messages.iter().all(|message| message["type"] == "progress"));
    host.say(&json!({"command": "stats", "id": 2}));
    assert_eq!(host.reply(2)["result"]["succeeded"], 2);
    host.say(&json!({"command": "reset_stats", "id": 3}));
    host.reply(3);
    host.say(&json!({"command": "stats", "id": 4}));
    assert_eq!(host.reply(4)["result"]["total"], 0);
    release(host.session);
}

#[test]
fn the_host_gives_tasks_one_by_one_and_hears_of_each() {
    let mut host = orchestrator(&echo());
    let flow = json!({"kind": "parallel", "max_concurrent": 1, "each": true});
    host.say(&json!({"command": "run", "id": 1, "flow": flow}));
    for prompt in [json!("a"), json!("b"), Value::Null] {
        assert_eq!(host.answer("next_task", &prompt)["request"]["run"], 1);
    }
    assert_eq!(host.reply(1)["result"]["count"], 2);
    let heard: Vec<_> = host.signals.iter().filter(|signal| signal["event"] == "outcome").collect();
    assert_eq!((heard.len(), &heard[1]["outcome"]["text"]), (2, &json!("b")));
    release(host.session);
}

#[test]
fn a_question_of_a_task_says_whose_it_is() {
    let request = json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {}, "tool_use_id": "t"});
    let cli = json!([{"await": {"type": "user"}}, {"emit": {"type": "control_request", "request_id": "r1", "request": request}},
        {"await": {"type": "control_response", "response": {"request_id": "r1", "response": {"behavior": "deny"}}}}, {"result": {}}]);
    let mut host = orchestrator(&playing(&cli));
    let task = json!({"prompt": "hi", "asks": ["can_use_tool"], "ref": {"task": 7}});
    host.say(&json!({"command": "run", "id": 1, "flow": {"kind": "run", "task": task}}));
    let ask = host.answer("can_use_tool", &json!({"behavior": "deny", "message": "no"}));
    assert_eq!((&ask["ref"], &ask["request"]["tool_name"]), (&json!({"task": 7}), &json!("Bash")));
    assert_eq!(host.reply(1)["result"]["outcome"]["status"], "succeeded");
    release(host.session);
}

#[test]
fn every_kind_of_call_asks_and_answers() {
    let mut host = orchestrator(&echo());
    let say =
        |host: &Host, id: i64, flow: Value| host.say(&json!({"command": "run", "id": id, "flow": flow}));

    say(&host, 1, json!({"kind": "pipeline", "steps": ["one", {"ask": true}, "three"]}));
    let step = host.answer("step", &json!("two"));
    assert_eq!((&step["request"]["index"], &step["request"]["before"]["text"]), (&json!(1), &json!("one")));
    let texts = host.reply(1)["result"]["outcomes"][2]["text"].clone();
    assert_eq!(texts, "Context from previous step:\ntwo\n\nNow: three");

    say(&host, 2, json!({"kind": "race", "tasks": ["a"], "ask": true}));
    host.answer("accept", &json!(true));
    assert_eq!(host.reply(2)["result"]["winner"], 0);

    say(&host, 70, json!({"kind": "race", "tasks": ["a", "a"], "stagger_ms": 600_000}));
    assert_eq!(host.reply(70)["result"]["outcomes"][1]["status"], "skipped");

    say(&host, 3, json!({"kind": "vote", "tasks": ["Yes", "yes.", "no"], "quorum": "majority"}));
    assert_eq!(host.reply(3)["result"]["ballot"], "yes");
    say(&host, 4, json!({"kind": "vote", "tasks": ["Yes"], "ask": true}));
    host.answer("ballot", &json!("same"));
    assert_eq!(host.reply(4)["result"]["counts"]["same"], 1);

    say(&host, 5, json!({"kind": "map_reduce", "tasks": ["a", "b"], "fan_in": 2}));
    let reduce = host.answer("reduce", &json!("both"));
    assert_eq!(reduce["request"]["outcomes"].as_array().unwrap().len(), 2);
    assert_eq!(host.reply(5)["result"]["outcome"]["text"], "both");

    say(&host, 6, json!({"kind": "until", "task": "draft", "rounds": 3}));
    host.answer("judge", &json!({"prompt": "better"}));
    assert_eq!(host.answer("judge", &json!({"done": true}))["request"]["outcome"]["text"], "better");
    assert_eq!(host.reply(6)["result"]["done"], true);

    // A judge that answers nonsense ends the loop with the reason.
    say(&host, 7, json!({"kind": "until", "task": "draft", "rounds": 3}));
    host.answer("judge", &json!({"verdict": 1}));
    let nonsense = host.reply(7);
    assert_eq!(nonsense["result"]["error"]["code"], "invalid_argument", "{nonsense}");
    release(host.session);
}

#[test]
fn a_call_can_be_given_up_and_so_can_all() {
    let hangs = json!([{"await": {"type": "user"}}, {"init": {}}, {"hang": true}]);
    let mut host = orchestrator(&playing(&hangs));
    let flow = json!({"kind": "parallel", "tasks": ["a", "b"]});
    host.say(&json!({"command": "run", "id": 1, "flow": flow}));
    host.until(|host| host.messages.iter().filter(|message| message["stage"] == "started").count() == 2);
    host.say(&json!({"command": "cancel", "run": 1}));
    assert_eq!(host.reply(1)["error"]["code"], "cancelled");
    host.say(&json!({"command": "run", "id": 2, "flow": flow}));
    close(host.session, Close::Now);
    assert_eq!(host.reply(2)["error"]["code"], "cancelled");
    host.until(|host| host.end.is_some());
    let run = json!({"command": "run", "id": 3, "flow": flow});
    host.say(&json!({"command": "stats", "id": 4}));
    assert_eq!(host.reply(4)["error"]["code"], "closed");
    assert_eq!(submit(host.session, &run.to_string()).unwrap_err().kind(), ErrorKind::Closed);
    release(host.session);
}

#[test]
fn the_end_comes_when_nothing_is_left() {
    let ledger = std::env::temp_dir().join(format!("madrigal-bridge-ledger-{}", std::process::id()));
    let config = json!({"options": playing(&json!([{"await": {"type": "user"}}, {"hang": true}])),
        "budget": {"key_hour_usd": 1, "ledger": ledger}});
    for progress in [true, false].repeat(20) {
        // The one before has let go of its ledger, or this one would be refused.
        let mut host = Host::request(&json!({"orchestrator": config, "progress": progress}));
        host.say(&json!({"command": "run", "id": 1, "flow": {"kind": "parallel", "tasks": ["a", "b"]}}));
        close(host.session, Close::Now);
        host.until(|host| host.end.is_some());
        assert!(host.signals.iter().any(|signal| signal["id"] == 1), "the end came before the reply");
        release(host.session);
    }
    let _ = std::fs::remove_file(ledger);
}

#[test]
fn what_is_no_orchestrator_or_no_call_is_refused_by_name() {
    let refused = |request: Value| open(&request.to_string(), Arc::new(Bell::default())).unwrap_err();
    let error = refused(json!({"orchestrator": {"max_concurrent": 0}}));
    assert_eq!(
        (error.kind(), &error.context()["field"]),
        (ErrorKind::InvalidOptions, &json!("max_concurrent"))
    );
    let host = orchestrator(&echo());
    for command in [
        json!({"command": "run", "id": 1, "flow": {"kind": "dance"}}),
        json!({"command": "run", "id": 1, "flow": {"kind": "race"}}),
        json!({"command": "send", "id": 1, "prompt": "hi"}),
        json!({"command": "interrupt", "id": 1}),
    ] {
        let error = submit(host.session, &command.to_string()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{command}");
    }
    release(host.session);
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_stands_ready_is_taken_and_none_is_left_at_the_end() {
    let mut options = echo();
    options["env"]["POOL_OF_THE_BRIDGE"] = "1".into();
    let request = json!({"options": options, "rate_limit": null, "pool": {"min_idle": 1}});
    let mut host = Host::request(&json!({"orchestrator": request, "progress": true}));
    let mut question = 0;
    let mut ready = |host: &mut Host| loop {
        question += 1;
        host.say(&json!({"command": "stats", "id": question}));
        if host.reply(question)["result"]["idle"] == 1 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    ready(&mut host);
    host.say(&json!({"command": "run", "id": -1, "flow": {"kind": "run", "task": "hi"}}));
    let outcome = host.reply(-1)["result"]["outcome"].clone();
    assert_eq!((&outcome["status"], &outcome["start"]), (&json!("succeeded"), &json!("prewarmed")));
    ready(&mut host);
    close(host.session, Close::Graceful);
    host.until(|host| host.end.is_some());
    release(host.session);
    let living = std::fs::read_dir("/proc").unwrap().flatten().filter(|process| {
        std::fs::read(process.path().join("environ"))
            .is_ok_and(|all| all.split(|byte| *byte == 0).any(|variable| variable == b"POOL_OF_THE_BRIDGE=1"))
    });
    assert_eq!(living.count(), 0, "the end came before all were gone");
}
