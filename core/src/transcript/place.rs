//! Where the program keeps its transcripts, and how it names the folder of a directory.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use unicode_normalization::UnicodeNormalization as _;

/// Longer names are cut here and get a hash (seen on 2.1.330).
const LONGEST_NAME: usize = 200;

/// The folder that holds one folder for each directory.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    projects: PathBuf,
}

impl Place {
    /// Below `config_dir`, else `CLAUDE_CONFIG_DIR`, else `.claude` in the home directory.
    pub(crate) fn new(config_dir: Option<&Path>) -> Self {
        let config = config_dir.map(Path::to_path_buf).unwrap_or_else(config_dir_of_environment);
        Self { projects: composed(&config).join("projects") }
    }

    /// The folder of all folders.
    pub(crate) fn projects(&self) -> &Path {
        &self.projects
    }

    /// The folder of a directory, if there is one. The hash of a long name is checked first; folders of other versions,
    /// which hashed differently, are found by the part in front of it.
    pub(crate) fn project(&self, directory: &str) -> Option<PathBuf> {
        let key = project_key(directory);
        let exact = self.projects.join(&key);
        if exact.is_dir() {
            return Some(exact);
        }
        let prefix = key.get(..=LONGEST_NAME)?;
        let mut like: Vec<PathBuf> = self
            .folders()
            .into_iter()
            .filter(|path| {
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(prefix))
            })
            .collect();
        like.sort();
        like.into_iter().next()
    }

    /// All folders. None when nothing can be read.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.projects).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect()
    }
}

pub(crate) fn config_dir_of_environment() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("CLAUDE_CONFIG_DIR").map(PathBuf::from).unwrap_or_else(|| {
        let home = set("HOME").or_else(|| set("USERPROFILE")).unwrap_or_else(|| OsString::from("."));
        PathBuf::from(home).join(".claude")
    })
}

fn composed(path: &Path) -> PathBuf {
    path.to_str().map_or_else(|| path.to_path_buf(), |text| PathBuf::from(text.nfc().collect::<String>()))
}

/// The directory as the program sees it: links resolved, composed characters. What does not exist (any more) keeps its
/// name below what does.
pub(crate) fn canonical(directory: &Path) -> String {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_path_buf());
    let mut gone = Vec::new();
    let mut known = absolute.as_path();
    let resolved = loop {
        if let Ok(resolved) = fs::canonicalize(known) {
            break gone.iter().rev().fold(resolved, |path, name| path.join(name));
        }
        match (known.parent(), known.file_name()) {
            (Some(parent), Some(name)) => {
                gone.push(name);
                known = parent;
            }
            _ => break absolute.clone(),
        }
    };
    resolved.to_string_lossy().nfc().collect()
}

/// The name of the folder that holds the sessions of a directory, as the program makes it: every UTF-16 unit that is no
/// ASCII letter or digit becomes `-`; what is longer than 200 is cut, with `-` and a hash behind it (32 bits,
/// `h * 31 + unit`, its absolute value in base 36). Seen on 2.1.330.
///
/// ```
/// assert_eq!(madrigal::transcript::project_key("/srv/my.app"), "-srv-my-app");
/// ```
pub fn project_key(directory: &str) -> String {
    let mut name: String = directory
        .encode_utf16()
        .map(|unit| match char::from_u32(unit.into()) {
            Some(letter) if letter.is_ascii_alphanumeric() => letter,
            _ => '-',
        })
        .collect();
    if name.len() > LONGEST_NAME {
        let hash = directory
            .encode_utf16()
            .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
        name.truncate(LONGEST_NAME);
        name.push('-');
        name.push_str(&base36(hash.unsigned_abs()));
    }
    name
}

fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit(number % 36, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_program() {
        assert_eq!(project_key("/a/b_c.d"), "-a-b-c-d");
        assert_eq!(
            project_key("/tmp/e\u{1f600}x"),
            "-tmp-e--x",
            "a character outside the plane is two units"
        );
        let long = format!("/tmp/tr/{}end/é", "long-".repeat(45));
        let key = project_key(&long);
        assert_eq!(&key[key.len() - 7..], "-x69a6m", "recorded from 2.1.330");
        assert_eq!(key.len(), 207);
    }

    #[test]
    fn a_directory_that_is_gone_keeps_its_name() {
        let temp = fs::canonicalize(std::env::temp_dir()).unwrap();
        let gone = canonical(&temp.join("was-here").join("once"));
        assert_eq!(gone, temp.join("was-here/once").to_string_lossy());
    }

    #[test]
    fn the_folder_of_a_long_name_is_found_also_when_another_version_hashed_it() {
        let fixture = crate::transcript::fixture::Fixture::new();
        let directory = format!("/tmp/{}", "long-".repeat(50));
        let place = Place::new(Some(&fixture.config));
        assert_eq!(place.project(&directory), None);
        let key = project_key(&directory);
        let other = place.projects().join(format!("{}-otherhash", &key[..LONGEST_NAME]));
        fs::create_dir_all(&other).unwrap();
        fs::write(place.projects().join("a-file"), "").unwrap();
        assert_eq!(place.project(&directory), Some(other.clone()));
        assert_eq!(place.folders(), [other]);
        let exact = place.projects().join(&key);
        fs::create_dir(&exact).unwrap();
        assert_eq!(place.project(&directory), Some(exact));
        assert_eq!(place.project("/tmp/short"), None, "short names have no second form");
    }
}
