//! The host made of Rust closures. What none of them answers goes to the host behind them, if there is one.

use std::{collections::HashMap, fmt, future::Future, sync::Arc};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

use super::{
    Ask, AskKind, Elicitation, ElicitationAnswer, Host, Permission, PermissionRequest, Provided, SharedHost,
    UserDialog, UserDialogAnswer,
};
use crate::{
    Error, ErrorKind, Result,
    hook::{HookInput, HookOutput, HookRule},
    tools::{ToolCall, ToolServer},
    transport::BoxFuture,
};

type Closure<I, O> = Arc<dyn Fn(I) -> BoxFuture<'static, Result<O>> + Send + Sync>;

fn closure<I, O, F, R>(function: F) -> Closure<I, O>
where
    F: Fn(I) -> R + Send + Sync + 'static,
    R: Future<Output = Result<O>> + Send + 'static,
{
    Arc::new(move |input| Box::pin(function(input)))
}

/// Closures by what they answer.
#[derive(Default)]
pub(crate) struct Callbacks {
    asks: Vec<AskKind>,
    permission: Option<Closure<PermissionRequest, Permission>>,
    elicitation: Option<Closure<Elicitation, ElicitationAnswer>>,
    dialog: Option<Closure<UserDialog, UserDialogAnswer>>,
    hooks: Vec<(HookRule, Closure<HookInput, HookOutput>)>,
    servers: HashMap<String, ToolServer>,
    behind: Option<SharedHost>,
}

impl Callbacks {
    pub(crate) fn permission<F, R>(&mut self, decide: F)
    where
        F: Fn(PermissionRequest) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Permission>> + Send + 'static,
    {
        self.permission = Some(closure(decide));
    }

    pub(crate) fn elicitation<F, R>(&mut self, answer: F)
    where
        F: Fn(Elicitation) -> R + Send + Sync + 'static,
        R: Future<Output = Result<ElicitationAnswer>> + Send + 'static,
    {
        self.elicitation = Some(closure(answer));
    }

    pub(crate) fn dialog<F, R>(&mut self, show: F)
    where
        F: Fn(UserDialog) -> R + Send + Sync + 'static,
        R: Future<Output = Result<UserDialogAnswer>> + Send + 'static,
    {
        self.dialog = Some(closure(show));
    }

    /// Adds a hook and announces it.
    pub(crate) fn hook<F, R>(&mut self, mut rule: HookRule, run: F, provided: &mut Provided)
    where
        F: Fn(HookInput) -> R + Send + Sync + 'static,
        R: Future<Output = Result<HookOutput>> + Send + 'static,
    {
        rule.matcher.callbacks = vec![format!("{PREFIX}{}", self.hooks.len())];
        provided.hooks.entry(rule.event.name().to_owned()).or_default().push(rule.matcher.clone());
        self.hooks.push((rule, closure(run)));
    }

    /// Adds a server and announces it.
    pub(crate) fn server(&mut self, server: ToolServer, provided: &mut Provided) {
        provided.tool_servers.push(server.spec().clone());
        self.servers.insert(server.spec().name.clone(), server);
    }

    fn is_empty(&self) -> bool {
        self.permission.is_none()
            && self.elicitation.is_none()
            && self.dialog.is_none()
            && self.hooks.is_empty()
            && self.servers.is_empty()
    }

    /// The host of a session: these closures, and behind them the one the user gave.
    pub(crate) fn into_host(mut self, behind: Option<SharedHost>) -> Option<SharedHost> {
        if self.is_empty() {
            return behind;
        }
        self.asks = self.kinds(behind.as_deref());
        self.behind = behind;
        Some(Arc::new(self))
    }

