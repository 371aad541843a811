//! What is stored: a token, for whom, and how long it is good for. The JSON is that of the Elixir package this one replaces,
//! so a file it wrote goes on working.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{Provider, Secret, time};
use crate::{Error, ErrorKind, Result};

/// How long a token is taken to be good for that does not say: 30 days for an API key of a console, as the program has it.
pub const UNKNOWN_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// How long a token of `claude setup-token` is good for: the program says a year.
pub const OAUTH_LIFETIME: Duration = Duration::from_secs(365 * 86_400);

/// What a token is, by its first characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// A key of the API, `sk-ant-api03-...`; the program takes it as `ANTHROPIC_API_KEY`.
    ApiKey,
    /// A bearer token for the API or a gateway before it; `ANTHROPIC_AUTH_TOKEN`.
    AuthToken,
    /// A token of a subscription, `sk-ant-oat01-...`; `CLAUDE_CODE_OAUTH_TOKEN`.
    OauthToken,
    /// The login of the program itself.
    CliLogin,
    /// The credentials of a cloud.
    Cloud,
}

impl Method {
    /// Its word, the same in every language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::AuthToken => "auth_token",
            Self::OauthToken => "oauth_token",
            Self::CliLogin => "cli_login",
            Self::Cloud => "cloud",
        }
    }

    /// The variable by which the program is given it.
    pub const fn variable(self) -> Option<&'static str> {
        match self {
            Self::ApiKey => Some("ANTHROPIC_API_KEY"),
            Self::AuthToken => Some("ANTHROPIC_AUTH_TOKEN"),
            Self::OauthToken => Some("CLAUDE_CODE_OAUTH_TOKEN"),
            Self::CliLogin | Self::Cloud => None,
        }
    }

    /// What a token is by its prefix; `None` for one that `claude setup-token` does not make.
    ///
    /// ```
    /// use madrigal::auth::Method;
    /// assert_eq!(Method::of_token("sk-ant-oat01-test"), Some(Method::OauthToken));
    /// assert_eq!(Method::of_token("sk-ant-api03-test"), Some(Method::ApiKey));
    /// assert_eq!(Method::of_token("test"), None);
    /// ```
    pub fn of_token(token: &str) -> Option<Self> {
        if token.starts_with("sk-ant-oat01-") {
            Some(Self::OauthToken)
        } else if token.starts_with("sk-ant-api03-") {
            Some(Self::ApiKey)
        } else {
            None
        }
    }
}

/// A token in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// The token.
    pub token: Secret,
    /// When it stops working; `None`: never, or nobody knows, and it is not refreshed.
    pub expires_at: Option<SystemTime>,
    /// For whom.
    pub provider: Provider,
    /// When it was got.
    pub created_at: Option<SystemTime>,
}

impl StoredToken {
    /// A token just got: good for a year if its prefix is that of `claude setup-token`, else for 30 days.
    ///
    /// # Errors
    ///
    /// `auth` for a text that is no token: a wrong prefix, a space or a control character inside, or too short.
    pub fn new(token: Secret, now: SystemTime) -> Result<Self> {
        let method = checked(token.expose())?;
        let lifetime = if method == Method::OauthToken { OAUTH_LIFETIME } else { UNKNOWN_LIFETIME };
        let now = now
            - Duration::from_nanos(u64::from(
                now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_nanos(),
            ));
        Ok(Self {
            token,
            expires_at: Some(now + lifetime),
            provider: Provider::Anthropic,
            created_at: Some(now),
        })
    }

    /// What it is.
    pub fn method(&self) -> Method {
        Method::of_token(self.token.expose()).unwrap_or(Method::AuthToken)
    }

