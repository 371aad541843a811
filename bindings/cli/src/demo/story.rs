//! Scenarios of the simulator, told in a few words.

use serde_json::{Value, json};

/// What happens in one query.
#[derive(Clone, Debug, Default)]
pub(super) struct Story {
    steps: Vec<Value>,
    result: Value,
    tools: usize,
}

impl Story {
    pub(super) fn new() -> Self {
        let steps = vec![json!({"await": {"type": "user"}}), json!({"init": {}})];
        Self { steps, result: json!({"num_turns": 1}), tools: 0 }
    }

    /// Silence, in milliseconds.
    pub(super) fn thinks(mut self, pause: u64) -> Self {
        self.steps.push(json!({"pause_ms": pause}));
        self
    }

    /// Text, a few words at a time.
    pub(super) fn says(mut self, text: &str) -> Self {
        self.event(&json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}));
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        for piece in words.chunks(3) {
            self.event(&json!({"type": "content_block_delta", "index": 0,
                               "delta": {"type": "text_delta", "text": piece.concat()}}));
            self.steps.push(json!({"pause_ms": 90}));
        }
        self.steps.push(json!({"text": {"text": text}}));
        self.event(&json!({"type": "content_block_stop", "index": 0}));
        self.result["result"] = text.into();
        self
    }

    /// A tool for which permission is asked and given.
    pub(super) fn uses(mut self, tool: &str, command: &str, output: &str) -> Self {
        self.asks(tool, command, "allow");
        self.steps.push(json!({"pause_ms": 500}));
        self.tool_result(output, false);
        self
    }

    /// A tool for which permission is asked and not given.
    pub(super) fn refused(mut self, tool: &str, command: &str) -> Self {
        let id = self.asks(tool, command, "deny");
        self.tool_result("$answer.response.response.message", true);
        self.result["permission_denials"] =
            json!([{"tool_name": tool, "tool_use_id": id, "tool_input": {"command": command}}]);
        self
    }

    /// The program meets an overloaded API and tries again by itself.
    pub(super) fn waits_for_the_api(mut self, delay: u64) -> Self {
        self.frame(json!({"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 10,
                          "retry_delay_ms": delay, "error_status": 529, "error": "overloaded"}));
        self.steps.push(json!({"pause_ms": delay}));
        self
    }

    /// The query fails: the program has given up.
    pub(super) fn fails(mut self, status: u16, message: &str) -> Self {
        self.steps.push(json!({"text": {"text": message, "model": "<synthetic>", "error": "server_error", "is_api_error_message": true}}));
        self.result["is_error"] = true.into();
        self.result["result"] = message.into();
        self.result["api_error_status"] = status.into();
        self.result["terminal_reason"] = "api_error".into();
        self
    }

    /// What the API would have counted.
    pub(super) fn costs(mut self, input: u64, output: u64, usd: f64) -> Self {
        self.result["usage"] = json!({"input_tokens": input, "output_tokens": output});
        self.result["total_cost_usd"] = usd.into();
        self
    }

    /// The scenario as the simulator reads it.
    pub(super) fn scenario(&self) -> String {
        let mut steps = self.steps.clone();
        steps.push(json!({"result": self.result}));
        json!({"name": "demo", "cli": steps}).to_string()
    }

    fn asks(&mut self, tool: &str, command: &str, behavior: &str) -> String {
        self.tools += 1;
        let id = format!("toolu_demo_{}", self.tools);
        let input = json!({"command": command});
        self.steps.push(json!({"emit": {"type": "assistant", "message": {
            "id": format!("msg_demo_{}", self.tools), "type": "message", "role": "assistant", "model": "claude",
            "content": [{"type": "tool_use", "id": id, "name": tool, "input": input}],
            "stop_reason": null, "usage": {"input_tokens": 1, "output_tokens": 1}},
            "parent_tool_use_id": null, "session_id": "$session_id", "uuid": "$uuid"}}));
        let request = format!("demo_{}", self.tools);
        self.steps.push(json!({"emit": {"type": "control_request", "request_id": request, "request":
            {"subtype": "can_use_tool", "tool_name": tool, "display_name": tool, "input": input, "tool_use_id": id}}}));
        self.steps.push(json!({"await": {"type": "control_response", "response":
            {"request_id": request, "response": {"behavior": behavior}}}, "save": "answer"}));
        self.result["num_turns"] = (self.tools + 1).into();
        id
    }

    fn tool_result(&mut self, content: &str, is_error: bool) {
        let id = format!("toolu_demo_{}", self.tools);
        self.frame(json!({"type": "user", "parent_tool_use_id": null, "message": {"role": "user", "content":
            [{"type": "tool_result", "tool_use_id": id, "content": content, "is_error": is_error}]}}));
    }

    fn event(&mut self, event: &Value) {
        self.frame(json!({"type": "stream_event", "event": event, "parent_tool_use_id": null}));
    }

    fn frame(&mut self, mut frame: Value) {
        frame["session_id"] = "$session_id".into();
        frame["uuid"] = "$uuid".into();
        self.steps.push(json!({"emit": frame}));
    }
}
