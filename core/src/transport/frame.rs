//! Cuts a byte stream into lines, whatever pieces the pipe hands over.
//!
//! A line may be as long as the configured cap (a tool result can be many megabytes); one that is longer is skipped to
//! its end and reported, so that the stream goes on behind it. Characters split between two reads need no care: only
//! whole lines are decoded.
//!
//! All whole lines of a read become one shared block, from which messages can be cut without an allocation for each: in a
//! host with several threads, memory that one thread allocates and another frees is what costs most in a busy stream.

use std::sync::Arc;

use crate::{Error, ErrorKind, Result, message::excerpt};

/// How much is read at once: the size of a Linux pipe, so that one read empties it.
const CHUNK: usize = 64 * 1024;

/// Collects bytes and hands out whole lines.
pub(crate) struct Lines {
    buffer: Vec<u8>,
    /// Everything before this was made a block.
    start: usize,
    /// Everything before this holds no newline.
    scanned: usize,
    limit: usize,
    /// Bytes of an overlong line dropped so far.
    skipped: usize,
    block: Arc<str>,
    /// Everything of the block before this was handed out.
    given: usize,
}

/// A whole line without its end, and the block it is part of.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) block: &'a Arc<str>,
    pub(crate) start: usize,
    pub(crate) text: &'a str,
}

impl Lines {
    pub(crate) fn new(limit: usize) -> Self {
        Self { buffer: Vec::with_capacity(CHUNK), limit, ..Self::empty() }
    }

    /// A stand-in while the real one is worked on; holds nothing.
    pub(crate) fn empty() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            limit: 0,
            skipped: 0,
            block: Arc::default(),
            given: 0,
        }
    }

    /// The buffer to read into, with room for a chunk.
    pub(crate) fn space(&mut self) -> &mut Vec<u8> {
        if self.start > 0 {
            // What is left is the start of one line: short, or long and moved once per chunk at most.
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        if self.buffer.capacity() - self.buffer.len() < CHUNK {
            self.buffer.reserve(CHUNK);
        }
        &mut self.buffer
    }

    /// The next whole line, or `None` when more must be read. Blank lines are passed over.
    pub(crate) fn next(&mut self) -> Option<Result<Line<'_>>> {
        loop {
            if self.given == self.block.len() {
                // Messages that share the block keep it; a huge one is not kept for nothing.
                let filled = self.fill();
                if filled.is_none() && self.given <= CHUNK {
                    return None;
                }
                (self.block, self.given) = (Arc::default(), 0);
                match filled? {
                    Ok(block) => self.block = block,
                    Err(error) => return Some(Err(error)),
                }
            }
            let start = self.given;
            let rest = &self.block.as_bytes()[start..];
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            self.given = (start + length + 1).min(self.block.len());
            if length > self.limit {
                return Some(Err(self.too_long(length)));
            }
            let rest = &rest[..length];
            if !rest.iter().all(u8::is_ascii_whitespace) {
                // Looked up again: a borrow returned from inside a loop would last through the next round.
                let line = &self.block[start..start + length];
                let text = line.strip_suffix('\r').unwrap_or(line);
                return Some(Ok(Line { block: &self.block, start, text }));
            }
        }
    }

    /// The whole lines of the buffer; only the first when they cannot be told apart from what is wrong.
    fn fill(&mut self) -> Option<Result<Arc<str>>> {
        let fresh = &self.buffer[self.scanned..];
        let (Some(first), Some(last)) = (memchr::memchr(b'\n', fresh), memchr::memrchr(b'\n', fresh)) else {
            self.scanned = self.buffer.len();
            if self.skipped > 0 || self.scanned - self.start > self.limit {
                self.skipped += self.scanned - self.start;
                self.buffer.clear();
                (self.start, self.scanned) = (0, 0);
            }
            return None;
        };
        let (first, last) = (self.scanned + first, self.scanned + last);
        let bytes = &self.buffer[self.start..=last];
        if self.skipped == 0
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            let block = Arc::from(text);
            (self.start, self.scanned) = (last + 1, last + 1);
            return Some(Ok(block));
        }
        let bytes = &self.buffer[self.start..first];
        let length = self.skipped + bytes.len();
        let line =
            if length > self.limit { Err(self.too_long(length)) } else { decode(bytes).map(Arc::from) };
        self.skipped = 0;
        (self.start, self.scanned) = (first + 1, first + 1);
        Some(line)
    }

    /// The last line, when the stream ended without a newline.
    pub(crate) fn rest(&mut self) -> Option<Result<Line<'_>>> {
        if self.start == self.buffer.len() && self.skipped == 0 {
            return None;
        }
        self.buffer.push(b'\n');
        self.next()
    }

    fn too_long(&self, length: usize) -> Error {
        Error::new(
            ErrorKind::Protocol,
            format!("the claude program wrote a line of {length} bytes, above the limit of {}; raise limits.line_bytes", self.limit),
        )
        .operation("read")
        .with("line_bytes", length)
        .with("limit_bytes", self.limit)
    }
}

