//! JSON text to terms, straight into the memory of the calling process: objects are maps with string keys, as the
//! usual JSON libraries of Elixir make them.
//!
//! The fast way is one pass of serde_json. What it cannot carry (integers beyond 64 bits, halves of a surrogate pair,
//! which JavaScript writes when it cuts a string) goes the exact way, value by value.

use std::{cell::RefCell, fmt, mem::MaybeUninit};

use rustler::{
    BigInt, Encoder, Env, Term,
    sys::{enif_make_list_from_array, enif_make_map_from_arrays, enif_make_map_put, enif_make_new_map},
};
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::{atoms, strings::Strings};

/// A term without its lifetime: it lives as long as the environment of the decoder that made it.
type Raw = rustler::sys::ErlNifTerm;

/// Values nested deeper than this stay JSON text: the threads of the BEAM have small stacks.
const DEEPEST: u32 = 100;

/// Integers longer than this stay text: reading them takes time that grows with the square of their length.
const MOST_DIGITS: usize = 4300;

/// The term for a JSON text.
pub(crate) fn text<'a>(env: Env<'a>, json: &str) -> Result<Term<'a>, serde_json::Error> {
    Decoder::new(env, Strings::fresh(env)).text(json)
}

/// Decodes many texts with the same scratch memory.
pub(crate) struct Decoder<'a> {
    env: Env<'a>,
    strings: Strings<'a>,
    // Keys and values of the objects and arrays that are being read, innermost last.
    keys: RefCell<Vec<Raw>>,
    values: RefCell<Vec<Raw>>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(env: Env<'a>, strings: Strings<'a>) -> Self {
        Self { env, strings, keys: RefCell::default(), values: RefCell::default() }
    }

    pub(crate) fn text(&self, json: &str) -> Result<Term<'a>, serde_json::Error> {
        let raw = self.parse(json, Seed { decoder: self, depth: 0, exact: false }).or_else(|_| {
            self.keys.borrow_mut().clear();
            self.values.borrow_mut().clear();
            self.exact(serde_json::from_str::<&RawValue>(json)?, 0)
        })?;
        // SAFETY: the term was made in this environment.
        Ok(unsafe { Term::new(self.env, raw) })
    }

    fn parse(&self, json: &str, seed: Seed<'_, 'a>) -> Result<Raw, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let raw = seed.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(raw)
    }

    fn string(&self, text: &str) -> Raw {
        self.strings.term(text)
    }

    fn term(&self, value: impl Encoder) -> Raw {
        value.encode(self.env).as_c_arg()
    }

    fn list(&self, from: usize) -> Raw {
        let mut values = self.values.borrow_mut();
        let items = &values[from..];
        // SAFETY: the slice holds terms of this environment; its length is given.
        let list =
            unsafe { enif_make_list_from_array(self.env.as_c_arg(), items.as_ptr(), items.len() as _) };
        values.truncate(from);
        list
    }

    fn map(&self, keys_from: usize, values_from: usize) -> Raw {
        let mut keys = self.keys.borrow_mut();
        let mut values = self.values.borrow_mut();
        let map = self.make_map(&keys[keys_from..], &values[values_from..]);
        keys.truncate(keys_from);
        values.truncate(values_from);
        map
    }

    fn make_map(&self, keys: &[Raw], values: &[Raw]) -> Raw {
        let env = self.env.as_c_arg();
        let mut map = MaybeUninit::uninit();
        // SAFETY: both slices hold terms of this environment and have the same length; `map` is read only when the
        // function says that it wrote it.
        unsafe {
            if enif_make_map_from_arrays(env, keys.as_ptr(), values.as_ptr(), keys.len(), map.as_mut_ptr())
                != 0
            {
                return map.assume_init();
            }
        }
        // A key came twice: the last one counts.
        // SAFETY: as above.
        unsafe {
            let mut map = enif_make_new_map(env);
            for (key, value) in keys.iter().zip(values) {
                enif_make_map_put(env, map, *key, *value, &mut map);
            }
            map
        }
    }

    /// One value whose text is known.
    fn exact<E: serde::de::Error>(&self, raw: &RawValue, depth: u32) -> Result<Raw, E> {
        let json = raw.get();
        match json.as_bytes().first() {
            Some(b'"') => lossy(json).map(|text| self.string(&text)).map_err(E::custom),
            Some(b'{' | b'[') if depth >= DEEPEST => Ok(self.string(json)),
            Some(b'-' | b'0'..=b'9') if !json.contains(['.', 'e', 'E']) => match json.parse::<i64>() {
                Ok(integer) => Ok(self.term(integer)),
                Err(_) if json.len() > MOST_DIGITS => Ok(self.string(json)),
                Err(_) => json.parse::<BigInt>().map(|integer| self.term(integer)).map_err(E::custom),
            },
            Some(b'-' | b'0'..=b'9') => Ok(match json.parse::<f64>() {
                Ok(float) if float.is_finite() => self.term(float),
                // Larger than any float.
                _ => self.string(json),
            }),
            _ => self.parse(json, Seed { decoder: self, depth, exact: true }).map_err(E::custom),
        }
    }
}

