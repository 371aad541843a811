//! One case: its sessions, then what the API got, which files are there and which programs are not.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use madrigal::testing::matches;
use madrigal_conformance::{Outcome, Program, Scenario, play};
use serde_json::{Value, json};

use crate::{Place, cli, process};

/// How long the API may take to notice that an answer was taken to its end.
const SETTLED: Duration = Duration::from_secs(10);

/// A case of `cases.json` or `flows.json`.
#[derive(Clone, Debug)]
pub struct Case(Value);

/// What a session can do. Panics when the cases cannot be read: then there is nothing to test.
pub fn cases() -> Vec<Case> {
    read("cases.json")
}

/// What an orchestrator can do. Panics as [`cases`] does.
pub fn flows() -> Vec<Case> {
    read("flows.json")
}

fn read(name: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
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
        case.asked(&place).await?;
        if case.0["gone"] == true {
            process::gone("programs of this place", &place.programs(), Instant::now(), SETTLED);
        }
        for (name, expected) in case.0["files"].as_object().into_iter().flatten() {
            let exists = place.work().join(name).exists();
            if Some(exists) != expected.as_bool() {
                return Err(format!("files: {name}: expected {expected}, found {exists}"));
            }
        }
        Ok(())
    }

    /// Checks what the API was asked, again and again until it holds.
    async fn asked(&self, place: &Place) -> Outcome {
        let deadline = Instant::now() + SETTLED;
        loop {
            let requests: Vec<Value> = place.api.requests().iter().map(|request| json!(request)).collect();
            let found = self.0.get("api").map_or(Ok(()), |patterns| in_order(list(patterns), &requests));
            let Err(problem) = found.and_then(|()| self.counted(&requests)) else { return Ok(()) };
            if Instant::now() > deadline {
                return Err(problem);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How often something was asked, and how much at a time.
    fn counted(&self, requests: &[Value]) -> Outcome {
        for count in list(&self.0["asked"]) {
            let found = requests.iter().filter(|request| matches(&count["of"], request)).count();
            if count["times"] != found {
                return Err(format!("asked: expected {count}, found {found} among {}", brief(requests)));
            }
        }
        let most = requests.iter().filter_map(|request| request["beside"].as_u64()).max();
        match self.0["most"].as_u64() {
            Some(limit) if most > Some(limit) => {
                Err(format!("most: expected at most {limit} requests at a time, found {most:?}"))
            }
            _ => Ok(()),
        }
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
        let within = |options: &mut Value| {
            options["env"] = env.clone();
            options["cwd"] = json!(place.work());
        };
        within(&mut session["options"]);
        for step in session["host"].as_array_mut().into_iter().flatten() {
            if let Some(config) = step.get_mut("orchestrator") {
                within(&mut config["options"]);
            }
        }
        Scenario { name: self.name().to_owned(), path: "none".into(), value: session }
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
