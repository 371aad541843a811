//! What a hook is given, typed for each event. Fields that are not known are kept.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::HookEvent;

/// What the input of every event has.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HookBase {
    /// The session.
    pub session_id: String,
    /// Where the program keeps the conversation.
    pub transcript_path: String,
    /// The working directory.
    pub cwd: String,
    /// The name of the event.
    pub hook_event_name: String,
    /// The prompt that is being answered.
    pub prompt_id: Option<String>,
    /// How permissions are decided.
    pub permission_mode: Option<String>,
    /// The subagent this happens in.
    pub agent_id: Option<String>,
    /// Its type.
    pub agent_type: Option<String>,
    /// How hard the model thinks: `{"level": ...}`.
    pub effort: Option<Value>,
    /// Every field that has no place in a type.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

macro_rules! inputs {
    ($($event:ident $input:ident { $($field:ident: $type:ty),* $(,)? })*) => {
        $(
            #[doc = concat!("The input of `", stringify!($event), "`.")]
            #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
            #[serde(default)]
            pub struct $input {
                $(
                    #[doc = concat!("`", stringify!($field), "` of the program's input.")]
                    pub $field: $type,
                )*
                /// What every event has.
                #[serde(flatten)]
                pub base: HookBase,
            }
        )*

        /// What a hook is given.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum HookInput {
            $(#[doc = concat!("Of `", stringify!($event), "`.")] $event(Box<$input>),)*
            /// Of an event, or in a form, this version does not know: the fields as they came.
            Other(Map<String, Value>),
        }

        impl HookInput {
            /// Reads the input as the program wrote it.
            pub fn from_json(fields: Map<String, Value>) -> Self {
                let name = fields.get("hook_event_name").and_then(Value::as_str).unwrap_or_default();
                let Some(event) = HookEvent::from_name(name) else { return Self::Other(fields) };
                match event {
                    $(HookEvent::$event => match $input::deserialize(Value::from(fields.clone())) {
                        Ok(input) => Self::$event(Box::new(input)),
                        Err(_) => Self::Other(fields),
                    },)*
                }
            }

            /// What every event has; `None` of [`Other`](Self::Other).
            pub fn base(&self) -> Option<&HookBase> {
                match self {
                    $(Self::$event(input) => Some(&input.base),)*
                    Self::Other(_) => None,
                }
            }
        }
    };
}

