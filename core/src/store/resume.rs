//! Going on with a session from a store: its transcripts are laid out in a config directory of their own, beside a copy of
//! what the program needs to log in, and the program is sent there.

use std::{collections::BTreeMap, path::Path, time::Duration};

use super::{
    Calls, PrivateDir, SessionKey, SessionStore, SharedStore, StoreEntry, StoreMethod, account, blocking,
    session_store::without,
};
use crate::{
    Error, ErrorKind, Options, Result,
    transcript::{canonical, fold, is_session_id, project_key},
};

/// What does not go together, found before anything is started.
pub(crate) fn check_options(store: &dyn SessionStore, options: &Options) -> Result<()> {
    let invalid = |field: &str, problem: &str| {
        Err(Error::new(ErrorKind::InvalidOptions, format!("{field}: {problem}"))
            .operation("options")
            .with("field", field))
    };
    for method in [StoreMethod::Append, StoreMethod::Load] {
        if !store.offers(method) {
            return Err(without(method));
        }
    }
    if options.continue_session && !store.offers(StoreMethod::ListSessions) {
        return invalid("continue", "needs a session store that has `list_sessions`");
    }
    if options.enable_file_checkpointing {
        return invalid(
            "enable_file_checkpointing",
            "cannot be combined with a session store: copies of files stay on the disk",
        );
    }
    if options.user.is_some() && (options.resume.is_some() || options.continue_session) {
        return invalid(
            "user",
            "cannot be combined with going on from a session store: its transcripts are laid out for the user of this process alone",
        );
    }
    if options.persist_session == Some(false) {
        return invalid(
            "persist_session",
            "cannot be combined with a session store: the program hands on what it writes to the disk",
        );
    }
    Ok(())
}

/// The options of a program that goes on with a session from the store, and the directory they point to. `None` when there is
/// nothing to go on with, or the store does not have it.
pub(crate) async fn resumed(store: &SharedStore, options: &Options) -> Result<Option<(Options, PrivateDir)>> {
    if options.resume.is_none() && !options.continue_session {
        return Ok(None);
    }
    let calls = Calls::new(store, Duration::from_millis(options.timeouts.store_ms));
    let directory = options.directory();
    let project = blocking(move || Ok(project_key(&canonical(&directory)))).await?;
    let found = match &options.resume {
        Some(id) if is_session_id(id) => load(&calls, SessionKey::new(project, id)).await,
        // Perhaps a name that the program knows.
        Some(_) => Ok(None),
        None => newest(&calls, &project).await,
    };
    let Some((key, transcripts)) = found.map_err(|error| error.operation("open"))? else { return Ok(None) };
    let mut options = options.clone();
    let account = account::Account::of(&options);
    let session = key.session_id.clone();
    let config = blocking(move || {
        let dir = PrivateDir::new()?;
        for (key, entries) in &transcripts {
            dir.transcript(key, entries)?;
        }
        account.copy(&dir)?;
        Ok(dir)
    });
    let config = config.await.map_err(|error| error.operation("open"))?;
    options.env.insert("CLAUDE_CONFIG_DIR".into(), text(config.path())?);
    options.resume = Some(session);
    options.continue_session = false;
    Ok(Some((options, config)))
}

type Transcripts = BTreeMap<SessionKey, Vec<StoreEntry>>;

/// All transcripts of a session; `None` when the store has no conversation of it.
async fn load(calls: &Calls, key: SessionKey) -> Result<Option<(SessionKey, Transcripts)>> {
    let Some(entries) = calls.load(&key).await?.filter(|entries| !entries.is_empty()) else {
        return Ok(None);
    };
    let subpaths = match calls.offers(StoreMethod::ListSubkeys) {
        true => calls.list_subkeys(&key).await?,
        false => Vec::new(),
    };
    let mut transcripts = BTreeMap::from([(key.clone(), entries)]);
    for subpath in subpaths {
        let part = key.clone().with_subpath(subpath);
        // The store may be shared; its names must not reach outside.
        if !part.is_safe() {
            tracing::warn!(
                subpath = part.subpath,
                "a subpath of the session store that cannot be a file is left out"
            );
            continue;
        }
        if let Some(entries) = calls.load(&part).await?.filter(|entries| !entries.is_empty()) {
            transcripts.insert(part, entries);
        }
    }
    Ok(Some((key, transcripts)))
}

/// The session of the project that was written last and is none of a subagent.
async fn newest(calls: &Calls, project: &str) -> Result<Option<(SessionKey, Transcripts)>> {
    let mut sessions = calls.list_sessions(project).await?;
    sessions.sort_by(|a, b| b.mtime.cmp(&a.mtime).then_with(|| a.session_id.cmp(&b.session_id)));
    for session in sessions.into_iter().filter(|session| is_session_id(&session.session_id)) {
        let Some(found) = load(calls, SessionKey::new(project, session.session_id)).await? else { continue };
        if !is_sidechain(found.1.values().next().and_then(|entries| entries.first())) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn is_sidechain(first: Option<&StoreEntry>) -> bool {
    let mut data = serde_json::Map::new();
    if let Some(first) = first {
        fold(&mut data, first.get());
    }
    data.get("is_sidechain").and_then(serde_json::Value::as_bool).unwrap_or_default()
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let message = format!("the temporary directory {} has a name that is no text", path.display());
        Error::new(ErrorKind::SpawnFailed, message).operation("open")
    })
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use serde_json::json;

    use crate::{
        Options, Session,
        store::{MemorySessionStore, SessionKey, SessionStore},
        testing::{Scenario, Script},
    };

    #[tokio::test]
    async fn the_directory_is_gone_when_the_end_is_told() {
        const ID: &str = "00000000-0000-4000-8000-000000000001";
        let store = Arc::new(MemorySessionStore::new());
        let entry = serde_json::value::to_raw_value(&json!({"type": "user", "uuid": "u"})).unwrap();
        store.append(&SessionKey::new("-", ID), &[entry]).await.unwrap();
        let cli = json!([{"await": {"type": "user"}},
            {"emit": {"type": "system", "subtype": "told", "config": "$env.CLAUDE_CONFIG_DIR"}}, {"result": {}}]);
        let scenario = Scenario::from_json(&json!({"name": "told", "cli": cli}).to_string()).unwrap();
        let options = Options { resume: Some(ID.into()), cwd: Some("/".into()), ..Options::default() };
        let builder = Session::builder(options).session_store(store);
        let mut session = builder.transport(Script::from_scenario(scenario).unwrap()).open().await.unwrap();
        let mut turn = session.send("more").await.unwrap();
        let mut config = None;
        while let Some(message) = turn.next().await {
            let value = message.unwrap().value();
            config = config.or(value["config"].as_str().map(PathBuf::from));
        }
        drop(turn);
        let config = config.unwrap();
        assert!(config.join("projects/-").join(format!("{ID}.jsonl")).is_file());
        session.close().await;
        assert!(!config.exists(), "{}", config.display());
    }
}
