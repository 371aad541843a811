//! A second attempt beside a first one that is late. Whichever the model begins to answer first goes on; the other is stopped before it has
//! said or done anything, and what it cost counts. The second is let in like any other attempt, but never waits for that: when everybody is late
//! because too much is asked for, nobody gets one.

use std::time::Duration;

use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::{
    gate::{self, Asker},
    item::{Begin, Item, Work},
    progress::Stage,
};
use crate::{
    Error, Options,
    options::Tools,
    resilience::{Failure, FailureKind, Permit, READ_ONLY_TOOLS},
};

/// How an attempt ended.
pub(super) type Ended = Result<(), (Error, Failure)>;

impl Item {
    /// After how long an attempt may have a second one beside it; `None`: never.
    pub(super) fn hedge_after(&self, asker: &Asker, options: &Options, beside: &Work) -> Option<Duration> {
        let hedges = self.flow.shared.hedges.as_ref()?;
        let begins_anew =
            options.resume.is_none() && !options.continue_session && options.session_id.is_none();
        let harmless = self.task.idempotent || (!self.task.adds_tools && only_reads(options));
        // One for a task.
        let first = beside.attempts.run.attempts == 0;
        if begins_anew && harmless && first { hedges.begin(&asker.spender.key) } else { None }
    }

    /// An attempt, and a second one beside it when the first is not answered within `late`. The one that goes on is in `work` behind it,
    /// the other in `beside`, over and paid for.
    pub(super) async fn hedged(
        &self,
        begin: Begin,
        late: Duration,
        asker: &Asker,
        (work, beside): (&mut Work, &mut Work),
    ) -> Ended {
        let options = begin.options.clone();
        let (one, other) = (Notify::new(), Notify::new());
        let (number, fallback) = (work.attempts.run.attempts + 1, work.attempts.run.fallback);
        let mut began = Instant::now();
        let mut first = Box::pin(self.attempt(begin, work, &one));
        tokio::select! {
            biased;
            ended = &mut first => return ended,
            () = one.notified() => return first.await,
            () = sleep(late) => {}
        }
        let Some(permit) = self.second(asker, &options) else { return first.await };
        self.tell(Stage::Hedge { attempt: number + 1, after_ms: gate::millis(late) });
        (beside.attempts.run.attempts, beside.attempts.run.fallback) = (number, fallback);
        let begin = Begin { permit, options, prompt: self.task.prompt.clone(), total: 0.0, first: None };
        let second_began = Instant::now();
        let mut second = Box::pin(self.attempt(begin, beside, &other));

        // Who is answered goes on, also when it is over by then; who failed leaves it to the other.
        let (first_goes_on, ended) = tokio::select! {
            biased;
            ended = &mut first => (ended.is_ok(), Some(ended)),
            () = one.notified() => (true, None),
            ended = &mut second => (ended.is_err(), Some(ended)),
            () = other.notified() => (false, None),
        };
        let outcome = match &ended {
            Some(Err((_, failure))) => Err(failure.clone()),
            _ => Err(Failure::new(FailureKind::Cancelled)),
        };
        let over = ended.is_some_and(|ended| ended.is_ok());
        let ended = if first_goes_on {
            drop(second);
            began = second_began;
            let settled = self.settle(beside, &outcome);
            if over {
                drop(first);
                settled.await;
                Ok(())
            } else {
                tokio::join!(first, settled).0
            }
        } else {
            drop(first);
            let settled = self.settle(work, &outcome);
            if over {
                drop(second);
                settled.await;
                Ok(())
            } else {
                tokio::join!(second, settled).0
            }
        };
        // It had waited so long at least: without it the late ones would never be known.
        if let Some(hedges) = &self.flow.shared.hedges {
            hedges.heard(&asker.spender.key, began.elapsed());
        }
        self.flow.shared.stats.hedged(!first_goes_on);
        let attempts = work.attempts.run.attempts.max(beside.attempts.run.attempts);
        let changed = work.attempts.changed || beside.attempts.changed;
        if !first_goes_on {
            std::mem::swap(work, beside);
        }
        work.attempts.run.attempts = attempts;
        work.attempts.changed = changed;
        ended
    }

