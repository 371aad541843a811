//! The lines of a transcript, one at a time, however long the file is.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read as _, Result},
    path::Path,
};

/// A line longer than this is skipped and counted: no entry of the program comes near it, and memory must stay bounded.
pub(crate) const LONGEST_LINE: u64 = 256 * 1024 * 1024;
const BUFFER: usize = 256 * 1024;

/// Reads lines into one buffer.
pub(crate) struct Lines {
    reader: BufReader<File>,
    line: Vec<u8>,
    next: u64,
    /// How many lines were too long.
    pub(crate) too_long: u64,
}

/// A line without its end.
pub(crate) struct Line<'a> {
    /// Where it begins.
    pub(crate) offset: u64,
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let reader = BufReader::with_capacity(BUFFER, File::open(path)?);
        Ok(Self { reader, line: Vec::new(), next: 0, too_long: 0 })
    }

    /// The next line that is not blank, or `None` at the end of the file. The last line may be half-written.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'_>>> {
        loop {
            self.line.clear();
            let offset = self.next;
            let read = self.reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            self.next += read as u64;
            if read as u64 == LONGEST_LINE && !self.line.ends_with(b"\n") {
                self.too_long += 1;
                self.next += self.reader.skip_until(b'\n')? as u64;
                continue;
            }
            if !self.line.trim_ascii().is_empty() {
                break Ok(Some(Line { offset, bytes: self.line.trim_ascii_end() }));
            }
        }
    }
}
