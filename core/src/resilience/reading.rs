//! Settings of policies come as JSON from four languages: one way to read them, with errors that name the field.

use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Result};

/// Reads one policy's settings. Fails with `invalid_options`, naming the path of the field below `policy`.
pub(crate) fn read<T: DeserializeOwned>(policy: &'static str, text: &str) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.inner().to_string();
        let problem = problem.rsplit_once(" at line ").map_or(problem.as_str(), |(problem, _)| problem);
        let path = if path == "." { policy.to_owned() } else { format!("{policy}.{path}") };
        invalid(&path, problem)
    })
}

/// The error for a setting that cannot work.
pub(crate) fn invalid(path: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidOptions, format!("{path}: {problem}")).with("field", path)
}

/// A share: 0 up to and with 1.
pub(crate) fn check_share(path: &str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(invalid(path, "expected a share from 0 to 1")) }
}
