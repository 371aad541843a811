//! What a program writes to stderr: the last of it is kept for error messages, and each line can be heard.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Mutex,
};

use super::{StderrLine, inbox::lock};

/// How much is kept.
const KEPT: usize = 8 * 1024;

/// How far the start of what is kept may lie inside a word.
const LONGEST_WORD: usize = 512;

/// A line longer than this is handed over in pieces.
const LONGEST_LINE: usize = 64 * 1024;

/// The last of what was written.
#[derive(Default)]
pub(super) struct Tail(VecDeque<u8>);

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(KEPT)..];
        let excess = (self.0.len() + bytes.len()).saturating_sub(KEPT);
        self.0.drain(..excess);
        self.0.extend(bytes);
    }

    /// As text; what was cut in two at the start is left out: a character, and a word, of which the rest could be that of
    /// a secret nobody would recognise.
    pub(super) fn text(&self) -> String {
        let cut = self.0.len() == KEPT;
        let character = self.0.iter().take_while(|byte| (0x80..0xC0).contains(*byte)).count();
        let word = self.0.iter().take(LONGEST_WORD).position(u8::is_ascii_whitespace);
        let skip = if cut { word.unwrap_or(character) } else { 0 };
        let bytes: Vec<u8> = self.0.iter().skip(skip).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Our end of the pipe.
pub(super) struct Stderr {
    pipe: OwnedFd,
    on_line: Option<StderrLine>,
    line: Vec<u8>,
}

impl Stderr {
    /// The pipe must not block.
    pub(super) fn new(pipe: OwnedFd, on_line: Option<StderrLine>) -> Self {
        Self { pipe, on_line, line: Vec::new() }
    }

    /// Takes what is there; `false` at the end of the stream. The tail is free while a line is heard, so that a listener
    /// may look at it.
    pub(super) fn read(&mut self, tail: &Mutex<Tail>) -> bool {
        let mut buffer = [0_u8; 16 * 1024];
        // A program that writes without pause must not keep us from the others: the poller comes back.
        for _ in 0..16 {
            match rustix::io::read(&self.pipe, &mut buffer) {
                Ok(0) => {
                    self.flush();
                    return false;
                }
                Ok(count) => {
                    lock(tail).push(&buffer[..count]);
                    self.hear(&buffer[..count]);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return true,
                Err(_) => return false,
            }
        }
        true
    }

    /// Takes what is left and closes.
    pub(super) fn finish(mut self, tail: &Mutex<Tail>) {
        self.read(tail);
        self.flush();
    }

    fn hear(&mut self, bytes: &[u8]) {
        if self.on_line.is_none() {
            return;
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() >= LONGEST_LINE {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
        if let (Some(on_line), false) = (&self.on_line, line.is_empty()) {
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            on_line(&String::from_utf8_lossy(line));
        }
    }
}

impl AsFd for Stderr {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_last_8_kib_are_kept_whole_characters_only() {
        let mut tail = Tail::default();
        tail.push(b"lost ");
        tail.push("é".repeat(KEPT).as_bytes());
        tail.push(b"!");
        let text = tail.text();
        assert!(text.len() <= KEPT && text.ends_with("é!") && text.starts_with('é'), "{}", text.len());
        assert!(!text.contains('\u{FFFD}'));
    }

    #[test]
    fn a_word_cut_in_two_is_not_shown() {
        let mut tail = Tail::default();
        tail.push(b"sk-ant-test-constant-1 ");
        tail.push("x".repeat(KEPT - 10).as_bytes());
        assert!(!tail.text().contains("constant"));
    }

    #[test]
    fn lines_are_heard_whole_and_the_last_without_its_newline() {
        let (ours, theirs) = rustix::pipe::pipe().unwrap();
        rustix::io::ioctl_fionbio(&ours, true).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&heard);
        let on_line: StderrLine = Arc::new(move |line| sink.lock().unwrap().push(line.to_owned()));
        let mut stderr = Stderr::new(ours, Some(on_line));
        let tail = Mutex::new(Tail::default());
        rustix::io::write(&theirs, b"one\r\ntw").unwrap();
        assert!(stderr.read(&tail));
        rustix::io::write(&theirs, b"o\n\nlast").unwrap();
        assert!(stderr.read(&tail));
        assert_eq!(*heard.lock().unwrap(), ["one", "two", ""]);
        drop(theirs);
        assert!(!stderr.read(&tail));
        assert_eq!(*heard.lock().unwrap(), ["one", "two", "", "last"]);
        assert_eq!(lock(&tail).text(), "one\r\ntwo\n\nlast");
    }
}
