//! What users of the orchestrator see, over programs in memory and a clock that stands still until everybody waits.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::*;
use crate::{Error, ErrorKind, Options, resilience::Budget, testing::Script};

pub(super) fn with_places(max_concurrent: usize) -> Orchestrator {
    Orchestrator::new(OrchestratorConfig { max_concurrent, ..OrchestratorConfig::default() }).unwrap()
}

pub(super) fn playing(prompt: &str, script: Script) -> Task {
    Task::new(prompt).name(prompt).configure(move |session| session.transport(script.clone()))
}

/// A program that says it has cost so much while it still works, and works on for a minute unless it is interrupted.
pub(super) fn costs(usd: f64, last: serde_json::Value) -> Script {
    let said = json!({"type": "assistant", "message": {"id": "m", "model": "m", "content":
        [{"type": "text", "text": "so far"}]}, "session_id": "$session_id"});
    let steps = json!({
        "cli": [{"await": {"type": "user"}}, {"init": {}}, {"emit": said}, {"pause_ms": 60_000}, last],
        "control": {"get_usage": {"response": {"session": {"total_cost_usd": usd}}}},
    });
    Script::from_json(&steps.to_string()).unwrap()
}

pub(super) fn with(change: impl FnOnce(&mut OrchestratorConfig)) -> Orchestrator {
    let mut config = OrchestratorConfig::default();
    change(&mut config);
    Orchestrator::new(config).unwrap()
}

/// A program that says this after so many milliseconds.
pub(super) fn says(text: &str, after_ms: u64) -> Script {
    Script::from_json(
        &json!({"cli": [{"await": {"type": "user"}}, {"pause_ms": after_ms}, {"init": {}},
            {"text": {"text": text}}, {"result": {"result": text, "total_cost_usd": 0.01}}]})
        .to_string(),
    )
    .unwrap()
}

pub(super) fn fails(status: u16) -> Script {
    Script::from_json(
        &json!({"cli": [{"await": {"type": "user"}}, {"init": {}}, {"result": {"is_error": true,
            "result": "the API said no", "api_error_status": status, "terminal_reason": "api_error"}}]})
        .to_string(),
    )
    .unwrap()
}

pub(super) fn statuses(outcomes: &[Outcome]) -> Vec<&'static str> {
    outcomes.iter().map(Outcome::status).collect()
}

#[tokio::test(start_paused = true)]
async fn outcomes_come_in_the_order_of_their_tasks() {
    let orchestrator = with_places(3);
    let tasks =
        [("a", 30), ("b", 10), ("c", 20), ("d", 1)].map(|(name, after)| playing(name, says(name, after)));
    let outcomes = orchestrator.parallel(tasks).await;
    let texts: Vec<_> = outcomes.iter().map(|outcome| outcome.text().into_owned()).collect();
    assert_eq!(texts, ["a", "b", "c", "d"]);
    let indices: Vec<_> = outcomes.iter().map(|outcome| outcome.run().index).collect();
    assert_eq!(indices, [0, 1, 2, 3]);
    let stats = orchestrator.stats();
    assert_eq!((stats.total, stats.succeeded, stats.attempts), (4, 4, 4));
    assert!((stats.cost_usd - 0.04).abs() < 1e-9 && (stats.average_cost_usd - 0.01).abs() < 1e-9);
    orchestrator.reset_stats();
    assert_eq!(orchestrator.stats(), Stats::default());
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_collected_fails_fast_or_is_tolerated() {
    let tasks = || {
        [
            playing("a", says("a", 5)),
            playing("b", fails(500)),
            playing("c", says("c", 50)),
            playing("d", fails(400)),
            playing("e", says("e", 500)),
        ]
    };
    let orchestrator = with_places(2);
    let all = orchestrator.parallel(tasks()).await;
    assert_eq!(statuses(&all), ["succeeded", "failed", "succeeded", "failed", "succeeded"]);
    let error = all[1].error().unwrap();
    assert_eq!((error.kind(), &error.context()["api_error_status"]), (ErrorKind::TurnFailed, &json!(500)));

    let fast = orchestrator.parallel(tasks()).on_error(OnError::FailFast).await;
    assert_eq!(statuses(&fast), ["cancelled", "failed", "skipped", "skipped", "skipped"]);
    assert_eq!(fast[4].error().unwrap().context()["because"], 1);

    let tolerant = orchestrator.parallel(tasks()).on_error(OnError::Tolerate(1)).await;
    assert_eq!(statuses(&tolerant), ["succeeded", "failed", "cancelled", "failed", "skipped"]);
}

#[tokio::test(start_paused = true)]
async fn tasks_are_taken_only_when_one_can_start_and_no_more_run_than_may() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let taken = Arc::new(AtomicUsize::new(0));
    let ahead = Arc::new(AtomicUsize::new(0));
    let orchestrator = with_places(10);
    let (counted, done, furthest) = (taken.clone(), running.clone(), ahead.clone());
    // Without an end: what was not asked for is never made.
    let source = (0_usize..).map(move |number| {
        let taken = counted.fetch_add(1, Ordering::Relaxed) + 1;
        furthest.fetch_max(taken - done.load(Ordering::Relaxed), Ordering::Relaxed);
        playing(&number.to_string(), says("x", 10))
    });
    let mut seen = 0;
    let call = orchestrator.parallel(source).max_concurrent(3).for_each(|_| {
        running.fetch_add(1, Ordering::Relaxed);
        seen += 1;
        most.fetch_max(seen, Ordering::Relaxed);
    });
    let _ = tokio::time::timeout(Duration::from_millis(105), call).await;
    assert!(most.load(Ordering::Relaxed) >= 27, "{most:?}");
    assert!(ahead.load(Ordering::Relaxed) <= 3, "{ahead:?}");
}

