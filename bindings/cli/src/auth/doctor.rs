//! `madrigal auth doctor`: every place a credential can be in, what was chosen and why not the others, and what to do.

use std::fs::File;

use madrigal::{
    Error, Result,
    auth::{AuthStatus, Considered, Environment, Provider, TokenStore, Verdict},
};
use serde_json::json;

use super::{args::PlaceArguments, manager, store};
use crate::doctor::{self, Finding, Status};

const SET_UP: &str =
    "run `madrigal auth setup-token`, log in with `claude` and /login, or set ANTHROPIC_API_KEY";

/// How many hours before its end somebody should know.
const SOON: f64 = 24.0;

pub(super) async fn run(place: &PlaceArguments) -> Result<u8> {
    let (mut findings, _) = doctor::program::look(place.cli_path.as_deref()).await;
    findings.push(provider(&Environment::current()));
    findings.push(stored(&*store(place)?).await);
    match manager(place)?.status().await {
        Ok(status) => {
            findings.extend(super::looked_at(&status).map(source));
            findings.push(chosen(&status));
        }
        // The provider's finding says the same, and what to do.
        Err(error) => findings
            .push(Finding::new("credential", Status::Wrong, "none can be chosen").facts(error.to_json())),
    }
    findings.push(person());
    Ok(doctor::report(
        &findings,
        place.json,
        ["Runs can authenticate here.", "Something must be mended first: see above."],
    ))
}

/// Which service, and whether what it needs is set.
fn provider(env: &Environment) -> Finding {
    let checked = Provider::detect(env).and_then(|provider| Ok((provider, provider.check(env)?)));
    match checked {
        Err(error) => wrong("provider", &error),
        Ok((provider, check)) => {
            let from = check
                .credentials
                .as_ref()
                .map(|from| format!(", credentials from {from}"))
                .unwrap_or_default();
            let facts = json!({"provider": provider.name(), "credentials": check.credentials, "warnings": check.warnings});
            let status = if check.warnings.is_empty() { Status::Ok } else { Status::Note };
            let finding = Finding::new("provider", status, format!("{provider}{from}")).facts(facts);
            if check.warnings.is_empty() { finding } else { finding.advice(check.warnings.join("; ")) }
        }
    }
}

/// Whether there is a token, and nobody else can read it.
async fn stored(store: &dyn TokenStore) -> Finding {
    let found = store.load().await;
    let name = store.name();
    let path = name.strip_prefix("file ");
    let facts = match path {
        Some(path) => json!({"store": name, "path": path}),
        None => json!({"store": name}),
    };
    match found {
        Ok(None) => Finding::new("store", Status::Ok, format!("no token in {name}")).facts(facts),
        Ok(Some(_)) => {
            Finding::new("store", Status::Ok, format!("{name} is private and holds a token")).facts(facts)
        }
        Err(error) => {
            let finding = wrong("store", &error);
            let new = "`madrigal auth clear`, then `madrigal auth setup-token`";
            match path {
                Some(path) if error.message().contains("chmod") => {
                    finding.advice(format!("chmod 600 '{path}', or {new}"))
                }
                Some(path) if error.message().contains("symbolic link") => finding.advice(format!(
                    "rm '{path}' removes the link and not what it names; then `madrigal auth setup-token`"
                )),
                Some(_) => finding.advice(new),
                // The message says what to do.
                None => finding,
            }
        }
    }
}

fn wrong(name: &'static str, error: &Error) -> Finding {
    Finding::new(name, Status::Wrong, error.message()).facts(error.to_json())
}

/// A place that was looked at.
fn source(place: &Considered) -> Finding {
    let verdict = match place.verdict {
        Verdict::Used => "used",
        Verdict::Absent => "absent",
        Verdict::Expired => "expired",
        Verdict::Invalid => "invalid",
        Verdict::Refused => "refused",
        Verdict::Shadowed => "not used",
        _ => "other",
    };
    let status = match place.verdict {
        Verdict::Used | Verdict::Absent => Status::Ok,
        _ => Status::Note,
    };
    let finding = Finding::new("source", status, format!("{}: {verdict}: {}", place.source, place.reason))
        .facts(json!({"source": place.source, "verdict": place.verdict, "reason": place.reason}));
    match place.verdict {
        Verdict::Expired => finding.advice("`madrigal auth setup-token` gets a new one"),
        Verdict::Shadowed => finding.advice("unset the one that is used if this one is meant"),
        _ => finding,
    }
}

/// What is used, and for how long.
fn chosen(status: &AuthStatus) -> Finding {
    let facts = serde_json::to_value(status).unwrap_or_default();
    let Some(source) = status.source.as_deref().filter(|_| status.authenticated) else {
        return Finding::new("credential", Status::Wrong, "there is none").advice(SET_UP).facts(facts);
    };
    let method = status.method.unwrap_or("unknown");
    let what = format!("{method} for {} from {source} (not tried out)", status.provider);
    match status.time_until_expiry_hours {
        Some(hours) if hours < SOON => {
            Finding::new("credential", Status::Note, format!("{what}; it ends in {hours} hours"))
                .advice("`madrigal auth setup-token --force` gets a new one")
        }
        Some(hours) => Finding::new("credential", Status::Ok, format!("{what}; good for {hours} hours")),
        None => Finding::new("credential", Status::Ok, what),
    }
    .facts(facts)
}

/// Whether somebody can be asked here.
fn person() -> Finding {
    let ci = Environment::current().is_on("CI");
    let terminal = File::open("/dev/tty").is_ok();
    let what = match (ci, terminal) {
        (true, _) => "nobody is asked to log in: CI is set",
        (false, false) => "nobody can be asked to log in: there is no terminal",
        (false, true) => "may be asked to log in when there is no credential",
    };
    Finding::new("person", Status::Ok, what).facts(json!({"ci": ci, "terminal": terminal}))
}
