//! The agents a session has, for those who put another one in the lead.
//!
//! The program lists them when it is ready, with each turn and when plugins are read again; a name that was on any list counts. It
//! refuses all others itself, but does not say which may have been meant.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Actor;
use crate::{Error, ErrorKind, Options, Result, protocol::Answer, session::control::Limit, suggest::nearest};

/// At most this many suggestions are made.
const MOST: usize = 3;

/// Who may lead, and who asked before that was known.
pub(super) struct Agents {
    /// The option was given.
    enabled: bool,
    /// The program has answered `initialize`.
    ready: bool,
    /// Empty when the program lists none: then any name may be one.
    names: BTreeSet<String>,
    waiting: Vec<(Value, Limit, Answer)>,
}

impl Agents {
    pub(super) fn of(options: &Options) -> Self {
        Self {
            enabled: options.enable_agent_switching,
            ready: false,
            names: BTreeSet::new(),
            waiting: Vec::new(),
        }
    }

    /// A list of the program: names, or objects that have one.
    pub(super) fn listed(&mut self, agents: &Value) {
        let Some(agents) = agents.as_array() else { return };
        let name = |agent: &Value| agent.get("name").unwrap_or(agent).as_str().map(str::to_owned);
        self.names.extend(agents.iter().filter_map(name));
    }

    /// A `system/init` of the program.
    pub(super) fn began(&mut self, line: &str) {
        if self.enabled {
            let frame: Value = serde_json::from_str(line).unwrap_or_default();
            self.listed(&frame["agents"]);
        }
    }

    /// Nobody answers those who wait any more.
    pub(super) fn fail(&mut self, error: &Error) {
        for (_, _, answer) in self.waiting.drain(..) {
            drop(answer.send(Err(error.clone())));
        }
    }

    fn check(&self, agent: &Value) -> Result<()> {
        let invalid = |message: String| {
            Error::new(ErrorKind::InvalidArgument, message).operation("set_agent").with("field", "agent")
        };
        let agent = match agent.as_str() {
            None => return Ok(()),
            Some("") => {
                return Err(invalid("agent: expected the name of an agent, or none at all".to_owned()));
            }
            Some(name) => name,
        };
        if self.names.is_empty() || self.names.contains(agent) {
            return Ok(());
        }
        let meant = nearest(agent, self.names.iter().map(String::as_str), MOST);
        let ticked = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        let help = if meant.is_empty() {
            let all: Vec<_> = self.names.iter().map(String::as_str).collect();
            format!("; the session has {}", ticked(&all).join(", "))
        } else {
            format!("; did you mean {}?", ticked(&meant).join(" or "))
        };
        Err(invalid(format!("agent: there is no agent `{agent}`{help}")).with("suggestions", json!(meant)))
    }
}

impl Actor {
    /// Sends a request that puts an agent in the lead, once it is known which there are.
    pub(super) fn set_agent(&mut self, request: Value, limit: Limit, answer: Answer) {
        let checked = self.check_open("set_agent").and_then(|()| {
            if self.agents.enabled {
                return Ok(());
            }
            let message = "enable_agent_switching: must be `true` when the session is opened, for another agent to lead later; \
                           without it the program keeps the prompt it began with";
            Err(Error::new(ErrorKind::InvalidOptions, message)
                .operation("set_agent")
                .with("field", "enable_agent_switching"))
        });
        match checked {
            Ok(()) if !self.agents.ready => self.agents.waiting.push((request, limit, answer)),
            Ok(()) => match self.agents.check(&request["settings"]["agent"]) {
                Ok(()) => self.control(&request, limit, answer),
                Err(error) => drop(answer.send(Err(error))),
            },
            Err(error) => drop(answer.send(Err(error))),
        }
    }

