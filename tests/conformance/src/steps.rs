//! Carries out the `host` half of a scenario.

use std::{path::PathBuf, sync::Arc, time::Duration};

use madrigal::{
    Error, ErrorKind, Message, Options, Prompt, Query, Session, SessionHandle,
    auth::AuthManager,
    session::{End, Provided, SessionBuilder},
    testing::{Script, matches},
    transport::BoxFuture,
};
use serde_json::{Map, Value, json};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    Outcome, Scenario,
    asks::Asks,
    authority::{Authority, Managers},
    calls,
    disk::{self, Disk},
    observed::{Observed, is_match},
    orchestrators::Conductor,
    policies::Policy,
    process,
    store::{self, ScenarioStore},
    through,
};

/// How long counts may take to be as they should.
const LATE: Duration = Duration::from_secs(10);

/// The longest a step may take before the scenario counts as stuck.
/// Forty real programs over four places take a minute where the machine is busy.
const STUCK: Duration = Duration::from_secs(180);

/// Plays one scenario. The error names the step and says what was expected.
pub async fn play(scenario: &Scenario, program: &Program) -> Outcome {
    let memory = process::memory();
    let mut player = Player::new(scenario, program)?;
    player.memory = memory;
    player.store = ScenarioStore::new(&scenario.value).await?;
    player.steps(&scenario.value["host"], "host").await?;
    player.check()
}

/// What plays the program's half.
#[derive(Clone, Debug)]
pub enum Program {
    /// The simulator at this path: a process.
    Process(PathBuf),
    /// The same steps in memory.
    Memory(Box<Script>),
}

impl Program {
    /// The program of a scenario in memory, or `None` for one that is about a process.
    pub fn in_memory(scenario: &Scenario) -> Option<Self> {
        // An orchestrator and what it starts are processes; so is whatever has steps of its own for each of them.
        let steps = scenario.value["host"].as_array();
        if steps
            .into_iter()
            .flatten()
            .any(|step| ["orchestrator", "policy", "auth"].iter().any(|name| step.get(name).is_some()))
        {
            return None;
        }
        let about_a_process = [
            "missing_cli",
            "environment",
            "options_executable",
            "options_workspace_hardened",
            "options_user",
        ]
        .contains(&scenario.name.as_str());
        let read = madrigal::testing::Scenario::from_file(&scenario.path).ok()?;
        let script = Script::from_scenario(read).ok()?;
        (!about_a_process).then(|| Self::Memory(Box::new(script)))
    }
}

/// What is read from: a session or a query.
enum Source {
    None,
    Session(Session),
    Query(Query),
}

impl Source {
    async fn next(&mut self) -> Option<Result<Message, Error>> {
        match self {
            Source::None => None,
            Source::Session(session) => session.next().await,
            Source::Query(query) => query.next().await,
        }
    }
}

struct Player {
    scenario: Arc<Scenario>,
    program: Program,
    options: Result<Options, Error>,
    source: Source,
    handle: Option<SessionHandle>,
    pid: Option<u32>,
    asks: Arc<Asks>,
    observed: Observed,
    memory: Option<u64>,
    disk: Option<Disk>,
    store: Option<Arc<ScenarioStore>>,
    /// What the runner adds to all options: where the program is and what it plays.
    own_options: Value,
    conductor: Option<Conductor>,
    policy: Option<Policy>,
    authority: Option<Authority>,
    /// Who gives sessions and orchestrators their credential.
    auth: Option<AuthManager>,
}

/// Why a step failed: an error of the library, which the scenario may expect, or something else.
enum Failed {
    Error(Error),
    Otherwise(String),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed::Error(error)
    }
}

impl From<String> for Failed {
    fn from(problem: String) -> Self {
        Failed::Otherwise(problem)
    }
}

impl Player {
    fn new(scenario: &Scenario, program: &Program) -> Outcome<Self> {
        let mut own_options = json!({"env": {"MADRIGAL_SIMULATE": scenario.path}});
        if let Program::Process(path) = program {
            own_options["cli_path"] = json!(path);
        }
        let disk = Disk::new(&scenario.value)?;
        if let Some(disk) = &disk {
            own_options["env"]["CLAUDE_CONFIG_DIR"] = json!(disk.path());
        }
        let options = with_own(&scenario.value["options"], &own_options);
        Ok(Self {
            observed: Observed::new(scenario.value["expect"].clone()),
            scenario: Arc::new(scenario.clone()),
            program: program.clone(),
            options: Options::from_json(&options.to_string())
                .and_then(|options| through::options(options, &scenario.value["through"])),
            source: Source::None,
            handle: None,
            pid: None,
            asks: Asks::new(&scenario.value["asks"]),
            memory: None,
            disk,
            store: None,
            own_options,
            conductor: None,
            policy: None,
            authority: None,
            auth: None,
        })
    }