/// A JSON string in which half a surrogate pair becomes the replacement character.
fn lossy(json: &str) -> Result<String, serde_json::Error> {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
            // Half a pair arrives as ED A0..BF xx, which is never part of valid UTF-8.
            let mut bytes = bytes.to_vec();
            for at in 0..bytes.len().saturating_sub(2) {
                if bytes[at] == 0xED && bytes[at + 1] >= 0xA0 {
                    bytes[at..at + 3].copy_from_slice("\u{FFFD}".as_bytes());
                }
            }
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
    }
    serde::Deserializer::deserialize_bytes(&mut serde_json::Deserializer::from_str(json), Bytes)
}

#[derive(Clone, Copy)]
struct Seed<'d, 'a> {
    decoder: &'d Decoder<'a>,
    depth: u32,
    exact: bool,
}

impl<'d, 'a> Seed<'d, 'a> {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= DEEPEST && !self.exact {
            return Err(E::custom("nested too deeply for the fast way"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Raw;
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(self.decoder.term(atoms::nil()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(self.decoder.term(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(self.decoder.term(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(self.decoder.term(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Raw, E> {
        // serde_json turns an integer that needs more than 64 bits into a float of at least this size.
        if !self.exact && value.abs() >= 9.2e18 {
            return Err(E::custom("perhaps a big integer"));
        }
        Ok(self.decoder.term(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(self.decoder.string(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let decoder = self.decoder;
        let from = decoder.values.borrow().len();
        let inner = self.inner()?;
        if self.exact {
            while let Some(raw) = items.next_element::<&RawValue>()? {
                let value = decoder.exact(raw, inner.depth)?;
                decoder.values.borrow_mut().push(value);
            }
        } else {
            while let Some(value) = items.next_element_seed(inner)? {
                decoder.values.borrow_mut().push(value);
            }
        }
        Ok(decoder.list(from))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let decoder = self.decoder;
        let (keys_from, values_from) = (decoder.keys.borrow().len(), decoder.values.borrow().len());
        let inner = self.inner()?;
        while let Some(key) = entries.next_key_seed(Key(decoder))? {
            decoder.keys.borrow_mut().push(key);
            let value = if self.exact {
                decoder.exact(entries.next_value::<&RawValue>()?, inner.depth)?
            } else {
                entries.next_value_seed(inner)?
            };
            decoder.values.borrow_mut().push(value);
        }
        if decoder.keys.borrow().len() - keys_from != decoder.values.borrow().len() - values_from {
            return Err(A::Error::custom("a key without a value"));
        }
        Ok(decoder.map(keys_from, values_from))
    }
}

struct Key<'d, 'a>(&'d Decoder<'a>);

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = Raw;
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_str(Seed { decoder: self.0, depth: 0, exact: false })
    }
}
