//! Terms to JSON text: what the package sends to the core, and what callbacks return.

use madrigal_bridge::Error;
use rustler::{Atom, BigInt, Binary, MapIterator, Term, TermType};

use crate::error::invalid;

/// Values nested deeper than this are refused.
const DEEPEST: usize = 100;

/// Why there is no text.
pub(crate) enum Stop {
    /// It would be longer than the limit.
    Long,
    /// The term has no JSON form.
    Refused(Error),
}

type Result<T> = std::result::Result<T, Stop>;

/// The text so far, and how long it may become.
struct Out {
    text: Vec<u8>,
    limit: usize,
}

impl Out {
    fn add(&mut self, part: &[u8]) -> Result<()> {
        self.room(part.len())?;
        self.text.extend_from_slice(part);
        Ok(())
    }

    fn room(&self, length: usize) -> Result<()> {
        if self.text.len() + length > self.limit { Err(Stop::Long) } else { Ok(()) }
    }
}

/// The JSON text of a term, up to a length. Refuses with `invalid_argument`, naming the path of what has no JSON form.
pub(crate) fn text(term: Term<'_>, limit: usize) -> Result<Vec<u8>> {
    let mut out = Out { text: Vec::with_capacity(128), limit };
    write(&mut out, term, &mut Vec::new())?;
    Ok(out.text)
}

fn write(out: &mut Out, term: Term<'_>, path: &mut Vec<String>) -> Result<()> {
    match term.get_type() {
        TermType::Binary => string(out, term, path),
        TermType::Atom => match word(term)?.as_str() {
            "nil" => out.add(b"null"),
            word @ ("true" | "false") => out.add(word.as_bytes()),
            word => json(out, word),
        },
        TermType::Integer => integer(out, term),
        TermType::Float => json(out, &term.decode::<f64>().map_err(|_| refused(path, "a float"))?),
        TermType::List => list(out, term, path),
        TermType::Map => map(out, term, path),
        other => Err(refused(path, &format!("{other:?}").to_lowercase())),
    }
}

fn json(out: &mut Out, value: &(impl serde::Serialize + ?Sized)) -> Result<()> {
    serde_json::to_writer(&mut out.text, value).map_err(|error| Stop::Refused(invalid(error.to_string())))
}

fn string(out: &mut Out, term: Term<'_>, path: &[String]) -> Result<()> {
    let binary: Binary<'_> = term.decode().map_err(|_| refused(path, "a bitstring"))?;
    out.room(binary.len())?;
    match std::str::from_utf8(binary.as_slice()) {
        Ok(text) => json(out, text),
        Err(_) => Err(refused(path, "a binary that is not UTF-8")),
    }
}

fn integer(out: &mut Out, term: Term<'_>) -> Result<()> {
    if let Ok(value) = term.decode::<i64>() {
        return json(out, &value);
    }
    let value: BigInt =
        term.decode().map_err(|_| Stop::Refused(invalid("an integer that cannot be read")))?;
    out.add(value.to_string().as_bytes())
}

fn word(term: Term<'_>) -> Result<String> {
    term.decode::<Atom>()
        .and_then(|_| term.atom_to_string())
        .map_err(|_| Stop::Refused(invalid("an atom that is not UTF-8")))
}

fn list(out: &mut Out, term: Term<'_>, path: &mut Vec<String>) -> Result<()> {
    deeper(path)?;
    out.add(b"[")?;
    let mut rest = term;
    let mut index = 0;
    while !rest.is_empty_list() {
        let (head, tail) =
            rest.list_get_cell().map_err(|_| refused(path, "a list that does not end in []"))?;
        if index > 0 {
            out.add(b",")?;
        }
        path.push(index.to_string());
        write(out, head, path)?;
        path.pop();
        rest = tail;
        index += 1;
    }
    out.add(b"]")
}

fn map(out: &mut Out, term: Term<'_>, path: &mut Vec<String>) -> Result<()> {
    deeper(path)?;
    out.add(b"{")?;
    let entries = MapIterator::new(term).ok_or_else(|| refused(path, "a map"))?;
    for (index, (key, value)) in entries.enumerate() {
        if index > 0 {
            out.add(b",")?;
        }
        let name = key_name(key, path)?;
        if name == "__struct__" {
            return Err(refused(path, "a struct; give a plain map"));
        }
        json(out, &name)?;
        out.add(b":")?;
        path.push(name);
        write(out, value, path)?;
        path.pop();
    }
    out.add(b"}")
}

fn key_name(key: Term<'_>, path: &[String]) -> Result<String> {
    match key.get_type() {
        TermType::Atom => word(key),
        TermType::Integer => key
            .decode::<i64>()
            .map(|value| value.to_string())
            .map_err(|_| refused(path, "a key of that size")),
        TermType::Binary => key
            .decode::<Binary<'_>>()
            .ok()
            .and_then(|binary| String::from_utf8(binary.as_slice().to_vec()).ok())
            .ok_or_else(|| refused(path, "a key that is not UTF-8")),
        other => Err(refused(path, &format!("a key of the type {other:?}").to_lowercase())),
    }
}

fn deeper(path: &[String]) -> Result<()> {
    if path.len() >= DEEPEST { Err(refused(path, "nested this deeply")) } else { Ok(()) }
}

fn refused(path: &[String], what: &str) -> Stop {
    let place = if path.is_empty() { "the value".to_owned() } else { path.join(".") };
    Stop::Refused(invalid(format!(
        "{place}: {what} has no JSON form; use strings, numbers, true, false, nil, lists and maps"
    )))
}
