//! Lines out of bytes: however a pipe cuts them, the same come out, none is lost, none is joined, none is too long.

use madrigal::message::Decoder;

/// What became of a line: its text, or that it is no message.
type Seen = Option<String>;

fn read(bytes: &[u8], limit: usize, mut size: impl FnMut() -> usize) -> Vec<Seen> {
    let mut decoder = Decoder::new(limit);
    let mut seen = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(size().clamp(1, rest.len()));
        decoder.feed(piece);
        rest = behind;
        while let Some(item) = decoder.next() {
            seen.push(item.ok().map(|message| message.raw().to_owned()));
        }
    }
    seen.extend(decoder.finish().map(|item| item.ok().map(|message| message.raw().to_owned())));
    seen
}

/// The same with the simplest of means.
fn expected(bytes: &[u8], limit: usize) -> Vec<Seen> {
    let line = |line: &[u8]| {
        let text = std::str::from_utf8(line).ok().filter(|text| text.len() <= limit)?;
        let text = text.strip_suffix('\r').unwrap_or(text);
        madrigal::Message::parse(text).ok().map(|message| message.raw().to_owned())
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    lines
        .filter(|bytes| bytes.len() > limit || !bytes.iter().all(u8::is_ascii_whitespace))
        .map(line)
        .collect()
}

/// The first two bytes say how long a line may be and how the rest is cut.
pub fn check(input: &[u8]) {
    let [limit, cuts, bytes @ ..] = input else { return };
    let limit = if *limit < 128 { usize::from(*limit) } else { 1 << 20 };
    let whole = read(bytes, limit, || usize::MAX);
    assert_eq!(whole, expected(bytes, limit), "a line was lost, joined or made up");
    let mut step = usize::from(*cuts);
    let cut = read(bytes, limit, || {
        step = step * 31 % 251;
        step
    });
    assert_eq!(cut, whole, "cut into pieces it is read differently");
}