    /// What these closures and the host behind them answer.
    pub(crate) fn kinds(&self, behind: Option<&dyn Host>) -> Vec<AskKind> {
        let own = [
            (AskKind::CanUseTool, self.permission.is_some()),
            (AskKind::Elicitation, self.elicitation.is_some()),
            (AskKind::UserDialog, self.dialog.is_some()),
        ];
        let mut kinds: Vec<_> = own.into_iter().filter(|(_, there)| *there).map(|(kind, _)| kind).collect();
        kinds.extend(behind.map(Host::asks).unwrap_or_default());
        kinds
    }

    fn own(&self, ask: &Ask) -> Option<BoxFuture<'static, Result<Value>>> {
        match ask.kind {
            AskKind::CanUseTool => {
                let decide = self.permission.as_ref()?;
                Some(run(PermissionRequest::read(&ask.request), decide, Permission::into_json))
            }
            AskKind::Elicitation => {
                let answer = self.elicitation.as_ref()?;
                Some(run(read(&ask.request), answer, ElicitationAnswer::into_json))
            }
            AskKind::UserDialog => {
                let show = self.dialog.as_ref()?;
                Some(run(read(&ask.request), show, UserDialogAnswer::into_json))
            }
            AskKind::HookCallback => self.run_hook(&ask.request),
            AskKind::ToolCall => self.call_tool(ask),
        }
    }

    fn run_hook(&self, request: &RawValue) -> Option<BoxFuture<'static, Result<Value>>> {
        #[derive(Deserialize)]
        struct Request {
            callback_id: String,
            #[serde(default)]
            input: Map<String, Value>,
        }
        let request: Request = serde_json::from_str(request.get()).ok()?;
        let number: usize = request.callback_id.strip_prefix(PREFIX)?.parse().ok()?;
        let (rule, hook) = self.hooks.get(number)?;
        let event = rule.event;
        let input = HookInput::from_json(request.input);
        Some(run(Ok(input), hook, move |output: HookOutput| output.into_json(event)))
    }

    fn call_tool(&self, ask: &Ask) -> Option<BoxFuture<'static, Result<Value>>> {
        #[derive(Deserialize)]
        struct Request {
            server: String,
            tool: String,
            arguments: Value,
            meta: Map<String, Value>,
        }
        let Request { server, tool, arguments, meta } = serde_json::from_str(ask.request.get()).ok()?;
        let handler = self.servers.get(&server)?.handler(&tool)?;
        let answer = handler(ToolCall { arguments, meta, progress: ask.progress.clone() });
        Some(Box::pin(async move { answer.await.map(crate::tools::ToolResult::into_json) }))
    }
}

/// How the hooks of closures are called towards the program; hosts choose names of their own.
const PREFIX: &str = "hook-";

impl Host for Callbacks {
    fn asks(&self) -> &[AskKind] {
        &self.asks
    }

    fn answer(&self, ask: Ask) -> BoxFuture<'static, Result<Value>> {
        match (self.own(&ask), &self.behind) {
            (Some(answer), _) => answer,
            (None, Some(behind)) => behind.answer(ask),
            (None, None) => {
                let message = format!("nobody answers this `{}`: {}", ask.kind.name(), ask.request);
                Box::pin(std::future::ready(Err(Error::new(ErrorKind::Callback, message))))
            }
        }
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks")
            .field("hooks", &self.hooks.len())
            .field("servers", &self.servers.keys())
            .finish_non_exhaustive()
    }
}

/// Calls a closure with what was read, if it could be read.
fn run<I, O: 'static>(
    input: Result<I>,
    function: &Closure<I, O>,
    write: impl FnOnce(O) -> Value + Send + 'static,
) -> BoxFuture<'static, Result<Value>> {
    match input {
        Ok(input) => {
            let answer = function(input);
            Box::pin(async move { answer.await.map(write) })
        }
        Err(error) => Box::pin(std::future::ready(Err(error))),
    }
}

/// Reads a request of the program.
pub(super) fn read<T: DeserializeOwned>(request: &RawValue) -> Result<T> {
    serde_json::from_str(request.get()).map_err(|error| {
        Error::new(ErrorKind::Protocol, format!("a question of the claude program: {error}")).operation("ask")
    })
}
