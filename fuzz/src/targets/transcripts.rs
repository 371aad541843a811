//! A transcript on disk that may hold anything: it is listed and read without a panic, each part is JSON, and pages fit together.

use std::{fs, path::PathBuf, sync::LazyLock};

use madrigal::transcript::{
    GetSessionInfo, GetSessionMessages, ListSessions, ListSubagents, get_session_info, get_session_messages,
    list_sessions, list_subagents,
};

const ID: &str = "00000000-0000-4000-8000-000000000001";

/// One folder for all inputs of a process, in memory where the system has such a place.
static CONFIG: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let config = base.join(format!("madrigal-fuzz-{}", std::process::id()));
    fs::create_dir_all(config.join("projects/-srv-app")).expect("a folder");
    config
});

/// The input is the transcript.
pub fn check(input: &[u8]) {
    let config = Some(CONFIG.clone());
    fs::write(CONFIG.join(format!("projects/-srv-app/{ID}.jsonl")), input).expect("a file");
    let listed = list_sessions(&ListSessions { config_dir: config.clone(), ..ListSessions::default() });
    let listed = listed.expect("a list");
    let session_id = ID.to_owned();
    let request =
        GetSessionInfo { session_id: session_id.clone(), directory: None, config_dir: config.clone() };
    let info = get_session_info(&request).expect("an answer");
    assert_eq!(listed.first(), info.as_ref(), "the list and the single answer agree");
    let messages = |limit, offset, include_system_messages| {
        let request = GetSessionMessages {
            session_id: session_id.clone(),
            directory: None,
            limit,
            offset,
            include_system_messages,
            config_dir: config.clone(),
        };
        get_session_messages(&request).expect("messages")
    };
    let all = messages(None, 0, true);
    for message in &all {
        serde_json::to_string(message).expect("JSON");
    }
    let ids = |messages: &[madrigal::transcript::SessionMessage]| {
        messages.iter().map(|message| message.uuid.clone()).collect::<Vec<_>>()
    };
    let some = all.len() / 3;
    assert_eq!(
        ids(&messages(Some(some + 1), some, true)),
        ids(&all[some..].iter().take(some + 1).cloned().collect::<Vec<_>>())
    );
    assert!(messages(None, 0, false).len() <= all.len());
    let request =
        ListSubagents { session_id: session_id.clone(), directory: None, config_dir: config.clone() };
    list_subagents(&request).expect("a list");
}

/// Removes what the inputs left on disk.
pub fn clean() {
    let _ = fs::remove_dir_all(&*CONFIG);
}
