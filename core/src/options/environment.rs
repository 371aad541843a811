//! What the program finds in its environment: all of ours or little of it, and what options add.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::described::{Kind, words};

words! {
    /// Which variables of this process the program inherits.
    #[derive(Default)]
    pub enum EnvMode {
        /// All.
        #[default]
        Inherit = "inherit",
        /// Those a program cannot do without ([`NEEDED`]) and those that `env_allow` names.
        AllowList = "allow_list",
    }
}

/// What is inherited even with an allow list: where programs and files are, who the user is, and how text is written.
/// None of these holds a secret.
pub const NEEDED: [&str; 12] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TERM", "TZ", "LANG", "LANGUAGE", "LC_*", "XDG_*"];

/// The place of this process in a distributed trace, in the form of the W3C recommendation "Trace Context".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceContext {
    /// `version-traceid-parentid-flags` in lower-case hexadecimal digits.
    pub traceparent: String,
    /// What vendors add: a list of `key=value`, separated by commas.
    #[serde(default)]
    pub tracestate: Option<String>,
}

impl TraceContext {
    /// What is wrong with it: the field, and what was expected.
    pub(super) fn problem(&self) -> Option<(&'static str, &'static str)> {
        let parts: Vec<&str> = self.traceparent.split('-').collect();
        let hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
        let good = match parts.as_slice() {
            [version, trace, parent, flags] => {
                hex(version, 2)
                    && *version != "ff"
                    && hex(trace, 32)
                    && !zero(trace)
                    && hex(parent, 16)
                    && !zero(parent)
                    && hex(flags, 2)
            }
            _ => false,
        };
        if !good {
            return Some((
                "traceparent",
                "expected `version-traceid-parentid-flags` in lower-case hexadecimal digits (2-32-16-2), such as \
                 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ));
        }
        let state = self.tracestate.as_deref().unwrap_or_default();
        let members: Vec<&str> =
            state.split(',').map(str::trim).filter(|member| !member.is_empty()).collect();
        let printable = state.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        let pairs =
            members.iter().all(|member| member.split_once('=').is_some_and(|(key, _)| !key.is_empty()));
        if !printable || !pairs || members.len() > 32 {
            return Some((
                "tracestate",
                "expected at most 32 `key=value` in printable ASCII, separated by commas",
            ));
        }
        None
    }
}

impl Kind for TraceContext {
    fn kind() -> String {
        "object `{traceparent, tracestate}`".to_owned()
    }

    fn schema() -> Value {
        json!({"type": "object", "required": ["traceparent"], "additionalProperties": false, "properties": {
            "traceparent": {"type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
            "tracestate": {"type": ["string", "null"]},
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(traceparent: &str, tracestate: Option<&str>) -> Option<&'static str> {
        let context =
            TraceContext { traceparent: traceparent.into(), tracestate: tracestate.map(Into::into) };
        context.problem().map(|(field, _)| field)
    }

    #[test]
    fn a_trace_context_that_others_would_drop_is_refused() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(problem(good, None), None);
        assert_eq!(problem(good, Some("vendor=1, other@x=a b,")), None);
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n",
        ] {
            assert_eq!(problem(bad, None), Some("traceparent"), "{bad}");
        }
        for bad in ["vendor", "=1", "a=1\nB=2", &"a=1,".repeat(33)] {
            assert_eq!(problem(good, Some(bad)), Some("tracestate"), "{bad}");
        }
    }
}
