//! Writes `docs/protocol.md` from the tables the code itself works by, each row with the scenario that proves it, so that
//! the page cannot promise what is not there.

use std::fmt::Write;

use madrigal::{
    hook::HOOK_EVENTS, message::KindInfo, message::catalogue, options, options::Destination,
    protocol::CONTROL_REQUESTS,
};
use serde_json::Value;

use crate::scenarios;

/// Where each row's proof is looked for: the frames a scenario emits, sends and expects.
struct Proofs {
    texts: Vec<(String, Vec<Value>)>,
}

impl Proofs {
    fn read() -> Self {
        let mut texts: Vec<(String, Vec<Value>)> = scenarios()
            .into_iter()
            .map(|scenario| {
                let mut objects = Vec::new();
                objects_of(&scenario.value, &mut objects);
                (scenario.name, objects)
            })
            .collect();
        // What is written for one subject says more than a recording in which it happens to occur.
        texts.sort_by_key(|(name, _)| {
            let by_the_way = name.starts_with("replay_") || name.starts_with("malformed_");
            (by_the_way, !name.starts_with("messages_"), name.clone())
        });
        Self { texts }
    }

    fn find(&self, proves: impl Fn(&Value) -> bool) -> String {
        let found = self.texts.iter().find(|(_, objects)| objects.iter().any(&proves));
        found.map_or_else(|| "-".to_owned(), |(name, _)| format!("`{name}`"))
    }

    /// A scenario that gives the option; one whose program sees what it leads to, if there is one, and one that only shows how it is
    /// refused, if there is no other.
    fn of_option(&self, path: &[&str], destination: &[Destination]) -> String {
        let given = |objects: &[Value]| {
            let place = |object: &Value| {
                path.iter().try_fold(&object["options"], |place, name| place.get(*name)).is_some()
            };
            objects.iter().any(place)
        };
        let seen = |objects: &[Value]| {
            let program = objects.first().map(|scenario| scenario["cli"].to_string()).unwrap_or_default();
            let args: String =
                objects.iter().map(|object| object["expect_args"]["contains"].to_string()).collect();
            destination.iter().any(|to| match to {
                Destination::Flag(name) => args.contains(&format!("\"--{name}\"")),
                Destination::Initialize(name) | Destination::Settings(name) => {
                    program.contains("\"initialize\"") && program.contains(&format!("\"{name}\""))
                }
                Destination::Environment(name) => program.contains(&format!("\"$env.{name}\"")),
                Destination::Process | Destination::Library => false,
            })
        };
        let all = self.texts.iter().filter(|(_, objects)| given(objects));
        let best = all.min_by_key(|(name, objects)| (!seen(objects), name.starts_with("bad_option_")));
        best.map_or_else(|| "-".to_owned(), |(name, _)| format!("`{name}`"))
    }

    /// A scenario that has an object with these fields.
    fn with(&self, fields: &[(&str, &str)]) -> String {
        self.find(|object| fields.iter().all(|(name, word)| object[*name] == *word))
    }
}

fn objects_of(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(fields) => {
            found.push(value.clone());
            fields.values().for_each(|field| objects_of(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| objects_of(item, found)),
        _ => {}
    }
}

/// The whole page.
pub fn protocol_page() -> String {
    let proofs = Proofs::read();
    let mut page = String::from(
        "# What the program can say and be told\n\n\
         Written by `cargo run -p madrigal-conformance --bin protocol-page > docs/protocol.md` from the tables in the code; a test fails\n\
         when this page differs from them. Each row names a scenario of `tests/conformance/scenarios` that shows it in all languages;\n\
         `-` stands where no scenario does.\n",
    );
    options_part(&mut page, &proofs);
    messages_part(&mut page, &proofs);
    hooks_part(&mut page, &proofs);
    controls_part(&mut page);
    page
}

fn heading(page: &mut String, title: &str, about: &str, columns: &[&str]) {
    let _ = write!(
        page,
        "\n## {title}\n\n{about}\n\n| {} |\n|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len())
    );
}

fn row(page: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn options_part(page: &mut String, proofs: &Proofs) {
    let about = "`snake_case` names are those of the core; each language writes them in its own way. Where an option goes decides who can see it: a flag shows in process lists, a field of `initialize` does not.";
    heading(page, "Options", about, &["Option", "Holds", "Goes to", "Does", "Scenario"]);
    for option in options::describe() {
        let to: Vec<String> = option.destination.iter().map(ToString::to_string).collect();
        let path: Vec<&str> = option.name.split('.').collect();
        let scenario = option
            .scenario
            .map_or_else(|| proofs.of_option(&path, &option.destination), |name| format!("`{name}`"));
        row(page, &[format!("`{}`", option.name), option.kind, to.join(", "), option.summary, scenario]);
    }
}

fn messages_part(page: &mut String, proofs: &Proofs) {
    let kinds = catalogue();
    let columns = ["Kind", "Rust type", "Means", "Must have", "Scenario"];
    let parts: [(&str, &str, &[KindInfo]); 5] = [
        ("Messages", "By `type`. A type that is not here is handed on whole.", kinds.frames),
        ("Messages of type `system`", "By `subtype`. One that is not here is handed on whole.", kinds.system),
        (
            "Content blocks",
            "By `type`, in the messages of both sides. One that is not here is handed on whole.",
            kinds.blocks,
        ),
        (
            "Stream events",
            "By the `type` of `event` in a `stream_event`, with `include_partial_messages`.",
            kinds.events,
        ),
        ("Deltas", "By the `type` of `delta` in a `content_block_delta`.", kinds.deltas),
    ];
    for (title, about, kinds) in parts {
        heading(page, title, about, &columns);
        for kind in kinds {
            let needed: Vec<String> = kind
                .fields
                .iter()
                .filter(|(_, needed)| *needed)
                .map(|(name, _)| format!("`{name}`"))
                .collect();
            let scenario = if title.ends_with("`system`") {
                if kind.word == "init" {
                    proofs.find(|object| object.get("init").is_some())
                } else {
                    proofs.with(&[("type", "system"), ("subtype", kind.word)])
                }
            } else {
                proofs.with(&[("type", kind.word)])
            };
            let about = kind.about.trim().to_owned();
            row(
                page,
                &[format!("`{}`", kind.word), format!("`{}`", kind.rust), about, needed.join(", "), scenario],
            );
        }
    }
}

fn hooks_part(page: &mut String, proofs: &Proofs) {
    let about = "The host registers functions for these; each gets the fields of the input and may answer with those of `hookSpecificOutput`.";
    heading(
        page,
        "Hook events",
        about,
        &["Event", "When", "Matcher", "Input", "Output of its own", "Scenario"],
    );
    for event in HOOK_EVENTS {
        let list =
            |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let scenario = proofs.find(|object| {
            object["hooks"].get(event.name).is_some() || object["hook_event_name"] == event.name
        });
        let cells = [
            format!("`{}`", event.name),
            event.about.trim().to_owned(),
            event.matches.to_owned(),
            list(event.input),
            list(event.output),
            scenario,
        ];
        row(page, &cells);
    }
}

fn controls_part(page: &mut String) {
    let about = "Methods of a session. `?` behind a field: may be left out. What is not here goes through `control(subtype, fields)`.";
    heading(page, "Control requests", about, &["Request", "Method", "Fields", "Answer", "Scenario"]);
    for request in CONTROL_REQUESTS {
        let list =
            |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let cells = [
            format!("`{}`", request.subtype),
            format!("`{}`", request.method),
            list(request.fields),
            list(request.answer),
            format!("`{}`", request.scenario),
        ];
        row(page, &cells);
    }
}
