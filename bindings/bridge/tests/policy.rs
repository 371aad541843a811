//! A policy as a binding sees it: questions that are answered at once, and a wait that comes as a reply.

#![allow(clippy::unwrap_used)] // a test that cannot go on must stop

mod host;

use madrigal_bridge::{ErrorKind, decide, release};
use serde_json::{Value, json};

use host::Host;

fn policy(spec: &Value) -> Host {
    Host::request(&json!({"policy": spec}))
}

impl Host {
    fn asks(&self, question: &Value) -> Result<Value, madrigal_bridge::Error> {
        decide(self.session, &question.to_string()).map(|answer| serde_json::from_str(&answer).unwrap())
    }

    fn hears(&mut self, event: &str) -> Value {
        self.until(|host| host.signals.iter().any(|signal| signal["event"] == event));
        let place = self.signals.iter().position(|signal| signal["event"] == event).unwrap();
        self.signals.remove(place)
    }
}

#[test]
fn a_rate_limiter_lets_in_takes_back_and_waits() {
    let mut host = policy(&json!({"rate_limiter": {"per_minute": 1, "per_hour": null}}));
    let first = host.asks(&json!({"command": "try_acquire"})).unwrap();
    let refused = host.asks(&json!({"command": "try_acquire"})).unwrap();
    assert!(refused["permit"].is_null() && refused["retry_after_ms"].as_u64().unwrap() > 50_000, "{refused}");
    let other = json!({"command": "try_acquire", "wish": {"key": {"model": "opus"}}});
    assert!(host.asks(&other).unwrap()["permit"].is_u64());
    // A wait that is given up, and one that ends because the first start is taken back.
    host.say(&json!({"command": "acquire", "id": 1}));
    host.say(&json!({"command": "cancel", "run": 1}));
    assert_eq!(host.hears("reply")["error"]["code"], "cancelled");
    host.say(&json!({"command": "acquire", "id": 2}));
    assert!(host.asks(&json!({"command": "refund", "permit": first["permit"]})).unwrap().is_null());
    assert!(host.hears("reply")["result"]["permit"].is_u64());
    host.say(&json!({"command": "acquire", "id": 3, "wish": {"timeout_ms": 1000}}));
    let error = host.hears("reply")["error"].clone();
    assert_eq!((&error["code"], &error["retry"]["verdict"]), (&json!("rate_limited"), &json!("after")));
    host.asks(&json!({"command": "feedback", "said": {"type": "closed", "wait_ms": 900_000}})).unwrap();
    assert!(host.asks(&json!({"command": "state"})).unwrap()["closed_ms"].as_u64().unwrap() > 800_000);
    release(host.session);
}

/// A call that returned has its place. It once took it a little later, on another thread: a host that looked saw nobody wait, and two
/// calls could change places. Often, because that went well most of the time.
#[test]
fn who_asks_first_waits_first_and_is_seen_at_once() {
    let mut host = policy(&json!({"rate_limiter": {"per_minute": 1, "per_hour": null}}));
    let mut permit = host.asks(&json!({"command": "try_acquire"})).unwrap()["permit"].clone();
    for round in 0..500 {
        let (first, second) = (2 * round + 1, 2 * round + 2);
        host.say(&json!({"command": "acquire", "id": first}));
        assert_eq!(host.asks(&json!({"command": "state"})).unwrap()["waiting"], 1);
        host.say(&json!({"command": "acquire", "id": second}));
        assert_eq!(host.asks(&json!({"command": "state"})).unwrap()["waiting"], 2);
        for id in [first, second] {
            host.asks(&json!({"command": "refund", "permit": permit})).unwrap();
            let reply = host.hears("reply");
            assert_eq!(reply["id"], id, "{reply}");
            permit = reply["result"]["permit"].clone();
        }
    }
    release(host.session);
}

