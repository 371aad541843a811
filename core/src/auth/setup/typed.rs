//! What a person typed is a secret: the code of a login is worth a token. The program may draw it again, whole, in part (the
//! real one shows the last characters of a pasted code) or wrapped, so an error that quotes the screen is cleaned of it here.

use zeroize::Zeroizing;

/// So many neighbouring characters that were also typed are no chance.
const RUN: usize = 4;

/// The most that is remembered: more than a code and a token.
const MOST: usize = 16 * 1024;

/// What stands in place of what was typed.
const HIDDEN: &str = "...";

/// Backspace, as terminals send it.
const ERASE: [u8; 2] = [8, 127];

/// All that was typed, as lines of visible characters; wiped when dropped.
#[derive(Default)]
pub(super) struct Typed(Zeroizing<Vec<u8>>);

impl Typed {
    pub(super) fn take(&mut self, keys: &[u8]) {
        if self.0.capacity() == 0 {
            // Once and for all: a vector that grows leaves its old content behind.
            self.0.reserve_exact(MOST);
        }
        for key in keys {
            match key {
                _ if ERASE.contains(key) => {
                    // What was erased may still stand somewhere: both readings count.
                    let line = Zeroizing::new(self.line().to_vec());
                    self.push(b'\n');
                    line[..line.len().saturating_sub(1)].iter().for_each(|key| self.push(*key));
                }
                0x21..=0x7e => self.push(*key),
                b'\r' | b'\n' => self.push(b'\n'),
                _ => {}
            }
        }
    }

    fn push(&mut self, key: u8) {
        if self.0.len() < MOST {
            self.0.push(key);
        }
    }

    fn line(&self) -> &[u8] {
        self.0.rsplit(|key| *key == b'\n').next().unwrap_or_default()
    }

    /// The text without anything that was typed. Gaps do not count: a line that was typed may stand wrapped.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        let drawn: Vec<(usize, u8)> =
            text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_graphic()).collect();
        let mut hide = vec![false; text.len()];
        for run in drawn.windows(RUN) {
            let same = |keys: &[u8]| keys.iter().zip(run).all(|(key, (_, byte))| key == byte);
            if self.0.windows(RUN).any(same) {
                // With the gaps inside.
                hide[run[0].0..=run[RUN - 1].0].fill(true);
            }
        }
        let mut shown = String::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (at, length) =
                (text.len() - rest.len(), rest.find(char::is_whitespace).unwrap_or(rest.len()));
            // A short line, such as a number that was chosen, is hidden where it stands alone.
            if self.0.split(|key| *key == b'\n').any(|line| line == &rest.as_bytes()[..length]) {
                hide[at..at + length].fill(true);
            }
            rest = rest[length..].trim_start();
        }
        for (at, letter) in text.char_indices() {
            if !hide[at] {
                shown.push(letter);
            } else if at == 0 || !hide[at - 1] {
                shown.push_str(HIDDEN);
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(keys: &str, text: &str) -> String {
        let mut typed = Typed::default();
        for piece in keys.as_bytes().chunks(3) {
            typed.take(piece);
        }
        typed.hidden_in(text)
    }

    #[test]
    fn what_was_typed_is_hidden_whole_in_part_and_wrapped() {
        let code = "test-Code-1234#State5678\r";
        for (drawn, shown) in [
            ("Invalid code: test-Code-1234#State5678 (400)", "Invalid code: ... (400)"),
            ("********e5678", "********..."),
            ("test-Co\nde-1234#St\nate5678\nRefused", "...\nRefused"),
            ("> test-Code-1234", "> ..."),
            ("nothing of it", "nothing of it"),
            ("", ""),
        ] {
            assert_eq!(hidden(code, drawn), shown);
        }
    }

    #[test]
    fn short_lines_are_hidden_as_words_and_words_of_the_program_stay() {
        assert_eq!(hidden("7\r", "choice 7 of 17"), "choice ... of 17");
        assert_eq!(hidden("", "Login refused"), "Login refused");
    }

    #[test]
    fn pasting_and_erasing_hide_nothing_from_us() {
        assert_eq!(hidden("\x1b[200~test-Code\x1b[201~\r", "got test-Code."), "got ....");
        assert_eq!(hidden("abcdX\x7fef\r", "got abcdef, was abcdX"), "got ..., was ...");
    }

    #[test]
    fn letters_of_several_bytes_stay_whole() {
        assert_eq!(hidden("test-Code\r", "\u{e9}test\u{e9}-Code\u{2026}"), "\u{e9}...\u{2026}");
    }
}
