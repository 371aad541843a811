//! Writing to the two streams of the command. A reader that goes away (`| head`) is not an error of ours.

use std::io::{IsTerminal as _, Write as _};

use madrigal::Error;

/// Writes to stdout and flushes, so that text is seen as it streams. Says whether somebody still reads.
pub(crate) fn print(text: &str) -> bool {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_ok()
}

/// Writes a line to stderr.
pub(crate) fn note(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// Writes a line that says what went wrong to stderr.
pub(crate) fn complain(message: &str) {
    note(&format!("madrigal: {message}"));
}

/// Explains an error on stderr: what, why, and what the program last said.
pub(crate) fn explain(error: &Error) {
    complain(&error.to_string());
    for cause in error.causes() {
        if !error.message().contains(cause.as_str()) {
            note(&format!("  because: {cause}"));
        }
    }
    if let Some(tried) = error.context().get("tried").and_then(|tried| tried.as_array()) {
        for place in tried.iter().filter_map(|place| place.as_str()) {
            note(&format!("  tried: {place}"));
        }
    }
    if let Some(stderr) = error.context().get("stderr").and_then(|stderr| stderr.as_str()) {
        for line in stderr.lines().filter(|line| !line.trim().is_empty()) {
            note(&format!("  claude said: {line}"));
        }
    }
}

/// Colours for people, nothing for files and pipes. `NO_COLOR` turns them off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style(bool);

impl Style {
    /// As stdout deserves.
    pub(crate) fn stdout() -> Self {
        Self(std::io::stdout().is_terminal() && allowed())
    }

    /// None.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self(false)
    }

    /// As stderr deserves.
    pub(crate) fn stderr() -> Self {
        Self(std::io::stderr().is_terminal() && allowed())
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn allowed() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
