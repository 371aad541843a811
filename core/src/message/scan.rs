//! Checks that a line is whole, valid JSON and hands out the members of its objects, without building anything.
//!
//! Every line passes through here, so this decides how fast a stream can be: it does a third of the work a general
//! deserializer does for the same answer. It accepts exactly what `serde_json` accepts as a value (a test compares the two on
//! generated and on damaged texts), and halves of surrogate pairs, which JavaScript writes when it cuts a text in the middle of
//! a character; [`mended`] takes them out. What is wrong with a bad line is left to `serde_json` to say.

/// Nesting deeper than this is refused, as `serde_json` does.
const DEPTH: u8 = 128;

/// A number of no more characters, without an exponent, fits: the largest has 309 digits before the point.
const SAFE_DIGITS: usize = 308;

/// The text is not JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

type Scan<T> = Result<T, Invalid>;

/// A position in a text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
    /// Half of a surrogate pair was met.
    half: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, half: false }
    }

    /// Whether half of a surrogate pair was met, which is no character.
    pub(super) fn met_half(&self) -> bool {
        self.half
    }

    /// The text from here to there; both lie beside ASCII characters, hence between characters.
    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Scan<()> {
        if self.peek() != Some(byte) {
            return Err(Invalid);
        }
        self.at += 1;
        Ok(())
    }

    /// That nothing but space follows.
    pub(super) fn end(&mut self) -> Scan<()> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(Invalid) }
    }

    /// Whether an object comes next.
    pub(super) fn is_object(&mut self) -> bool {
        self.space();
        self.peek() == Some(b'{')
    }

    /// Reads an object. `member` is called at each value, with its key (between the quotes, escapes and all), and must read it.
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Scan<()>) -> Scan<()> {
        self.enter(b'{')?;
        if self.peek() == Some(b'}') {
            return self.leave();
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            self.expect(b':')?;
            member(self, key)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => return self.leave(),
                _ => return Err(Invalid),
            }
        }
    }

    fn array(&mut self) -> Scan<()> {
        self.enter(b'[')?;
        if self.peek() == Some(b']') {
            return self.leave();
        }
        loop {
            self.value()?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => return self.leave(),
                _ => return Err(Invalid),
            }
        }
    }

    fn enter(&mut self, open: u8) -> Scan<()> {
        self.space();
        self.expect(open)?;
        self.depth += 1;
        if self.depth >= DEPTH {
            return Err(Invalid);
        }
        self.space();
        Ok(())
    }

    fn leave(&mut self) -> Scan<()> {
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// Reads any value and returns its text.
    pub(super) fn value(&mut self) -> Scan<&'a str> {
        self.space();
        let start = self.at;
        match self.peek() {
            Some(b'"') => drop(self.string()?),
            Some(b'{') => self.object(|scanner, _| scanner.value().map(drop))?,
            Some(b'[') => self.array()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'n') => self.literal("null")?,
            _ => return Err(Invalid),
        }
        Ok(self.slice(start, self.at))
    }

    fn literal(&mut self, word: &str) -> Scan<()> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(Invalid);
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Scan<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Invalid) }
    }

    fn number(&mut self) -> Scan<()> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        let exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if exponent {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let large = exponent || self.at - start > SAFE_DIGITS;
        let fits = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
        if large && !fits(self.slice(start, self.at)) { Err(Invalid) } else { Ok(()) }
    }

    /// Reads a string and returns what stands between its quotes.
    fn string(&mut self) -> Scan<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        loop {
            self.at = plain(bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(self.slice(start, self.at - 1));
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(Invalid),
            }
        }
    }

    fn escape(&mut self) -> Scan<()> {
        self.at += 1;
        let escape = self.peek().ok_or(Invalid)?;
        self.at += 1;
        match escape {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(Invalid)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Invalid);
                }
                let after = &self.text[self.at + 4..];
                match surrogate(digits) {
                    Some(Surrogate::High) if second_half(after) => self.at += 6,
                    Some(_) => self.half = true,
                    None => {}
                }
                self.at += 4;
                Ok(())
            }
            _ => Err(Invalid),
        }
    }
}

enum Surrogate {
    High,
    Low,
}