#[test]
fn a_circuit_breaker_opens_and_is_closed_by_hand() {
    let host = policy(&json!({"circuit_breaker": {"failure_threshold": 2}}));
    assert_eq!(host.asks(&json!({"command": "allow_request"})).unwrap(), true);
    host.asks(&json!({"command": "record_failure"})).unwrap();
    let ticket = host.asks(&json!({"command": "try_request"})).unwrap()["ticket"].clone();
    host.asks(
        &json!({"command": "finish", "ticket": ticket, "verdict": "failure", "retry_after_ms": 600_000}),
    )
    .unwrap();
    assert_eq!(host.asks(&json!({"command": "allow_request"})).unwrap(), false);
    let state = host.asks(&json!({"command": "state"})).unwrap();
    assert!(state["state"] == "open" && state["retry_after_ms"].as_u64().unwrap() > 500_000, "{state}");
    assert_eq!(host.asks(&json!({"command": "try_request"})).unwrap_err().kind(), ErrorKind::CircuitOpen);
    host.asks(&json!({"command": "reset"})).unwrap();
    host.asks(&json!({"command": "force", "state": "open"})).unwrap();
    assert_eq!(host.asks(&json!({"command": "allow_request"})).unwrap(), false);
    host.asks(&json!({"command": "force"})).unwrap();
    assert_eq!(host.asks(&json!({"command": "allow_request"})).unwrap(), true);
    release(host.session);
}

#[test]
fn a_budget_holds_settles_and_tells_when_it_runs_low() {
    let mut host = policy(&json!({"cost_budget": {"total_usd": 1.0}}));
    let reserve = json!({"command": "reserve", "cap_usd": 0.5, "margin_usd": 0.1});
    let first = host.asks(&reserve).unwrap()["reservation"].clone();
    let error = host.asks(&reserve).unwrap_err();
    assert_eq!(
        (error.kind(), error.context()["scope"].clone()),
        (ErrorKind::BudgetExceeded, json!("global"))
    );
    host.asks(&json!({"command": "observe", "reservation": first, "so_far_usd": 0.2})).unwrap();
    host.asks(&json!({"command": "settle", "reservation": first, "cost_usd": 0.25})).unwrap();
    let second = host.asks(&reserve).unwrap()["reservation"].clone();
    host.asks(&json!({"command": "uncertain", "reservation": second, "observed_usd": 0.6})).unwrap();
    host.asks(&json!({"command": "settle", "reservation": second, "cost_usd": 0.3})).unwrap();
    let state = host.asks(&json!({"command": "state"})).unwrap();
    assert_eq!((&state["total_spent_usd"], &state["uncertain_usd"]), (&json!(0.55), &json!(0.0)));
    assert_eq!(host.hears("budget")["mark"]["percent"], 50);
    let error = host.asks(&json!({"command": "reserve", "cap_usd": -1.0})).unwrap_err();
    assert_eq!(
        (error.kind(), error.context()["field"].clone()),
        (ErrorKind::InvalidArgument, json!("cap_usd"))
    );
    host.asks(&json!({"command": "limit_flow", "flow": "nightly", "limit_usd": 0.1})).unwrap();
    let nightly = json!({"command": "reserve", "cap_usd": 0.2, "spender": {"flow": "nightly"}});
    assert_eq!(host.asks(&nightly).unwrap_err().context()["scope"], "flow");
    release(host.session);
}

#[test]
fn what_a_policy_does_not_know_is_refused() {
    let open = |spec: Value| {
        madrigal_bridge::open(
            &json!({"policy": spec}).to_string(),
            std::sync::Arc::new(host::Bell::default()),
        )
        .unwrap_err()
    };
    assert_eq!(open(json!({"rate_limiter": {"per_minute": 0}})).context()["field"], "rate_limit.per_minute");
    assert_eq!(open(json!({"speed_limiter": {}})).kind(), ErrorKind::InvalidArgument);
    let host = policy(&json!({"circuit_breaker": {}}));
    assert_eq!(host.asks(&json!({"command": "try_acquire"})).unwrap_err().kind(), ErrorKind::InvalidArgument);
    release(host.session);
    assert_eq!(host.asks(&json!({"command": "state"})).unwrap_err().kind(), ErrorKind::Closed);
}