    async fn steps(&mut self, steps: &Value, place: &str) -> Outcome {
        for (number, step) in steps.as_array().into_iter().flatten().enumerate() {
            let place = format!("{place}[{number}]");
            let done = match timeout(STUCK, self.step(step)).await {
                Ok(done) => done,
                Err(_) => return Err(format!("{place} {step}: stuck")),
            };
            match (done, step.get("error")) {
                (Ok(()), None) => {}
                (Ok(()), Some(pattern)) => {
                    return Err(format!("{place} {step}: succeeded, expected {pattern}"));
                }
                (Err(Failed::Error(error)), Some(pattern)) => {
                    let found = error.to_json();
                    if !matches(pattern, &found) {
                        return Err(format!("{place}: expected {pattern}, found {found}"));
                    }
                }
                (Err(Failed::Error(error)), None) => return Err(format!("{place} {step}: {error:?}")),
                (Err(Failed::Otherwise(problem)), _) => return Err(format!("{place} {step}: {problem}")),
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: &Value) -> Result<(), Failed> {
        let fields = step.as_object().ok_or_else(|| "an object was expected".to_owned())?;
        let verb = fields.keys().find(|key| {
            !matches!(
                key.as_str(),
                "error"
                    | "reply"
                    | "save"
                    | "with"
                    | "parallel"
                    | "do"
                    | "cancel_when"
                    | "types"
                    | "shown"
                    | "as"
                    | "of"
            )
        });
        let verb = verb.ok_or_else(|| "no step".to_owned())?.as_str();
        let given = &fields[verb];
        match verb {
            "open" => {
                let usual = self.auth.clone();
                if let Some(name) = given.get("auth") {
                    self.auth = Some(self.named().of(name)?);
                }
                let opened = self.open().await;
                self.auth = usual;
                opened?;
            }
            "query" => self.query(given).await?,
            "send" => self.handle()?.send(Prompt::from_json(given.clone())?).await?,
            "read" => self.read(given).await?,
            "on_ask" => self.asks.set_rule(given.clone()),
            "progress" => self.asks.progress(given).await,
            "set_tools" => {
                let tools = serde_json::from_value(given["tools"].clone()).map_err(|e| e.to_string())?;
                let server = given["server"].as_str().unwrap_or_default();
                self.handle()?.set_tool_specs(server, tools).await?;
            }
            "await_ask" => self.asks.asked(given).await,
            "answer" => self.asks.answer(given.clone()).await,
            "await_ask_cancelled" => self.asks.cancelled().await,
            "interrupt" => {
                let reply = self.handle()?.interrupt().await?;
                check_reply(fields.get("reply"), &json!(reply))?;
            }
            "control" => {
                let subtype = given["subtype"].as_str().unwrap_or_default();
                let reply = self.handle()?.control(subtype, given.clone()).await?;
                check_reply(fields.get("reply"), &reply)?;
            }
            "call" => {
                let with = self.observed.fill(fields.get("with").unwrap_or(&Value::Null))?;
                let reply = calls::call(&self.handle()?, given.as_str().unwrap_or_default(), &with)?.await?;
                check_reply(fields.get("reply"), &reply)?;
            }
            "invoke" => {
                let name = given.as_str().unwrap_or_default();
                let reply = if through::NAMES.contains(&name) {
                    through::invoke(name, fields.get("with").unwrap_or(&Value::Null))?
                } else if store::is_operation(name) {
                    let with = fields.get("with").cloned().unwrap_or_else(|| json!({}));
                    let config = self.disk.as_ref().map(Disk::path);
                    store::invoke(name, with, config, self.store.clone()).await?
                } else {
                    let with = fields.get("with").cloned().unwrap_or_else(|| json!({}));
                    let with = if name == "save_agent" { through::with_preset(with)? } else { with };
                    disk::invoke(given, Some(&with), self.disk.as_ref()).await?
                };
                check_reply(fields.get("reply"), &reply)?;
            }
            "stored" => {
                let store = self.store.as_ref().ok_or_else(|| "the scenario has no store".to_owned())?;
                store.holds(given, fields.get("reply").unwrap_or(&Value::Null)).await?;
            }
            "cancel_wait" => self.cancel_wait(given["times"].as_u64().unwrap_or(1)).await?,
            "finish" => self.handle()?.finish()?,
            "drop" => {
                self.source = Source::None;
                self.handle = None;
            }
            "orchestrator" => {
                let mut config = given.clone();
                config["options"] = with_own(&config["options"], &self.own_options);
                self.conductor = Some(Conductor::new(&config, self.auth.as_ref(), self.named())?);
            }
            "flow" => {
                let reply = self.conductor()?.flow(given, fields.get("cancel_when")).await?;
                if let Some(reply) = reply {
                    check_reply(fields.get("reply"), &reply)?;
                }
            }
            "stats" => {
                // Programs get ready by and by.
                let late = tokio::time::Instant::now() + LATE;
                while !matches(given, &self.conductor()?.stats()) && tokio::time::Instant::now() < late {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                check_reply(Some(given), &self.conductor()?.stats())?;
            }
            "reset_stats" => self.conductor()?.reset_stats(),
            "stages" => {
                let patterns = given.as_array().cloned().unwrap_or_default();
                self.conductor()?.stages(&patterns).await?;
            }
            "policy" => self.policy = Some(Policy::new(given)?),
            "decide" => {
                let policy = self.policy.as_mut().ok_or_else(|| "no policy is open".to_owned())?;
                let reply = policy.decide(given).await?;
                check_reply(fields.get("reply"), &reply)?;
            }
            "auth" => self.open_auth(given, fields.get("as").and_then(Value::as_str))?,
            "auth_call" => {
                let authority =
                    self.authority.as_ref().ok_or_else(|| "no auth manager is open".to_owned())?;
                let [with, types] = ["with", "types"].map(|name| fields.get(name).unwrap_or(&Value::Null));
                let name = given.as_str().unwrap_or_default();
                let reply = authority.call(name, fields.get("of"), with, types).await;
                if let Some(pattern) = fields.get("shown")
                    && !matches(pattern, &json!(authority.shown()))
                {
                    return Err(format!("what was shown is {:?}", authority.shown()).into());
                }
                check_reply(fields.get("reply"), &reply?)?;
            }
            "close" if self.conductor.is_some() => self.conductor = None,
            "close" => {
                let end = self.handle()?.close().await;
                self.ended(&end);
            }
            "gone" => self.gone(&given["fields"]).await?,
            "memory_below_mb" => self.memory_below(given.as_u64().unwrap_or_default())?,
            "times" => self.times(given.as_u64().unwrap_or(1), step).await?,
            unknown => return Err(Failed::Otherwise(format!("{unknown:?} is no step"))),
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<(), Failed> {
        let session = self.builder()?.connect().await?;
        let handle = session.handle();
        self.pid = handle.pid();
        self.handle = Some(handle.clone());
        self.source = Source::Session(session);
        handle.opened().await?;
        Ok(())
    }

    /// The auth managers that have names.
    fn named(&self) -> Managers {
        self.authority.as_ref().map(|authority| authority.named().clone()).unwrap_or_default()
    }

    fn open_auth(&mut self, given: &Value, name: Option<&str>) -> Result<(), Failed> {
        let disk = self.disk.as_ref().ok_or_else(|| "a scenario with `auth` needs `files`".to_owned())?;
        let authority = match &mut self.authority {
            Some(authority) => authority,
            none => none.insert(Authority::new(&self.scenario.value)?),
        };
        authority.open(given, name, (&self.own_options, disk.path()))?;
        self.auth = authority.usual().cloned();
        Ok(())
    }

    fn builder(&self) -> Result<SessionBuilder, Error> {
        let mut builder = Session::builder(self.options.clone()?);
        if self.asks_are_answered() {
            builder = builder.host(self.asks.clone()).provide(self.provided()?);
        }
        if let Some(store) = &self.store {
            builder = builder.session_store(store.clone());
        }
        if let Some(auth) = &self.auth {
            builder = builder.auth(auth);
        }
        if let Program::Memory(script) = &self.program {
            builder = builder.transport((**script).clone());
        }
        Ok(builder)
    }

    async fn query(&mut self, prompt: &Value) -> Result<(), Failed> {
        let prompt = Prompt::from_json(prompt.clone())?;
        let plain = matches!(self.program, Program::Process(_))
            && !self.asks_are_answered()
            && self.store.is_none()
            && self.auth.is_none();
        let query = if plain {
            madrigal::query(prompt, self.options.clone()?).await?
        } else {
            self.builder()?.query(prompt).await?
        };
        self.handle = Some(query.handle());
        self.pid = query.handle().pid();
        self.source = Source::Query(query);
        Ok(())
    }

    fn asks_are_answered(&self) -> bool {
        ["asks", "hooks", "tool_servers"].iter().any(|name| !self.scenario.value[*name].is_null())
    }

    /// What the host brings, as the request of `open` has it.
    fn provided(&self) -> Result<Provided, Error> {
        let scenario = &self.scenario.value;
        let given = ["hooks", "tool_servers"].into_iter().filter(|name| !scenario[*name].is_null());
        let given: Value =
            given.map(|name| (name.to_owned(), scenario[name].clone())).collect::<Map<_, _>>().into();
        serde_json::from_value(given)
            .map_err(|error| Error::new(ErrorKind::InvalidOptions, error.to_string()))
    }

    fn handle(&self) -> Result<SessionHandle, Failed> {
        self.handle.clone().ok_or_else(|| Failed::Otherwise("no session is open".to_owned()))
    }

    fn conductor(&mut self) -> Result<&mut Conductor, Failed> {
        self.conductor.as_mut().ok_or_else(|| Failed::Otherwise("no orchestrator is open".to_owned()))
    }

    async fn read(&mut self, how: &Value) -> Result<(), Failed> {
        let until = how.get("until");
        let count = how["count"].as_u64();
        let mut read = 0;
        while count.is_none_or(|count| read < count) {
            let Some(message) = self.source.next().await else {
                return self.over(how["end"] == true).await;
            };
            let message = message?;
            read += 1;
            self.observed.see(&message);
            if until.is_some_and(|pattern| is_match(pattern, &message)) {
                break;
            }
        }
        Ok(())
    }

    /// The stream is over, with its error already read.
    async fn over(&mut self, expected: bool) -> Result<(), Failed> {
        if let Some(handle) = &self.handle {
            let end = handle.gone().await;
            self.ended(&end);
        }
        if expected { Ok(()) } else { Err(Failed::Otherwise("the stream of messages ended".to_owned())) }
    }

    fn ended(&mut self, end: &End) {
        self.observed.ended(end.to_json()["exit"].clone());
    }

    async fn cancel_wait(&mut self, times: u64) -> Result<(), Failed> {
        for _ in 0..times {
            tokio::select! {
                biased;
                message = self.source.next() => match message {
                    Some(message) => self.observed.see(&message?),
                    None => return Err(Failed::Otherwise("the stream of messages ended".to_owned())),
                },
                () = tokio::task::yield_now() => {}
            }
        }
        Ok(())
    }

    async fn gone(&self, fields: &Value) -> Result<(), Failed> {
        if let Some(pid) = self.pid {
            process::gone(pid).await?;
        }
        for name in fields.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let number = self
                .observed
                .field(name)
                .and_then(Value::as_u64)
                .and_then(|number| u32::try_from(number).ok());
            process::gone(number.ok_or_else(|| format!("no message had {name}"))?).await?;
        }
        Ok(())
    }

    fn memory_below(&self, limit: u64) -> Outcome {
        let (Some(before), Some(now)) = (self.memory, process::memory()) else { return Ok(()) };
        let grown = now.saturating_sub(before) / (1024 * 1024);
        if grown < limit { Ok(()) } else { Err(format!("the process grew by {grown} MB")) }
    }

    fn times<'a>(&'a mut self, times: u64, step: &'a Value) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(async move {
            let mut playing = JoinSet::new();
            for _ in 0..times {
                let mut player = Player::new(&self.scenario, &self.program)?;
                player.options = self.options.clone();
                player.auth = self.auth.clone();
                player.store = ScenarioStore::new(&self.scenario.value).await?;
                let steps = step["do"].clone();
                // A box, because these steps are carried out by what carries out this one.
                let play: BoxFuture<'static, Outcome> = Box::pin(async move {
                    player.steps(&steps, "do").await?;
                    player.check()
                });
                if step["parallel"] == true {
                    playing.spawn(play);
                } else {
                    play.await?;
                }
            }
            while let Some(played) = playing.join_next().await {
                played.map_err(|error| error.to_string())??;
            }
            // What was expected was checked for each.
            self.observed = Observed::new(json!({}));
            Ok(())
        })
    }

    fn check(&self) -> Outcome {
        self.observed.check(&self.asks.requests())
    }
}

/// The options of a scenario with what the runner adds; a program the scenario names stays.
fn with_own(options: &Value, own: &Value) -> Value {
    let mut options = if options.is_null() { json!({}) } else { options.clone() };
    if options["cli_path"].is_null() && !own["cli_path"].is_null() {
        options["cli_path"] = own["cli_path"].clone();
    }
    if options["env"].is_null() {
        options["env"] = json!({});
    }
    for (name, value) in own["env"].as_object().into_iter().flatten() {
        options["env"][name] = value.clone();
    }
    options
}

fn check_reply(pattern: Option<&Value>, reply: &Value) -> Outcome {
    match pattern {
        Some(pattern) if !matches(pattern, reply) => Err(format!("the reply was {reply}")),
        _ => Ok(()),
    }
}