/// What four hexadecimal digits are half of, if they are.
fn surrogate(digits: &[u8]) -> Option<Surrogate> {
    match digits {
        [b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', ..] => Some(Surrogate::High),
        [b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..] => Some(Surrogate::Low),
        _ => None,
    }
}

/// Whether a text begins with the second half of a pair, `\uDC00` to `\uDFFF`.
fn second_half(text: &str) -> bool {
    let digits = text.strip_prefix("\\u").and_then(|rest| rest.as_bytes().get(..4));
    digits.is_some_and(|digits| {
        matches!(surrogate(digits), Some(Surrogate::Low)) && digits.iter().all(u8::is_ascii_hexdigit)
    })
}

/// Valid JSON with each half of a surrogate pair replaced by U+FFFD, the character for what is none. All else stays.
pub(crate) fn mended(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let digits = escape.strip_prefix("\\u").and_then(|rest| rest.as_bytes().get(..4));
        let taken = match digits.and_then(surrogate) {
            Some(Surrogate::High) if second_half(&escape[6..]) => 12,
            Some(_) => {
                mended.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            None => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        mended.push_str(&escape[..taken]);
        rest = &escape[taken..];
    }
    mended + rest
}

/// Where the next byte stands that ends a run of ordinary characters of a string: a quote, a backslash or a control
/// character. Eight bytes at a time: a byte minus 1 (or minus a space) borrows into its high bit exactly when it is 0 (or a
/// control character), as in "Determine if a word has a byte less than n" of the Bit Twiddling Hacks by Sean Anderson.
fn plain(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let found = found & HIGH;
        if found != 0 {
            // The lowest hit is exact; only bytes above a hit can be reported falsely.
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;
    use serde_json::Value;

    use super::*;

    fn accepts(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.value().is_ok() && scanner.end().is_ok()
    }

    /// Halves of surrogate pairs apart, which are valid by the grammar.
    fn json_accepts(text: &str) -> bool {
        let grammatical = serde_json::from_str::<IgnoredAny>(text).is_ok();
        grammatical && serde_json::from_str::<Value>(&mended(text)).is_ok()
    }

    fn halves(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.value().is_ok() && scanner.met_half()
    }

    #[test]
    fn halves_of_surrogate_pairs_are_found_and_mended() {
        for (text, whole) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""a\uDE00b""#, r#""a\ufffdb""#),
            (r#"{"\uD83D":["\ud83d\ud83d\ude00"]}"#, r#"{"\ufffd":["\ufffd\ud83d\ude00"]}"#),
            (r#""\ud83d\n\ude00é\\ud83d""#, r#""\ufffd\n\ufffdé\\ud83d""#),
        ] {
            assert!(halves(text), "{text}");
            assert_eq!(mended(text), whole);
            assert!(serde_json::from_str::<Value>(whole).is_ok());
        }
        for text in [r#""\ud83d\ude00""#, r#""\\ud83d""#, r#""\u00e9\"\/""#] {
            assert!(!halves(text), "{text}");
            assert_eq!(mended(text), text);
        }
    }

    #[test]
    fn a_number_no_value_can_hold_is_refused() {
        let digits = |count: usize| "9".repeat(count);
        for text in ["1e308", "-1e309", "1e400", "1e-400", "0e999", &digits(308), &digits(309), &digits(400)]
        {
            assert_eq!(accepts(text), serde_json::from_str::<Value>(text).is_ok(), "{text}");
        }
        assert!(!accepts("1e400"));
    }

    #[test]
    fn members_are_handed_out_as_they_stand() {
        let mut seen = Vec::new();
        let mut scanner = Scanner::new(r#" {"a": 1 , "b\n":[ {"c":"}"} ],"d":{}} "#);
        scanner
            .object(|scanner, key| {
                seen.push((key, scanner.value()?));
                Ok(())
            })
            .unwrap();
        scanner.end().unwrap();
        assert_eq!(seen, [("a", "1"), (r"b\n", r#"[ {"c":"}"} ]"#), ("d", "{}")]);
    }

    #[test]
    fn corners_are_those_of_serde_json() {
        for text in [
            "",
            " ",
            "-",
            "01",
            "1.",
            "1.e3",
            "1e",
            "-0.5E+3",
            "tru",
            "nulll",
            "[1,]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            "[",
            "]",
            "[}",
            r#"""#,
            r#""\"#,
            r#""\x""#,
            r#""\u12g4""#,
            r#""\ud800""#,
            "\"\u{7f}é\u{1}\"",
            "\"tab\t\"",
            "[1 2]",
        ] {
            assert_eq!(accepts(text), json_accepts(text), "{text:?}");
        }
        for depth in [126, 127, 128, 129] {
            let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(accepts(&nested), serde_json::from_str::<Value>(&nested).is_ok(), "{depth}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_accepted(value in json()) {
            prop_assert!(accepts(&value.to_string()));
        }

        #[test]
        fn a_damaged_text_is_judged_as_serde_json_judges_it(
            value in json(),
            place in any::<prop::sample::Index>(),
            damage in prop_oneof![Just(None), prop::char::range('\0', '~').prop_map(Some)],
        ) {
            let mut characters: Vec<char> = value.to_string().chars().collect();
            let place = place.index(characters.len());
            match damage {
                Some(character) => characters[place] = character,
                None => drop(characters.remove(place)),
            }
            let text: String = characters.into_iter().collect();
            prop_assert_eq!(accepts(&text), json_accepts(&text), "{:?}", text);
        }
    }
}
