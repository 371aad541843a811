//! Facts around the program that change what an agent does or where its requests go.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{Finding, Status};

pub(super) fn look(variable: &dyn Fn(&str) -> Option<String>, directory: Option<&Path>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(url) = variable("ANTHROPIC_BASE_URL") {
        let shown = without_user(&url);
        findings.push(
            Finding::new("api", Status::Note, format!("requests go to {shown} (ANTHROPIC_BASE_URL)"))
                .advice("unset it unless you mean this gateway")
                .facts(json!({"url": shown})),
        );
    }
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        if let Some(url) = variable(name) {
            let shown = without_user(&url);
            findings.push(
                Finding::new("proxy", Status::Note, format!("{shown} ({name})")).facts(json!({"url": shown})),
            );
        }
    }
    if let Some(directory) = variable("CLAUDE_CONFIG_DIR") {
        findings.push(
            Finding::new("config", Status::Ok, format!("{directory} (CLAUDE_CONFIG_DIR)"))
                .facts(json!({"directory": directory})),
        );
    }
    if variable("HOME").is_none() && variable("CLAUDE_CONFIG_DIR").is_none() {
        findings.push(
            Finding::new(
                "config",
                Status::Note,
                "HOME is not set, so settings, login and sessions may not be found",
            )
            .advice("set HOME or CLAUDE_CONFIG_DIR"),
        );
    }
    if is_root() && variable("IS_SANDBOX").is_none() {
        findings.push(
            Finding::new(
                "user",
                Status::Note,
                "running as root: `claude` refuses the permission mode bypassPermissions",
            )
            .advice("use another mode or another user; in a throw-away container set IS_SANDBOX=1"),
        );
    }
    if variable("MADRIGAL_SIMULATE").is_some() {
        findings.push(
            Finding::new(
                "simulator",
                Status::Note,
                "MADRIGAL_SIMULATE is set: madrigal given as cli_path plays that scenario",
            )
            .advice("unset it to use the real program"),
        );
    }
    findings.extend(directory.and_then(repository));
    findings
}

/// Settings of the repository can send requests elsewhere and run programs.
fn repository(directory: &Path) -> Option<Finding> {
    let mut found = Vec::new();
    for file in [".claude/settings.json", ".claude/settings.local.json"] {
        let Some(settings) =
            fs::read(directory.join(file)).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok())
        else {
            continue;
        };
        for (pointer, what) in [
            ("/hooks", "hooks"),
            ("/apiKeyHelper", "apiKeyHelper"),
            ("/env/ANTHROPIC_BASE_URL", "env.ANTHROPIC_BASE_URL"),
            ("/env/HTTPS_PROXY", "env.HTTPS_PROXY"),
            ("/enableAllProjectMcpServers", "enableAllProjectMcpServers"),
        ] {
            if settings.pointer(pointer).is_some() {
                found.push(format!("{what} in {file}"));
            }
        }
    }
    if directory.join(".mcp.json").is_file() {
        found.push("servers in .mcp.json".to_owned());
    }
    (!found.is_empty()).then(|| {
        Finding::new("repository", Status::Note, format!("this directory sets {}", found.join(", ")))
            .advice("agents that work here obey it: trust the repository, or leave out its settings with the option setting_sources")
            .facts(json!({"settings": found}))
    })
}

/// An address without what may be a name and a password in it.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // The owner of our own process, without a dependency for one number.
    fs::metadata("/proc/self").is_ok_and(|of_process| of_process.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.name).filter(|name| *name != "user").collect()
    }

    #[test]
    fn addresses_lose_their_passwords_and_paths() {
        assert_eq!(without_user("http://user:test-password@host:1/path?key=x"), "http://host:1");
        assert_eq!(without_user("user:test-password@proxy:8080"), "proxy:8080");
        assert_eq!(without_user("http://host"), "http://host");
    }

    #[test]
    fn what_changes_the_route_is_reported() {
        let set = |name: &str| match name {
            "ANTHROPIC_BASE_URL" => Some("http://127.0.0.1:1".to_owned()),
            "HTTPS_PROXY" => Some("http://u:test-password@proxy".to_owned()),
            _ => None,
        };
        let findings = look(&set, None);
        assert_eq!(names(&findings), ["api", "proxy", "config"]);
        assert!(!format!("{findings:?}").contains("test-password"));
    }

    #[test]
    fn settings_of_the_repository_are_reported() {
        let directory = std::env::temp_dir().join(format!("madrigal-doctor-{}", std::process::id()));
        fs::create_dir_all(directory.join(".claude")).unwrap();
        assert_eq!(repository(&directory), None);
        fs::write(
            directory.join(".claude/settings.json"),
            r#"{"hooks": {}, "env": {"ANTHROPIC_BASE_URL": "x"}}"#,
        )
        .unwrap();
        fs::write(directory.join(".mcp.json"), "{}").unwrap();
        let finding = repository(&directory).unwrap();
        fs::remove_dir_all(&directory).unwrap();
        for part in ["hooks in .claude/settings.json", "env.ANTHROPIC_BASE_URL", ".mcp.json"] {
            assert!(finding.what.contains(part), "{finding:?}");
        }
    }
}
