//! What a session can tell about itself: context, cost, usage, settings, rules, models, commands, account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{Control, typed};
use crate::{Result, session::SessionHandle};

/// How full the model's context is, by category.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContextUsage {
    /// What takes how much.
    pub categories: Vec<ContextCategory>,
    /// Tokens used.
    pub total_tokens: u64,
    /// Tokens there are for use.
    pub max_tokens: u64,
    /// Tokens the model has in all.
    pub raw_max_tokens: u64,
    /// How full it is, from 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<f64>,
    /// The model this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Everything else the program says, such as `memoryFiles`, `mcpTools`, `messageBreakdown` and `apiUsage`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// One category of the context.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContextCategory {
    /// A stable word for it, such as `system_prompt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name, for people.
    pub name: String,
    /// Its tokens.
    pub tokens: u64,
    /// `used`, `free`, `buffer` or `deferred`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Cost and usage of the session, and limits of the account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// This session.
    pub session: SessionUsage,
    /// The subscription, when there is one.
    pub subscription_type: Option<String>,
    /// Whether `rate_limits` is known.
    pub rate_limits_available: bool,
    /// The limits of the account and how far they are used.
    pub rate_limits: Option<Value>,
    /// What recent sessions were about; `None` when it was skipped.
    pub behaviors: Option<Value>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Cost and usage of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionUsage {
    /// What it cost, in US dollars, also before it was resumed.
    pub total_cost_usd: f64,
    /// Time spent waiting for the model, in milliseconds.
    pub total_api_duration_ms: f64,
    /// Time in all, in milliseconds.
    pub total_duration_ms: f64,
    /// Lines tools added to files.
    pub total_lines_added: u64,
    /// Lines tools removed from files.
    pub total_lines_removed: u64,
    /// By model, as in the `modelUsage` of a result.
    pub model_usage: BTreeMap<String, Value>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The cost of the session, for people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionCost {
    /// Lines of text.
    pub text: String,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The settings of the session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// All sources merged.
    pub effective: Map<String, Value>,
    /// Each source as it is.
    pub sources: Vec<Value>,
    /// What the session made of them, such as `model` and `effort`.
    pub applied: Map<String, Value>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The permission rules of the session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PermissionRules {
    /// `rules`, `workspaceDirectories`, `originalCwd`, `managedOnly`.
    pub state: Map<String, Value>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The hooks of the session, and the events there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HooksListing {
    /// Events that have hooks.
    pub events: Vec<Value>,
    /// The hooks.
    pub hooks: Vec<Value>,
    /// Every event: `name`, `summary`, `supportsMatcher`.
    pub event_catalog: Vec<Value>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The models that can be chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelList {
    /// Each of them.
    pub models: Vec<ModelInfo>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A model that can be chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ModelInfo {
    /// What to choose it by.
    pub value: String,
    /// Its full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_model: Option<String>,
    /// Its name, for people.
    pub display_name: String,
    /// What it is good for.
    pub description: String,
    /// Fields this library does not know, such as `supportedEffortLevels`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A slash command or skill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CommandInfo {
    /// Its name, without the slash.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What may follow it.
    pub argument_hint: String,
    /// Other names for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aliases: Option<Vec<String>>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A subagent the model can call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentInfo {
    /// Its name.
    pub name: String,
    /// When to call it.
    pub description: String,
    /// Its model, when it has one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Who is logged in, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AccountInfo {
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_type: Option<String>,
    /// Where the token comes from, `none` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_source: Option<String>,
    /// Where the API key comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_source: Option<String>,
    /// Who serves the model, such as `firstParty`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_provider: Option<String>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Which program runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BinaryVersion {
    /// Its version.
    pub version: String,
    /// When it was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_time: Option<String>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl SessionHandle {
    /// How full the model's context is, by category. Counting costs small requests to the API; see
    /// [`summary`](Control::summary).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # use madrigal::{Options, Session, testing::Script};
    /// # let session = Session::builder(Options::default()).transport(Script::new()).open().await?;
    /// let usage = session.get_context_usage().summary().await?;
    /// println!("{} of {} tokens", usage.total_tokens, usage.max_tokens);
    /// # session.close().await;
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn get_context_usage(&self) -> Control<ContextUsage> {
        self.typed("get_context_usage")
    }

    /// Cost and usage of the session, and limits of the account.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn get_usage(&self) -> Control<Usage> {
        self.typed("get_usage")
    }

    /// The cost of the session as text for people.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn get_session_cost(&self) -> Control<SessionCost> {
        self.typed("get_session_cost")
    }

    /// The settings of the session and where they come from.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn get_settings(&self) -> Control<Settings> {
        self.typed("get_settings")
    }

    /// The permission rules of the session.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn list_permission_rules(&self) -> Control<PermissionRules> {
        self.typed("list_permission_rules")
    }

    /// The hooks of the session, and every event there is.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn get_hooks_listing(&self) -> Control<HooksListing> {
        self.typed("get_hooks_listing")
    }

    /// The models that can be chosen.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn list_models(&self) -> Control<ModelList> {
        self.typed("list_models")
    }

    /// Which program runs.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn get_binary_version(&self) -> Control<BinaryVersion> {
        self.typed("get_binary_version")
    }

    /// The slash commands, as the program told when it was opened.
    ///
    /// # Errors
    /// Why the session could not be opened.
    pub async fn supported_commands(&self) -> Result<Vec<CommandInfo>> {
        self.told("commands").await
    }

    /// The subagents, as the program told when it was opened.
    ///
    /// # Errors
    /// Why the session could not be opened.
    pub async fn supported_agents(&self) -> Result<Vec<AgentInfo>> {
        self.told("agents").await
    }

    /// Who is logged in, as the program told when it was opened.
    ///
    /// # Errors
    /// Why the session could not be opened.
    pub async fn account_info(&self) -> Result<AccountInfo> {
        self.told("account").await
    }

    /// A part of the answer to `initialize`; what is not there is empty.
    async fn told<T: DeserializeOwned + Default>(&self, part: &str) -> Result<T> {
        match &self.opened().await?[part] {
            Value::Null => Ok(T::default()),
            told => typed("initialize", told.clone()),
        }
    }
}

impl Control<ContextUsage> {
    /// Estimates from what is known, without requests to the API.
    pub fn summary(self) -> Self {
        self.with("detail", "summary")
    }
}

impl Control<Usage> {
    /// Leaves out what recent sessions were about: finding that out reads every transcript of the last days.
    pub fn skip_behaviors(self) -> Self {
        self.with("skip_behaviors", true)
    }
}
