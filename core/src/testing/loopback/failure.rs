//! Errors in the API's own words: the program decides by status and type whether it tries again.

use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

/// The type and text that go with a status.
pub(super) fn defaults(status: u16) -> (&'static str, &'static str) {
    match status {
        401 => ("authentication_error", "invalid x-api-key"),
        402 => ("billing_error", "Your credit balance is too low to access the API."),
        403 => ("permission_error", "Your API key does not have permission to use the specified resource."),
        404 => ("not_found_error", "The requested resource could not be found."),
        413 => ("request_too_large", "Request exceeds the maximum size."),
        429 => ("rate_limit_error", "This request would exceed your rate limit."),
        504 => ("timeout_error", "Request timed out."),
        529 => ("overloaded_error", "Overloaded"),
        400..=499 => ("invalid_request_error", "The request is invalid."),
        _ => ("api_error", "Internal server error"),
    }
}

/// The body of an error.
pub(super) fn body(kind: &str, message: &str, request_id: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id})
}

/// Says what is wrong with a header of a script.
pub(super) fn check_header(name: &str, value: &str) -> Result<(), String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
    HeaderValue::from_str(value).map_err(|error| error.to_string())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_the_type_the_program_knows() {
        let kinds = [400, 401, 402, 403, 404, 413, 429, 500, 504, 529].map(|status| defaults(status).0);
        assert_eq!(
            kinds,
            [
                "invalid_request_error",
                "authentication_error",
                "billing_error",
                "permission_error",
                "not_found_error",
                "request_too_large",
                "rate_limit_error",
                "api_error",
                "timeout_error",
                "overloaded_error"
            ]
        );
    }
}
