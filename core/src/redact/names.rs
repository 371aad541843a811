//! Which names say that what stands under them is a secret.

/// Whether a variable, header or key of this name holds a secret by its name.
///
/// ```
/// use madrigal::redact::names_a_secret;
/// assert!(names_a_secret("ANTHROPIC_API_KEY") && names_a_secret("x-api-key") && names_a_secret("accessToken"));
/// assert!(names_a_secret("API_KEY_2") && names_a_secret("AWS_BEARER_TOKEN_BEDROCK"));
/// assert!(!names_a_secret("max_tokens") && !names_a_secret("PATH") && !names_a_secret("key"));
/// ```
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace('-', "_");
    // One of several: `API_KEY_2`.
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let ends = [
        "TOKEN",
        "_KEY",
        "APIKEY",
        "ACCESSKEY",
        "PRIVATEKEY",
        "CREDENTIAL",
        "CREDENTIALS",
        "AUTHORIZATION",
        "COOKIE",
        "CUSTOM_HEADERS",
    ];
    let parts = ["SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "BEARER_TOKEN"];
    ends.iter().any(|end| name.ends_with(end)) || parts.iter().any(|part| name.contains(part))
}

/// Headers that describe a request and never hold a secret, whatever their value. Of all others the value may be one: gateways
/// name theirs as they like.
const PLAIN_HEADERS: [&str; 9] = [
    "accept",
    "anthropic-beta",
    "anthropic-version",
    "cache-control",
    "connection",
    "content",
    "host",
    "user-agent",
    "origin",
];

/// Whether the value of a header of this name may be a secret.
pub(super) fn secret_header(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let plain =
        |plain: &str| name.strip_prefix(plain).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    names_a_secret(&name) || !PLAIN_HEADERS.into_iter().any(plain)
}
