//! The step `call`: the methods of a session by name, with arguments as data. What they return is compared in the words of
//! the CLI, so that all languages can be held to the same.

use std::future::IntoFuture;

use madrigal::{
    Error, ErrorKind, SessionHandle, options::PermissionMode, session::Control, transport::BoxFuture,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

type Answer = BoxFuture<'static, Result<Value, Error>>;

/// Calls the method; the error says that there is none of this name or that an argument is missing.
pub(crate) fn call(session: &SessionHandle, method: &str, with: &Value) -> Result<Answer, Error> {
    let text = |name: &str| {
        with[name]
            .as_str()
            .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, format!("{method}: {name} is missing")))
    };
    let map = |name: &str| with[name].as_object().cloned().unwrap_or_default();
    Ok(match method {
        "interrupt" => send(session.interrupt()),
        "set_model" => send(session.set_model(with["model"].as_str())),
        "set_agent" => send(session.set_agent(with["agent"].as_str())),
        "set_permission_mode" => send(session.set_permission_mode(mode(&with["mode"])?)),
        "set_max_thinking_tokens" => {
            let request = session.set_max_thinking_tokens(with["max_thinking_tokens"].as_u64());
            send(rest(request, with, &["thinking_display"]))
        }
        "mcp_server_status" => send(session.mcp_server_status()),
        "set_mcp_servers" => send(session.set_mcp_servers(map("servers"))),
        "reconnect_mcp_server" => send(session.reconnect_mcp_server(text("server_name")?)),
        "toggle_mcp_server" => send(session.toggle_mcp_server(text("server_name")?, with["enabled"] == true)),
        "mcp_call" => send(session.mcp_call(text("tool")?, with["arguments"].clone())),
        "rewind_files" => send(session.rewind_files(text("user_message_id")?, with["dry_run"] == true)),
        "read_file" => send(rest(session.read_file(text("path")?), with, &["max_bytes", "encoding"])),
        "stop_task" => send(session.stop_task(text("task_id")?)),
        "background_tasks" => send(session.background_tasks(with["tool_use_id"].as_str())),
        "get_task_output" => send(session.get_task_output(text("task_id")?)),
        "cancel_async_message" => send(session.cancel_async_message(text("message_uuid")?)),
        "get_context_usage" => send(rest(session.get_context_usage(), with, &["detail"])),
        "get_usage" => send(rest(session.get_usage(), with, &["skip_behaviors"])),
        "get_session_cost" => send(session.get_session_cost()),
        "get_settings" => send(session.get_settings()),
        "list_models" => send(session.list_models()),
        "rename_session" => send(session.rename_session(text("title")?)),
        "generate_session_title" => {
            send(session.generate_session_title(text("description")?, with["persist"] == true))
        }
        "side_question" => send(session.side_question(text("question")?)),
        "reload_plugins" => send(session.reload_plugins()),
        "reload_skills" => send(session.reload_skills()),
        "end_session" => send(session.end_session(text("reason")?)),
        "supported_commands" | "supported_agents" | "account_info" => {
            told(session.clone(), method.to_owned())
        }
        _ => return Err(Error::new(ErrorKind::InvalidArgument, format!("there is no method {method}"))),
    })
}

fn send<T: Serialize + Send + 'static>(request: Control<T>) -> Answer {
    let answer = request.into_future();
    Box::pin(async move { Ok(json!(answer.await?)) })
}

fn told(session: SessionHandle, method: String) -> Answer {
    Box::pin(async move {
        Ok(match method.as_str() {
            "supported_commands" => json!(session.supported_commands().await?),
            "supported_agents" => json!(session.supported_agents().await?),
            _ => json!(session.account_info().await?),
        })
    })
}

/// Arguments that may be left out, as fields of the request.
fn rest<T>(mut request: Control<T>, with: &Value, names: &[&str]) -> Control<T> {
    let given = with.as_object().cloned().unwrap_or_else(Map::new);
    for name in names {
        if let Some(value) = given.get(*name) {
            request = request.with(name, value.clone());
        }
    }
    request
}

fn mode(name: &Value) -> Result<PermissionMode, Error> {
    serde_json::from_value(name.clone())
        .map_err(|error| Error::new(ErrorKind::InvalidArgument, format!("mode: {error}")))
}
