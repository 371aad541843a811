//! Which steps a process plays when a scenario has some for each model: tasks of one orchestrator start many processes, which have
//! nothing in common but their arguments, and a second attempt is to go otherwise than the first.

use std::{borrow::Cow, fs::OpenOptions, io, path::PathBuf};

use crate::testing::Scenario;

/// The variable that names the directory where processes of one model are counted.
const PLACE: &str = "CLAUDE_CONFIG_DIR";

/// The scenario with the steps of this process.
pub(super) fn played_by<'a>(scenario: &'a Scenario, args: &[String]) -> io::Result<Cow<'a, Scenario>> {
    let Some((model, plays)) = model(args).and_then(|model| scenario.plays.get_key_value(model)) else {
        return Ok(Cow::Borrowed(scenario));
    };
    let number = if plays.len() > 1 { next(model, plays.len())? } else { 0 };
    let steps = plays.get(number).or(plays.last()).cloned().unwrap_or_default();
    Ok(Cow::Owned(Scenario { steps, plays: Default::default(), ..scenario.clone() }))
}

fn model(args: &[String]) -> Option<&str> {
    let inline = args.iter().find_map(|arg| arg.strip_prefix("--model="));
    inline.or_else(|| {
        args.iter().position(|arg| arg == "--model").and_then(|at| args.get(at + 1)).map(String::as_str)
    })
}

/// The number of this process among those of its model, from 0: it is the first that makes the file of that number.
fn next(model: &str, most: usize) -> io::Result<usize> {
    let place = std::env::var_os(PLACE).map(PathBuf::from).ok_or_else(|| {
        io::Error::other(format!(
            "plays.{model} has several lists, so {PLACE} must name a directory: give the scenario `files`"
        ))
    })?;
    std::fs::create_dir_all(&place)?;
    for number in 0..most {
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(place.join(format!("played-{model}-{number}")))
        {
            Ok(_) => return Ok(number),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(most)
}
