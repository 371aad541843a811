//! Reads what a program draws on a terminal: finds the token in it, and hides it from those who look on.
//!
//! A token may be coloured, stand in a box, or go on in the next line because the terminal is narrow. Programs draw gaps between
//! words by moving the cursor, so a move ends a word as a space does; colours do not.

use zeroize::Zeroizing;

use crate::auth::{Method, Secret};

/// How all tokens begin.
const PREFIX: &[u8] = b"sk-ant-";

/// How much of a token is shown: its kind and a little.
const SHOWN: usize = 20;

/// A line that ends this close to the right edge may go on in the next one: room for the edge of a box and its padding.
const EDGE: usize = 8;

/// The fewest characters of a token behind `sk-ant-`: fewer are an example in a help text.
const FEWEST: usize = 20;

/// The most that is kept of what was drawn, for an error to show.
const KEPT: usize = 2_000;

/// What the last byte was part of.
#[derive(Clone, Copy, PartialEq)]
enum Escape {
    No,
    Started,
    /// `ESC [`, with the first number so far.
    Control(usize),
    /// `ESC ]` and its like, up to BEL or `ESC \`.
    Text,
    MaybeOver,
    /// One more byte: a choice of character set.
    One,
}

/// Where in a token we are.
enum Word {
    /// So many characters of the prefix are there.
    Prefix(usize),
    Token,
    /// The token reached the edge of the screen; so many lines ended since.
    Edge(u8),
}

fn is_of_a_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Watches the output of a program on a terminal of a known width.
pub(super) struct Screen {
    width: usize,
    column: usize,
    escape: Escape,
    word: Word,
    token: Zeroizing<String>,
    /// How much of a token was seen in a text that is not drawn, such as the title of the window.
    undrawn: usize,
    found: Option<Secret>,
    text: String,
}