#[tokio::test(start_paused = true)]
async fn a_task_has_its_time_and_the_others_theirs() {
    let orchestrator = with_places(4);
    let slow = playing("slow", says("late", 10_000)).timeout(Duration::from_secs(1));
    let outcomes = orchestrator.parallel([slow, playing("quick", says("in time", 10))]).await;
    assert_eq!(statuses(&outcomes), ["timed_out", "succeeded"]);
    let error = outcomes[0].error().unwrap();
    assert_eq!((error.kind(), &error.context()["limit_ms"]), (ErrorKind::Timeout, &json!(1000)));
    assert_eq!(outcomes[0].run().attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_tells_each_step_what_was_said_and_stops_at_a_failure() {
    let orchestrator = with_places(1);
    let second = says("two", 0);
    let made = Step::from_fn(|before: Option<Outcome>| async move {
        let text = before.unwrap().into_text()?;
        Ok(playing("made", says(&format!("after {text}"), 0)))
    });
    let steps =
        [Step::from(playing("first", says("one", 0))), playing("second", second.clone()).into(), made];
    let outcomes = orchestrator.pipeline(steps).await;
    assert_eq!(outcomes[2].text(), "after two");
    let heard =
        second.received().iter().find(|frame| frame["type"] == "user").unwrap()["message"]["content"].clone();
    assert_eq!(heard, "Context from previous step:\none\n\nNow: second");

    let steps = || [playing("first", fails(500)), playing("second", second.clone())];
    let stopped = orchestrator.pipeline(steps()).await;
    assert_eq!(statuses(&stopped), ["failed", "skipped"]);
    let went_on = orchestrator.pipeline(steps()).stop_on_error(false).use_context(false).await;
    assert_eq!(statuses(&went_on), ["failed", "succeeded"]);
    let refused = Step::from_fn(|_| async { Err(Error::new(ErrorKind::Callback, "no such step")) });
    let failed = orchestrator.pipeline([refused, playing("second", second).into()]).await;
    assert_eq!(statuses(&failed), ["failed", "skipped"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_acceptable_answer_wins_a_race() {
    let orchestrator = with_places(5);
    let racers =
        || [playing("a", says("slow", 100)), playing("b", fails(529)), playing("c", says("quick", 10))];
    let race = orchestrator.race(racers()).await;
    assert_eq!(race.winner().unwrap().text(), "quick");
    assert_eq!(statuses(&race.outcomes), ["cancelled", "failed", "succeeded"]);
    let picky =
        orchestrator.race(racers()).accept(|outcome| async move { Ok(outcome.text() == "slow") }).await;
    assert_eq!(picky.winner, Some(0));
    let nobody = orchestrator.race(racers()).accept(|_| async { Ok(false) }).await;
    assert_eq!(nobody.winner, None);
    assert_eq!(statuses(&nobody.outcomes), ["succeeded", "failed", "succeeded"]);
    assert!(nobody.error.is_none());
}

#[tokio::test(start_paused = true)]
async fn who_cannot_say_what_an_answer_is_worth_ends_the_call() {
    let orchestrator = with_places(5);
    let asked = || [playing("a", says("slow", 60_000)), playing("b", says("quick", 10))];
    let lost = || async { Err(Error::new(ErrorKind::Callback, "undecided")) };
    let race = orchestrator.race(asked()).accept(move |_| lost()).await;
    assert_eq!((race.winner, race.error.unwrap().kind()), (None, ErrorKind::Callback));
    assert_eq!(statuses(&race.outcomes), ["cancelled", "succeeded"]);
    let lost = || async { Err(Error::new(ErrorKind::Callback, "undecided")) };
    let vote = orchestrator.vote(asked()).ballot(move |_| lost()).await;
    assert_eq!((vote.ballot, vote.error.unwrap().kind()), (None, ErrorKind::Callback));
    assert_eq!(statuses(&vote.outcomes), ["cancelled", "succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_begins_when_the_first_is_late_and_one_wins() {
    let orchestrator = with_places(5);
    let started = Arc::new(Mutex::new(Vec::new()));
    let race = async |racers: Vec<(&str, Script)>| {
        started.lock().unwrap().clear();
        let began = tokio::time::Instant::now();
        let tasks = racers.into_iter().map(|(name, script)| {
            let started = started.clone();
            let name = name.to_owned();
            Task::new("x").configure(move |session| {
                started.lock().unwrap().push((name.clone(), began.elapsed().as_secs()));
                session.transport(script.clone())
            })
        });
        let race = orchestrator.race(tasks).stagger(Duration::from_secs(10)).await;
        let seen: Vec<_> = started.lock().unwrap().iter().map(|(name, at)| format!("{name} {at}")).collect();
        (race, seen.join(", "), began.elapsed().as_secs())
    };
    let slow = || says("slow", 25_000);
    let (ended, seen, took) = race(vec![("a", says("quick", 9_000)), ("b", slow())]).await;
    assert_eq!((ended.winner, seen.as_str(), took), (Some(0), "a 0", 9));
    assert_eq!(statuses(&ended.outcomes), ["succeeded", "skipped"]);

    let (ended, seen, took) = race(vec![("a", slow()), ("b", says("quick", 1_000)), ("c", slow())]).await;
    assert_eq!((ended.winner, seen.as_str(), took), (Some(1), "a 0, b 10", 11));
    assert_eq!(statuses(&ended.outcomes), ["cancelled", "succeeded", "skipped"]);

    // One that fails need not be waited for.
    let (ended, seen, took) = race(vec![("a", fails(400)), ("b", slow()), ("c", says("quick", 1_000))]).await;
    assert_eq!((ended.winner, seen.as_str(), took), (Some(2), "a 0, b 0, c 10", 11));
    assert_eq!(statuses(&ended.outcomes), ["failed", "cancelled", "succeeded"]);

    // What the beaten one was seen to cost counts, and its place is free.
    let budget = Budget { total_usd: Some(1.0), run_usd: Some(0.3), ..Budget::default() };
    let paid = with(|config| config.budget = Some(budget));
    let racers = [playing("a", costs(0.2, json!({"result": {}}))), playing("b", says("b", 1))];
    let ended = paid.race(racers).stagger(Duration::from_secs(10)).await;
    assert_eq!(statuses(&ended.outcomes), ["cancelled", "succeeded"]);
    assert!((ended.outcomes[0].run().cost_usd - 0.2).abs() < 1e-9);
    let state = paid.admission().state(&crate::resilience::Spender::default());
    assert_eq!(state.running, 0);
    assert!((state.budget.total_spent.usd() - 0.01).abs() < 1e-9 && state.budget.uncertain.usd() >= 0.2);
}

#[tokio::test(start_paused = true)]
async fn a_vote_ends_as_soon_as_it_is_decided() {
    let orchestrator = with_places(5);
    let voters = |said: [(&str, u64); 5]| said.map(|(text, after)| playing(text, says(text, after)));
    let vote =
        orchestrator.vote(voters([("Yes.", 10), ("no", 20), ("yes", 30), ("YES!", 40), ("no", 900)])).await;
    assert_eq!((vote.ballot.as_deref(), vote.winner), (Some("yes"), Some(0)));
    assert_eq!((vote.agreement, vote.outcomes[4].status()), (0.6, "cancelled"));

    let split = voters([("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)]);
    let vote = orchestrator.vote(split).await;
    assert_eq!(vote.ballot, None);
    assert_eq!(vote.error.unwrap().message(), "the answers do not agree");

    let most = voters([("a", 1), ("b", 2), ("b", 3), ("d", 4), ("e", 5)]);
    let vote = orchestrator.vote(most).quorum(Quorum::Plurality).await;
    assert_eq!((vote.ballot.as_deref(), vote.winner), (Some("b"), Some(1)));

    let one_says_no = voters([("a", 1), ("a", 2), ("b", 3), ("a", 400), ("a", 500)]);
    let vote = orchestrator.vote(one_says_no).quorum(Quorum::Unanimous).await;
    assert_eq!((vote.ballot, vote.outcomes[4].status()), (None, "cancelled"));

    // A judge that makes nothing of an answer.
    let vote = orchestrator.vote(voters([("a", 1); 5])).ballot(|_| async { Ok(None) }).await;
    assert_eq!(vote.error.unwrap().message(), "nobody gave an answer");
}

#[tokio::test(start_paused = true)]
async fn answers_are_brought_together_in_groups() {
    let orchestrator = with_places(4);
    let tasks = || (1..=5).map(|number| playing("map", says(&number.to_string(), 1)));
    let sum = |group: Vec<Outcome>| async move {
        assert!(group.len() <= 2);
        let sum: u32 = group.iter().map(|outcome| outcome.text().parse::<u32>().unwrap()).sum();
        Ok(playing("reduce", says(&sum.to_string(), 1)))
    };
    let all = orchestrator.map_reduce(tasks(), 2, sum).await;
    assert_eq!(all.outcome.unwrap().text(), "15");
    assert_eq!((all.mapped.len(), all.reduced.len()), (5, 5));
    let refuses = |_| async { Err(Error::new(ErrorKind::Callback, "no")) };
    let failed = orchestrator.map_reduce(tasks(), 2, refuses).await;
    assert_eq!((failed.outcome.is_none(), failed.error.unwrap().kind()), (true, ErrorKind::Callback));
    let nothing = orchestrator.map_reduce(Vec::<Task>::new(), 2, sum).await;
    assert_eq!(nothing.error.unwrap().kind(), ErrorKind::InvalidArgument);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_asked_again_until_its_answer_is_good() {
    let orchestrator = with_places(1);
    let script = says("draft", 1);
    let mut rounds = 0;
    let end = orchestrator
        .until(playing("write", script.clone()), 5, |_| {
            rounds += 1;
            let verdict = if rounds == 3 { Verdict::Done } else { Verdict::Again("better".into()) };
            async { Ok(verdict) }
        })
        .await;
    assert!(end.done && end.outcomes.len() == 3);
    let prompts: Vec<_> = script
        .received()
        .iter()
        .filter(|frame| frame["type"] == "user")
        .map(|frame| frame["message"]["content"].clone())
        .collect();
    assert_eq!(prompts, ["write", "better", "better"]);
    let never = orchestrator
        .until(playing("write", script), 2, |_| async { Ok(Verdict::Again("better".into())) })
        .await;
    assert_eq!((never.done, never.outcomes.len()), (false, 2));
    assert!(never.error.unwrap().message().contains("2 rounds"));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_do_nothing_starts_nothing_and_says_why() {
    let orchestrator = with_places(2);
    let script = says("x", 1);
    let played = script.clone();
    let task = move || playing("a", played.clone());
    let refused = |error: &Error, field: &str| {
        assert_eq!((error.kind(), &error.context()["field"]), (ErrorKind::InvalidArgument, &json!(field)));
    };
    let parallel = orchestrator.parallel([task(), task()]).max_concurrent(0).await;
    assert_eq!(statuses(&parallel), ["skipped", "skipped"]);
    parallel.iter().for_each(|outcome| refused(outcome.error().unwrap(), "max_concurrent"));
    // Tasks without an end are left where they are.
    let endless = orchestrator.parallel(std::iter::repeat_with(task.clone())).max_concurrent(0).await;
    assert!(endless.len() <= 1, "{}", endless.len());
    let reduced = orchestrator.map_reduce([task()], 1, |_| async { Ok(Task::new("all")) }).await;
    assert!(reduced.outcome.is_none() && reduced.mapped.is_empty());
    refused(&reduced.error.unwrap(), "fan_in");
    let until = orchestrator.until(task(), 0, |_| async { Ok(Verdict::Done) }).await;
    assert!(!until.done && until.outcomes.is_empty());
    refused(&until.error.unwrap(), "rounds");
    assert!(script.received().is_empty());
    assert!(orchestrator.run(task()).await.is_success());
}

#[tokio::test(start_paused = true)]
async fn another_model_takes_over_where_that_can_help() {
    let config =
        OrchestratorConfig { fallbacks: vec![Candidate::model("haiku")], ..OrchestratorConfig::default() };
    let orchestrator = Orchestrator::new(config).unwrap();
    let started = Arc::new(Mutex::new(0));
    let task = |first: Script| {
        let started = started.clone();
        Task::from(("hi", Options { model: Some("opus".into()), ..Options::default() })).configure(
            move |session| {
                let mut started = started.lock().unwrap();
                *started += 1;
                session.transport(if *started == 1 { first.clone() } else { says("from the other", 1) })
            },
        )
    };
    let outcome = orchestrator.run(task(fails(529))).await;
    assert_eq!(
        (outcome.text().as_ref(), outcome.run().fallback, outcome.run().attempts),
        ("from the other", 1, 2)
    );
    *started.lock().unwrap() = 0;
    let outcome = orchestrator.run(task(fails(400))).await;
    assert_eq!((outcome.status(), outcome.run().attempts), ("failed", 1));
}

#[tokio::test(start_paused = true)]
async fn progress_tells_every_stage_without_gaps() {
    let orchestrator = with_places(1);
    let mut progress = orchestrator.subscribe();
    orchestrator.parallel([playing("a", says("hello", 1)), playing("b", fails(500))]).await;
    let events = progress.take();
    let sequence: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequence, (0..events.len() as u64).collect::<Vec<_>>());
    let stages: Vec<String> = events
        .iter()
        .map(|event| {
            format!("{}{}", event.name.as_deref().unwrap(), serde_json::to_value(event).unwrap()["stage"])
        })
        .collect();
    assert_eq!(
        stages,
        [
            r#"a"queued""#,
            r#"a"admitted""#,
            r#"a"started""#,
            r#"a"delta""#,
            r#"a"done""#,
            r#"b"queued""#,
            r#"b"admitted""#,
            r#"b"started""#,
            r#"b"done""#
        ]
    );
    drop(orchestrator);
    assert!(progress.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_is_an_outcome_like_any_other() {
    let orchestrator = with_places(2);
    let tasks = futures_of(vec![
        Ok(playing("a", says("a", 1))),
        Err(Error::new(ErrorKind::Callback, "mapper raised")),
    ]);
    let outcomes = orchestrator.parallel_stream(tasks).await;
    assert_eq!(statuses(&outcomes), ["succeeded", "failed"]);
    assert!(orchestrator.parallel(Vec::<Task>::new()).await.is_empty());
    for (config, field) in [
        (r#"{"max_concurrent": 0}"#, "max_concurrent"),
        (r#"{"timeout_ms": 0}"#, "timeout_ms"),
        (r#"{"timeout_ms": -1}"#, "timeout_ms"),
        (r#"{"fallbacks": [{}, {}, {}, {}, {}, {}]}"#, "fallbacks"),
        (r#"{"options": {"max_turns": 0}}"#, "max_turns"),
        (r#"{"nonsense": 1}"#, "nonsense"),
    ] {
        let error = OrchestratorConfig::from_json(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidOptions);
        assert!(error.to_string().contains(field), "{config}: {error}");
    }
}

/// A stream of what is there already.
fn futures_of(items: Vec<crate::Result<Task>>) -> impl futures_core::Stream<Item = crate::Result<Task>> {
    struct Items(std::vec::IntoIter<crate::Result<Task>>);
    impl futures_core::Stream for Items {
        type Item = crate::Result<Task>;
        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Ready(self.0.next())
        }
    }
    Items(items.into_iter())
}
