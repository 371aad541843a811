//! Times as the token file has them: ISO 8601 with any offset on input, UTC in whole seconds on output.

use std::time::{Duration, SystemTime};

/// A time of day from text, or why it is none.
pub(super) fn parse(text: &str) -> Result<SystemTime, String> {
    let text = text.trim();
    let wrong = || format!("expected a time such as 2026-01-31T12:00:00Z, not {text:?}");
    // An offset other than Z: `+02:00` or `-0500` behind the time.
    let (local, offset) = match text.rfind(['+', '-']).filter(|at| *at > 10 && text[..*at].contains([':'])) {
        None => (text.strip_suffix(['Z', 'z']).unwrap_or(text), 0),
        Some(at) => {
            let digits: String = text[at + 1..].chars().filter(|c| *c != ':').collect();
            let number =
                |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<i64>().ok());
            let (Some(hours), Some(minutes), 4) = (number(0..2), number(2..4), digits.len()) else {
                return Err(wrong());
            };
            let seconds = hours * 3600 + minutes * 60;
            (&text[..at], if text[at..].starts_with('-') { -seconds } else { seconds })
        }
    };
    let utc =
        humantime::parse_rfc3339_weak(&format!("{}Z", local.replacen(' ', "T", 1))).map_err(|_| wrong())?;
    let away = Duration::from_secs(offset.unsigned_abs());
    if offset < 0 { utc.checked_add(away) } else { utc.checked_sub(away) }.ok_or_else(wrong)
}

/// The same, back.
pub(super) fn show(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_understood() {
        for text in [
            "2026-01-31T12:00:00Z",
            "2026-01-31 12:00:00",
            "2026-01-31T14:00:00+02:00",
            "2026-01-31T07:00:00-0500",
            "2026-01-31T12:00:00.000000Z",
        ] {
            assert_eq!(show(parse(text).unwrap()), "2026-01-31T12:00:00Z", "{text}");
        }
        for text in ["", "tomorrow", "2026-13-01T00:00:00Z", "2026-01-31T12:00:00+2", "1700000000"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
