//! The MCP handshake with the tool servers of the host, as the real program does it: it greets each of them before it answers
//! `initialize`, lists their tools behind the answer, and lists them again when it is told that they changed. So scenarios
//! about tools begin with the first call.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Player, Stage};

#[derive(Default)]
pub(super) struct Handshake {
    servers: Vec<Server>,
    /// What is asked, by request id: the place of the server, and what for.
    asked: HashMap<String, (usize, Asked)>,
    /// The answer to `initialize`, until every server has answered its greeting.
    answer: Option<Value>,
    /// Prompts that came before all tools were known.
    prompts: Vec<Value>,
}

struct Server {
    name: String,
    /// The JSON-RPC id of the next message.
    next: u64,
    greeted: bool,
    failed: bool,
    tools: Vec<Value>,
}

#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Greeting,
    Nothing,
    Tools,
}

impl Handshake {
    /// Whether something must be known before the next turn can begin.
    fn busy(&self) -> bool {
        self.asked.values().any(|(_, what)| *what != Asked::Nothing)
    }

    /// The servers and their tools, for a frame that tells them.
    pub(super) fn tell(&self, frame: &mut Map<String, Value>) {
        if self.servers.is_empty() {
            return;
        }
        let servers = self.servers.iter().map(|server| {
            let status = if server.failed { "failed" } else { "connected" };
            json!({"name": server.name, "status": status, "source": "sdk"})
        });
        frame.insert("mcp_servers".to_owned(), servers.collect());
        if let Some(Value::Array(tools)) = frame.get_mut("tools") {
            let mut names: Vec<String> = self.servers.iter().flat_map(Server::tool_names).collect();
            names.sort();
            tools.extend(names.into_iter().map(Value::from));
        }
    }

    /// Keeps a prompt back until the tools are known; gives it back when they are.
    pub(super) fn hold(&mut self, prompt: Value) -> Option<Value> {
        if !self.busy() {
            return Some(prompt);
        }
        self.prompts.push(prompt);
        None
    }
}

impl Server {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), next: 0, greeted: false, failed: false, tools: Vec::new() }
    }

    fn tool_names(&self) -> impl Iterator<Item = String> + '_ {
        let names = self.tools.iter().filter_map(|tool| tool["name"].as_str());
        names.map(|name| format!("mcp__{}__{name}", self.name))
    }
}

impl<S: Stage> Player<S> {
    /// Greets the servers of the host; `answer` is what `initialize` gets afterwards.
    pub(super) fn greet(&mut self, servers: &Value, answer: Value) {
        let names = servers.as_array().into_iter().flatten().filter_map(Value::as_str);
        self.handshake = Handshake { servers: names.map(Server::new).collect(), ..Handshake::default() };
        self.handshake.answer = Some(answer);
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "claude-code", "title": "Claude Code", "version": self.facts.version},
        });
        for place in 0..self.handshake.servers.len() {
            self.tell_server(place, "initialize", Some(&params), Asked::Greeting);
        }
        self.all_greeted();
    }

    /// Takes an answer to the handshake; gives back what is none.
    pub(super) fn shaken(&mut self, frame: Value) -> Option<Value> {
        let id = frame["response"]["request_id"].as_str().unwrap_or_default();
        let Some((place, what)) = self.handshake.asked.remove(id) else { return Some(frame) };
        let server = &mut self.handshake.servers[place];
        let result = &frame["response"]["response"]["mcp_response"]["result"];
        match what {
            Asked::Nothing => {}
            _ if result.is_null() => server.failed = true,
            Asked::Greeting => server.greeted = true,
            Asked::Tools => server.tools = result["tools"].as_array().cloned().unwrap_or_default(),
        }
        if what == Asked::Greeting {
            self.all_greeted();
        }
        if !self.handshake.busy() {
            self.inbox.extend(self.handshake.prompts.drain(..));
        }
        None
    }

    /// A server of the host says that its tools changed.
    pub(super) fn tools_changed(&mut self, request: &Value) {
        let changed = request["message"]["method"] == "notifications/tools/list_changed";
        let place = self.handshake.servers.iter().position(|server| server.name == request["server_name"]);
        if let Some(place) = place.filter(|_| changed) {
            self.tell_server(place, "tools/list", None, Asked::Tools);
        }
    }

    /// Answers `initialize` when every server has answered, and then asks for their tools.
    fn all_greeted(&mut self) {
        if self.handshake.busy() {
            return;
        }
        if let Some(answer) = self.handshake.answer.take() {
            self.write(&answer);
        }
        for place in 0..self.handshake.servers.len() {
            if self.handshake.servers[place].greeted {
                self.tell_server(place, "notifications/initialized", None, Asked::Nothing);
                self.tell_server(place, "tools/list", None, Asked::Tools);
            }
        }
    }

    fn tell_server(&mut self, place: usize, method: &str, params: Option<&Value>, what: Asked) {
        let id = self.uuids.next();
        let server = &mut self.handshake.servers[place];
        let mut message = json!({"jsonrpc": "2.0", "method": method});
        if let Some(params) = params {
            message["params"] = params.clone();
        }
        if what != Asked::Nothing {
            message["id"] = server.next.into();
            server.next += 1;
        }
        let request = json!({"subtype": "mcp_message", "server_name": server.name, "message": message});
        self.handshake.asked.insert(id.clone(), (place, what));
        self.write(&json!({"type": "control_request", "request_id": id, "request": request}));
    }
}
