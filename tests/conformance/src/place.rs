//! Where things are: scenarios beside this crate, the simulator among what cargo built.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::Scenario;

/// The folder of this crate.
fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All scenarios, by name. Panics when one cannot be read: then there is nothing to test.
pub fn scenarios() -> Vec<Scenario> {
    let folder = here().join("scenarios");
    let mut all: Vec<Scenario> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Scenario { name, path, value }
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The scenarios a language is known to fail, with the reason of each.
pub fn known_failing(language: &str) -> BTreeMap<String, String> {
    let path = here().join("known_failing").join(format!("{language}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (name, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            (name.to_owned(), reason.trim().to_owned())
        })
        .collect()
}

/// The executable that plays scenarios: `MADRIGAL_BIN`, or the newest `madrigal` that cargo built.
/// Panics when there is none, saying how to build it.
pub fn simulator() -> PathBuf {
    if let Some(path) = std::env::var_os("MADRIGAL_BIN") {
        return PathBuf::from(path);
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| here().join("../../target"), PathBuf::from);
    ["debug", "release"]
        .iter()
        .map(|profile| target.join(profile).join("madrigal"))
        .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
        .max()
        .map(|(_, path)| path)
        .unwrap_or_else(|| panic!("no simulator: run `cargo build -p madrigal-cli` or set MADRIGAL_BIN"))
}
