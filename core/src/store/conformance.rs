//! What a session relies on, as checks that anybody can run on a store of their own.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Calls, SessionKey, SharedStore, StoreEntry, StoreMethod, calls::LIMIT, fold_session_summary,
    summary::by_session,
};
use crate::{Result, transport::BoxFuture};

/// A check of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreCheck {
    /// What is checked.
    pub check: &'static str,
    /// Whether the store does it.
    pub passed: bool,
    /// What it does instead.
    pub error: Option<String>,
}

/// `Err` says what was found in place of what was expected.
type Found = std::result::Result<(), String>;
type Check = for<'a> fn(&'a Calls) -> BoxFuture<'a, Result<Found>>;

macro_rules! checks {
    ($($name:ident needs [$($method:ident),*]),* $(,)?) => {
        [$((stringify!($name), &[$(StoreMethod::$method),*] as &[StoreMethod], (|calls| Box::pin($name(calls))) as Check)),*]
    };
}

/// Checks a store: each check gets a fresh, empty one from `fresh`. Checks of methods that it does not offer are left out.
/// The result has one entry a check; a check that does not end within 60 s has failed.
///
/// ```
/// use std::sync::Arc;
/// use madrigal::store::{MemorySessionStore, session_store_conformance};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let checks = session_store_conformance(|| Arc::new(MemorySessionStore::new())).await;
/// assert!(checks.iter().all(|check| check.passed), "{checks:?}");
/// # });
/// ```
pub async fn session_store_conformance(fresh: impl Fn() -> SharedStore) -> Vec<StoreCheck> {
    let all = checks![
        load_gives_what_was_appended_in_order needs [],
        load_of_an_unknown_key_gives_nothing needs [],
        appends_follow_each_other needs [],
        appending_nothing_changes_nothing needs [],
        a_repeated_uuid_is_absorbed needs [],
        entries_without_uuid_are_all_kept needs [],
        subpaths_are_apart needs [],
        projects_are_apart needs [],
        sessions_are_listed needs [ListSessions],
        subpaths_are_not_listed needs [ListSessions],
        summaries_follow_the_entries needs [ListSessionSummaries],
        summaries_have_the_time_of_the_list needs [ListSessionSummaries, ListSessions],
        delete_removes_a_session needs [Delete],
        delete_removes_its_subpaths needs [Delete],
        delete_of_a_subpath_removes_only_that needs [Delete],
        subkeys_are_listed needs [ListSubkeys],
    ];
    let mut results = Vec::new();
    for (check, needs, run) in all {
        let calls = Calls::new(&fresh(), LIMIT);
        if !needs.iter().all(|method| calls.offers(*method)) {
            continue;
        }
        let done = tokio::time::timeout(LIMIT, run(&calls)).await;
        let error = match done {
            Ok(Ok(Ok(()))) => None,
            Ok(Ok(Err(problem))) => Some(problem),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("did not end within {} s", LIMIT.as_secs())),
        };
        results.push(StoreCheck { check, passed: error.is_none(), error });
    }
    results
}

fn main_key() -> SessionKey {
    SessionKey::new("project", "00000000-0000-4000-8000-000000000001")
}

fn other_session() -> SessionKey {
    SessionKey::new("project", "00000000-0000-4000-8000-000000000002")
}

fn agent(number: u32) -> SessionKey {
    main_key().with_subpath(format!("subagents/agent-{number}"))
}

/// An entry with a field `n`, and a uuid unless it is empty.
fn entry(uuid: &str, n: u32) -> Value {
    let mut entry = json!({"type": "x", "n": n});
    if !uuid.is_empty() {
        entry["uuid"] = uuid.into();
    }
    entry
}

async fn append(calls: &Calls, key: &SessionKey, entries: &[Value]) -> Result<()> {
    let raw: Vec<StoreEntry> =
        entries.iter().flat_map(|entry| serde_json::value::to_raw_value(entry).ok()).collect();
    calls.append(key, &raw).await
}

/// Compared as JSON: a store may order the fields of an entry anew.
async fn holds(calls: &Calls, key: &SessionKey, expected: &Value) -> Result<Found> {
    let found = json!(calls.load(key).await?);
    Ok(same(&format!("load of {}", json!(key)), &found, expected))
}

