//! Which credential is used, and why not the others. One pure function, so that the order can be tested in every combination.
//!
//! The order: what the caller gives, the variables of the program, the stored token, the program's own login. A person is asked
//! only after all of them; that is [`AuthManager`](super::AuthManager)'s part.

use super::{Credential, Environment, Method, Provider, Secret, StoredToken, time, token::checked};
use crate::{Error, ErrorKind, Result};

/// Variables with a credential, in their order, and the alias that is understood for each.
const VARIABLES: [(&str, &str, Method); 3] = [
    ("ANTHROPIC_API_KEY", "CLAUDE_AGENT_API_KEY", Method::ApiKey),
    ("ANTHROPIC_AUTH_TOKEN", "CLAUDE_AGENT_AUTH_TOKEN", Method::AuthToken),
    ("CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_AGENT_OAUTH_TOKEN", Method::OauthToken),
];

/// What became of a place where a credential could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// This one is used.
    Used,
    /// There is none here.
    Absent,
    /// There is one, but it expired.
    Expired,
    /// There is something, but no credential.
    Invalid,
    /// There is one, but the API refused it (401 or 403) and it has not changed since.
    Refused,
    /// There is one, but one before it is used.
    Shadowed,
}

/// A place where a credential could be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Considered {
    /// The place: `ANTHROPIC_API_KEY`, `stored token`.
    pub source: String,
    /// What became of it.
    pub verdict: Verdict,
    /// Why, for people. Never holds a secret.
    pub reason: String,
}

/// The answer of [`resolve`].
#[derive(Clone, Debug)]
pub struct Resolution {
    /// What is used.
    pub credential: Option<Credential>,
    /// Every place, in order.
    pub considered: Vec<Considered>,
    /// What may be wrong all the same.
    pub warnings: Vec<String>,
}

impl Resolution {
    /// The credential.
    ///
    /// # Errors
    ///
    /// `auth` when there is none; the message says what to do, the context has every place that was looked at.
    pub fn require(self) -> Result<Credential> {
        match self.credential {
            Some(credential) => Ok(credential),
            None => {
                let unusable: Vec<String> = self
                    .considered
                    .iter()
                    .filter_map(|place| match place.verdict {
                        Verdict::Expired => Some(format!("{} expired", place.source)),
                        Verdict::Refused => Some(format!("{} was refused by the API", place.source)),
                        Verdict::Invalid => Some(format!("{}: {}", place.source, place.reason)),
                        _ => None,
                    })
                    .collect();
                let start = if unusable.is_empty() {
                    "no credential was found".to_owned()
                } else {
                    format!("no credential can be used ({})", unusable.join(", "))
                };
                let considered = serde_json::to_value(&self.considered).unwrap_or_default();
                Err(Error::new(ErrorKind::Auth, format!("{start}: run `madrigal auth setup-token`, log in with `claude`, or set ANTHROPIC_API_KEY")).with("considered", considered))
            }
        }
    }
}

/// Chooses the credential.
///
/// `explicit` is what the caller gives, by its prefix a key or a token; any other text is a bearer token for a gateway.
/// `stored` is what a store had, or the error it had instead. `cli_login`: whether the program says it is logged in.
///
/// ```
/// use madrigal::auth::{Environment, Verdict, resolve};
/// let env = Environment::of([("ANTHROPIC_API_KEY", "test-key"), ("CLAUDE_AGENT_OAUTH_TOKEN", "test-token")]);
/// let answer = resolve(None, &env, None, true)?;
/// assert_eq!(answer.credential.as_ref().unwrap().source, "ANTHROPIC_API_KEY");
/// let verdicts: Vec<_> = answer.considered.iter().map(|place| place.verdict).collect();
/// assert_eq!(verdicts, [Verdict::Absent, Verdict::Used, Verdict::Absent, Verdict::Shadowed, Verdict::Absent, Verdict::Shadowed]);
/// # Ok::<_, madrigal::Error>(())
/// ```
///
/// # Errors
///
/// `auth` for two providers at once, and for a cloud whose variables are half set.
pub fn resolve(
    explicit: Option<&Secret>,
    env: &Environment,
    stored: Option<Result<(StoredToken, String)>>,
    cli_login: bool,
) -> Result<Resolution> {
    choose(explicit, env, stored, cli_login, &|_| false)
}