impl Screen {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            column: 0,
            escape: Escape::No,
            word: Word::Prefix(0),
            token: Zeroizing::default(),
            undrawn: 0,
            found: None,
            text: String::new(),
        }
    }

    /// Takes output; gives back what may be shown of it.
    pub(super) fn show(&mut self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().map(|byte| self.byte(*byte)).collect()
    }

    /// The token, when one was seen and something came behind it.
    pub(super) fn found(&self) -> Option<&Secret> {
        self.found.as_ref()
    }

    /// The token at the end of the output.
    pub(super) fn finish(mut self) -> (Option<Secret>, String) {
        self.end_word();
        (self.found.take(), self.text)
    }

    fn byte(&mut self, byte: u8) -> u8 {
        self.escape = match self.escape {
            Escape::No => match byte {
                0x1b => Escape::Started,
                _ => return self.visible(byte),
            },
            Escape::Started => match byte {
                b'[' => Escape::Control(0),
                b']' | b'P' | b'_' | b'^' => Escape::Text,
                b'(' | b')' | b'#' | b'%' => Escape::One,
                _ => Escape::No,
            },
            Escape::Control(number) => match byte {
                b'0'..=b'9' => {
                    Escape::Control(number.saturating_mul(10).saturating_add(usize::from(byte - b'0')))
                }
                0x40..=0x7e => {
                    self.control(byte, number);
                    Escape::No
                }
                _ => Escape::Control(number),
            },
            Escape::Text => match byte {
                0x07 => Escape::No,
                0x1b => Escape::MaybeOver,
                _ => return self.undrawn(byte),
            },
            Escape::MaybeOver if byte == b'\\' => Escape::No,
            Escape::MaybeOver => Escape::Text,
            Escape::One => Escape::No,
        };
        byte
    }

    /// A character of a text that is not drawn. A terminal shows some all the same, or puts them on the clipboard; a token there is hidden,
    /// but not taken.
    fn undrawn(&mut self, byte: u8) -> u8 {
        self.undrawn = match self.undrawn {
            have if have < PREFIX.len() && PREFIX[have] == byte => have + 1,
            have if have >= PREFIX.len() && is_of_a_token(byte) => have + 1,
            _ => usize::from(byte == PREFIX[0]),
        };
        if self.undrawn > SHOWN { b'*' } else { byte }
    }

    fn control(&mut self, end: u8, number: usize) {
        match end {
            // Colours and modes draw nothing.
            b'm' | b'h' | b'l' | b'u' | b'q' | b'c' | b'n' => return,
            b'G' => self.column = number.saturating_sub(1),
            b'C' => self.column += number.max(1),
            b'D' => self.column = self.column.saturating_sub(number.max(1)),
            _ => {}
        }
        self.gap(b' ');
    }

    fn visible(&mut self, byte: u8) -> u8 {
        match byte {
            b'\n' => self.line_end(),
            b'\r' => {
                // The column is needed by the line feed that follows; a return alone draws over the line.
                return byte;
            }
            b' ' | b'\t' => {
                self.column += 1;
                self.gap(byte);
            }
            // Continuations of a character of several bytes take no column of their own.
            0x80..=0xbf => {}
            0xc0.. => {
                self.column += 1;
                self.gap(b' ');
            }
            0x21..=0x7e => {
                self.column += 1;
                return self.letter(byte);
            }
            _ => {}
        }
        byte
    }

    fn letter(&mut self, byte: u8) -> u8 {
        let of_a_token = is_of_a_token(byte);
        match self.word {
            Word::Prefix(have) => {
                let have = if PREFIX[have] == byte { have + 1 } else { usize::from(byte == PREFIX[0]) };
                self.word = Word::Prefix(have);
                self.keep(byte);
                if have == PREFIX.len() {
                    self.token.clear();
                    self.token.push_str("sk-ant-");
                    self.word = Word::Token;
                }
                byte
            }
            Word::Token | Word::Edge(_) if of_a_token => {
                self.word = Word::Token;
                self.token.push(char::from(byte));
                if self.token.len() > SHOWN { b'*' } else { byte }
            }
            Word::Token | Word::Edge(_) => {
                self.end_word();
                self.keep(byte);
                byte
            }
        }
    }

    fn gap(&mut self, byte: u8) {
        match self.word {
            Word::Token if self.column + EDGE < self.width => self.end_word(),
            // Padding and the edge of a box may stand between the token and the end of the line.
            Word::Token | Word::Edge(_) => {}
            Word::Prefix(_) => self.word = Word::Prefix(0),
        }
        if !self.text.ends_with(' ') {
            self.keep(byte);
        }
    }

    fn line_end(&mut self) {
        match &mut self.word {
            Word::Token if self.column + EDGE >= self.width => self.word = Word::Edge(1),
            Word::Edge(lines) if *lines == 0 => *lines = 1,
            Word::Token | Word::Edge(_) => self.end_word(),
            Word::Prefix(_) => self.word = Word::Prefix(0),
        }
        self.column = 0;
        self.keep(b'\n');
    }

    fn end_word(&mut self) {
        if matches!(self.word, Word::Token | Word::Edge(_)) {
            if self.token.len() >= PREFIX.len() + FEWEST && Method::of_token(&self.token).is_some() {
                self.found = Some(Secret::from(self.token.as_str()));
            }
            self.text.push_str("...");
            self.token = Zeroizing::default();
        }
        self.word = Word::Prefix(0);
    }

    /// Keeps the last of what was drawn, as plain text and without tokens.
    fn keep(&mut self, byte: u8) {
        self.text.push(char::from(byte));
        if self.text.len() > 2 * KEPT {
            self.text.drain(..KEPT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "sk-ant-oat01-test0123456789-TEST_test0123456789-TEST_test0123456789-TEST_test0123456789-TEST_test0123456789AA";

    /// What was found and shown, however the output is cut into pieces.
    fn watch(width: usize, output: &str) -> (Option<String>, String) {
        let mut first = None;
        for size in [1, 3, 7, 4096] {
            let mut screen = Screen::new(width);
            let shown: Vec<u8> =
                output.as_bytes().chunks(size).flat_map(|piece| screen.show(piece)).collect();
            let (found, text) = screen.finish();
            assert!(!text.contains("0123456789"), "{text}");
            let seen = (found.map(|secret| secret.expose().to_owned()), String::from_utf8(shown).unwrap());
            assert_eq!(*first.get_or_insert(seen.clone()), seen, "in pieces of {size}");
        }
        first.unwrap()
    }

    #[test]
    fn a_plain_token_is_found_and_hidden() {
        let (found, shown) = watch(200, &format!("Your token:\r\n\r\n{TOKEN}\r\n\r\nStore it.\r\n"));
        assert_eq!(found.as_deref(), Some(TOKEN));
        assert!(shown.contains("sk-ant-oat01-test012***") && !shown.contains("test01234"), "{shown}");
        assert!(shown.contains("Store it."));
    }

    #[test]
    fn colours_inside_do_not_hide_it_from_us() {
        let coloured = format!("\x1b[33msk-\x1b[1mant-{}\x1b[0m{}\x1b[39m\r\n", &TOKEN[7..20], &TOKEN[20..]);
        assert_eq!(watch(200, &coloured).0.as_deref(), Some(TOKEN));
    }

    #[test]
    fn a_narrow_screen_wraps_it() {
        for indent in ["", "\x1b[2G", "  ", "\u{2502} "] {
            let room = 60 - if indent.is_empty() { 0 } else { 2 };
            let mut output = String::from("Token:\r\n\r\n");
            for line in TOKEN.as_bytes().chunks(room) {
                output += indent;
                output += std::str::from_utf8(line).unwrap();
                output += if indent.starts_with('\u{2502}') { " \u{2502}\r\r\n" } else { "\r\r\n" };
            }
            output += "\r\nStore this token. You won't see it again.\r\n";
            let width = if indent.starts_with('\u{2502}') { 64 } else { 60 };
            let (found, shown) = watch(width, &output);
            assert_eq!(found.as_deref(), Some(TOKEN), "{indent:?}");
            assert!(!shown.contains("TEST"), "{shown}");
        }
    }

    #[test]
    fn a_word_in_the_line_below_is_not_part_of_it() {
        let (found, shown) = watch(200, &format!("{TOKEN}\r\nDone\r\n"));
        assert_eq!(found.as_deref(), Some(TOKEN));
        assert!(shown.contains("Done"));
        // Gaps drawn by moving the cursor end it, too.
        assert_eq!(watch(200, &format!("{TOKEN}\x1b[130Gis\x1b[133Gyours\r\n")).0.as_deref(), Some(TOKEN));
    }

    #[test]
    fn what_only_looks_like_one_is_left_alone() {
        for output in [
            "sk-ant-\r\n",
            "sk-ant-oat01-...\r\n",
            "sk-ant-sid01-test0123456789test\r\n",
            "task-antelope\r\n",
            "\x1b]8;;file:///sk-ant-oat01-test\x07",
        ] {
            assert_eq!(watch(80, output).0, None, "{output:?}");
        }
    }

    #[test]
    fn the_title_of_the_window_does_not_show_it() {
        for (start, end) in [("\x1b]0;", "\x07"), ("\x1b]8;;file:///", "\x1b\\"), ("\x1b_", "\x1b\\")] {
            let (found, shown) = watch(80, &format!("{start}task {TOKEN} here{end}there\r\n"));
            let hidden = "*".repeat(TOKEN.len() - SHOWN);
            assert_eq!(
                (found, shown),
                (None, format!("{start}task {}{hidden} here{end}there\r\n", &TOKEN[..SHOWN]))
            );
        }
    }

    #[test]
    fn the_last_of_several_counts() {
        let other = TOKEN.replace("TEST", "MORE");
        assert_eq!(watch(200, &format!("{TOKEN}\r\n{other}\r\n")).0.as_deref(), Some(other.as_str()));
    }
}
