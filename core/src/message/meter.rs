//! What a run used and what it cost. The program repeats itself: each block of a message states the usage of the whole
//! message, and `total_cost_usd` counts since the process started and goes on across resume. So usage is counted once a
//! message id and cost as the difference of totals.

use std::collections::BTreeMap;

use super::{Body, Message, ResultMessage, Usage, stream::ApiEvent};

/// Adds up tokens and money of a run, each once.
///
/// Feed it every message, in order, over as many processes as the run has.
///
/// ```
/// use madrigal::message::{Message, UsageMeter};
/// let mut meter = UsageMeter::default();
/// for total in ["0.10", "0.25"] {
///     let line = format!(r#"{{"type":"result","subtype":"success","is_error":false,"session_id":"s","total_cost_usd":{total}}}"#);
///     meter.add(&Message::parse(&line).unwrap());
/// }
/// assert_eq!(meter.cost_usd(), 0.25);
/// ```
#[derive(Clone, Debug, Default)]
pub struct UsageMeter {
    messages: BTreeMap<String, Usage>,
    cost: CostMeter,
}

impl UsageMeter {
    /// For a session that is resumed and whose cost so far is known: only what comes on top is counted.
    pub fn resumed(total_cost_usd: f64) -> Self {
        Self { messages: BTreeMap::new(), cost: CostMeter::resumed(total_cost_usd) }
    }

    /// Takes note of a message. A body that cannot be read counts nothing.
    pub fn add(&mut self, message: &Message) {
        match message.body() {
            Ok(Body::Assistant(said)) if said.message.model != "<synthetic>" => {
                self.count(&said.message.id, &said.message.usage);
            }
            Ok(Body::StreamEvent(event)) => match (&event.event, &event.api_message_id) {
                (ApiEvent::MessageStart(start), _) => self.count(&start.message.id, &start.message.usage),
                (ApiEvent::MessageDelta(end), Some(id)) => self.count(id, &end.usage),
                _ => {}
            },
            Ok(Body::Result(result)) => drop(self.cost.charge(result)),
            _ => {}
        }
    }

    /// The counts of a message only grow, and not every frame states all of them: the largest of each is the final one.
    fn count(&mut self, id: &str, usage: &Usage) {
        if id.is_empty() {
            return;
        }
        let known = self.messages.entry(id.to_owned()).or_default();
        known.input_tokens = known.input_tokens.max(usage.input_tokens);
        known.output_tokens = known.output_tokens.max(usage.output_tokens);
        known.cache_creation_input_tokens =
            known.cache_creation_input_tokens.max(usage.cache_creation_input_tokens);
        known.cache_read_input_tokens = known.cache_read_input_tokens.max(usage.cache_read_input_tokens);
        if let Some(tools) = &usage.server_tool_use {
            let counted = known.server_tool_use.get_or_insert_default();
            counted.web_search_requests = counted.web_search_requests.max(tools.web_search_requests);
            counted.web_fetch_requests = counted.web_fetch_requests.max(tools.web_fetch_requests);
        }
    }

    /// Tokens of all messages of the model, subagents included. Without partial messages the counts of output are those
    /// known when each block was complete, which can be less than was billed.
    pub fn usage(&self) -> Usage {
        let mut sum = Usage::default();
        for usage in self.messages.values() {
            sum.add(usage);
        }
        sum
    }

    /// A process begins that counts from this total: 0, or what the session that it resumes had cost.
    pub(crate) fn begins(&mut self, total_cost_usd: f64) {
        self.cost.last_total = total_cost_usd;
    }

    /// What the session has cost by now, as the program says between results.
    pub(crate) fn total(&mut self, total_cost_usd: f64) {
        self.cost.total(total_cost_usd);
    }

    /// Counts what another run used and cost, too.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for (id, usage) in &other.messages {
            self.count(id, usage);
        }
        self.cost.spent += other.cost.spent;
    }

    /// How many messages of the model were counted.
    pub fn message_count(&self) -> usize {
        self.messages.len()
    }

    /// US dollars.
    pub fn cost_usd(&self) -> f64 {
        self.cost.cost_usd()
    }
}

/// Turns cumulative totals into the cost of each turn and of a run.
///
/// A total that is smaller than the one before means that the program counts anew (a new process without resume): all of
/// it is charged. `/clear` changes the session id and not the count, so ids play no part.
#[derive(Clone, Copy, Debug, Default)]
pub struct CostMeter {
    last_total: f64,
    spent: f64,
}

impl CostMeter {
    /// For a session that is resumed: what it had cost before, its last `total_cost_usd`, is not charged again.
    pub fn resumed(total_cost_usd: f64) -> Self {
        Self { last_total: total_cost_usd, spent: 0.0 }
    }

    /// What this turn cost, in US dollars; 0 for a result that states no total.
    pub fn charge(&mut self, result: &ResultMessage) -> f64 {
        result.total_cost_usd.map_or(0.0, |total| self.total(total))
    }

    fn total(&mut self, total: f64) -> f64 {
        if !total.is_finite() || total < 0.0 {
            return 0.0;
        }
        // A program that could not start states zeros; it has not counted anything, so the count is not anew.
        if total == 0.0 {
            return 0.0;
        }
        let cost = if total >= self.last_total { total - self.last_total } else { total };
        self.last_total = total;
        self.spent += cost;
        cost
    }

