//! The pool of an orchestrator over real processes: who takes what stands ready, what becomes of it, and that nothing is left.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test that cannot go on must stop

use std::{collections::BTreeSet, fs, time::Duration};

use madrigal::{
    Options, Permission,
    orchestrate::{Orchestrator, OrchestratorConfig, Outcome, ProgressStream, Stage, Task},
    pool::{PoolConfig, Start},
};
use madrigal_conformance::simulator;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

const SIGKILL: rustix::process::Signal = rustix::process::Signal::KILL;

/// An orchestrator whose programs play a script, and can be told from those of other tests.
struct Pooled {
    orchestrator: Orchestrator,
    progress: ProgressStream,
    mark: String,
}

fn play(script: Value, pool: PoolConfig) -> Pooled {
    play_at(script, pool, 1)
}

fn play_at(script: Value, pool: PoolConfig, max_concurrent: usize) -> Pooled {
    let mark = format!("MADRIGAL_POOL_TEST={}", uuid::Uuid::new_v4().simple());
    let (name, value) = mark.split_once('=').unwrap();
    let env = [
        ("MADRIGAL_SIMULATE".to_owned(), json!({"name": "pool", "cli": script}).to_string()),
        (name.to_owned(), value.to_owned()),
    ];
    let options = Options {
        cli_path: Some(simulator()),
        env: env.into(),
        tools: Some(Vec::<String>::new().into()),
        ..Options::default()
    };
    let config = OrchestratorConfig {
        options,
        pool: Some(pool),
        max_concurrent,
        rate_limit: None,
        ..OrchestratorConfig::default()
    };
    let orchestrator = Orchestrator::new(config).unwrap();
    let progress = orchestrator.subscribe();
    Pooled { orchestrator, progress, mark }
}