inputs! {
    PreToolUse PreToolUseInput { tool_name: String, tool_input: Value, tool_use_id: String, mcp_server: Option<Value> }
    PostToolUse PostToolUseInput {
        tool_name: String, tool_input: Value, tool_response: Value, tool_use_id: String, duration_ms: Option<f64>,
        mcp_server: Option<Value>,
    }
    PostToolUseFailure PostToolUseFailureInput {
        tool_name: String, tool_input: Value, tool_use_id: String, error: String, is_interrupt: Option<bool>,
        duration_ms: Option<f64>, mcp_server: Option<Value>,
    }
    PostToolBatch PostToolBatchInput { tool_calls: Vec<Value> }
    Notification NotificationInput { message: String, title: Option<String>, notification_type: String }
    UserPromptSubmit UserPromptSubmitInput { prompt: String, source: Option<String>, session_title: Option<String> }
    UserPromptExpansion UserPromptExpansionInput {
        expansion_type: String, command_name: String, command_args: String, command_source: Option<String>,
        prompt: String,
    }
    SessionStart SessionStartInput {
        source: String, model: Option<String>, session_title: Option<String>,
        seconds_since_last_response: Option<f64>, context_tokens: Option<f64>,
        prompt_cache_likely_expired: Option<bool>, estimated_cache_write_usd: Option<f64>,
    }
    SessionEnd SessionEndInput { reason: String }
    Stop StopInput {
        stop_hook_active: bool, last_assistant_message: Option<String>, background_tasks: Option<Vec<Value>>,
        session_crons: Option<Vec<Value>>,
    }
    StopFailure StopFailureInput {
        error: String, error_details: Option<Value>, last_assistant_message: Option<String>,
    }
    SubagentStart SubagentStartInput {}
    SubagentStop SubagentStopInput {
        stop_hook_active: bool, agent_transcript_path: String, last_assistant_message: Option<String>,
        background_tasks: Option<Vec<Value>>, session_crons: Option<Vec<Value>>,
    }
    PreCompact PreCompactInput { trigger: String, custom_instructions: Option<String> }
    PostCompact PostCompactInput { trigger: String, compact_summary: Option<String> }
    PreModelSwitch PreModelSwitchInput {
        from_model: Value, to_model: Value, requested_model: Value, source: String, context_tokens: Option<f64>,
        prompt_cache_warm: Option<bool>, cache_ttl: Value, estimated_cache_write_usd: Option<f64>, pricing: Value,
    }
    PostModelSwitch PostModelSwitchInput {
        from_model: Value, to_model: Value, requested_model: Value, source: String, context_tokens: Option<f64>,
        prompt_cache_warm: Option<bool>, cache_ttl: Value, estimated_cache_write_usd: Option<f64>, pricing: Value,
    }
    PermissionRequest PermissionRequestInput {
        tool_name: String, tool_input: Value, permission_suggestions: Option<Vec<Value>>, mcp_server: Option<Value>,
    }
    PermissionDenied PermissionDeniedInput {
        tool_name: String, tool_input: Value, tool_use_id: String, reason: String, mcp_server: Option<Value>,
    }
    Setup SetupInput { trigger: String }
    TeammateIdle TeammateIdleInput { teammate_name: String, team_name: String }
    TaskCreated TaskCreatedInput {
        task_id: String, task_subject: String, task_description: Option<String>, teammate_name: Option<String>,
        team_name: Option<String>,
    }
    TaskCompleted TaskCompletedInput {
        task_id: String, task_subject: String, task_description: Option<String>, teammate_name: Option<String>,
        team_name: Option<String>,
    }
    Elicitation ElicitationInput {
        mcp_server_name: String, message: String, mode: Option<String>, url: Option<String>,
        elicitation_id: Option<String>, requested_schema: Option<Value>,
    }
    ElicitationResult ElicitationResultInput {
        mcp_server_name: String, elicitation_id: Option<String>, mode: Option<String>, action: String,
        content: Option<Value>,
    }
    ConfigChange ConfigChangeInput { source: String, file_path: Option<String> }
    WorktreeCreate WorktreeCreateInput { name: String }
    WorktreeRemove WorktreeRemoveInput { worktree_path: String }
    InstructionsLoaded InstructionsLoadedInput {
        file_path: String, memory_type: String, load_reason: String, globs: Option<Vec<String>>,
        trigger_file_path: Option<String>, parent_file_path: Option<String>,
    }
    CwdChanged CwdChangedInput { old_cwd: String, new_cwd: String }
    FileChanged FileChangedInput { file_path: String, event: String }
    DirectoryAdded DirectoryAddedInput { directory: String, source: String }
    MessageDisplay MessageDisplayInput {
        turn_id: Option<String>, message_id: String, index: f64, r#final: bool, delta: String,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hook::HOOK_EVENTS;

    fn read(value: Value) -> HookInput {
        let Value::Object(fields) = value else { panic!("an object") };
        HookInput::from_json(fields)
    }

    #[test]
    fn each_event_has_a_type_and_keeps_what_it_does_not_know() {
        for info in HOOK_EVENTS {
            let input = read(json!({"hook_event_name": info.name, "session_id": "s", "novelty": 7}));
            let base = input.base().unwrap_or_else(|| panic!("{} has no type", info.name));
            assert_eq!((&*base.hook_event_name, &*base.session_id), (info.name, "s"));
            assert_eq!(base.other["novelty"], 7);
        }
    }

    #[test]
    fn fields_have_their_place() {
        let input = read(
            json!({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"},
            "tool_use_id": "t", "agent_id": "a"}),
        );
        let HookInput::PreToolUse(input) = input else { panic!("{input:?}") };
        assert_eq!((&*input.tool_name, &input.tool_input["command"]), ("Bash", &json!("ls")));
        assert_eq!(input.base.agent_id.as_deref(), Some("a"));
        assert!(input.base.other.is_empty());
    }

    #[test]
    fn an_unknown_event_or_form_is_kept_as_it_came() {
        for value in
            [json!({"hook_event_name": "Later"}), json!({"hook_event_name": "Stop", "stop_hook_active": 3})]
        {
            assert_eq!(
                Value::from(match read(value.clone()) {
                    HookInput::Other(fields) => fields,
                    other => panic!("{other:?}"),
                }),
                value
            );
        }
    }
}
