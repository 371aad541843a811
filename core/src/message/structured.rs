//! The value a JSON Schema asked for. A turn can succeed without one (the model answered with text) or fail over it; here
//! both are errors that say so.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Body, Message, ResultMessage, excerpt};
use crate::{Error, ErrorKind, Result};

impl ResultMessage {
    /// The validated value of a turn with `options.output_format`, as a type of yours.
    ///
    /// Fails with `structured_output` when there is none: the model answered with text, never met the schema, or the turn failed;
    /// and when the value does not fit the type. The context has `subtype` and `result`, the text there was instead.
    ///
    /// ```
    /// use madrigal::message::{Body, Message};
    /// #[derive(serde::Deserialize)]
    /// struct Sum { n: i64 }
    /// let message = Message::parse(
    ///     r#"{"type":"result","subtype":"success","is_error":false,"structured_output":{"n":4}}"#)?;
    /// let Body::Result(result) = message.body()? else { panic!() };
    /// assert_eq!(result.structured::<Sum>()?.n, 4);
    /// # Ok::<_, madrigal::Error>(())
    /// ```
    pub fn structured<T: DeserializeOwned>(&self) -> Result<T> {
        // `null` can be the validated value; then it stands in `extra`, as every `null` does.
        let value = self.structured_output.as_ref().or_else(|| self.extra.get("structured_output"));
        let Some(value) = value else { return Err(self.without_value()) };
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            self.error(format!(
                "the value does not fit the type it is read into, at `{path}`: {}",
                error.inner()
            ))
            .with("field", path)
        })
    }

    fn without_value(&self) -> Error {
        let problem = if self.subtype == "error_max_structured_output_retries" {
            "the model never met the JSON Schema: simplify it, or say in the prompt what each field is for"
        } else if self.is_error {
            "the turn failed before there was a value"
        } else {
            "there is no value: the model answered with text, or no `output_format` was given. Ask for the value in the prompt"
        };
        self.error(problem.to_owned())
    }

    fn error(&self, message: String) -> Error {
        let text = self.result.clone().unwrap_or_else(|| self.errors.join("; "));
        Error::new(ErrorKind::StructuredOutput, message)
            .operation("structured")
            .with("subtype", self.subtype.as_str())
            .with("result", excerpt(&text))
    }
}

impl Message {
    /// For a `result`: the validated value of a turn with `options.output_format`, as a type of yours.
    ///
    /// Fails with `structured_output` as [`ResultMessage::structured`] does, and for every other message.
    pub fn structured<T: DeserializeOwned>(&self) -> Result<T> {
        match self.body()? {
            Body::Result(result) => result.structured(),
            _ => Err(Error::new(
                ErrorKind::StructuredOutput,
                format!("only a `result` has a structured value, and this is `{}`", self.kind_name()),
            )
            .operation("structured")),
        }
    }

    /// The same as JSON.
    pub fn structured_output(&self) -> Result<Value> {
        self.structured()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn result(fields: Value) -> Message {
        let mut frame = json!({"type": "result", "subtype": "success", "is_error": false});
        frame.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Message::parse(&frame.to_string()).unwrap()
    }

    #[test]
    fn any_value_comes_back_also_null() {
        for value in [json!({"n": 4}), json!([]), json!(0), json!(null), json!("")] {
            assert_eq!(result(json!({"structured_output": value})).structured_output().unwrap(), value);
        }
    }

    #[test]
    fn each_way_to_have_none_says_so() {
        for (message, words) in [
            (result(json!({"result": "four"})), "answered with text"),
            (result(json!({"is_error": true, "result": "API Error"})), "turn failed"),
            (
                result(json!({"subtype": "error_max_structured_output_retries", "is_error": true})),
                "never met",
            ),
            (Message::parse(r#"{"type":"keep_alive"}"#).unwrap(), "only a `result`"),
        ] {
            let error = message.structured_output().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StructuredOutput);
            assert!(error.message().contains(words), "{error}");
        }
        assert_eq!(
            result(json!({"result": "four"})).structured_output().unwrap_err().context()["result"],
            "four"
        );
    }

    #[test]
    fn a_value_of_another_shape_names_the_field() {
        #[derive(Debug, serde::Deserialize)]
        struct Sum {
            #[expect(dead_code, reason = "only read")]
            n: i64,
        }
        let error = result(json!({"structured_output": {"n": "four"}})).structured::<Sum>().unwrap_err();
        assert_eq!(error.context()["field"], "n");
    }
}