fn decode(line: &[u8]) -> Result<&str> {
    std::str::from_utf8(line).map_err(|error| {
        Error::new(
            ErrorKind::Protocol,
            format!("the claude program wrote a line that is not UTF-8 (byte {})", error.valid_up_to()),
        )
        .operation("read")
        .with("line", excerpt(&String::from_utf8_lossy(line)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(lines: &mut Lines, bytes: &[u8], out: &mut Vec<std::result::Result<String, String>>) {
        lines.space().extend_from_slice(bytes);
        while let Some(line) = lines.next() {
            out.push(line.map(|line| line.text.to_owned()).map_err(|error| error.message().to_owned()));
        }
    }

    #[test]
    fn a_character_split_between_reads_arrives_whole() {
        let (mut lines, mut out) = (Lines::new(100), Vec::new());
        feed(&mut lines, &[b'a', 0xc3], &mut out);
        feed(&mut lines, &[0xa9, b'\r', b'\n', b'\n', b'b'], &mut out);
        assert_eq!(out, [Ok("aé".to_owned())]);
        assert_eq!(lines.rest().unwrap().unwrap().text, "b");
        assert!(lines.rest().is_none());
    }

    #[test]
    fn an_overlong_line_is_reported_and_the_next_one_is_read() {
        let (mut lines, mut out) = (Lines::new(4), Vec::new());
        feed(&mut lines, b"12345678", &mut out);
        feed(&mut lines, b"9", &mut out);
        assert!(lines.buffer.is_empty(), "an overlong line is not kept");
        feed(&mut lines, b"\nok\n", &mut out);
        assert!(out[0].as_ref().unwrap_err().contains("9 bytes"), "{out:?}");
        assert_eq!(out[1], Ok("ok".to_owned()));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_an_error_of_that_line_only() {
        let (mut lines, mut out) = (Lines::new(100), Vec::new());
        feed(&mut lines, b"\xff\xfe\nfine\n", &mut out);
        assert!(out[0].is_err());
        assert_eq!(out[1], Ok("fine".to_owned()));
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_bytes_are_cut(
            text in prop::collection::vec("[a-zé😀 {}\"]{0,40}", 0..20),
            cuts in prop::collection::vec(1usize..30, 1..40),
        ) {
            let whole: Vec<u8> = text.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
            let (mut lines, mut out) = (Lines::new(1000), Vec::new());
            let (mut at, mut cut) = (0, cuts.iter().cycle());
            while at < whole.len() {
                let to = (at + cut.next().unwrap()).min(whole.len());
                feed(&mut lines, &whole[at..to], &mut out);
                at = to;
            }
            let expected: Vec<_> = text.iter().filter(|line| !line.trim().is_empty()).cloned().map(Ok).collect();
            prop_assert_eq!(out, expected);
        }
    }
}