    /// Whether it still works.
    pub fn is_valid(&self, now: SystemTime) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }

    /// The JSON of the file: `token`, `expiry`, `provider`, `created_at`. Holds the token.
    pub fn to_json(&self) -> Value {
        json!({
            "token": self.token.expose(),
            "expiry": self.expires_at.map(time::show),
            "provider": self.provider.name(),
            "created_at": self.created_at.map(time::show),
        })
    }

    /// Reads that JSON.
    ///
    /// # Errors
    ///
    /// `auth` naming the field and what was expected. No error shows the token.
    pub fn from_json(value: &Value) -> Result<Self> {
        let wrong = |field: &str, expected: &str| {
            Error::new(
                ErrorKind::Auth,
                format!("the stored token has no good `{field}`: expected {expected}"),
            )
            .with("field", field)
        };
        let Value::Object(fields) = value else {
            return Err(wrong("token", "a JSON object with `token`, `expiry`, `provider` and `created_at`"));
        };
        let token = fields
            .get("token")
            .and_then(Value::as_str)
            .filter(|token| is_one_word(token))
            .ok_or_else(|| wrong("token", "a token without spaces"))?;
        let time = |field: &str| match fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => time::parse(text).map(Some).map_err(|why| wrong(field, &why)),
            Some(_) => Err(wrong(field, "a time as text, such as \"2026-01-31T12:00:00Z\"")),
        };
        let provider = match fields.get("provider") {
            None | Some(Value::Null) => Provider::Anthropic,
            Some(word) => word
                .as_str()
                .and_then(Provider::from_name)
                .ok_or_else(|| wrong("provider", "`anthropic`, `bedrock`, `vertex` or `foundry`"))?,
        };
        Ok(Self {
            token: token.into(),
            expires_at: time("expiry")?,
            provider,
            created_at: time("created_at")?,
        })
    }
}

/// What a token is that a person gave, or why it is none.
pub(super) fn checked(token: &str) -> Result<Method> {
    let wrong = |why: &str| {
        Err(Error::new(
            ErrorKind::Auth,
            format!(
                "this is no token of Claude: {why}. Tokens of `claude setup-token` begin with sk-ant- and oat01, keys of the console with sk-ant- and api03"
            ),
        ))
    };
    if !is_one_word(token) {
        return wrong("it is empty or has a space or another character that tokens do not have");
    }
    match Method::of_token(token) {
        None => wrong("it begins with something else"),
        Some(_) if token.len() < "sk-ant-api03-".len() + 8 => wrong("it is too short; was all of it copied?"),
        Some(method) => Ok(method),
    }
}

fn is_one_word(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_through_its_json() {
        let now = time::parse("2026-01-01T00:00:00Z").unwrap();
        let token = StoredToken::new("sk-ant-oat01-test-test-test".into(), now).unwrap();
        assert_eq!(token.to_json()["expiry"], "2027-01-01T00:00:00Z");
        assert_eq!(StoredToken::from_json(&token.to_json()).unwrap(), token);
        let key = StoredToken::new("sk-ant-api03-test-test-test".into(), now).unwrap();
        assert_eq!(key.to_json()["expiry"], "2026-01-31T00:00:00Z");
    }

    #[test]
    fn what_the_elixir_package_wrote_is_read() {
        let text = r#"{"token":"sk-ant-api03-test","expiry":"2025-11-06T12:00:00.123456Z","provider":"anthropic","created_at":"2025-10-07T12:00:00.123456Z"}"#;
        let token = StoredToken::from_json(&serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(token.method(), Method::ApiKey);
        assert!(!token.is_valid(time::parse("2025-11-06T12:00:01Z").unwrap()));
        let bare = StoredToken::from_json(&json!({"token": "test", "expiry": null})).unwrap();
        assert!(bare.is_valid(SystemTime::now()));
    }

    #[test]
    fn bad_fields_are_named_and_no_token_is_shown() {
        for (value, field) in [
            (json!([]), "token"),
            (json!({}), "token"),
            (json!({"token": "sk-ant-api03-canary with space"}), "token"),
            (json!({"token": "canary", "expiry": "soon"}), "expiry"),
            (json!({"token": "canary", "expiry": 17}), "expiry"),
            (json!({"token": "canary", "provider": "nobody"}), "provider"),
        ] {
            let error = StoredToken::from_json(&value).unwrap_err();
            assert_eq!(error.context()["field"], field);
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        for text in
            ["", "sk-ant-sid01-test-test-test", "sk-ant-oat01-", "sk-ant-oat01-canary canary", "hello"]
        {
            let error = checked(text).unwrap_err();
            assert!(error.message().contains("oat01") && !error.message().contains("canary"));
        }
    }
}