    /// The program is ready and has listed its agents.
    pub(super) fn agents_are_known(&mut self, info: &Value) {
        self.agents.listed(&info["agents"]);
        self.agents.ready = true;
        for (request, limit, answer) in std::mem::take(&mut self.agents.waiting) {
            self.set_agent(request, limit, answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::IntoFuture;

    use serde_json::{Value, json};

    use crate::{Error, ErrorKind, Options, Session, testing::Script};

    async fn opened(script: &Script, over: &Value) -> Session {
        let mut options = json!({
            "enable_agent_switching": true,
            "agents": {"reviewer": {"description": "Reviews", "prompt": "Review."}},
        });
        options.as_object_mut().unwrap().extend(over.as_object().cloned().unwrap());
        let options = Options::from_json(&options.to_string()).unwrap();
        Session::builder(options).transport(script.clone()).open().await.unwrap()
    }

    /// The settings that the program was told.
    fn told(script: &Script) -> Vec<Value> {
        let requests = script.received().into_iter().map(|frame| frame["request"].clone());
        requests.filter(|request| request["subtype"] == "apply_flag_settings").collect()
    }

    fn facts(error: &Error) -> (ErrorKind, &Value, &Value) {
        (error.kind(), &error.context()["field"], &error.context()["suggestions"])
    }

    #[tokio::test]
    async fn the_program_is_told_and_opened_so_that_it_can() {
        let script = Script::new();
        let session = opened(&script, &json!({})).await;
        session.set_agent(Some("reviewer")).await.unwrap();
        session.set_agent(None).await.unwrap();
        assert_eq!(
            told(&script),
            [
                json!({"subtype": "apply_flag_settings", "settings": {"agent": "reviewer"}}),
                json!({"subtype": "apply_flag_settings", "settings": {"agent": null}}),
            ]
        );
        assert_eq!(script.received()[0]["request"]["systemPromptSnapshot"], false);
        session.close().await;
    }

    #[tokio::test]
    async fn an_unknown_name_is_refused_with_what_may_be_meant() {
        let script = Script::new();
        let session = opened(&script, &json!({})).await;
        let error = session.set_agent(Some("Reviwer")).await.unwrap_err();
        assert_eq!(facts(&error), (ErrorKind::InvalidArgument, &json!("agent"), &json!(["reviewer"])));
        assert_eq!(error.message(), "agent: there is no agent `Reviwer`; did you mean `reviewer`?");
        let error = session.set_agent(Some("zzz")).await.unwrap_err();
        assert_eq!(facts(&error).2, &json!([]));
        assert!(error.message().ends_with("has `Explore`, `general-purpose`, `reviewer`"), "{error}");
        let error = session.set_agent(Some("")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert_eq!(told(&script), [] as [Value; 0]);
        session.close().await;
    }

    #[tokio::test]
    async fn without_the_option_nothing_is_sent() {
        let script = Script::new();
        let session = opened(&script, &json!({"enable_agent_switching": false})).await;
        for agent in [Some("reviewer"), Some("zzz"), None] {
            let error = session.set_agent(agent).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidOptions);
            assert!(error.message().starts_with("enable_agent_switching: "), "{error}");
        }
        assert_eq!(told(&script), [] as [Value; 0]);
        assert_eq!(script.received()[0]["request"].get("systemPromptSnapshot"), None);
        session.close().await;
    }

    #[tokio::test]
    async fn agents_that_come_later_count() {
        let script = Script::from_json(
            r#"{"control": {"reload_plugins": {"response": {"agents": [{"name": "kit:tester", "description": ""}]}},
                            "apply_flag_settings": {"response": {}}},
                "cli": [{"await": {"type": "user"}}, {"init": {"agents": ["Explore", "late"]}}, {"result": {}}]}"#,
        )
        .unwrap();
        let mut session = opened(&script, &json!({})).await;
        for name in ["late", "kit:tester"] {
            assert!(session.set_agent(Some(name)).await.is_err(), "{name}");
        }
        let mut turn = session.send("hi").await.unwrap();
        while let Some(message) = turn.next().await {
            message.unwrap();
        }
        session.reload_plugins().await.unwrap();
        for name in ["late", "kit:tester", "reviewer"] {
            session.set_agent(Some(name)).await.unwrap();
        }
        session.close().await;
    }

    #[tokio::test]
    async fn a_program_that_lists_none_decides_itself() {
        let script = Script::from_json(
            r#"{"initialize": {"claude_code_version": "2.1.330"},
                "control": {"apply_flag_settings": {"error": "Agent \"zzz\" not found"}}}"#,
        )
        .unwrap();
        let session = opened(&script, &json!({})).await;
        let error = session.set_agent(Some("zzz")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Control);
        assert!(error.message().contains("zzz"), "{error}");
        session.close().await;
    }

    #[tokio::test]
    async fn before_the_program_is_ready_it_waits() {
        let script = Script::from_json(
            r#"{"initialize": "manual", "control": {"apply_flag_settings": {"response": {}}}, "cli": [
                {"await": {"type": "user"}},
                {"await": {"type": "control_request", "request": {"subtype": "initialize"}}, "save": "i"},
                {"emit": {"type": "control_response", "response": {"subtype": "success", "request_id": "$i.request_id",
                          "response": {"agents": [{"name": "one", "description": ""}]}}}},
                {"init": {}}, {"result": {}}]}"#,
        )
        .unwrap();
        let options = Options { enable_agent_switching: true, ..Options::default() };
        let session = Session::builder(options).transport(script.clone()).start().unwrap();
        let good = session.set_agent(Some("one")).into_future();
        let bad = session.set_agent(Some("oen")).into_future();
        session.handle().send("hi").await.unwrap();
        good.await.unwrap();
        assert_eq!(bad.await.unwrap_err().message(), "agent: there is no agent `oen`; did you mean `one`?");
        session.close().await;
    }

    #[tokio::test]
    async fn a_session_that_ends_says_so() {
        let script = Script::from_json(r#"{"initialize": "manual", "cli": [{"await_eof": true}]}"#).unwrap();
        let options = Options { enable_agent_switching: true, ..Options::default() };
        let session = Session::builder(options).transport(script).start().unwrap();
        let handle = session.handle();
        let waiting = handle.set_agent(Some("one")).into_future();
        session.close().await;
        assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(handle.set_agent(None).await.unwrap_err().kind(), ErrorKind::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn another_program_that_goes_on_is_told_again() {
        let script = Script::from_json(
            r#"{"session_id": "s-1", "cli": [{"await": {"type": "user"}}, {"init": {}}, {"hang": true}],
                "resumed": [{"await": {"type": "user"}}, {"init": {}}, {"result": {}}]}"#,
        )
        .unwrap();
        let over = json!({"timeouts": {"stall_ms": 1000, "stall_action": "resume"}});
        let mut session = opened(&script, &over).await;
        session.set_agent(Some("reviewer")).await.unwrap();
        let mut turn = session.send("hi").await.unwrap();
        while let Some(message) = turn.next().await {
            message.unwrap();
        }
        assert_eq!(told(&script).len(), 2);
        session.close().await;
    }
}
