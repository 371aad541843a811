//! One case: its sessions, then what the API got and which files are there.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use madrigal::testing::matches;
use madrigal_conformance::{Outcome, Program, Scenario, play};
use serde_json::{Value, json};

use crate::{Place, cli};

/// How long the API may take to notice that an answer was taken to its end.
const SETTLED: Duration = Duration::from_secs(10);

/// A case of `cases.json`.
#[derive(Clone, Debug)]
pub struct Case(Value);

/// All cases. Panics when they cannot be read: then there is nothing to test.
pub fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let all: Vec<Value> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    all.into_iter().map(Case).collect()
}

impl Case {
    /// Its name.
    pub fn name(&self) -> &str {
        self.0["name"].as_str().unwrap_or_default()
    }

    /// Carries it out. The error says what was expected and what was found.
    pub async fn carry_out(&self) -> Outcome {
        let place = Place::new();
        let case = self.at(&place)?;
        for (name, text) in case.0["make"].as_object().into_iter().flatten() {
            let path = place.work().join(name);
            path.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&path, text.as_str().unwrap_or_default()))
                .map_err(|error| format!("make: {name}: {error}"))?;
        }
        for (number, session) in list(&case.0["sessions"]).iter().enumerate() {
            play(&case.scenario(&place, session), &Program::Process(cli()))
                .await
                .map_err(|problem| format!("sessions[{number}].{problem}"))?;
        }
        if let Some(patterns) = case.0.get("api") {
            asked(list(patterns), &place).await?;
        }
        for (name, expected) in case.0["files"].as_object().into_iter().flatten() {
            let exists = place.work().join(name).exists();
            if Some(exists) != expected.as_bool() {
                return Err(format!("files: {name}: expected {expected}, found {exists}"));
            }
        }
        Ok(())
    }

    /// The case with the folders of a place in it.
    fn at(&self, place: &Place) -> Outcome<Self> {
        let text = self.0.to_string();
        let text = text.replace("$work", &place.work().to_string_lossy());
        let text = text.replace("$config", &place.config().to_string_lossy());
        serde_json::from_str(&text).map(Self).map_err(|error| format!("with its folders: {error}"))
    }

    /// A session as a scenario whose program is the real one.
    fn scenario(&self, place: &Place, session: &Value) -> Scenario {
        let mut env = json!(place.env(self.0["logged_in"] != false));
        for (name, value) in self.0["env"].as_object().into_iter().flatten() {
            env[name] = value.clone();
        }
        let mut session = session.clone();
        if session["options"].is_null() {
            session["options"] = json!({});
        }
        session["options"]["env"] = env;
        session["options"]["cwd"] = json!(place.work());
        Scenario { name: self.name().to_owned(), path: "none".into(), value: session }
    }
}

async fn asked(patterns: &[Value], place: &Place) -> Outcome {
    let deadline = Instant::now() + SETTLED;
    loop {
        let requests: Vec<Value> = place.api.requests().iter().map(|request| json!(request)).collect();
        let Err(problem) = in_order(patterns, &requests) else { return Ok(()) };
        if Instant::now() > deadline {
            return Err(problem);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn in_order(patterns: &[Value], requests: &[Value]) -> Outcome {
    if patterns.is_empty() && !requests.is_empty() {
        return Err(format!("api: expected no request, found {}", brief(requests)));
    }
    let mut rest = requests.iter();
    for (number, pattern) in patterns.iter().enumerate() {
        if !rest.any(|request| matches(pattern, request)) {
            return Err(format!("api[{number}]: nothing matches {pattern} among {}", brief(requests)));
        }
    }
    Ok(())
}

/// Requests without what is long in them.
fn brief(requests: &[Value]) -> Value {
    let mut brief = json!(requests);
    for request in brief.as_array_mut().into_iter().flatten() {
        request["system"] = "...".into();
        request["tools"] = "...".into();
    }
    brief
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
