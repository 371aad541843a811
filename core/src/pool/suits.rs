//! Which runs may take a process that is there already, and which may leave theirs to the next.
//!
//! A start that belongs to one run only (it goes on with a session, has an id or a trace of its own) is never made ahead. To be used
//! again a process must have had no way to act: no tool, server, hook, agent or skill, nothing that is said once at the start
//! about one conversation, and nothing that runs on behind its answer.

use crate::{
    Options,
    options::{StallAction, Tools},
};

/// The first option, and what it should have been, for which a process cannot be started ahead.
pub(super) fn not_ahead(options: &Options) -> Option<(&'static str, &'static str)> {
    let own = [
        ("resume", options.resume.is_some()),
        ("continue", options.continue_session),
        ("fork_session", options.fork_session),
        ("resume_session_at", options.resume_session_at.is_some()),
        ("session_id", options.session_id.is_some()),
        ("trace_context", options.trace_context.is_some()),
    ];
    own.into_iter().find(|(_, set)| *set).map(|(field, _)| (field, "expected none"))
}

/// The first option, and what it should have been, for which a process cannot be used again.
pub(super) fn not_recycled(options: &Options) -> Option<(&'static str, &'static str)> {
    if options.tools != Some(Tools::List(Vec::new())) {
        return Some(("tools", "expected an empty list"));
    }
    if let Some(unfit) = not_ahead(options) {
        return Some(unfit);
    }
    // A file may hold anything.
    let harmless = options.settings.as_ref().is_none_or(|settings| match settings.inline() {
        Ok(Some(settings)) => !settings.contains_key("hooks") && !settings.contains_key("enabledPlugins"),
        _ => false,
    });
    let acts = [
        ("mcp_servers", options.mcp_servers.is_some()),
        ("plugins", !options.plugins.is_empty()),
        ("skills", options.skills.is_some()),
        ("agents", !options.agents.is_empty()),
        ("agent", options.agent.is_some()),
        // Asked for by a tool of its own.
        ("output_format", options.output_format.is_some()),
        ("title", options.title.is_some()),
        ("enable_file_checkpointing", options.enable_file_checkpointing),
        // Said behind the result.
        ("prompt_suggestions", options.prompt_suggestions),
        // Its process would be another one by then.
        ("timeouts.stall_action", options.timeouts.stall_action == StallAction::Resume),
        ("extra_args", !options.extra_args.is_empty()),
    ];
    if let Some((field, _)) = acts.into_iter().find(|(_, set)| *set) {
        let expected =
            if field == "timeouts.stall_action" { "expected another than `resume`" } else { "expected none" };
        return Some((field, expected));
    }
    (!harmless).then_some(("settings", "expected none, or an object without `hooks` and `enabledPlugins`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_can_act_is_named() {
        let unfit = |text: &str| {
            let options = Options::from_json(text).unwrap();
            not_recycled(&options).map(|(field, _)| field)
        };
        assert_eq!(unfit(r#"{"tools": [], "model": "haiku", "system_prompt": "Be brief."}"#), None);
        assert_eq!(unfit(r#"{"tools": [], "settings": {"env": {}}}"#), None);
        for (text, field) in [
            ("{}", "tools"),
            (r#"{"tools": ["Read"]}"#, "tools"),
            (r#"{"tools": {"type": "preset", "preset": "claude_code"}}"#, "tools"),
            (r#"{"tools": [], "resume": "x"}"#, "resume"),
            (r#"{"tools": [], "continue": true}"#, "continue"),
            (r#"{"tools": [], "mcp_servers": {"s": {"command": "x"}}}"#, "mcp_servers"),
            (r#"{"tools": [], "agents": {"a": {"description": "x", "prompt": "y"}}}"#, "agents"),
            (r#"{"tools": [], "skills": "all"}"#, "skills"),
            (r#"{"tools": [], "plugins": [{"type": "local", "path": "p"}]}"#, "plugins"),
            (r#"{"tools": [], "output_format": {"type": "json_schema", "schema": {}}}"#, "output_format"),
            (r#"{"tools": [], "settings": {"hooks": {}}}"#, "settings"),
            (r#"{"tools": [], "settings": "file.json"}"#, "settings"),
            (r#"{"tools": [], "extra_args": {"mcp-config": "x"}}"#, "extra_args"),
            (r#"{"tools": [], "prompt_suggestions": true}"#, "prompt_suggestions"),
        ] {
            assert_eq!(unfit(text), Some(field), "{text}");
        }
    }
}