/// The same, passing over what the API refused before.
pub(super) fn choose(
    explicit: Option<&Secret>,
    env: &Environment,
    stored: Option<Result<(StoredToken, String)>>,
    cli_login: bool,
    refused: &dyn Fn(&Credential) -> bool,
) -> Result<Resolution> {
    let provider = Provider::detect(env)?;
    if provider != Provider::Anthropic {
        return cloud(provider, env);
    }
    let mut places = Places { used: None, considered: Vec::new(), warnings: Vec::new(), refused };
    match explicit {
        None => places.not("option", Verdict::Absent, "no credential was given"),
        Some(secret) if secret.expose().trim().is_empty() => {
            places.not("option", Verdict::Invalid, "the credential given is empty")
        }
        Some(secret) => {
            let method = Method::of_token(secret.expose()).unwrap_or(Method::AuthToken);
            places.found("option", method, secret.clone(), None);
        }
    }
    for (name, alias, method) in VARIABLES {
        match env.first(&[name, alias]) {
            None => places.not(name, Verdict::Absent, "the variable is not set"),
            Some((name, value)) => places.found(name, method, value.into(), None),
        }
    }
    match stored {
        None => places.not("stored token", Verdict::Absent, "none is stored"),
        Some(Err(error)) => {
            let reason = error.message().to_owned();
            places.warnings.push(reason.clone());
            places.not("stored token", Verdict::Invalid, &reason);
        }
        Some(Ok((token, store))) => {
            if token.provider != Provider::Anthropic {
                places.not(&store, Verdict::Invalid, &format!("the stored token is for {}", token.provider));
            } else if !token.is_valid(env.now()) {
                let when = token.expires_at.map(time::show).unwrap_or_default();
                places.not(&store, Verdict::Expired, &format!("the stored token expired at {when}"));
            } else {
                if checked(token.token.expose()).is_err() {
                    places.warnings.push(format!(
                        "{store}: the token has an unknown prefix; it is used as a bearer token"
                    ));
                }
                places.found(&store, token.method(), token.token, token.expires_at);
            }
        }
    }
    if cli_login {
        places.login();
    } else {
        places.not("login of claude", Verdict::Absent, "the program is not logged in");
    }
    Ok(Resolution { credential: places.used, considered: places.considered, warnings: places.warnings })
}

/// A cloud was asked for, so nothing of Anthropic's is looked at.
fn cloud(provider: Provider, env: &Environment) -> Result<Resolution> {
    let check = provider.check(env)?;
    let source = check.credentials.unwrap_or_else(|| format!("what {provider} finds by itself"));
    Ok(Resolution {
        considered: vec![Considered {
            source: source.clone(),
            verdict: Verdict::Used,
            reason: format!("{} is set", provider.variable().unwrap_or_default()),
        }],
        credential: Some(Credential {
            provider,
            method: Method::Cloud,
            source,
            secret: None,
            expires_at: check.expires_at,
        }),
        warnings: check.warnings,
    })
}

struct Places<'a> {
    refused: &'a dyn Fn(&Credential) -> bool,
    used: Option<Credential>,
    considered: Vec<Considered>,
    warnings: Vec<String>,
}