fn same(what: &str, found: &Value, expected: &Value) -> Found {
    if found == expected { Ok(()) } else { Err(format!("{what}: expected {expected}, found {found}")) }
}

/// The first of several that is not as expected.
macro_rules! all {
    ($($found:expr),+ $(,)?) => {{ $( if let Err(problem) = $found { return Ok(Err(problem)); } )+ Ok(Ok(())) }};
}

async fn load_gives_what_was_appended_in_order(calls: &Calls) -> Result<Found> {
    let entries = [entry("b", 1), json!({"type": "x", "uuid": "a", "deep": {"list": [1, null, "é\n"]}})];
    append(calls, &main_key(), &entries).await?;
    holds(calls, &main_key(), &json!(entries)).await
}

async fn load_of_an_unknown_key_gives_nothing(calls: &Calls) -> Result<Found> {
    append(calls, &main_key(), &[entry("a", 1)]).await?;
    all!(holds(calls, &other_session(), &Value::Null).await?, holds(calls, &agent(1), &Value::Null).await?)
}

async fn appends_follow_each_other(calls: &Calls) -> Result<Found> {
    let entries = [entry("z", 1), entry("a", 2), entry("m", 3), entry("b", 4)];
    append(calls, &main_key(), &entries[..1]).await?;
    append(calls, &main_key(), &entries[1..3]).await?;
    append(calls, &main_key(), &entries[3..]).await?;
    holds(calls, &main_key(), &json!(entries)).await
}

async fn appending_nothing_changes_nothing(calls: &Calls) -> Result<Found> {
    append(calls, &main_key(), &[entry("a", 1)]).await?;
    append(calls, &main_key(), &[]).await?;
    holds(calls, &main_key(), &json!([entry("a", 1)])).await
}

async fn a_repeated_uuid_is_absorbed(calls: &Calls) -> Result<Found> {
    append(calls, &main_key(), &[entry("a", 1), entry("b", 2)]).await?;
    append(calls, &main_key(), &[entry("b", 2), entry("c", 3)]).await?;
    holds(calls, &main_key(), &json!([entry("a", 1), entry("b", 2), entry("c", 3)])).await
}

async fn entries_without_uuid_are_all_kept(calls: &Calls) -> Result<Found> {
    append(calls, &main_key(), &[entry("", 1), entry("", 1)]).await?;
    append(calls, &main_key(), &[entry("", 1)]).await?;
    holds(calls, &main_key(), &json!([entry("", 1), entry("", 1), entry("", 1)])).await
}

async fn subpaths_are_apart(calls: &Calls) -> Result<Found> {
    append(calls, &main_key(), &[entry("a", 1)]).await?;
    append(calls, &agent(1), &[entry("a", 2)]).await?;
    all!(
        holds(calls, &main_key(), &json!([entry("a", 1)])).await?,
        holds(calls, &agent(1), &json!([entry("a", 2)])).await?
    )
}

async fn projects_are_apart(calls: &Calls) -> Result<Found> {
    let other = SessionKey::new("elsewhere", main_key().session_id);
    append(calls, &main_key(), &[entry("a", 1)]).await?;
    append(calls, &other, &[entry("b", 2)]).await?;
    all!(
        holds(calls, &main_key(), &json!([entry("a", 1)])).await?,
        holds(calls, &other, &json!([entry("b", 2)])).await?
    )
}

/// The ids the store lists for a project.
async fn listed(calls: &Calls, project: &str) -> Result<Value> {
    let mut ids: Vec<String> =
        calls.list_sessions(project).await?.into_iter().map(|session| session.session_id).collect();
    ids.sort();
    Ok(json!(ids))
}

async fn sessions_are_listed(calls: &Calls) -> Result<Found> {
    for key in [main_key(), other_session(), SessionKey::new("elsewhere", "x")] {
        append(calls, &key, &[entry("a", 1)]).await?;
    }
    // Milliseconds since 1970; seconds would be a date of that year.
    let in_ms = calls.list_sessions("project").await?.iter().all(|session| session.mtime > 1_000_000_000_000);
    all!(
        same(
            "list_sessions",
            &listed(calls, "project").await?,
            &json!([main_key().session_id, other_session().session_id])
        ),
        same("list_sessions of an unknown project", &listed(calls, "nowhere").await?, &json!([])),
        same("mtime in milliseconds", &json!(in_ms), &json!(true)),
    )
}

