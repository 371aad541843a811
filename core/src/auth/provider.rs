//! For whom a credential is: Anthropic's own API, or one of the clouds the program can speak to instead.
//!
//! The program takes a cloud when a variable says so. What a cloud needs besides is checked here before anything starts,
//! because the program itself only fails at the first request, with the words of the cloud's own library.

use std::{fmt, path::Path, time::SystemTime};

use super::environment::Environment;
use crate::{Error, ErrorKind, Result};

/// Who serves the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Provider {
    /// Anthropic's own API.
    #[default]
    Anthropic,
    /// Amazon Bedrock.
    Bedrock,
    /// Google Vertex AI.
    Vertex,
    /// Microsoft Foundry.
    Foundry,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::Bedrock, Self::Vertex, Self::Foundry];

    /// Its word, the same in every language: `anthropic`, `bedrock`, `vertex`, `foundry`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Bedrock => "bedrock",
            Self::Vertex => "vertex",
            Self::Foundry => "foundry",
        }
    }

    /// The provider of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == name)
    }

    /// The variable that makes the program take this provider; `None` for Anthropic's, which it takes without one.
    pub const fn variable(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => None,
            Self::Bedrock => Some("CLAUDE_CODE_USE_BEDROCK"),
            Self::Vertex => Some("CLAUDE_CODE_USE_VERTEX"),
            Self::Foundry => Some("CLAUDE_CODE_USE_FOUNDRY"),
        }
    }

    /// Names under which others ask for it; understood on input, never given to the program, which knows only its own.
    const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Anthropic => &[],
            Self::Bedrock => &["CLAUDE_AGENT_USE_BEDROCK", "USE_BEDROCK"],
            Self::Vertex => &["CLAUDE_AGENT_USE_VERTEX", "USE_VERTEX"],
            Self::Foundry => &["CLAUDE_AGENT_USE_FOUNDRY"],
        }
    }

    /// The provider an environment asks for.
    ///
    /// # Errors
    ///
    /// `auth` when it asks for two: which one the program takes would be its secret.
    pub fn detect(env: &Environment) -> Result<Self> {
        let asked: Vec<(Self, &str)> = Self::ALL
            .into_iter()
            .filter_map(|provider| {
                let names = provider.variable().into_iter().chain(provider.aliases().iter().copied());
                names.into_iter().find(|name| env.is_on(name)).map(|name| (provider, name))
            })
            .collect();
        match asked.as_slice() {
            [] => Ok(Self::Anthropic),
            [(provider, _)] => Ok(*provider),
            [(_, first), (_, second), ..] => Err(Error::new(
                ErrorKind::Auth,
                format!("{first} and {second} are both set: unset all but the one of the provider you mean"),
            )
            .with(
                "variables",
                asked.iter().map(|(_, name)| (*name).into()).collect::<Vec<serde_json::Value>>(),
            )),
        }
    }

    /// Whether the environment has what the program needs for this provider.
    ///
    /// Where credentials may come from a place that cannot be seen from here (the metadata service of a virtual machine), what
    /// is not found is a warning. Nothing to check for Anthropic.
    ///
    /// # Errors
    ///
    /// `auth` when something can be known to be missing or half there. The message names the variable and what to set.
    pub fn check(self, env: &Environment) -> Result<ProviderCheck> {
        match self {
            Self::Anthropic => Ok(ProviderCheck::default()),
            Self::Bedrock => bedrock(env),
            Self::Vertex => vertex(env),
            Self::Foundry => foundry(env),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What [`Provider::check`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderCheck {
    /// Where the credentials come from, as far as it can be seen: `AWS_PROFILE`, a path.
    pub credentials: Option<String>,
    /// When they stop working, where they say so.
    pub expires_at: Option<SystemTime>,
    /// What may be wrong.
    pub warnings: Vec<String>,
}

fn missing(provider: Provider, text: String) -> Error {
    Error::new(ErrorKind::Auth, format!("{provider}: {text}")).with("provider", provider.name())
}

/// The variables are those of the AWS SDKs ("Environment variables", "Shared credentials file").
fn bedrock(env: &Environment) -> Result<ProviderCheck> {
    let this = Provider::Bedrock;
    let mut check = ProviderCheck::default();
    if env.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]).is_none()
        && !has_file(env, "AWS_CONFIG_FILE", ".aws/config")
    {
        return Err(missing(
            this,
            "AWS_REGION is not set: set it to the region of your models, such as us-east-1".into(),
        ));
    }
    if env.is_on("CLAUDE_CODE_SKIP_BEDROCK_AUTH") {
        check.credentials = Some("CLAUDE_CODE_SKIP_BEDROCK_AUTH".into());
        return Ok(check);
    }
    if env.get("AWS_BEARER_TOKEN_BEDROCK").is_some() {
        check.credentials = Some("AWS_BEARER_TOKEN_BEDROCK".into());
        return Ok(check);
    }
    match (env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")) {
        (Some(_), Some(_)) => {
            check.credentials = Some("AWS_ACCESS_KEY_ID".into());
            check.expires_at =
                env.get("AWS_CREDENTIAL_EXPIRATION").and_then(|at| super::time::parse(at).ok());
            if check.expires_at.is_some_and(|at| at <= env.now()) {
                return Err(missing(this, "the credentials expired (AWS_CREDENTIAL_EXPIRATION): get new ones, for example with `aws sso login`".into()));
            }
        }
        (Some(_), None) => {
            return Err(missing(
                this,
                "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not: set both".into(),
            ));
        }
        (None, Some(_)) => {
            return Err(missing(
                this,
                "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not: set both".into(),
            ));
        }
        (None, None) => {
            let places = [
                "AWS_PROFILE",
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            ];
            check.credentials =
                places.iter().find(|name| env.get(name).is_some()).map(|name| (*name).to_owned());
            if check.credentials.is_none() && has_file(env, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")
            {
                check.credentials = Some("the shared credentials file".into());
            }
            if check.credentials.is_none() {
                check.warnings.push("bedrock: no AWS credentials are set; the machine's own role is used if it has one. Otherwise set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into());
            }
        }
    }
    Ok(check)
}

/// The variables are those of the program and of Google's application default credentials.
fn vertex(env: &Environment) -> Result<ProviderCheck> {
    let this = Provider::Vertex;
    let mut check = ProviderCheck::default();
    if env.get("CLOUD_ML_REGION").is_none() {
        return Err(missing(
            this,
            "CLOUD_ML_REGION is not set: set it to the region of your models, such as us-east5".into(),
        ));
    }
    if env.first(&["ANTHROPIC_VERTEX_PROJECT_ID", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"]).is_none() {
        return Err(missing(
            this,
            "ANTHROPIC_VERTEX_PROJECT_ID is not set: set it to the identifier of your project".into(),
        ));
    }
    if env.is_on("CLAUDE_CODE_SKIP_VERTEX_AUTH") {
        check.credentials = Some("CLAUDE_CODE_SKIP_VERTEX_AUTH".into());
        return Ok(check);
    }
    if let Some(path) = env.get("GOOGLE_APPLICATION_CREDENTIALS") {
        if !Path::new(path).is_file() {
            return Err(missing(
                this,
                format!(
                    "GOOGLE_APPLICATION_CREDENTIALS names {path}, which is no file: correct it, or unset it and run `gcloud auth application-default login`"
                ),
            ));
        }
        check.credentials = Some("GOOGLE_APPLICATION_CREDENTIALS".into());
    } else if has_file(env, "", ".config/gcloud/application_default_credentials.json") {
        check.credentials = Some("application default credentials".into());
    } else {
        check.warnings.push("vertex: no credentials are set; the machine's own service account is used if it has one. Otherwise run `gcloud auth application-default login`".into());
    }
    Ok(check)
}

/// The variables are those the program reads.
fn foundry(env: &Environment) -> Result<ProviderCheck> {
    let this = Provider::Foundry;
    let mut check = ProviderCheck::default();
    if env.first(&["ANTHROPIC_FOUNDRY_RESOURCE", "ANTHROPIC_FOUNDRY_BASE_URL"]).is_none() {
        return Err(missing(this, "ANTHROPIC_FOUNDRY_RESOURCE is not set: set it to the name of your resource, or ANTHROPIC_FOUNDRY_BASE_URL to its address".into()));
    }
    if env.get("ANTHROPIC_FOUNDRY_API_KEY").is_some() {
        check.credentials = Some("ANTHROPIC_FOUNDRY_API_KEY".into());
    } else {
        check.warnings.push("foundry: ANTHROPIC_FOUNDRY_API_KEY is not set; the login of the Azure command line or the machine's own identity is used if there is one".into());
    }
    Ok(check)
}

/// Whether the file a variable names, or else the one at this place of the home directory, is there.
fn has_file(env: &Environment, variable: &str, below_home: &str) -> bool {
    match env.get(variable) {
        Some(path) => Path::new(path).is_file(),
        None => env.get("HOME").is_some_and(|home| Path::new(home).join(below_home).is_file()),
    }
}
