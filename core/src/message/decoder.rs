//! Bytes become messages without a session, as a session does it: for output of the program that comes from a file, a
//! container or a socket, and for what measures and attacks the way from bytes to messages.

use super::{Head, Message};
use crate::{
    Result,
    options::Limits,
    transport::frame::{Line, Lines},
};

/// Cuts bytes into lines and reads each as a [`Message`], however the bytes come in pieces.
///
/// Control frames are messages here, too: nobody answers them.
///
/// ```
/// use madrigal::message::Decoder;
/// let mut decoder = Decoder::default();
/// decoder.feed(br#"{"type":"result","result":"4"#);
/// assert!(decoder.next().is_none());
/// decoder.feed(b"\"}\n");
/// assert_eq!(decoder.next().unwrap()?.raw(), r#"{"type":"result","result":"4"}"#);
/// # Ok::<_, madrigal::Error>(())
/// ```
pub struct Decoder(Lines);

impl Default for Decoder {
    /// With the default of `limits.line_bytes`.
    fn default() -> Self {
        Self::new(Limits::default().line_bytes)
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}

impl Decoder {
    /// `line_bytes` is the longest line taken; a longer one is an error and is not kept.
    pub fn new(line_bytes: usize) -> Self {
        Self(Lines::new(line_bytes))
    }

    /// Adds bytes. Take the messages out between the pieces, or they are all kept.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.0.space().extend_from_slice(bytes);
    }

    /// The next message, or `None` when more bytes are needed. Blank lines are passed over.
    ///
    /// # Errors
    /// `protocol` for a line that is no frame; the next call goes on behind it.
    #[allow(clippy::should_implement_trait)] // An iterator that ends and goes on again would surprise.
    pub fn next(&mut self) -> Option<Result<Message>> {
        self.0.next().map(read)
    }

    /// The last message, when the bytes ended without a newline. Call it when [`next`](Self::next) has no more.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub fn finish(mut self) -> Option<Result<Message>> {
        self.0.rest().map(read)
    }
}

fn read(line: Result<Line<'_>>) -> Result<Message> {
    let line = line?;
    let head = Head::parse(line.text)?;
    if head.has_half { Message::parse(line.text) } else { Ok(Message::cut(line, &head)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_costs_only_itself_and_the_last_needs_no_newline() {
        let mut decoder = Decoder::new(40);
        decoder.feed(b"{\"type\":\"a\"}\nnonsense\n\n");
        decoder.feed(&[b'x'; 50]);
        decoder.feed(b"\n{\"type\":\"b\"}");
        assert_eq!(decoder.next().unwrap().unwrap().kind_name(), "a");
        assert!(decoder.next().unwrap().is_err());
        assert!(decoder.next().unwrap().unwrap_err().message().contains("50 bytes"));
        assert!(decoder.next().is_none());
        assert_eq!(decoder.finish().unwrap().unwrap().kind_name(), "b");
    }
}
