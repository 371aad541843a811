//! Reads what the settings of a repository speak of, without trusting that they are what they seem.
//!
//! Whether a name occurs is asked of the text, not of parsed JSON: a file that the CLI reads and this library does not
//! (comments, a trailing comma, a key given twice) must not get past.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{Error, ErrorKind, Result};

/// The largest settings file that is looked at. Real ones have a few kilobytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The settings files of the repository around a directory: there and above, up to where the repository begins. The
/// user's own, which may lie above as well, are not the repository's.
pub(super) fn settings_files(directory: &Path, config_dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for place in directory.ancestors() {
        let folder = place.join(".claude");
        if folder != config_dir && folder.is_dir() {
            let names = ["settings.json", "settings.local.json"];
            files.extend(names.map(|name| folder.join(name)).into_iter().filter(|file| file.exists()));
        }
        if place.join(".git").exists() {
            break;
        }
    }
    files
}

/// The names that occur in the files: words of letters, digits and underscores.
pub(super) fn names_in(files: &[PathBuf]) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for file in files {
        match read(file) {
            // Gone, or not ours to read: then the CLI cannot read it either.
            Ok(None) => {}
            Ok(Some(text)) => names.extend(names_of(&text)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => {
                let message = format!(
                    "workspace: {} cannot be looked at ({error}), so `guarded` cannot be kept; use `hardened`, or \
                     `trusted` if you trust this directory",
                    file.display()
                );
                return Err(Error::new(ErrorKind::InvalidOptions, message)
                    .operation("options")
                    .with("field", "workspace"));
            }
        }
    }
    Ok(names)
}

/// The text of a regular file, `None` when there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    // A pipe would block for ever, a device never end.
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("larger than 4 MiB"));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn names_of(text: &str) -> BTreeSet<String> {
    let plain = unescaped(text);
    plain
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// With `\u0041` and its like as the characters they stand for.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let digits = escape.get(2..6).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match digits.and_then(char::from_u32) {
            Some(c) => {
                plain.push(c);
                rest = &escape[6..];
            }
            None => {
                plain.push_str("\\u");
                rest = &escape[2..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_they_are_written() {
        let names = names_of(
            "{ // a comment\n 'ANTHROPIC_BASE_URL': 1, \"\\u0048TTPS_PROXY\": \"x\", \"a\\u12\": \"\\ud800\",}",
        );
        for name in ["ANTHROPIC_BASE_URL", "HTTPS_PROXY", "x"] {
            assert!(names.contains(name), "{names:?}");
        }
        assert!(!names.contains("TTPS_PROXY"));
    }
}