async fn subpaths_are_not_listed(calls: &Calls) -> Result<Found> {
    append(calls, &main_key(), &[entry("a", 1)]).await?;
    append(calls, &agent(1), &[entry("b", 1)]).await?;
    Ok(same("list_sessions", &listed(calls, "project").await?, &json!([main_key().session_id])))
}

async fn summaries_follow_the_entries(calls: &Calls) -> Result<Found> {
    let titled = |title: &str| json!({"type": "custom-title", "customTitle": title, "timestamp": "2026-01-02T03:04:05.006Z"});
    append(calls, &main_key(), &[titled("first"), entry("a", 1)]).await?;
    append(calls, &main_key(), &[titled("second")]).await?;
    append(calls, &agent(1), &[titled("of a subagent")]).await?;
    let mut found = by_session(calls.list_session_summaries("project").await?);
    let Some(summary) = found.remove(&main_key().session_id) else {
        return Ok(Err("list_session_summaries: the session is missing".to_owned()));
    };
    let others = calls.list_session_summaries("nowhere").await?.len();
    let time = summary.mtime;
    let again = fold_session_summary(Some(summary), &main_key(), &[]);
    all!(
        same("its title", &again.data["custom_title"], &json!("second")),
        same("mtime in milliseconds", &json!(time > 1_000_000_000_000), &json!(true)),
        same("other sessions in the list", &json!(found.len()), &json!(0)),
        same("summaries of an unknown project", &json!(others), &json!(0)),
    )
}

async fn summaries_have_the_time_of_the_list(calls: &Calls) -> Result<Found> {
    append(calls, &main_key(), &[entry("a", 1)]).await?;
    let summary = calls.list_session_summaries("project").await?.first().map(|summary| summary.mtime);
    let session = calls.list_sessions("project").await?.first().map(|session| session.mtime);
    let fresh = summary.zip(session).is_some_and(|(summary, session)| summary >= session);
    let what = format!("whether the summary ({summary:?}) is not older than the session ({session:?})");
    Ok(same(&what, &json!(fresh), &json!(true)))
}

async fn delete_removes_a_session(calls: &Calls) -> Result<Found> {
    calls.delete(&other_session()).await?;
    append(calls, &main_key(), &[entry("a", 1)]).await?;
    append(calls, &other_session(), &[entry("b", 1)]).await?;
    calls.delete(&main_key()).await?;
    all!(
        holds(calls, &main_key(), &Value::Null).await?,
        holds(calls, &other_session(), &json!([entry("b", 1)])).await?
    )
}

async fn delete_removes_its_subpaths(calls: &Calls) -> Result<Found> {
    for key in [main_key(), agent(1), other_session().with_subpath("subagents/agent-1")] {
        append(calls, &key, &[entry("a", 1)]).await?;
    }
    calls.delete(&main_key()).await?;
    all!(
        holds(calls, &agent(1), &Value::Null).await?,
        holds(calls, &other_session().with_subpath("subagents/agent-1"), &json!([entry("a", 1)])).await?
    )
}

async fn delete_of_a_subpath_removes_only_that(calls: &Calls) -> Result<Found> {
    for key in [main_key(), agent(1), agent(2)] {
        append(calls, &key, &[entry("a", 1)]).await?;
    }
    calls.delete(&agent(1)).await?;
    all!(
        holds(calls, &agent(1), &Value::Null).await?,
        holds(calls, &agent(2), &json!([entry("a", 1)])).await?,
        holds(calls, &main_key(), &json!([entry("a", 1)])).await?
    )
}

async fn subkeys_are_listed(calls: &Calls) -> Result<Found> {
    for key in [main_key(), agent(1), agent(2), other_session().with_subpath("subagents/agent-3")] {
        append(calls, &key, &[entry("a", 1)]).await?;
    }
    let mut found = calls.list_subkeys(&main_key()).await?;
    found.sort();
    all!(
        same("list_subkeys", &json!(found), &json!(["subagents/agent-1", "subagents/agent-2"])),
        same(
            "list_subkeys of an unknown session",
            &json!(calls.list_subkeys(&SessionKey::new("nowhere", "x")).await?),
            &json!([])
        ),
    )
}
