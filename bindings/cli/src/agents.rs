//! `madrigal agents`: the ready-made agents and those in files, without starting anything.

use std::{collections::BTreeMap, fs, path::PathBuf};

use clap::{Args, Subcommand};
use madrigal::{
    Error, ErrorKind, Result,
    agents::{
        Agent, AgentScope, BadFile, LoadAgents, SaveAgent, agent_from_markdown, agent_to_markdown,
        load_agents, presets, save_agent, validate_agents,
    },
};
use serde_json::{Map, Value, json};

use crate::{
    exit,
    output::{self, Style},
};

#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// List the ready-made agents, those of this repository and those of the user
    List(ListArguments),
    /// Print an agent in the form of its file: one of a file before one ready-made
    Show(ShowArguments),
    /// Check files of agents; without a file, those of this repository and of the user
    #[command(after_help = exit::HELP)]
    Check(CheckArguments),
    /// Write a ready-made agent to .claude/agents, to be changed there
    Save(SaveArguments),
}

#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    /// Only the ready-made ones of this family: security, code_quality, testing, documentation, operations
    #[arg(long, value_name = "FAMILY")]
    family: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArguments {
    /// Its name, as `madrigal agents list` has it
    name: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArguments {
    /// Markdown files with an agent each
    file: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct SaveArguments {
    /// The name of a ready-made agent
    name: String,
    /// Write it to the user's own agents, for all repositories
    #[arg(long)]
    user: bool,
    /// Write it to this directory
    #[arg(long, value_name = "DIR", conflicts_with = "user")]
    directory: Option<PathBuf>,
    /// Replace an agent of this name
    #[arg(long)]
    overwrite: bool,
}

/// An agent and where it is.
struct Found {
    name: String,
    place: String,
    agent: Agent,
}

pub(crate) fn run(command: &AgentsCommand) -> u8 {
    let done = match command {
        AgentsCommand::List(arguments) => list(arguments),
        AgentsCommand::Show(arguments) => show(arguments),
        AgentsCommand::Check(arguments) => check(arguments),
        AgentsCommand::Save(arguments) => save(arguments),
    };
    done.unwrap_or_else(|error| {
        output::explain(&error);
        exit::code(&error)
    })
}

fn list(arguments: &ListArguments) -> Result<u8> {
    let (mut found, bad) = match arguments.family {
        Some(_) => (Vec::new(), Vec::new()),
        None => in_files()?,
    };
    found.extend(ready_made(arguments.family.as_deref())?);
    if arguments.json {
        let agents: Vec<Value> = found
            .iter()
            .map(|found| json!({"name": found.name, "place": found.place, "agent": found.agent}))
            .collect();
        output::print(&format!("{}\n", json!({"agents": agents, "errors": bad})));
        return Ok(0);
    }
    let style = Style::stdout();
    let width = found.iter().map(|found| found.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Found { name, place, agent } in &found {
        let first = agent.description.lines().next().unwrap_or_default();
        text += &format!("{}  {}\n", style.bold(&format!("{name:width$}")), style.dim(place));
        text += &format!("{:width$}  {first}\n", "");
    }
    output::print(&text);
    for BadFile { path, message, .. } in bad {
        output::complain(&format!("{}: {message}", path.display()));
    }
    Ok(0)
}

fn show(arguments: &ShowArguments) -> Result<u8> {
    let (mut found, _) = in_files()?;
    found.extend(ready_made(None)?);
    let Found { name, place, agent } = of_name(found, &arguments.name)?;
    output::print(&if arguments.json {
        format!("{}\n", json!({"name": name, "place": place, "agent": agent}))
    } else {
        agent_to_markdown(&name, &agent)?
    });
    Ok(0)
}

fn check(arguments: &CheckArguments) -> Result<u8> {
    let (mut agents, mut problems) = (Vec::new(), Vec::new());
    if arguments.file.is_empty() {
        let (found, bad) = in_files()?;
        agents = found;
        problems.extend(bad.into_iter().map(|bad| (bad.path.display().to_string(), bad.message)));
    }
    for path in &arguments.file {
        let place = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, format!("{place} could not be read: {error}"))
        });
        match text.and_then(|text| agent_from_markdown(&text)) {
            Ok((name, agent)) => agents.push(Found { name, place, agent }),
            Err(error) => problems.push((place, error.message().to_owned())),
        }
    }
    let mut warnings = Vec::new();
    for Found { name, place, agent } in &agents {
        match validate_agents(&BTreeMap::from([(name.clone(), Map::from(agent.clone()))]), None) {
            Ok(of_agent) => warnings.extend(
                of_agent
                    .into_iter()
                    .map(|warning| (place.clone(), format!("{}: {}", warning.field, warning.message))),
            ),
            Err(error) => problems.push((place.clone(), error.message().to_owned())),
        }
    }
    let well = problems.is_empty();
    if arguments.json {
        let told = |all: &[(String, String)]| -> Vec<Value> {
            all.iter().map(|(path, message)| json!({"path": path, "message": message})).collect()
        };
        let report = json!({"ok": well, "agents": agents.len(), "errors": told(&problems), "warnings": told(&warnings)});
        output::print(&format!("{report}\n"));
    } else {
        let style = Style::stdout();
        let mut text = String::new();
        for (all, mark) in [(&problems, style.red("wrong")), (&warnings, style.yellow("note "))] {
            for (place, message) in all {
                text += &format!("{mark}  {place}: {message}\n");
            }
        }
        text += &format!("{} can be used, {} cannot\n", agents.len(), problems.len());
        output::print(&text);
    }
    Ok(if well { 0 } else { exit::FAILED })
}

fn save(arguments: &SaveArguments) -> Result<u8> {
    let Found { name, agent, .. } = of_name(ready_made(None)?, &arguments.name)?;
    let scope = arguments.user.then_some(AgentScope::User);
    let path = save_agent(&SaveAgent {
        name,
        agent: agent.into(),
        scope,
        directory: arguments.directory.clone(),
        overwrite: arguments.overwrite,
        ..SaveAgent::default()
    })
    .map_err(|error| match error.context().get("field").and_then(Value::as_str) {
        Some("overwrite") => {
            let message = format!("{}. On this command line: --overwrite", error.message());
            Error::new(error.kind(), message)
        }
        _ => error,
    })?;
    output::print(&format!("{}\n", path.display()));
    Ok(0)
}

fn of_name(found: Vec<Found>, name: &str) -> Result<Found> {
    found.into_iter().find(|found| found.name == name).ok_or_else(|| {
        let message = format!("there is no agent `{name}`: `madrigal agents list` has those there are");
        Error::new(ErrorKind::InvalidArgument, message)
    })
}

fn ready_made(family: Option<&str>) -> Result<Vec<Found>> {
    let found = presets(family)?.into_iter();
    Ok(found
        .map(|preset| Found {
            name: preset.name,
            place: format!("ready-made, {}", preset.family),
            agent: preset.agent,
        })
        .collect())
}

/// Those of the repository, then those of the user.
fn in_files() -> Result<(Vec<Found>, Vec<BadFile>)> {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for scope in [AgentScope::Project, AgentScope::User] {
        let loaded = load_agents(&LoadAgents { scope: Some(scope), ..LoadAgents::default() })?;
        all.extend(loaded.agents.into_iter().map(|file| Found {
            name: file.name,
            place: file.path.display().to_string(),
            agent: file.agent,
        }));
        errors.extend(loaded.errors);
    }
    Ok((all, errors))
}
