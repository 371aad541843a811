//! Which names of tools are none: an agent that lists a tool with a typing error starts without it, and nobody is told.

use crate::suggest::nearest;

/// The built-in tools of the program (2.1.330), with those that need a feature, a platform or a mode.
const BUILT_IN: [&str; 41] = [
    "Agent",
    "AskUserQuestion",
    "Bash",
    "CronCreate",
    "CronDelete",
    "CronList",
    "Edit",
    "EnterPlanMode",
    "EnterWorktree",
    "ExitPlanMode",
    "ExitWorktree",
    "Glob",
    "Grep",
    "LSP",
    "ListAgents",
    "ListMcpResourcesTool",
    "Monitor",
    "MultiEdit",
    "NotebookEdit",
    "PowerShell",
    "PushNotification",
    "Read",
    "ReadMcpResourceTool",
    "RemoteTrigger",
    "ReportFindings",
    "ScheduleWakeup",
    "SendMessage",
    "Skill",
    "StructuredOutput",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskStop",
    "TaskUpdate",
    "TodoWrite",
    "ToolSearch",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
];

/// Says what is wrong with the entry of a list of tools and which may be meant, if its tool does not exist among `tools` (left out: the built-in ones).
/// An entry may be a rule such as `Bash(git log:*)`.
pub(super) fn unknown_tool(entry: &str, tools: Option<&[String]>) -> Option<(String, Vec<String>)> {
    let name = entry.split('(').next().unwrap_or(entry).trim();
    let given = tools.unwrap_or_default();
    let known: Vec<&str> =
        if tools.is_some() { given.iter().map(String::as_str).collect() } else { BUILT_IN.to_vec() };
    // One tool under two names.
    let same = |one: &str, other: &str| {
        one == other || matches!((one, other), ("Task", "Agent") | ("Agent", "Task"))
    };
    if name == "*" || known.iter().any(|tool| same(tool, name)) {
        return None;
    }
    if let Some(rest) = name.strip_prefix("mcp__") {
        let server = rest.split("__").next().unwrap_or_default();
        let prefix = format!("mcp__{server}__");
        let whole = rest == server || name == format!("{prefix}*");
        if whole || !known.iter().any(|tool| tool.starts_with(&prefix)) {
            return None;
        }
    }
    let meant = nearest(name, known, 2);
    let question = match &*meant {
        [] => String::new(),
        [one] => format!("; did you mean `{one}`?"),
        [one, other, ..] => format!("; did you mean `{one}` or `{other}`?"),
    };
    Some((format!("there is no tool `{name}`{question}"), meant.into_iter().map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_among_the_tools_there_are() {
        let there = ["Read".to_owned(), "Task".to_owned(), "mcp__calc__add".to_owned()];
        for good in
            ["Read", "Agent(worker)", "*", "mcp__calc__add", "mcp__calc__*", "mcp__calc", "mcp__other__x"]
        {
            assert_eq!(unknown_tool(good, Some(&there)), None, "{good}");
        }
        assert_eq!(unknown_tool("mcp__calc__ad", Some(&there)).unwrap().1, ["mcp__calc__add"]);
        assert_eq!(
            unknown_tool("Write", Some(&there)).unwrap(),
            ("there is no tool `Write`".to_owned(), vec![])
        );
        assert_eq!(unknown_tool("Bash(ls)", None), None);
        assert!(unknown_tool("bash", None).unwrap().0.contains("`Bash`"));
    }
}
