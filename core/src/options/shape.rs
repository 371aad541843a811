//! Values that may be written in more than one shape: the shape says which is meant, and errors keep the path of the field.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{
        MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

/// A type that is read from a text, a list or an object. What it does not take stays the default, a refusal.
pub(super) trait Shape<'de>: Sized {
    /// What is taken, for the message of a refusal.
    const EXPECTED: &'static str;

    /// Reads a text.
    fn text(_text: String) -> Option<Self> {
        None
    }

    /// Reads a list.
    fn list<A: SeqAccess<'de>>(_list: SeqAccessDeserializer<A>) -> Result<Self, A::Error> {
        Err(serde::de::Error::custom(format_args!("a list; expected {}", Self::EXPECTED)))
    }

    /// Reads an object.
    fn object<A: MapAccess<'de>>(_object: MapAccessDeserializer<A>) -> Result<Self, A::Error> {
        Err(serde::de::Error::custom(format_args!("an object; expected {}", Self::EXPECTED)))
    }
}

/// Reads a value whose shape decides.
pub(super) fn read<'de, D: Deserializer<'de>, T: Shape<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Reader<T>(PhantomData<T>);

    impl<'de, T: Shape<'de>> Visitor<'de> for Reader<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::EXPECTED)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            // The text itself stays out of the message: it may be a whole prompt, or a secret.
            T::text(text.to_owned())
                .ok_or_else(|| E::custom(format_args!("invalid text, expected {}", T::EXPECTED)))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
            T::list(SeqAccessDeserializer::new(list))
        }

        fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
            T::object(MapAccessDeserializer::new(object))
        }
    }

    deserializer.deserialize_any(Reader(PhantomData))
}
