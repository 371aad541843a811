//! Which prompts still wait for their result, and whether the program will say more by itself.
//!
//! One prompt can yield several results (a background task that ends starts a turn of its own), and several prompts can
//! share one. So "the first result is the end" is wrong; this keeps the account. Pure: time comes in as an argument.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::message::Head;

/// How long a follow-up turn may take to begin after the last background task ended. The real program takes about
/// 50 ms (`tests/frames/bash_background.jsonl`).
const FOLLOW_UP: Duration = Duration::from_secs(2);

struct Open {
    uuid: String,
    since: Instant,
}

/// The account of turns.
#[derive(Default)]
pub(super) struct Turns {
    open: VecDeque<Open>,
    /// Between `system/init` and `result`.
    running: bool,
    /// The model has said something since the oldest open prompt became the next to be answered.
    spoke: bool,
    tasks: bool,
    follow_up_until: Option<Instant>,
    auth_failed: bool,
}

/// What a result means for its reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// The turn failed because nobody is logged in, or the credentials were refused.
    pub(super) auth_failed: bool,
}

impl Turns {
    /// A prompt was sent.
    pub(super) fn prompt(&mut self, uuid: &str, now: Instant) {
        if self.open.is_empty() {
            self.spoke = false;
        }
        self.open.push_back(Open { uuid: uuid.to_owned(), since: now });
    }

    /// A message came in.
    pub(super) fn observe(&mut self, head: &Head<'_>, now: Instant) -> Option<Ended> {
        match (&*head.kind, head.subtype.as_deref()) {
            ("system", Some("init")) => {
                self.running = true;
                self.follow_up_until = None;
            }
            ("system", Some("background_tasks_changed")) => {
                let tasks = head.tasks.is_some_and(is_filled_list);
                if self.tasks && !tasks && !self.running {
                    self.follow_up_until = Some(now + FOLLOW_UP);
                }
                self.tasks = tasks;
            }
            ("stream_event", _) => self.spoke = true,
            ("assistant", _) => {
                self.spoke = true;
                if let Some(error) = head.error {
                    self.auth_failed = error == r#""authentication_failed""#;
                }
            }
            ("result", _) => return Some(self.result(head, now)),
            _ => {}
        }
        None
    }

    fn result(&mut self, head: &Head<'_>, now: Instant) -> Ended {
        self.running = false;
        self.spoke = false;
        let answered = uuids(head);
        if answered.is_empty() {
            // A follow-up turn answers no prompt of ours; everything else without uuids answers the oldest.
            let follow_up = head.origin.is_some_and(|origin| origin.contains(r#""task-notification""#));
            if !follow_up {
                self.open.pop_front();
            }
        } else {
            self.open.retain(|open| !answered.contains(&open.uuid));
        }
        if let Some(next) = self.open.front_mut() {
            next.since = now;
        }
        let failed = head.is_error;
        Ended { auth_failed: std::mem::take(&mut self.auth_failed) && failed }
    }

    /// Another process goes on with what is open: what ran in the one before is over.
    pub(super) fn started_again(&mut self) {
        self.running = false;
        self.spoke = false;
        self.tasks = false;
        self.follow_up_until = None;
        self.auth_failed = false;
    }

    /// Whether a prompt has no result yet.
    pub(super) fn is_open(&self, uuid: &str) -> bool {
        self.open.iter().any(|open| open.uuid == uuid)
    }

    /// Whether a turn runs or is about to.
    pub(super) fn busy(&self) -> bool {
        self.running || !self.open.is_empty()
    }

    /// Prompts without a result.
    pub(super) fn unanswered(&self) -> usize {
        self.open.len()
    }

    /// Whether everything is said: no prompt open, no turn running, no background task, no follow-up turn expected.
    pub(super) fn done(&self, now: Instant) -> bool {
        !self.busy() && !self.tasks && self.follow_up_until.is_none_or(|until| until <= now)
    }

    /// When to look at [`done`](Self::done) again without a message.
    pub(super) fn follow_up_deadline(&self) -> Option<Instant> {
        self.follow_up_until
    }

    /// When the oldest open turn began, as long as the model has said nothing.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.since().filter(|_| !self.spoke)
    }

    /// When the oldest open turn began.
    pub(super) fn since(&self) -> Option<Instant> {
        self.open.front().map(|open| open.since)
    }
}

/// What is no list is no list of tasks to wait for.
fn is_filled_list(tasks: &str) -> bool {
    tasks.starts_with('[') && !tasks.trim_matches(['[', ']', ' ', '\t']).is_empty()
}

/// The prompts a result answers.
pub(super) fn uuids(head: &Head<'_>) -> Vec<String> {
    if let Some(list) = head.user_message_uuids {
        return serde_json::from_str(list).unwrap_or_default();
    }
    head.user_message_uuid.iter().map(|uuid| uuid.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(turns: &mut Turns, line: &str, now: Instant) -> Option<Ended> {
        turns.observe(&Head::parse(line).unwrap(), now)
    }

    const INIT: &str = r#"{"type":"system","subtype":"init"}"#;

    #[tokio::test]
    async fn a_background_task_keeps_the_query_open_until_its_follow_up_turn_ended() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        turns.prompt("u", now);
        see(&mut turns, INIT, now);
        see(
            &mut turns,
            r#"{"type":"system","subtype":"background_tasks_changed","tasks":[{"task_id":"t"}]}"#,
            now,
        );
        see(
            &mut turns,
            r#"{"type":"result","subtype":"success","is_error":false,"user_message_uuids":["u"]}"#,
            now,
        );
        assert!(!turns.done(now), "a task is open");
        see(&mut turns, r#"{"type":"system","subtype":"background_tasks_changed","tasks":[]}"#, now);
        assert!(!turns.done(now), "its follow-up turn is about to begin");
        see(&mut turns, INIT, now);
        see(&mut turns, r#"{"type":"result","is_error":false,"origin":{"kind":"task-notification"}}"#, now);
        assert!(turns.done(now));
    }

    #[tokio::test]
    async fn a_follow_up_turn_that_never_begins_does_not_hold_the_query_for_ever() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        see(&mut turns, r#"{"type":"system","subtype":"background_tasks_changed","tasks":[{}]}"#, now);
        see(&mut turns, r#"{"type":"system","subtype":"background_tasks_changed","tasks":[]}"#, now);
        assert!(!turns.done(now));
        assert!(turns.done(turns.follow_up_deadline().unwrap()));
    }

    #[tokio::test]
    async fn one_result_can_answer_several_prompts_and_a_follow_up_answers_none() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        for uuid in ["a", "b", "c"] {
            turns.prompt(uuid, now);
        }
        see(&mut turns, r#"{"type":"result","is_error":false,"origin":{"kind":"task-notification"}}"#, now);
        assert_eq!(turns.unanswered(), 3);
        see(&mut turns, r#"{"type":"result","is_error":false,"user_message_uuids":["a","b"]}"#, now);
        assert_eq!(turns.unanswered(), 1);
        see(&mut turns, r#"{"type":"result","is_error":false}"#, now);
        assert!(turns.done(now));
    }

    #[tokio::test]
    async fn only_a_failed_turn_reports_missing_authentication() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        see(&mut turns, r#"{"type":"assistant","error":"authentication_failed"}"#, now);
        let ended = see(&mut turns, r#"{"type":"result","subtype":"success","is_error":true}"#, now);
        assert_eq!(ended, Some(Ended { auth_failed: true }));
        let ended = see(&mut turns, r#"{"type":"result","subtype":"success","is_error":true}"#, now);
        assert_eq!(ended, Some(Ended { auth_failed: false }));
    }
}
