//! The envelopes of control frames, written and read. Pure text in and out.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Error, ErrorKind, Result, message::malformed};

/// A request from here to the program, as one line.
pub(crate) fn request(id: &str, request: &Value) -> String {
    line(&json!({"type": "control_request", "request_id": id, "request": request}))
}

/// Withdraws a request of ours, as one line.
pub(crate) fn cancel(id: &str) -> String {
    line(&json!({"type": "control_cancel_request", "request_id": id}))
}

/// Answers a request of the program, as one line.
pub(crate) fn answer_success(id: &str, response: &Value) -> String {
    line(&json!({
        "type": "control_response",
        "response": {"subtype": "success", "request_id": id, "response": response},
    }))
}

/// Refuses a request of the program, as one line.
pub(crate) fn answer_error(id: &str, error: &str) -> String {
    line(
        &json!({"type": "control_response", "response": {"subtype": "error", "request_id": id, "error": error}}),
    )
}

fn line(frame: &Value) -> String {
    let mut line = frame.to_string();
    line.push('\n');
    line
}

/// The program's answer to a request of ours.
#[derive(Deserialize)]
pub(crate) struct Reply<'a> {
    #[serde(borrow)]
    subtype: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) request_id: Cow<'a, str>,
    #[serde(default)]
    response: Option<Value>,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    /// Further facts of a refusal, such as `error_code`.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl<'a> Reply<'a> {
    /// Reads the `response` part of a control response.
    pub(crate) fn parse(response: Option<&'a str>, line: &str) -> Result<Self> {
        let response = response.ok_or_else(|| malformed(line, "a control_response without `response`"))?;
        let reply: Self = serde_json::from_str(response)
            .map_err(|error| malformed(line, &format!("a control_response with {error}")))?;
        match &*reply.subtype {
            "success" | "error" => Ok(reply),
            other => Err(malformed(
                line,
                &format!("a control_response of the subtype {other:?}, not success or error"),
            )),
        }
    }

    /// The payload (`Null` when there is none), or the program's refusal.
    pub(crate) fn outcome(self, subtype: &str) -> Result<Value> {
        if self.subtype == "success" {
            return Ok(self.response.unwrap_or(Value::Null));
        }
        let reason = self.error.as_deref().unwrap_or("no reason given");
        let mut error =
            Error::new(ErrorKind::Control, format!("the claude program refused `{subtype}`: {reason}"))
                .operation("control")
                .with("subtype", subtype);
        for (fact, value) in self.rest {
            error = error.with(&fact, value);
        }
        Err(error)
    }
}

/// The request that an answer is for, also when the rest of the answer cannot be read.
pub(crate) fn reply_id(response: &str) -> Option<String> {
    let response: Value = serde_json::from_str(response).ok()?;
    response["request_id"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str) -> Result<Value> {
        Reply::parse(Some(text), "").unwrap().outcome("set_model")
    }

    #[test]
    fn success_may_have_no_payload() {
        assert_eq!(outcome(r#"{"subtype":"success","request_id":"1"}"#).unwrap(), Value::Null);
        assert_eq!(
            outcome(r#"{"subtype":"success","request_id":"1","response":{"a":1}}"#).unwrap(),
            json!({"a": 1})
        );
    }

    #[test]
    fn a_refusal_says_what_was_refused_and_why() {
        let error = outcome(
            r#"{"subtype":"error","request_id":"1","error":"no","error_code":"not_found","model":"kept"}"#,
        )
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Control);
        assert!(error.message().contains("`set_model`: no"));
        assert_eq!(error.context()["error_code"], "not_found");
        assert_eq!(error.context()["model"], "kept");
    }

    #[test]
    fn written_frames_are_one_line() {
        let line = request("7", &json!({"subtype": "interrupt", "text": "a\nb"}));
        assert_eq!(line.matches('\n').count(), 1);
        assert!(line.ends_with('\n'));
    }
}