    /// US dollars charged so far.
    pub fn cost_usd(&self) -> f64 {
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn result(session: &str, total: f64) -> Message {
        Message::parse(
            &json!({"type": "result", "subtype": "success", "is_error": false, "session_id": session, "total_cost_usd": total})
                .to_string(),
        )
        .unwrap()
    }

    fn block(id: &str, output: u64) -> Message {
        let usage = json!({"input_tokens": 10, "output_tokens": output});
        Message::parse(
            &json!({"type": "assistant", "message": {"id": id, "model": "m", "content": [], "usage": usage}})
                .to_string(),
        )
        .unwrap()
    }

    #[test]
    fn a_resumed_session_is_charged_for_what_comes_on_top() {
        let mut meter = UsageMeter::resumed(0.5);
        meter.add(&result("s", 0.75));
        assert_eq!(meter.cost_usd(), 0.25);
        let nothing =
            Message::parse(r#"{"type":"result","subtype":"success","is_error":false,"total_cost_usd":-1}"#);
        meter.add(&nothing.unwrap());
        assert_eq!(meter.cost_usd(), 0.25, "no amount of money");
    }

    #[test]
    fn totals_between_results_and_new_processes_count_once() {
        let mut meter = UsageMeter::default();
        meter.total(0.25);
        meter.add(&result("s", 0.5));
        meter.begins(0.0);
        meter.total(0.75);
        assert_eq!(meter.cost_usd(), 1.25);
    }

    #[test]
    fn tools_of_the_api_are_counted_once_a_message() {
        let mut meter = UsageMeter::default();
        for searches in [1, 2, 2] {
            let usage =
                json!({"server_tool_use": {"web_search_requests": searches, "web_fetch_requests": 1}});
            let frame = json!({"type": "assistant", "message": {"id": "m", "model": "m", "content": [], "usage": usage}});
            meter.add(&Message::parse(&frame.to_string()).unwrap());
        }
        meter.add(&Message::parse(r#"{"type":"assistant","message":{"model":"m","content":[]}}"#).unwrap());
        assert_eq!(meter.message_count(), 1);
        let tools = meter.usage().server_tool_use.unwrap();
        assert_eq!((tools.web_search_requests, tools.web_fetch_requests), (2, 1));
    }

    #[test]
    fn blocks_of_a_message_count_once_and_made_up_messages_not_at_all() {
        let mut meter = UsageMeter::default();
        for message in [block("a", 1), block("a", 1), block("b", 2)] {
            meter.add(&message);
        }
        meter.add(
            &Message::parse(r#"{"type":"assistant","message":{"id":"x","model":"<synthetic>","content":[],"usage":{"input_tokens":9}}}"#)
                .unwrap(),
        );
        assert_eq!(
            (meter.usage().input_tokens, meter.usage().output_tokens, meter.message_count()),
            (20, 3, 2)
        );
    }

    #[test]
    fn the_end_of_a_streamed_message_states_its_final_count() {
        let mut meter = UsageMeter::default();
        for event in [
            json!({"type": "message_start", "message": {"id": "a", "content": [], "usage": {"input_tokens": 10, "output_tokens": 1}}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 40}}),
        ] {
            let frame = json!({"type": "stream_event", "event": event, "api_message_id": "a"});
            meter.add(&Message::parse(&frame.to_string()).unwrap());
        }
        meter.add(&block("a", 1));
        assert_eq!((meter.usage().input_tokens, meter.usage().output_tokens), (10, 40));
    }

    #[test]
    fn a_cleared_conversation_and_a_failed_start_change_nothing() {
        let mut meter = UsageMeter::default();
        for message in [result("a", 0.1), result("b", 0.25), result("b", 0.0), result("b", 0.3)] {
            meter.add(&message);
        }
        assert!((meter.cost_usd() - 0.3).abs() < 1e-9);
    }

    proptest! {
        /// However a run is cut into processes that resume each other or start anew, it costs the sum of its turns.
        #[test]
        fn a_run_costs_the_sum_of_its_turns(turns in prop::collection::vec((1u32..1000, any::<bool>()), 1..40)) {
            let mut meter = CostMeter::default();
            let (mut total, mut expected, mut last) = (0.0_f64, 0.0_f64, 0.0_f64);
            for (cents, anew) in turns {
                let cost = f64::from(cents) / 100.0;
                // A new count is seen as such when it is smaller than the last one.
                total = if anew && cost < last { cost } else { total + cost };
                expected += cost;
                let message = result("s", total);
                let Ok(Body::Result(end)) = message.body() else { unreachable!() };
                prop_assert!((meter.charge(end) - cost).abs() < 1e-6);
                last = total;
            }
            prop_assert!((meter.cost_usd() - expected).abs() < 1e-6);
        }

        /// However often blocks are repeated and mixed, each message counts once.
        #[test]
        fn repeats_change_nothing(ids in prop::collection::vec(0u8..6, 1..60)) {
            let mut meter = UsageMeter::default();
            for id in &ids {
                meter.add(&block(&id.to_string(), u64::from(*id)));
            }
            let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
            prop_assert_eq!(meter.message_count(), distinct.len());
            prop_assert_eq!(meter.usage().input_tokens, 10 * distinct.len() as u64);
            prop_assert_eq!(meter.usage().output_tokens, distinct.iter().map(|id| u64::from(**id)).sum::<u64>());
        }
    }
}
