//! `madrigal doctor`: what is needed to run agents, what is there, and what to do about the rest.
//!
//! Nothing here prints a credential: variables that may hold one are named, never shown.

mod account;
mod environment;
pub(crate) mod program;

use std::env;

use serde_json::{Value, json};

use crate::{
    args::DoctorArguments,
    exit,
    output::{self, Style},
};

/// How a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// As it should be.
    Ok,
    /// Works, but somebody should know.
    Note,
    /// Agents cannot run like this.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) name: &'static str,
    pub(crate) status: Status,
    pub(crate) what: String,
    /// What to do.
    pub(crate) advice: Option<String>,
    /// Facts for `--json`.
    pub(crate) facts: Value,
}

impl Finding {
    pub(crate) fn new(name: &'static str, status: Status, what: impl Into<String>) -> Self {
        Self { name, status, what: what.into(), advice: None, facts: json!({}) }
    }

    pub(crate) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    pub(crate) fn facts(mut self, facts: Value) -> Self {
        self.facts = facts;
        self
    }
}

pub(crate) fn run(arguments: &DoctorArguments) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("could not start a runtime: {error}"));
            return exit::FAILED;
        }
    };
    let findings = runtime.block_on(async {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let (mut findings, program) = program::look(arguments.cli_path.as_deref()).await;
        findings.extend(account::look(program.as_deref(), &variable).await);
        findings.extend(environment::look(&variable, env::current_dir().ok().as_deref()));
        findings
    });
    let ends = ["Agents can run here.", "Something must be mended first: see above."];
    report(&findings, arguments.json, ends)
}

/// Prints the findings, and at the end one of two sentences: all is well, or not. Returns the exit code.
pub(crate) fn report(findings: &[Finding], json: bool, ends: [&str; 2]) -> u8 {
    let well = findings.iter().all(|finding| finding.status != Status::Wrong);
    let end = ends[usize::from(!well)];
    output::print(&if json { as_json(findings, well) } else { as_text(findings, end) });
    if well { 0 } else { exit::FAILED }
}

fn as_json(findings: &[Finding], well: bool) -> String {
    let findings: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let status = match finding.status {
                Status::Ok => "ok",
                Status::Note => "note",
                Status::Wrong => "wrong",
            };
            json!({"name": finding.name, "status": status, "what": finding.what, "advice": finding.advice, "facts": finding.facts})
        })
        .collect();
    format!("{}\n", json!({"ok": well, "version": madrigal::VERSION, "findings": findings}))
}

fn as_text(findings: &[Finding], end: &str) -> String {
    let style = Style::stdout();
    let width = findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    let mut text = format!("madrigal {}\n\n", madrigal::VERSION);
    for finding in findings {
        let mark = match finding.status {
            Status::Ok => style.green("ok   "),
            Status::Note => style.yellow("note "),
            Status::Wrong => style.red("wrong"),
        };
        text += &format!("{mark}  {:width$}  {}\n", finding.name, finding.what);
        if let Some(advice) = &finding.advice {
            text += &format!("       {:width$}  {}\n", "", style.dim(&format!("-> {advice}")));
        }
    }
    text + "\n" + &style.bold(end) + "\n"
}