impl Pooled {
    /// The processes of this test that live.
    fn living(&self) -> Vec<u32> {
        let pids =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|pid| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let marked = environ.split(|byte| *byte == 0).any(|variable| variable == self.mark.as_bytes());
            marked && !fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
        })
        .collect()
    }

    /// Waits until so many stand ready.
    async fn ready(&self, count: u64) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.orchestrator.stats().idle != count {
            assert!(Instant::now() < deadline, "{} stand ready, not {count}", self.orchestrator.stats().idle);
            sleep(Duration::from_millis(2)).await;
        }
    }

    async fn run(&self, task: impl Into<Task>) -> Outcome {
        let outcome = self.orchestrator.run(task).await;
        assert!(outcome.is_success(), "{outcome:?}");
        outcome
    }

    /// The next process that is taken out, and why.
    async fn dropped(&mut self) -> String {
        let next = async {
            loop {
                if let Stage::Dropped { reason, .. } = self.progress.next().await.unwrap().stage {
                    return reason;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), next).await.unwrap()
    }

    async fn nothing_is_left(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.living().is_empty() {
            assert!(Instant::now() < deadline, "{:?} still live", self.living());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn start(outcome: &Outcome) -> Start {
    outcome.run().start.unwrap()
}

/// The process that answered.
fn pid(outcome: &Outcome) -> u64 {
    outcome.run().result().unwrap().value()["pid"].as_u64().unwrap()
}

/// Says which process it is.
fn one_turn() -> Vec<Value> {
    let init = json!({"init": {"tools": [], "mcp_servers": []}});
    vec![
        json!({"await": {"type": "user"}, "save": "p"}),
        init,
        json!({"result": {"result": "done", "pid": "$pid", "total_cost_usd": 0.01}}),
    ]
}

fn clears(init: Value) -> Vec<Value> {
    vec![
        json!({"await": {"type": "user", "message": {"content": "/clear"}}, "save": "c"}),
        json!({"emit": {"type": "conversation_reset", "trigger": "clear", "user_message_uuid": "$c.uuid"}}),
        json!({"init": init}),
        json!({"result": {"num_turns": 0, "total_cost_usd": 0, "result": ""}}),
    ]
}

fn afresh() -> Value {
    json!({"session_id": "$uuid", "tools": [], "mcp_servers": []})
}

/// Prompts and `/clear` in turn; with `probed`, one `/clear` before.
fn again_and_again(probed: bool) -> Value {
    let mut script = if probed { clears(afresh()) } else { Vec::new() };
    let mut turn = one_turn();
    turn.insert(2, json!({"text": {"text": "$p.message.content"}}));
    turn.extend(clears(afresh()));
    script.push(json!({"loop": turn}));
    script.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_ready_serves_one_run_and_is_replaced() {
    let stage = play(one_turn().into(), PoolConfig::default());
    let mut pids = BTreeSet::new();
    for _ in 0..3 {
        stage.ready(1).await;
        let outcome = stage.run("hi").await;
        assert_eq!(start(&outcome), Start::Prewarmed);
        assert!(pids.insert(pid(&outcome)), "each had a process of its own");
    }
    assert_eq!(stage.orchestrator.stats().prewarmed, 3);
    stage.ready(1).await;
    assert_eq!(stage.living().len(), 1);
    stage.orchestrator.close().await;
    assert_eq!(stage.living(), Vec::<u32>::new());
    assert_eq!(start(&stage.run("hi").await), Start::Cold);
    stage.nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_would_be_started_otherwise_starts_its_own() {
    let stage = play(one_turn().into(), PoolConfig::default());
    stage.ready(1).await;
    for options in
        [json!({"model": "haiku"}), json!({"env": {"ANTHROPIC_API_KEY": "another"}}), json!({"cwd": "/"})]
    {
        let options = Options::from_json(&options.to_string()).unwrap();
        let outcome = stage.run(Task::new("hi").options(options)).await;
        assert_eq!(start(&outcome), Start::Cold);
    }
    // An id can be used only once, so nothing is started ahead for it.
    let own = Options { session_id: Some(uuid::Uuid::new_v4().to_string()), ..Options::default() };
    assert_eq!(start(&stage.run(Task::new("hi").options(own)).await), Start::Cold);
    assert_eq!(start(&stage.run("hi").await), Start::Prewarmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_repeats_is_started_ahead_and_makes_room_for_itself() {
    let pool = PoolConfig { max_idle: Some(1), ..PoolConfig::default() };
    let mut stage = play(one_turn().into(), pool);
    stage.ready(1).await;
    let haiku = || Task::new("hi").options(Options { model: Some("haiku".into()), ..Options::default() });
    assert_eq!(start(&stage.run(haiku()).await), Start::Cold);
    let second = stage.run(haiku()).await;
    assert_eq!(start(&second), Start::Cold);
    assert_eq!(stage.dropped().await, "others are asked for");
    stage.ready(1).await;
    assert_eq!(start(&stage.run(haiku()).await), Start::Prewarmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_one_is_replaced_and_no_run_fails_of_it() {
    let mut stage = play(one_turn().into(), PoolConfig::default());
    stage.ready(1).await;
    let [pid] = stage.living()[..] else { panic!("one stands ready") };
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, SIGKILL).unwrap();
    stage.run("hi").await;
    let reason = stage.dropped().await;
    assert!(
        reason.contains("died while it stood ready") || reason.contains("did not take its prompt"),
        "{reason}"
    );
    stage.ready(1).await;
    assert_eq!(start(&stage.run("hi").await), Start::Prewarmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_noisy_one_is_not_used() {
    let mut script = vec![
        json!({"emit": {"type": "system", "subtype": "informational", "content": "Hear ye", "level": "info"}}),
    ];
    script.extend(one_turn());
    let mut stage = play(script.into(), PoolConfig::default());
    let reason = stage.dropped().await;
    assert!(reason.contains("`system/informational` while it stood ready"), "{reason}");
    assert_eq!(start(&stage.run("hi").await), Start::Cold);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_started_is_the_business_of_no_run_before_it_is_asked_for() {
    let mut stage = play(json!([{"exit": 3}]), PoolConfig::default());
    let reason = stage.dropped().await;
    assert!(reason.contains("code 3"), "{reason}");
    let config = OrchestratorConfig {
        options: Options { cli_path: Some("/no/such/claude".into()), ..Options::default() },
        pool: Some(PoolConfig::default()),
        ..OrchestratorConfig::default()
    };
    let outcome = Orchestrator::new(config).unwrap().run("hi").await;
    assert_eq!(outcome.error().unwrap().kind().code(), "cli_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_one_is_replaced() {
    let pool = PoolConfig { max_age_ms: 300, ..PoolConfig::default() };
    let mut stage = play(one_turn().into(), pool);
    assert_eq!(stage.dropped().await, "it is older than `pool.max_age_ms`");
    stage.run("hi").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_of_the_run_is_asked_not_that_of_another() {
    let script = json!([
        {"await": {"type": "user"}},
        {"init": {}},
        {"emit": {"type": "control_request", "request_id": "r1", "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": {}, "tool_use_id": "t"}}},
        {"await": {"type": "control_response"}, "save": "a"},
        {"result": {"result": "$a.response.response.message"}},
    ]);
    let stage = play(script, PoolConfig::default());
    let task = |name: &'static str| {
        Task::new("hi").configure(move |session| {
            session.can_use_tool(move |_| async move { Ok(Permission::deny(name)) })
        })
    };
    let mut starts = Vec::new();
    for name in ["one", "two", "three"] {
        let outcome = stage.run(task(name)).await;
        assert_eq!(outcome.text(), name);
        starts.push(start(&outcome));
    }
    assert_eq!(starts[..2], [Start::Cold, Start::Cold], "what is asked for once is not started ahead");
    // What was started ahead for others stands there, too.
    stage.ready(1).await;
    assert_eq!(stage.run(task("four")).await.text(), "four");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_forgets_serves_run_after_run() {
    let stage =
        play(again_and_again(false), PoolConfig { recycle: true, min_idle: 0, ..PoolConfig::default() });
    let mut sessions = BTreeSet::new();
    let mut pids = BTreeSet::new();
    let mut starts = Vec::new();
    for number in 0..4 {
        let outcome = stage.run(format!("prompt {number}")).await;
        starts.push(start(&outcome));
        pids.insert(pid(&outcome));
        assert!(sessions.insert(outcome.run().session_id.clone()), "each is a session of its own");
        assert!((outcome.run().cost_usd - 0.01).abs() < 1e-9, "each pays for itself");
        let said: String = outcome.run().messages.iter().map(|message| message.raw()).collect();
        assert!(
            said.contains(&format!("prompt {number}")) && !said.contains(&format!("prompt {}", number + 3)),
            "{said}"
        );
        assert!(!said.contains("conversation_reset"), "forgetting is no part of a run: {said}");
    }
    assert_eq!(starts, [Start::Cold, Start::Recycled, Start::Recycled, Start::Recycled]);
    assert_eq!(pids.len(), 1, "{pids:?}");
    assert_eq!(stage.orchestrator.stats().recycled, 3);
    stage.orchestrator.close().await;
    assert_eq!(stage.living(), Vec::<u32>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_it_forgets_is_tried_before_the_first_run() {
    let stage = play(again_and_again(true), PoolConfig { recycle: true, ..PoolConfig::default() });
    stage.ready(1).await;
    let outcome = stage.run("hi").await;
    assert_eq!(start(&outcome), Start::Prewarmed);
    let said: String = outcome.run().messages.iter().map(|message| message.raw()).collect();
    assert!(!said.contains("conversation_reset"), "{said}");
    stage.orchestrator.close().await;
    assert_eq!(stage.living(), Vec::<u32>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_need_no_more_processes_than_run_at_a_time() {
    let pool = PoolConfig { recycle: true, min_idle: 0, ..PoolConfig::default() };
    let stage = play_at(again_and_again(false), pool, 4);
    let outcomes = stage.orchestrator.parallel((0..40).map(|number| format!("prompt {number}."))).await;
    let mut pids = BTreeSet::new();
    for (number, outcome) in outcomes.iter().enumerate() {
        assert!(outcome.is_success(), "{outcome:?}");
        let said: String = outcome.run().messages.iter().map(|message| message.raw()).collect();
        assert!(said.contains(&format!("prompt {number}.")), "{said}");
        pids.insert(pid(outcome));
    }
    assert_eq!(pids.len(), 4, "{pids:?}");
    let stats = stage.orchestrator.stats();
    assert_eq!((stats.total, stats.recycled), (40, 36));
    let mark = stage.mark.clone();
    drop(stage.orchestrator);
    Pooled { mark, ..play(json!([]), PoolConfig { min_idle: 0, ..PoolConfig::default() }) }
        .nothing_is_left()
        .await;
}

/// Closing meets a process at every step of its way back: it must be ended then, too, or whoever closes waits for ever.
#[tokio::test]
async fn one_that_comes_back_while_the_pool_is_closed_is_ended() {
    for steps in 0..60 {
        let pool = PoolConfig { recycle: true, min_idle: 0, ..PoolConfig::default() };
        let stage = play(again_and_again(false), pool);
        // Its memory is measured behind the first run, which takes a while of its own.
        assert!(stage.run("hi").await.is_success());
        for _ in 0..steps * 5 {
            tokio::task::yield_now().await;
        }
        let closed = tokio::time::timeout(Duration::from_secs(30), stage.orchestrator.close()).await;
        assert!(closed.is_ok(), "after {steps} steps {:?} live", stage.living());
        assert_eq!(stage.living(), Vec::<u32>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_the_options_takes_none_out() {
    // One that may be used again is tried before its first run; those started later are not, so this script plays one.
    for (recycle, runs) in [(false, 3), (true, 1)] {
        let stage = play(json!([]), PoolConfig { min_idle: 0, ..PoolConfig::default() });
        let mut config = stage.orchestrator.config().clone();
        let steps = if recycle { again_and_again(true) } else { one_turn().into() };
        let script = json!({"name": "pool", "cli": steps}).to_string();
        config.options.env.insert("MADRIGAL_SIMULATE".into(), script);
        config.options.model = Some("house-model".into());
        config.pool = Some(PoolConfig { recycle, ..PoolConfig::default() });
        let orchestrator = Orchestrator::new(config).unwrap();
        let stage = Pooled { progress: orchestrator.subscribe(), orchestrator, mark: stage.mark.clone() };
        for _ in 0..runs {
            stage.ready(1).await;
            let task = Task::new("hi").timeout(Duration::from_secs(30));
            assert_ne!(start(&stage.run(task).await), Start::Cold);
        }
        assert_eq!(stage.orchestrator.stats().dropped, 0);
        stage.orchestrator.close().await;
        assert_eq!(stage.living(), Vec::<u32>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_served_enough_is_ended() {
    let pool = PoolConfig { recycle: true, min_idle: 0, max_reuses: 1, ..PoolConfig::default() };
    let mut stage = play(again_and_again(false), pool);
    let first = stage.run("a").await;
    let second = stage.run("b").await;
    assert_eq!(pid(&first), pid(&second));
    assert_eq!(stage.dropped().await, "it served 2 runs (`pool.max_reuses`)");
    let third = stage.run("c").await;
    assert_eq!((start(&third), pid(&third) == pid(&first)), (Start::Cold, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_forgetting_does_not_work_nothing_is_used_again() {
    // Another version of the program, which takes `/clear` for a prompt.
    let mut script = one_turn();
    script.extend(one_turn());
    let mut stage =
        play(json!([{"loop": one_turn()}]), PoolConfig { recycle: true, ..PoolConfig::default() });
    let reason = stage.dropped().await;
    assert!(
        reason.starts_with("processes of its kind are not used again: `/clear` did not work as expected"),
        "{reason}"
    );
    let mut pids = BTreeSet::new();
    for _ in 0..3 {
        stage.ready(1).await;
        let outcome = stage.run("hi").await;
        assert_eq!(start(&outcome), Start::Prewarmed);
        assert!(pids.insert(pid(&outcome)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_not_the_new_one_ends_its_process_and_not_the_run() {
    let mut turn = one_turn();
    turn[1] = json!({"init": afresh()});
    turn.extend(clears(afresh()));
    let pool = PoolConfig { recycle: true, min_idle: 0, ..PoolConfig::default() };
    let mut stage = play(json!([{"loop": turn}]), pool);
    let first = stage.run("a").await;
    let second = stage.run("b").await;
    assert_eq!((start(&second), second.run().attempts), (Start::Cold, 1));
    assert_ne!(pid(&first), pid(&second));
    assert!(stage.dropped().await.contains("its session is not the one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_did_more_than_talk_ends_its_process() {
    let tool = json!({"type": "assistant", "message": {"role": "assistant", "model": "m", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]}});
    let mut turn = one_turn();
    turn.insert(2, json!({"emit": tool}));
    turn.extend(clears(afresh()));
    let pool = PoolConfig { recycle: true, min_idle: 0, ..PoolConfig::default() };
    let mut stage = play(json!([{"loop": turn}]), pool);
    let (first, second) = (stage.run("a").await, stage.run("b").await);
    assert!(pid(&first) != pid(&second) && start(&second) == Start::Cold);
    assert!(stage.dropped().await.contains("more than text: `tool_use`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_the_user_ends_its_process() {
    let pool = PoolConfig { recycle: true, min_idle: 0, ..PoolConfig::default() };
    let stage = play(again_and_again(false), pool);
    let first = stage.run("/model opus").await;
    let second = stage.run("hi").await;
    assert!(pid(&first) != pid(&second) && start(&second) == Start::Cold);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_task_may_come_twice() {
    let pool = PoolConfig { recycle: true, min_idle: 0, ..PoolConfig::default() };
    let stage = play(again_and_again(false), pool);
    let task = Task::new("hi");
    stage.run(task.clone()).await;
    // A process drops a prompt that it has seen, also before it forgot.
    assert_eq!(stage.run(task).await.run().attempts, 1);
}
