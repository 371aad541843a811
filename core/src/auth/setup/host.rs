//! A terminal that is no device: a host shows what the program draws, and hands over what its person types. For those whose
//! terminal belongs to somebody else, such as the shell of a virtual machine, a window, or a chat.

use std::{
    fmt,
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use zeroize::Zeroizing;

/// What was typed before the program runs is kept up to here.
const EARLY: usize = 4096;

/// What a terminal sends for the key. The program reads keys, and to it a line feed is none (2.1.330).
const ENTER: &str = "\r";

/// A terminal that a host plays. Clones are the same one.
///
/// ```
/// use madrigal::auth::{HostTerminal, ProgramSetup};
/// let terminal = HostTerminal::new(|text| print!("{text}"));
/// let setup = ProgramSetup { terminal: terminal.clone().into(), ..ProgramSetup::default() };
/// // While `setup.run()` waits: what the person types, with the end of the line.
/// terminal.type_text("the-code-from-the-page\n");
/// # drop(setup);
/// ```
#[derive(Clone)]
pub struct HostTerminal(Arc<Shared>);

struct Shared {
    show: Box<dyn Fn(&str) + Send + Sync>,
    typed: Mutex<Typed>,
}

#[derive(Default)]
struct Typed {
    early: Zeroizing<Vec<u8>>,
    line: Option<UnixStream>,
}

impl HostTerminal {
    /// `show` is called with what the program draws, the token hidden, on a thread of its own.
    pub fn new(show: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared { show: Box::new(show), typed: Mutex::default() }))
    }

    /// Hands over what the person typed; the end of a line is the key Enter. Before the program runs it is kept for it; behind its
    /// end nothing happens.
    pub fn type_text(&self, text: &str) {
        let text = Zeroizing::new(text.replace("\r\n", ENTER).replace('\n', ENTER));
        let typed = &mut *self.typed();
        if let Some(line) = &mut typed.line {
            // A program that reads nothing more is about to end.
            let _ = line.write_all(text.as_bytes());
        } else if typed.early.len() + text.len() <= EARLY {
            typed.early.extend_from_slice(text.as_bytes());
        }
    }

    fn typed(&self) -> MutexGuard<'_, Typed> {
        self.0.typed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The person's end of the line, and the thread that shows what is written there until it is closed.
    pub(super) fn connect(&self) -> io::Result<(UnixStream, JoinHandle<()>)> {
        let (person, mut host) = UnixStream::pair()?;
        let mut writer = host.try_clone()?;
        writer.set_nonblocking(true)?;
        let mut typed = self.typed();
        writer.write_all(&std::mem::take(&mut typed.early))?;
        host.set_nonblocking(false)?;
        let this = self.clone();
        let shower = thread::Builder::new().name("setup-output".into()).spawn(move || {
            let (mut waiting, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(count @ 1..) = host.read(&mut buffer) {
                waiting.extend_from_slice(&buffer[..count]);
                this.show(&mut waiting);
            }
            this.typed().line = None;
        })?;
        typed.line = Some(writer);
        Ok((person, shower))
    }

    /// Shows all but a character of which only a part is there.
    fn show(&self, waiting: &mut Vec<u8>) {
        let whole = match std::str::from_utf8(waiting) {
            Ok(_) => waiting.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => waiting.len(),
        };
        let shown: Vec<u8> = waiting.drain(..whole).collect();
        if !shown.is_empty() {
            (self.0.show)(&String::from_utf8_lossy(&shown));
        }
    }
}

impl fmt::Debug for HostTerminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostTerminal").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_early_waits_and_what_is_drawn_is_shown_whole() {
        let (sender, shown) = std::sync::mpsc::channel();
        let terminal = HostTerminal::new(move |text| sender.send(text.to_owned()).unwrap());
        terminal.type_text("early\n");
        let (mut person, shower) = terminal.connect().unwrap();
        terminal.type_text("late\r\n\r");
        let mut typed = [0; 12];
        person.read_exact(&mut typed).unwrap();
        assert_eq!(&typed, b"early\rlate\r\r");
        for part in [b"a\xc3".as_slice(), b"\xa4", b"\xff."] {
            person.write_all(part).unwrap();
        }
        drop(person);
        shower.join().unwrap();
        drop(terminal);
        assert_eq!(shown.iter().collect::<String>(), "a\u{e4}\u{fffd}.");
    }
}
