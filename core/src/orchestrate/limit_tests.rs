//! What limits do to tasks: rate, money, breaker, classes and retries, over programs in memory and a clock that stands still.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::{
    tests::{costs, fails, playing, says, statuses, with, with_places},
    *,
};
use crate::{
    ErrorKind, Retry,
    resilience::{Budget, Circuit, RateLimit, RetryPolicy},
    testing::Script,
};

#[tokio::test(start_paused = true)]
async fn starts_wait_for_the_rate_and_one_that_cannot_wait_is_refused_at_once() {
    let limited =
        || with(|config| config.rate_limit = Some(RateLimit { per_minute: Some(2), ..RateLimit::default() }));
    let orchestrator = limited();
    let mut progress = orchestrator.subscribe();
    let began = tokio::time::Instant::now();
    let outcomes = orchestrator.parallel((0..3).map(|_| playing("x", says("x", 1)))).await;
    assert_eq!(statuses(&outcomes), ["succeeded"; 3]);
    assert!(began.elapsed() >= Duration::from_secs(60), "{:?}", began.elapsed());
    let waited = progress.take().into_iter().find_map(|event| match event.stage {
        Stage::Waiting { reason, retry_after_ms } => Some((reason, retry_after_ms.unwrap() > 55_000)),
        _ => None,
    });
    assert_eq!(waited, Some(("rate".to_owned(), true)));

    let orchestrator = limited();
    let tasks = (0..3).map(|_| playing("x", says("x", 1)).timeout(Duration::from_secs(5)));
    let began = tokio::time::Instant::now();
    let outcomes = orchestrator.parallel(tasks).await;
    assert_eq!(statuses(&outcomes), ["succeeded", "succeeded", "rejected"]);
    assert!(began.elapsed() < Duration::from_secs(1));
    let Retry::After(wait) = outcomes[2].error().unwrap().retry_verdict() else {
        panic!("{:?}", outcomes[2])
    };
    assert!(wait > Duration::from_secs(50), "{wait:?}");
    assert_eq!(orchestrator.stats().rejected, 1);
}

