//! The stand-in's terminal: a person logs in at it, and the token is drawn as the real program draws it. Like that program it takes
//! keys one by one, shows of a code only the end, and stays when a code was wrong.

use std::{
    io::{self, Write as _},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{
        InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcgetwinsize,
        tcsetattr,
    },
};

use super::complain;
use crate::testing::setup::SetupStep;

/// The longest it stays: nobody waits longer for a test.
const LONG: Duration = Duration::from_secs(600);

/// So much of a code is shown.
const SHOWN: usize = 6;

/// What a terminal puts around text that is pasted, once it was told to.
const PASTED: [&str; 2] = ["\x1b[200~", "\x1b[201~"];

/// Plays the steps and returns the exit code.
pub(super) fn play(steps: Option<&[SetupStep]>) -> i32 {
    let Some(steps) = steps else {
        complain("madrigal simulate: the scenario has no `setup_token`\n");
        return 97;
    };
    let terminal = match Terminal::new() {
        Ok(terminal) => terminal,
        Err(error) => {
            complain(&format!("setup-token needs a terminal: {error}\n"));
            return 1;
        }
    };
    let mut code = 0;
    for step in steps {
        let done = match step {
            SetupStep::Show { text, wrap } => terminal.show(text, *wrap),
            SetupStep::Type(wanted) => terminal.typed(wanted),
            SetupStep::Hang => terminal.stay(),
            SetupStep::Exit(with) => {
                code = *with;
                break;
            }
        };
        if done.is_err() {
            // Nobody is there any more.
            code = 1;
            break;
        }
    }
    code
}

/// The terminal of this process, as before when dropped.
struct Terminal {
    before: Termios,
    width: usize,
    until: Instant,
}

impl Terminal {
    fn new() -> io::Result<Self> {
        if !isatty(io::stdin()) || !isatty(io::stdout()) {
            return Err(io::Error::other("its input and output are something else"));
        }
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.input_modes -= InputModes::ICRNL;
        raw.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        let width = tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col)).max(1);
        let this = Self { before, width, until: Instant::now() + LONG };
        this.draw("\x1b[?2004h")?;
        Ok(this)
    }

    fn draw(&self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    fn show(&self, text: &str, wrap: bool) -> io::Result<()> {
        if wrap { self.draw(&wrapped(text, self.width)) } else { self.draw(text) }
    }

    /// Waits for a line that holds this text. Of any other it says what the real program says, and waits on.
    fn typed(&self, wanted: &str) -> io::Result<()> {
        loop {
            let line = self.line()?;
            let line = PASTED.iter().fold(line, |line, mark| line.replace(mark, ""));
            self.draw(&format!("{}\r\n", masked(line.trim())))?;
            if line.contains(wanted) {
                return Ok(());
            }
            self.draw(
                "\x1b[31mOAuth error: Invalid code\x1b[39m\r\n\x1b[2mPress Enter to retry\x1b[22m\r\n",
            )?;
            self.line()?;
        }
    }

    fn line(&self) -> io::Result<String> {
        let mut line = Vec::new();
        loop {
            match self.key()? {
                // What the key Enter sends; a line feed is another key.
                b'\r' => return Ok(String::from_utf8_lossy(&line).into_owned()),
                key => line.push(key),
            }
        }
    }

    /// Stays until its terminal is gone.
    fn stay(&self) -> io::Result<()> {
        loop {
            self.key()?;
        }
    }

    /// The next key; an error when there will be none.
    fn key(&self) -> io::Result<u8> {
        let mut key = [0];
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            match poll(&mut [PollFd::new(&io::stdin(), PollFlags::IN)], Some(&left)) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            match rustix::io::read(io::stdin(), &mut key) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => return Ok(key[0]),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.draw("\x1b[?2004l");
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// A code with all but its end hidden.
fn masked(code: &str) -> String {
    let hidden = code.chars().count().saturating_sub(SHOWN);
    code.chars().enumerate().map(|(at, char)| if at < hidden { '*' } else { char }).collect()
}

/// The text with lines that end at the edge. Colours and the like take no room.
fn wrapped(text: &str, width: usize) -> String {
    let (mut out, mut column) = (String::with_capacity(text.len()), 0);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\x1b' => {
                out.push(char);
                let control = chars.peek() == Some(&'[');
                let mut first = true;
                for char in chars.by_ref() {
                    out.push(char);
                    if control && !first && ('@'..='~').contains(&char)
                        || char == '\x07'
                        || (!control && char == '\\')
                    {
                        break;
                    }
                    first = false;
                }
            }
            '\r' | '\n' => {
                column = 0;
                out.push(char);
            }
            _ => {
                if column == width {
                    out.push_str("\r\n");
                    column = 0;
                }
                column += 1;
                out.push(char);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_the_edge_and_colours_take_no_room() {
        assert_eq!(wrapped("abcdef\ngh", 4), "abcd\r\nef\ngh");
        assert_eq!(wrapped("\x1b[33mabcd\x1b[39me", 4), "\x1b[33mabcd\x1b[39m\r\ne");
        let link = "\x1b]8;;http://127.0.0.1/\x07ab\x1b]8;;\x1b\\cd";
        assert_eq!(wrapped(link, 4), link);
    }

    #[test]
    fn of_a_code_the_end_is_shown() {
        assert_eq!(masked("test-code-123456"), "**********123456");
        assert_eq!(masked("abc"), "abc");
    }
}