impl Places<'_> {
    fn not(&mut self, source: &str, verdict: Verdict, reason: &str) {
        self.considered.push(Considered { source: source.to_owned(), verdict, reason: reason.to_owned() });
    }

    fn found(
        &mut self,
        source: &str,
        method: Method,
        secret: Secret,
        expires_at: Option<std::time::SystemTime>,
    ) {
        let provider = Provider::Anthropic;
        self.take(Credential {
            provider,
            method,
            source: source.to_owned(),
            secret: Some(secret),
            expires_at,
        });
    }

    fn login(&mut self) {
        let (provider, source) = (Provider::Anthropic, "login of claude".to_owned());
        self.take(Credential { provider, method: Method::CliLogin, source, secret: None, expires_at: None });
    }

    fn take(&mut self, found: Credential) {
        if (self.refused)(&found) {
            let reason = "the API refused it; it is tried again when it changes";
            return self.not(&found.source, Verdict::Refused, reason);
        }
        if let Some(used) = &self.used {
            let reason = format!("{} comes before it", used.source);
            return self.not(&found.source, Verdict::Shadowed, &reason);
        }
        self.not(&found.source, Verdict::Used, found.method.name());
        self.used = Some(found);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    /// Every combination of places that have a credential: the first one of the order is used, all others say why not.
    #[test]
    fn every_combination_takes_the_first() {
        let names = [
            "option",
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "the store",
            "login of claude",
        ];
        for bits in 0_u32..64 {
            let has = |index: usize| bits & (1 << index) != 0;
            let option = Secret::from("test-option");
            let env =
                Environment::of((1..4).filter(|index| has(*index)).map(|index| (names[index], "test-value")));
            let token = StoredToken::new("sk-ant-oat01-test-test-test".into(), env.now()).unwrap();
            let stored = has(4).then(|| Ok((token, "the store".to_owned())));
            let answer = resolve(has(0).then_some(&option), &env, stored, has(5)).unwrap();
            let first = (0..6).find(|index| has(*index));
            assert_eq!(
                answer.credential.as_ref().map(|used| used.source.as_str()),
                first.map(|index| names[index]),
                "{bits:06b}"
            );
            assert_eq!(answer.considered.len(), 6);
            for (index, place) in answer.considered.iter().enumerate() {
                let expected = match first {
                    Some(first) if first == index => Verdict::Used,
                    _ if has(index) => Verdict::Shadowed,
                    _ => Verdict::Absent,
                };
                assert_eq!(place.verdict, expected, "{bits:06b} {place:?}");
            }
            if let Some(used) = answer.credential {
                let set: Vec<_> = used
                    .variables()
                    .into_iter()
                    .filter(|(_, value)| !value.expose().is_empty())
                    .map(|(name, _)| name)
                    .collect();
                let one: Vec<_> = used.method.variable().into_iter().collect();
                assert_eq!(set, one, "the program is given exactly one");
            }
        }
    }

    #[test]
    fn an_expired_token_is_passed_over_and_named() {
        let old = StoredToken::new(
            "sk-ant-oat01-canary-canary".into(),
            SystemTime::now() - Duration::from_secs(366 * 86_400),
        )
        .unwrap();
        let answer = resolve(None, &Environment::of([]), Some(Ok((old, "the store".into()))), false).unwrap();
        let error = answer.require().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.message().contains("the store") && error.message().contains("setup-token"), "{error}");
        assert!(!format!("{error:?}").contains("canary"));
    }

    #[test]
    fn a_store_that_fails_is_a_warning_and_what_comes_after_is_used() {
        let broken = Error::new(ErrorKind::Auth, "the token file is odd");
        let answer = resolve(None, &Environment::of([]), Some(Err(broken)), true).unwrap();
        assert_eq!(answer.credential.unwrap().method, Method::CliLogin);
        assert_eq!(answer.warnings, ["the token file is odd"]);
    }

    #[test]
    fn aliases_are_understood() {
        let env = Environment::of([("CLAUDE_AGENT_OAUTH_TOKEN", "test-token")]);
        let used = resolve(None, &env, None, false).unwrap().credential.unwrap();
        assert_eq!((used.source.as_str(), used.method), ("CLAUDE_AGENT_OAUTH_TOKEN", Method::OauthToken));
        for alias in ["CLAUDE_AGENT_USE_BEDROCK", "USE_BEDROCK"] {
            let env = Environment::of([(alias, "1"), ("AWS_REGION", "eu-west-1"), ("AWS_PROFILE", "test")]);
            let used = resolve(None, &env, None, false).unwrap().credential.unwrap();
            assert_eq!((used.provider, used.source.as_str()), (Provider::Bedrock, "AWS_PROFILE"));
            assert!(
                used.variables()
                    .iter()
                    .any(|(name, value)| *name == "CLAUDE_CODE_USE_BEDROCK" && value.expose() == "1")
            );
        }
    }

    #[test]
    fn half_set_clouds_and_two_clouds_are_errors_that_name_the_variable() {
        for (variables, named) in [
            (vec![("CLAUDE_CODE_USE_BEDROCK", "1"), ("HOME", "/nowhere")], "AWS_REGION"),
            (
                vec![("CLAUDE_CODE_USE_BEDROCK", "1"), ("AWS_REGION", "r"), ("AWS_ACCESS_KEY_ID", "test")],
                "AWS_SECRET_ACCESS_KEY",
            ),
            (
                vec![
                    ("CLAUDE_CODE_USE_BEDROCK", "1"),
                    ("AWS_REGION", "r"),
                    ("AWS_SECRET_ACCESS_KEY", "test"),
                ],
                "AWS_ACCESS_KEY_ID",
            ),
            (vec![("CLAUDE_CODE_USE_VERTEX", "true")], "CLOUD_ML_REGION"),
            (vec![("CLAUDE_CODE_USE_VERTEX", "1"), ("CLOUD_ML_REGION", "r")], "ANTHROPIC_VERTEX_PROJECT_ID"),
            (
                vec![
                    ("CLAUDE_CODE_USE_VERTEX", "1"),
                    ("CLOUD_ML_REGION", "r"),
                    ("ANTHROPIC_VERTEX_PROJECT_ID", "p"),
                    ("GOOGLE_APPLICATION_CREDENTIALS", "/no/file"),
                ],
                "/no/file",
            ),
            (vec![("CLAUDE_CODE_USE_FOUNDRY", "1")], "ANTHROPIC_FOUNDRY_RESOURCE"),
            (
                vec![("CLAUDE_CODE_USE_VERTEX", "1"), ("CLAUDE_CODE_USE_BEDROCK", "1")],
                "CLAUDE_CODE_USE_VERTEX",
            ),
        ] {
            let error = resolve(None, &Environment::of(variables.iter().copied()), None, true).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Auth);
            assert!(error.message().contains(named), "{error}");
        }
    }

    #[test]
    fn expired_credentials_of_a_cloud_are_an_error() {
        let env = Environment::of([
            ("CLAUDE_CODE_USE_BEDROCK", "1"),
            ("AWS_REGION", "r"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:00:00Z"),
        ]);
        let before = env.clone().at(time::parse("2025-12-31T00:00:00Z").unwrap());
        let used = resolve(None, &before, None, false).unwrap().credential.unwrap();
        assert_eq!(used.expires_at.map(time::show).as_deref(), Some("2026-01-01T00:00:00Z"));
        let after = env.at(time::parse("2026-01-02T00:00:00Z").unwrap());
        assert!(resolve(None, &after, None, false).unwrap_err().message().contains("expired"));
    }
}