#[tokio::test(start_paused = true)]
async fn money_that_is_spent_is_not_spent_again() {
    let budget = Budget { total_usd: Some(0.025), run_usd: Some(0.01), ..Budget::default() };
    let orchestrator = with(|config| config.budget = Some(budget));
    let outcomes =
        orchestrator.pipeline((0..4).map(|_| playing("x", says("x", 1)))).stop_on_error(false).await;
    assert_eq!(statuses(&outcomes), ["succeeded", "succeeded", "rejected", "rejected"]);
    assert_eq!(outcomes[3].error().unwrap().kind(), ErrorKind::BudgetExceeded);
    assert!((orchestrator.stats().cost_usd - 0.02).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_costs_too_much_is_stopped_while_it_works() {
    let budget = Budget { run_usd: Some(1.0), total_usd: Some(5.0), ..Budget::default() };
    let orchestrator = with(|config| config.budget = Some(budget));
    let began = tokio::time::Instant::now();
    let last = json!({"result": {"total_cost_usd": 2.5}});
    let outcome = orchestrator.run(playing("x", costs(2.0, last.clone()))).await;
    let error = outcome.error().unwrap();
    assert_eq!((outcome.status(), error.kind()), ("failed", ErrorKind::BudgetExceeded), "{error}");
    assert_eq!((&error.context()["scope"], &error.context()["cost_usd"]), (&json!("run"), &json!(2.0)));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(outcome.run().attempts, 1, "it is not tried again");

    // What it cost counts: 5 - 2 leave room for one more, whose cost is seen and allowed.
    let outcome = orchestrator.run(playing("x", costs(0.5, last))).await;
    assert_eq!(outcome.status(), "succeeded");
    assert!((outcome.run().cost_usd - 2.5).abs() < 1e-9);
    let state = orchestrator.admission().state(&crate::resilience::Spender::default()).budget;
    assert!(state.total_spent.usd() + state.uncertain.usd() >= 4.5 - 1e-9, "{state:?}");
    let refused = orchestrator.run(playing("x", says("x", 1))).await;
    assert_eq!((refused.status(), refused.error().unwrap().kind()), ("rejected", ErrorKind::BudgetExceeded));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_run_is_enough_for_another_attempt() {
    let budget = Budget { run_usd: Some(0.1), ..Budget::default() };
    let orchestrator = with(|config| {
        config.budget = Some(budget);
        config.retry.program_retries = 0;
    });
    let failed = json!({"cli": [{"await": {"type": "user"}}, {"init": {}}, {"result": {"is_error": true,
        "result": "no", "api_error_status": 529, "terminal_reason": "api_error", "total_cost_usd": 0.03}}]});
    let failed = Script::from_json(&failed.to_string()).unwrap();
    let started = AtomicUsize::new(0);
    let task = Task::new("work").configure(move |session| {
        let first = started.fetch_add(1, Ordering::Relaxed) == 0;
        session.transport(if first { failed.clone() } else { says("done", 1) })
    });
    let outcome = orchestrator.run(task).await;
    assert_eq!((outcome.status(), outcome.run().attempts), ("succeeded", 2), "{outcome:?}");
    assert!((outcome.run().cost_usd - 0.04).abs() < 1e-9, "the second process counts from nothing");
}

#[tokio::test(start_paused = true)]
async fn a_run_fits_into_its_limit_whatever_the_limit_is() {
    for number in 1..300_u32 {
        let limit = f64::from(number) * 0.013_7;
        let budget = Budget { run_usd: Some(limit), total_usd: Some(limit), ..Budget::default() };
        let orchestrator = with(|config| config.budget = Some(budget));
        let outcome = orchestrator.run(playing("x", says("x", 0))).await;
        assert_eq!(outcome.status(), "succeeded", "{limit}: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_of_a_higher_class_goes_first() {
    let orchestrator = with_places(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let task = |class: crate::resilience::Class| {
        let order = order.clone();
        Task::new("x").class(class).configure(move |session| {
            order.lock().unwrap().push(class);
            session.transport(says("x", 10))
        })
    };
    use crate::resilience::Class::{Critical, Normal, Sheddable};
    let calls = [Normal, Sheddable, Normal, Critical].map(|class| orchestrator.run(task(class)));
    let [first, second, third, fourth] = calls;
    tokio::join!(first, second, third, fourth);
    assert_eq!(*order.lock().unwrap(), [Normal, Critical, Normal, Sheddable]);
    let read = Task::from_json(json!({"prompt": "x", "class": "critical_plus"})).unwrap();
    assert_eq!(read.class, crate::resilience::Class::CriticalPlus);
}

#[tokio::test(start_paused = true)]
async fn marks_of_budgets_are_told_and_what_is_over_is_forgotten() {
    let budget =
        Budget { total_usd: Some(0.03), flow_usd: Some(0.02), run_usd: Some(0.01), ..Budget::default() };
    let orchestrator = with(|config| config.budget = Some(budget));
    let mut progress = orchestrator.subscribe();
    orchestrator.pipeline((0..2).map(|_| playing("x", says("x", 1)))).await;
    let seen = progress.take();
    assert!(seen.iter().enumerate().all(|(number, event)| event.sequence == number as u64));
    let marks: Vec<_> = seen
        .iter()
        .map(|event| serde_json::to_value(event).unwrap())
        .filter(|event| event["stage"] == "budget")
        .map(|event| {
            assert_eq!((&event["flow"], &event["name"]), (&json!(1), &json!("x")));
            format!("{} {} {} {}", event["index"], event["scope"], event["account"], event["percent"])
        })
        .collect();
    assert_eq!(
        marks,
        [
            r#"0 "run" "1.0" 95"#,
            r#"0 "flow" "1" 50"#,
            r#"1 "run" "1.1" 95"#,
            r#"1 "flow" "1" 95"#,
            r#"1 "global" "" 50"#,
        ]
    );
    let gone = crate::resilience::Spender::default().flow("#1").run("#1.0");
    let state = orchestrator.admission().state(&gone).budget;
    assert_eq!(state.accounts.keys().collect::<Vec<_>>(), [&"global"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_what_it_costs_when_money_is_not_limited() {
    let script = costs(2.0, json!({"result": {}}));
    assert_eq!(with_places(1).run(playing("x", script.clone())).await.status(), "succeeded");
    assert!(script.received().iter().all(|frame| frame["request"]["subtype"] != "get_usage"));
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_the_program_is_a_budget_too() {
    let result =
        json!({"result": {"is_error": true, "subtype": "error_max_budget_usd", "total_cost_usd": 0.2}});
    let steps = json!({"cli": [{"await": {"type": "user"}}, {"init": {}}, result]});
    let outcome = with_places(1).run(playing("x", Script::from_json(&steps.to_string()).unwrap())).await;
    assert_eq!(outcome.error().unwrap().kind(), ErrorKind::BudgetExceeded, "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_broken_side_is_not_asked_and_another_model_is() {
    let once = || Some(Circuit { failure_threshold: 1, jitter: 0.0, ..Circuit::default() });
    let retry = || RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
    let orchestrator = with(|config| {
        config.circuit_breaker = once();
        config.retry = retry();
    });
    assert_eq!(orchestrator.run(playing("x", fails(529))).await.status(), "failed");
    let refused = orchestrator.run(playing("x", says("x", 1))).await;
    assert_eq!((refused.status(), refused.error().unwrap().kind()), ("rejected", ErrorKind::CircuitOpen));
    assert!(matches!(refused.error().unwrap().retry_verdict(), Retry::After(_)));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(orchestrator.run(playing("x", says("x", 1))).await.status(), "succeeded", "a probe");

    let orchestrator = with(|config| {
        config.circuit_breaker = once();
        config.retry = retry();
        config.fallbacks = vec![Candidate::model("haiku")];
    });
    for _ in 0..2 {
        let started = Arc::new(AtomicUsize::new(0));
        let task = Task::new("hi").configure(move |session| {
            let first = started.fetch_add(1, Ordering::Relaxed) == 0;
            session.transport(if first { fails(529) } else { says("fine", 1) })
        });
        let outcome = orchestrator.run(task).await;
        // The second time the first model is not even asked, so the first program plays the other model.
        assert_eq!(outcome.run().fallback, 1, "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_may_say_for_itself_who_tries_again_and_how_often() {
    let orchestrator = with_places(1);
    let plain = orchestrator.run(playing("plain", fails(500))).await;
    assert_eq!((plain.status(), plain.run().attempts), ("failed", 1));
    let own = RetryPolicy { max_attempts: 4, program_retries: 0, ..RetryPolicy::default() };
    let tried = orchestrator.run(playing("tried", fails(500)).retry(own)).await;
    assert_eq!((tried.status(), tried.run().attempts), ("failed", 4));
    let error = Task::from_json(json!({"prompt": "x", "retry": {"max_attempts": 0}})).unwrap_err();
    assert_eq!(error.context()["field"], "retry.max_attempts");
}

#[tokio::test(start_paused = true)]
async fn work_that_changed_something_goes_on_and_is_not_done_twice() {
    let tool = |name: &str| {
        json!({"type": "assistant", "message": {"id": "m", "model": "m", "content":
            [{"type": "tool_use", "id": "t", "name": name, "input": {}}]}, "session_id": "$session_id"})
    };
    let crashes = |name: &str| {
        let steps =
            json!({"cli": [{"await": {"type": "user"}}, {"init": {}}, {"emit": tool(name)}, {"exit": 3}]});
        Script::from_json(&steps.to_string()).unwrap()
    };
    let run = async |name: &str, idempotent: bool| {
        let orchestrator = with_places(1);
        let (first, second) = (crashes(name), says("done", 1));
        let (again, started) = (second.clone(), AtomicUsize::new(0));
        let task = Task::new("work").configure(move |session| {
            let first_time = started.fetch_add(1, Ordering::Relaxed) == 0;
            session.transport(if first_time { first.clone() } else { again.clone() })
        });
        let outcome = orchestrator.run(if idempotent { task.idempotent() } else { task }).await;
        assert_eq!((outcome.status(), outcome.run().attempts), ("succeeded", 2), "{outcome:?}");
        let asked = second.received();
        asked.iter().find(|frame| frame["type"] == "user").unwrap()["message"]["content"].clone()
    };
    assert_eq!(run("Write", false).await, "Continue from where you left off.");
    assert_eq!(run("Write", true).await, "work");
    assert_eq!(run("Read", false).await, "work");
}

#[tokio::test(start_paused = true)]
async fn who_is_not_let_in_in_time_is_refused_with_what_was_missing_and_when_to_come_back() {
    let orchestrator = with_places(1);
    assert!(orchestrator.run(playing("measured", says("x", 4_000))).await.is_success());
    let long = playing("long", says("x", 60_000));
    let short = playing("short", says("x", 1)).timeout(Duration::from_secs(1));
    let began = tokio::time::Instant::now();
    let (held, refused) = tokio::join!(orchestrator.run(long), async {
        let refused = orchestrator.run(short).await;
        assert!(began.elapsed() < Duration::from_millis(1_100), "{:?}", began.elapsed());
        refused
    });
    assert_eq!((held.status(), refused.status()), ("succeeded", "rejected"), "{refused:?}");
    let error = refused.error().unwrap();
    assert_eq!((error.kind(), &error.context()["scope"]), (ErrorKind::Overloaded, &json!("slots")));
    let Retry::After(wait) = error.retry_verdict() else { panic!("{error:?}") };
    assert!(wait >= Duration::from_secs(4) && wait < Duration::from_millis(4_100), "{wait:?}");
    assert_eq!(refused.run().attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_tried_again_says_so_and_what_is_not_says_when_to_come_back() {
    let orchestrator = with(|config| {
        config.retry = RetryPolicy { program_retries: 0, max_attempts: 2, ..RetryPolicy::default() };
    });
    let mut progress = orchestrator.subscribe();
    // The wait that a server asks for stays in the program when that does not try again.
    let began = tokio::time::Instant::now();
    assert_eq!(orchestrator.run(playing("x", fails(429))).await.status(), "failed");
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    let told = progress.take().into_iter().find_map(|event| match event.stage {
        Stage::Retry { error, after_ms, .. } => Some((error["retry"].clone(), after_ms)),
        _ => None,
    });
    let (verdict, after_ms) = told.unwrap();
    assert_eq!(verdict["verdict"], "after");
    assert!(
        after_ms >= 500 && verdict["after_ms"].as_u64().unwrap().abs_diff(after_ms) <= 1,
        "{verdict} {after_ms}"
    );

    // What the program waited for last is what it was told.
    let waited = json!({"cli": [{"await": {"type": "user"}}, {"init": {}},
        {"emit": {"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 1, "retry_delay_ms": 7000,
            "error_status": 429, "error": "rate_limit"}},
        {"result": {"is_error": true, "api_error_status": 429, "terminal_reason": "api_error"}}]});
    let outcome = with_places(1).run(playing("x", Script::from_json(&waited.to_string()).unwrap())).await;
    assert_eq!(outcome.error().unwrap().retry_verdict(), Retry::After(Duration::from_secs(7)));
}

/// A program that was told `status` so many times and would ask on for ever.
fn asks_again(status: u16, times: u64) -> Script {
    let mut steps = vec![json!({"await": {"type": "user"}}), json!({"init": {}})];
    steps.extend((1..=times).map(|attempt| {
        json!({"emit": {"type": "system", "subtype": "api_retry", "attempt": attempt, "max_retries": 10,
            "retry_delay_ms": 500, "error_status": status, "error": "authentication_failed"}})
    }));
    steps.push(if times > 1 { json!({"hang": true}) } else { json!({"result": {"result": "renewed"}}) });
    Script::from_json(&json!({"cli": steps}).to_string()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_refused_twice_ends_the_attempt_and_costs_nothing() {
    for status in [401, 403] {
        let orchestrator = with(|config| {
            config.budget = Some(Budget { total_usd: Some(1.0), run_usd: Some(0.5), ..Budget::default() });
        });
        let began = tokio::time::Instant::now();
        let outcome = orchestrator.run(playing("x", asks_again(status, 2))).await;
        let error = outcome.error().unwrap();
        assert_eq!((outcome.status(), error.kind()), ("failed", ErrorKind::Auth), "{outcome:?}");
        assert_eq!((&error.context()["api_error_status"], outcome.run().attempts), (&json!(status), 1));
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        let budget = orchestrator.admission().state(&crate::resilience::Spender::default()).budget;
        assert_eq!((budget.total_spent, budget.uncertain), Default::default());
    }
    // The program may hold the login itself, and renews it behind the first refusal: the key is not given up either.
    let orchestrator = with(|config| config.circuit_breaker = Some(Circuit::default()));
    for _ in 0..2 {
        let outcome = orchestrator.run(playing("x", asks_again(401, 1))).await;
        assert_eq!(outcome.text(), "renewed", "{outcome:?}");
    }
}
