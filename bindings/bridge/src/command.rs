//! What a host may say to a session, and how it reaches the core.

use std::{borrow::Cow, time::Duration};

use madrigal::{Error, ErrorKind, Prompt, Result, session::Control, tools::ToolSpec};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json, value::RawValue};

use crate::{
    auth::Call,
    flow::Flow,
    handles::{Entry, Running},
    policy::Acquiring,
};

/// One command; see `docs/boundary.md`.
#[derive(Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    Send {
        #[serde(default)]
        id: Option<i64>,
        prompt: Value,
    },
    Finish {
        #[serde(default)]
        id: Option<i64>,
    },
    Interrupt {
        id: i64,
    },
    Control {
        id: i64,
        request: Value,
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
    SetAgent {
        id: i64,
        agent: Option<String>,
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
    Progress {
        ask: String,
        progress: f64,
        #[serde(default)]
        total: Option<f64>,
        #[serde(default)]
        message: Option<String>,
    },
    Run {
        id: i64,
        flow: Flow,
    },
    Cancel {
        run: i64,
    },
    Acquire {
        id: i64,
        #[serde(default)]
        wish: Acquiring,
    },
    Stats {
        id: i64,
    },
    ResetStats {
        id: i64,
    },
    EnsureAuthenticated {
        id: i64,
    },
    SetupToken {
        id: i64,
    },
    RefreshToken {
        id: i64,
    },
    GetToken {
        id: i64,
    },
    SetCredential {
        id: i64,
        #[serde(default)]
        credential: Option<String>,
    },
    Refused {
        id: i64,
        fingerprint: String,
    },
    Clear {
        id: i64,
    },
    Status {
        id: i64,
    },
    SetupInput {
        text: String,
    },
    SetTools {
        id: i64,
        server: String,
        tools: Vec<ToolSpec>,
    },
}

/// The answer to a question. Read apart from the others, so that entries of a transcript keep their bytes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer<'a> {
    #[serde(rename = "command")]
    _command: IgnoredAny,
    ask: String,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Failure>,
}

/// Which command a text is.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    command: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Failure {
    message: String,
}

/// Reads a command and hands it on. What it leads to arrives as a reply; only a malformed command fails here.
pub(crate) fn dispatch(entry: &Entry, text: &str) -> Result<()> {
    let invalid = |error: serde_json::Error| {
        Error::new(ErrorKind::InvalidArgument, format!("command: {error}")).operation("submit")
    };
    if serde_json::from_str::<Named<'_>>(text).is_ok_and(|named| named.command == "answer") {
        let Answer { ask, result, error, .. } = serde_json::from_str(text).map_err(invalid)?;
        entry.asks.answer(
            &ask,
            match error {
                None => Ok(result.map(ToOwned::to_owned).unwrap_or_default()),
                Some(failure) => Err(failure.message),
            },
        );
        return Ok(());
    }
    let command: Command = serde_json::from_str(text).map_err(invalid)?;
    match command {
        Command::Run { id, flow } => entry.orchestra()?.run(id, flow)?,
        Command::Cancel { run } => match &entry.running {
            Running::Policy(policy) => policy.cancel(run),
            Running::Keeper(keeper) => keeper.cancel(run),
            _ => entry.orchestra()?.cancel(run),
        },
        Command::Acquire { id, wish } => entry.policy()?.acquire(id, wish)?,
        Command::EnsureAuthenticated { id } => entry.keeper()?.call(id, Call::EnsureAuthenticated)?,
        Command::SetupToken { id } => entry.keeper()?.call(id, Call::SetupToken)?,
        Command::RefreshToken { id } => entry.keeper()?.call(id, Call::RefreshToken)?,
        Command::GetToken { id } => entry.keeper()?.call(id, Call::GetToken)?,
        Command::SetCredential { id, credential } => {
            entry.keeper()?.call(id, Call::SetCredential(credential))?;
        }
        Command::Refused { id, fingerprint } => entry.keeper()?.call(id, Call::Refused(fingerprint))?,
        Command::Clear { id } => entry.keeper()?.call(id, Call::Clear)?,
        Command::Status { id } => entry.keeper()?.call(id, Call::Status)?,
        Command::SetupInput { text } => entry.keeper()?.type_text(&text)?,
        Command::Stats { id } => {
            let stats = entry.orchestra()?.stats();
            reply(entry, Some(id), std::future::ready(stats))?;
        }
        Command::ResetStats { id } => {
            let done = entry.orchestra()?.reset_stats().map(|()| Value::Null);
            reply(entry, Some(id), std::future::ready(done))?;
        }
        Command::Progress { ask, progress, total, message } => {
            entry.asks.progress(&ask, progress, total, message.as_deref());
        }
        // Each of these is queued by the call itself, so commands keep their order; only the outcome is awaited.
        Command::Send { id, prompt } => match Prompt::from_json(prompt) {
            Ok(prompt) => {
                let uuid = prompt.uuid().to_owned();
                let sent = entry.session()?.send(prompt);
                reply(entry, id, async move { sent.await.map(|()| json!({"uuid": uuid})) })?;
            }
            Err(error) => reply(entry, id, std::future::ready(Err(error)))?,
        },
        Command::Finish { id } => {
            let outcome = entry.session()?.finish().map(|()| Value::Null);
            reply(entry, id, std::future::ready(outcome))?;
        }
        Command::SetTools { id, server, tools } => {
            let told = entry.session()?.set_tool_specs(&server, tools);
            reply(entry, Some(id), async move { told.await.map(|()| Value::Null) })?;
        }
        Command::Interrupt { id } => {
            reply(entry, Some(id), entry.session()?.control("interrupt", Value::Null).into_future())?;
        }
        Command::SetAgent { id, agent, timeout_ms } => {
            let set = entry.session()?.set_agent(agent.as_deref());
            let set = limited(set, timeout_ms).into_future();
            reply(entry, Some(id), async move { set.await.map(|()| Value::Null) })?;
        }
        Command::Control { id, request, timeout_ms } => {
            let subtype = request["subtype"].as_str().unwrap_or_default().to_owned();
            let control = entry.session()?.control(&subtype, request);
            reply(entry, Some(id), limited(control, timeout_ms).into_future())?;
        }
    }
    Ok(())
}

fn limited<T>(control: Control<T>, timeout_ms: Option<u64>) -> Control<T> {
    match timeout_ms {
        Some(limit) => control.within(Duration::from_millis(limit)),
        None => control,
    }
}

/// Tells the outcome. Where the host gave no id it only wants to hear of a failure: each wake it is spared is time for the
/// program.
fn reply(
    entry: &Entry,
    id: Option<i64>,
    outcome: impl Future<Output = Result<Value>> + Send + 'static,
) -> Result<()> {
    let signals = entry.signals.clone();
    crate::runtime::handle()?.spawn(async move {
        let reply = match outcome.await {
            Ok(_) if id.is_none() => return,
            Ok(result) => json!({"event": "reply", "id": id, "result": result}),
            Err(error) => json!({"event": "reply", "id": id, "error": error.to_json()}),
        };
        signals.push(reply.to_string());
    });
    Ok(())
}