    /// Lets a second attempt in, if that is possible at once and within its share.
    fn second(&self, asker: &Asker, options: &Options) -> Option<Permit> {
        let hedges = self.flow.shared.hedges.as_ref()?;
        if !hedges.take() {
            return None;
        }
        let permit = self.flow.shared.gate.at_once(asker, options);
        if permit.is_none() {
            hedges.give_back();
        }
        permit
    }
}

/// Whether the program has only tools that change nothing.
fn only_reads(options: &Options) -> bool {
    let reads = |tools: &Vec<String>| tools.iter().all(|tool| READ_ONLY_TOOLS.contains(&tool.as_str()));
    matches!(&options.tools, Some(Tools::List(tools)) if reads(tools))
        && options.mcp_servers.is_none()
        && options.agents.is_empty()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use serde_json::{Value, json};

    use crate::{
        orchestrate::{Orchestrator, OrchestratorConfig, Outcome, Stage, Task},
        resilience::{Budget, Hedge, Spender},
        testing::Script,
    };

    fn orchestrator(max_concurrent: usize) -> Orchestrator {
        let hedge = Hedge { min_delay_ms: 1_000, min_samples: 5, max_share: 1.0, ..Hedge::default() };
        let budget = Budget { total_usd: Some(10.0), ..Budget::default() };
        let config =
            OrchestratorConfig { max_concurrent, hedge: Some(hedge), ..OrchestratorConfig::default() };
        Orchestrator::new(OrchestratorConfig { budget: Some(budget), ..config }).unwrap()
    }

    fn script(behind: &Value) -> Script {
        let mut steps = json!([{"await": {"type": "user"}}, {"init": {}}]);
        steps.as_array_mut().unwrap().extend(behind.as_array().unwrap().iter().cloned());
        Script::from_json(&json!({"cli": steps}).to_string()).unwrap()
    }

    /// Is answered after so long, and takes a second for the rest.
    fn says(text: &str, after_ms: u64) -> Script {
        script(&json!([{"pause_ms": after_ms}, {"text": {"text": text}}, {"pause_ms": 1_000},
            {"result": {"result": text, "total_cost_usd": 0.01}}]))
    }

    fn hangs() -> Script {
        script(&json!([{"hang": true}]))
    }

    /// Plays the first at its first start, and so on.
    fn plays(scripts: Vec<Script>) -> (Task, Arc<AtomicUsize>) {
        let starts = Arc::new(AtomicUsize::new(0));
        let counted = starts.clone();
        let task = Task::new("hi").configure(move |session| {
            session.transport(scripts[counted.fetch_add(1, Ordering::Relaxed)].clone())
        });
        (task, starts)
    }

    /// Lets it see what is usual.
    async fn usual(orchestrator: &Orchestrator) {
        for _ in 0..5 {
            let (task, _) = plays(vec![says("quick", 100)]);
            assert!(orchestrator.run(task).await.is_success());
        }
    }

    /// H3: nothing runs; what may have been spent and is not known stays charged.
    fn at_rest(orchestrator: &Orchestrator) {
        let state = orchestrator.admission().state(&Spender::default());
        assert_eq!((state.running, state.starting, state.waiting), (0, 0, 0), "{state:?}");
        let held = state.budget.accounts["global"].held;
        assert_eq!(held, state.budget.uncertain);
    }

    async fn run(orchestrator: &Orchestrator, scripts: Vec<Script>) -> (Outcome, usize) {
        let (task, starts) = plays(scripts);
        let outcome = orchestrator.run(task.idempotent()).await;
        at_rest(orchestrator);
        (outcome, starts.load(Ordering::Relaxed))
    }

    fn hedges(orchestrator: &Orchestrator) -> (u64, u64) {
        let stats = orchestrator.stats();
        (stats.hedged, stats.hedges_won)
    }

    /// H2: exactly one goes on.
    #[tokio::test(start_paused = true)]
    async fn the_second_goes_on_where_the_first_is_not_answered() {
        let orchestrator = orchestrator(5);
        usual(&orchestrator).await;
        let mut progress = orchestrator.subscribe();
        let (outcome, starts) = run(&orchestrator, vec![hangs(), says("second", 100)]).await;
        assert_eq!(
            (outcome.text().as_ref(), outcome.run().attempts, starts),
            ("second", 2, 2),
            "{outcome:?}"
        );
        assert_eq!(hedges(&orchestrator), (1, 1));
        let stages: Vec<_> = progress.take().into_iter().map(|event| event.stage).collect();
        let hedge = stages.iter().find(|stage| matches!(stage, Stage::Hedge { .. }));
        assert!(matches!(hedge, Some(Stage::Hedge { attempt: 2, after_ms: 1_000 })), "{stages:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_goes_on_where_it_is_answered_before_the_second() {
        let orchestrator = orchestrator(5);
        usual(&orchestrator).await;
        let (outcome, starts) = run(&orchestrator, vec![says("first", 1_500), says("second", 900)]).await;
        assert_eq!((outcome.text().as_ref(), outcome.run().attempts, starts), ("first", 2, 2), "{outcome:?}");
        assert_eq!(outcome.run().cost_usd, 0.01);
        assert_eq!(hedges(&orchestrator), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_leaves_it_to_the_other() {
        let dies = || script(&json!([{"pause_ms": 1_200}, {"exit": 1}]));
        for (scripts, text) in [
            (vec![dies(), says("second", 3_000)], "second"),
            (vec![says("first", 5_000), dies()], "first"),
            // Both: it is tried again as ever, without another beside it.
            (vec![dies(), dies(), says("third", 3_000)], "third"),
        ] {
            // A new one, for what is late is learned.
            let orchestrator = orchestrator(5);
            usual(&orchestrator).await;
            let most = scripts.len();
            let (outcome, starts) = run(&orchestrator, scripts).await;
            assert_eq!((outcome.text().as_ref(), starts), (text, most), "{outcome:?}");
            assert_eq!((outcome.run().attempts as usize, orchestrator.stats().hedged), (most, 1));
        }
    }

    /// H4.
    #[tokio::test(start_paused = true)]
    async fn there_is_none_without_need_without_a_place_and_for_what_may_change_something() {
        let orchestrator = orchestrator(5);
        let (outcome, starts) = run(&orchestrator, vec![says("first", 9_000)]).await;
        assert_eq!((outcome.text().as_ref(), starts), ("first", 1), "too little is known");
        usual(&orchestrator).await;
        let (outcome, starts) = run(&orchestrator, vec![says("first", 900)]).await;
        assert_eq!((outcome.text().as_ref(), starts), ("first", 1), "not late");
        let (task, starts) = plays(vec![says("first", 9_000)]);
        assert!(orchestrator.run(task).await.is_success());
        assert_eq!(starts.load(Ordering::Relaxed), 1, "it may change something");

        let narrow = self::orchestrator(1);
        usual(&narrow).await;
        let (outcome, starts) = run(&narrow, vec![says("first", 9_000)]).await;
        assert_eq!((outcome.text().as_ref(), starts), ("first", 1), "no place");
    }

    #[tokio::test(start_paused = true)]
    async fn both_are_gone_when_the_time_is_up_or_the_call_is_dropped() {
        let orchestrator = orchestrator(5);
        usual(&orchestrator).await;
        let (task, starts) = plays(vec![hangs(), hangs()]);
        let task = task.idempotent().timeout(std::time::Duration::from_secs(20));
        assert_eq!(orchestrator.run(task).await.status(), "timed_out");
        assert_eq!(starts.load(Ordering::Relaxed), 2);
        let (task, starts) = plays(vec![hangs(), hangs()]);
        let call = orchestrator.run(task.idempotent());
        assert!(tokio::time::timeout(std::time::Duration::from_secs(20), call).await.is_err());
        assert_eq!(starts.load(Ordering::Relaxed), 2);
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        assert_eq!(orchestrator.admission().state(&Spender::default()).running, 0);
    }

    #[test]
    fn tools_that_only_read_do_no_harm() {
        let reads = |text: &str| super::only_reads(&crate::Options::from_json(text).unwrap());
        assert!(reads(r#"{"tools": []}"#));
        assert!(reads(r#"{"tools": ["Read", "Grep"]}"#));
        assert!(!reads(r#"{"tools": ["Read", "Bash"]}"#));
        assert!(!reads(r#"{"tools": {"type": "preset", "preset": "claude_code"}}"#));
        assert!(!reads(r#"{"tools": [], "mcp_servers": {"a": {"command": "a"}}}"#));
        assert!(!reads("{}"));
    }
}
