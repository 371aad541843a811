//! The tool servers of the host, as the program sees them: MCP inside control requests.

use serde_json::{Value, json, value::to_raw_value};
use tokio::sync::oneshot;

use super::{Actor, asks::OpenCall};
use crate::{
    Error, ErrorKind,
    protocol::{self, Answer},
    session::{AskKind, control::Limit},
    tools::{self, Call, Received, ToolSpec},
};

impl Actor {
    /// What is wrong with the message comes back in words.
    pub(super) fn mcp_message(&mut self, id: &str, request: &Value) -> std::result::Result<(), String> {
        let name =
            request["server_name"].as_str().ok_or("a `mcp_message` request without `server_name`, a text")?;
        let message = request.get("message").ok_or("a `mcp_message` request without `message`")?;
        let server = self.provided.tool_servers.iter().find(|server| server.name == name);
        let Some(server) = server else {
            let problem = format!("this host has no tool server `{name}`");
            self.write(&protocol::answer_error(id, &problem));
            return Ok(());
        };
        let reply = match tools::receive(server, message) {
            Received::Call(call) => {
                let tool = server.tools.iter().find(|tool| tool.name == call.tool).cloned();
                self.call(id, name.to_owned(), tool, call);
                return Ok(());
            }
            Received::Reply(reply) => reply,
            Received::Noted => tools::noted(),
            Received::Cancelled(call) => {
                self.cancelled(name, &call);
                tools::noted()
            }
        };
        self.write(&protocol::answer_success(id, &json!({"mcp_response": reply})));
        Ok(())
    }

    fn call(&mut self, id: &str, server: String, tool: Option<ToolSpec>, call: Call) {
        let request = json!({
            "server": server, "tool": call.tool, "arguments": call.arguments, "meta": call.meta,
        });
        let progress_token = call.progress_token().cloned();
        let open = OpenCall { server, id: call.id, progress_token, tool };
        self.ask(id, AskKind::ToolCall, to_raw_value(&request).unwrap_or_default(), Some(open));
    }

    /// The program gave up on a call; it wants no answer.
    fn cancelled(&mut self, server: &str, call: &Value) {
        let is_it = |open: &OpenCall| open.server == server && open.id == *call;
        let ask = self.open_asks.iter().find(|(_, ask)| ask.call.as_ref().is_some_and(is_it));
        if let Some(id) = ask.map(|(id, _)| id.clone()) {
            self.withdrawn(&id);
        }
    }

    /// Tells the program how far a call is, when it is still open and was called with a token for that.
    pub(super) fn progress(&mut self, ask: &str, mut params: Value) {
        let call = self.open_asks.get(ask).and_then(|ask| ask.call.as_ref());
        let Some((call, token)) = call.and_then(|call| Some((call, call.progress_token.clone()?))) else {
            return;
        };
        params["progressToken"] = token;
        let server = call.server.clone();
        self.notify(&server, tools::notification("notifications/progress", Some(params)), None);
    }

    pub(super) fn set_tools(&mut self, name: &str, tools: Vec<ToolSpec>, answer: Answer) {
        let checked = self
            .check_open("set_tools")
            .and_then(|()| tools::validate_tools(&tools, "tools"))
            .map_err(|error| error.operation("set_tools"));
        let server = self.provided.tool_servers.iter_mut().find(|server| server.name == name);
        match (checked, server) {
            (Err(error), _) => drop(answer.send(Err(error))),
            (Ok(()), None) => {
                let message = format!("server: this session has no tool server `{name}`");
                let error = Error::new(ErrorKind::InvalidArgument, message);
                drop(answer.send(Err(error.operation("set_tools").with("field", "server"))));
            }
            (Ok(()), Some(server)) => {
                server.tools = tools;
                let changed = tools::notification("notifications/tools/list_changed", None);
                self.notify(name, changed, Some(answer));
            }
        }
    }

    /// Sends a message of a server to the program, which acknowledges it.
    fn notify(&mut self, server: &str, message: Value, answer: Option<Answer>) {
        let answer = answer.unwrap_or_else(|| oneshot::channel().0);
        let request = json!({"subtype": "mcp_message", "server_name": server, "message": message});
        let id = self.pending.add("mcp_message", None, Limit::Option, answer);
        self.write(&protocol::request(&id, &request));
    }
}
