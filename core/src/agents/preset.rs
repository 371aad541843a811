//! Agents that are ready to use. Each is a file in the program's own form, so what loads agents loads these.

use std::sync::OnceLock;

use serde::Serialize;

use super::{Agent, agent_from_markdown};
use crate::{Error, ErrorKind, Result, suggest::nearest};

/// The families of presets.
pub const FAMILIES: [&str; 5] = ["security", "code_quality", "testing", "documentation", "operations"];

macro_rules! files {
    ($($family:literal: $($name:literal),+;)+) => {
        [$($(($family, include_str!(concat!("presets/", $family, "/", $name, ".md")))),+),+]
    };
}

const FILES: [(&str, &str); 14] = files! {
    "security": "security_reviewer", "crypto_auditor", "dependency_auditor";
    "code_quality": "style_checker", "performance_optimizer", "refactorer";
    "testing": "test_generator", "test_reviewer", "flaky_test_investigator";
    "documentation": "doc_generator", "api_documenter";
    "operations": "ci_troubleshooter", "incident_investigator", "deployment_reviewer";
};

/// An agent that is ready to use.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentPreset {
    /// Its name.
    pub name: String,
    /// Its family.
    pub family: &'static str,
    /// What it is.
    pub agent: Agent,
}

/// The presets of a family, or all. Those that only look have no tool that changes anything.
///
/// ```
/// let testing = madrigal::agents::presets(Some("testing"))?;
/// assert!(testing.iter().any(|preset| preset.name == "test_generator"));
/// # Ok::<_, madrigal::Error>(())
/// ```
///
/// # Errors
/// `invalid_argument` when there is no such family.
pub fn presets(family: Option<&str>) -> Result<Vec<AgentPreset>> {
    if let Some(family) = family.filter(|family| !FAMILIES.contains(family)) {
        let meant = nearest(family, FAMILIES, 1).first().map_or_else(
            || format!("expected one of {}", FAMILIES.join(", ")),
            |meant| format!("did you mean `{meant}`?"),
        );
        let error =
            Error::new(ErrorKind::InvalidArgument, format!("family: there is no family `{family}`; {meant}"));
        return Err(error.operation("invoke").with("field", "family"));
    }
    static ALL: OnceLock<Vec<AgentPreset>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let read = |&(family, text): &(&'static str, &str)| {
            let (name, agent) = agent_from_markdown(text).ok()?;
            Some(AgentPreset { name, family, agent })
        };
        // That none is left out is a test's business.
        FILES.iter().filter_map(read).collect()
    });
    Ok(all.iter().filter(|preset| family.is_none_or(|family| preset.family == family)).cloned().collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::agents::validate_agents;

    #[test]
    fn every_preset_can_be_used_as_it_is() {
        let all = presets(None).unwrap();
        assert_eq!(all.len(), FILES.len());
        let agents = all.iter().map(|preset| (preset.name.clone(), preset.agent.clone().into())).collect();
        assert_eq!(validate_agents(&agents, None).unwrap(), []);
        for family in FAMILIES {
            assert!(presets(Some(family)).unwrap().len() >= 2, "{family}");
        }
        assert!(presets(Some("securty")).unwrap_err().message().contains("`security`"));
    }

    #[test]
    fn prompts_are_of_use() {
        let mut openings = BTreeSet::new();
        for AgentPreset { name, agent, .. } in presets(None).unwrap() {
            let words = agent.prompt.split_whitespace().count();
            assert!((120..=300).contains(&words), "{name} has {words} words");
            assert!(agent.prompt.contains("## Output"), "{name} says no form of its answer");
            assert!(agent.description.len() > 60, "{name}");
            assert!(openings.insert(agent.prompt.lines().next().unwrap().to_owned()), "{name}");
        }
    }

    #[test]
    fn no_preset_has_more_tools_than_its_work_needs() {
        for AgentPreset { name, agent, .. } in presets(None).unwrap() {
            let tools = agent.tools.unwrap_or_else(|| panic!("{name} has all tools"));
            let looks_only =
                !["refactorer", "test_generator", "doc_generator", "api_documenter"].contains(&&*name);
            let changes = tools.iter().any(|tool| tool == "Write" || tool == "Edit");
            assert_eq!(changes, !looks_only, "{name}");
        }
    }
}
