//! JSON text to Python objects in one pass, with nothing in between: the same objects as `json.loads` makes.

use std::fmt;

use pyo3::{
    intern,
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyList, PyString},
};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};

use crate::keys::{self, Keys};

/// The Python object for a JSON text.
///
/// What `serde_json` refuses and `json.loads` takes (half a surrogate pair, deep nesting) goes through `json.loads`.
pub(crate) fn loads<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let mut shared = keys::shared();
    let mut own = Keys::default();
    let keys = shared.as_deref_mut().unwrap_or(&mut own);
    loads_with(py, text, keys)
}

/// [`loads`] for many texts: the caller holds the strings.
pub(crate) fn loads_with<'py>(py: Python<'py>, text: &str, keys: &mut Keys) -> PyResult<Bound<'py, PyAny>> {
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = Build { py, keys, repeated: false }
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value));
    match parsed {
        Ok(value) => Ok(value),
        Err(_) => py.import(intern!(py, "json"))?.call_method1(intern!(py, "loads"), (text,)),
    }
}

/// Builds the value that comes next.
pub(crate) struct Build<'a, 'py> {
    pub(crate) py: Python<'py>,
    pub(crate) keys: &'a mut Keys,
    /// Whether a string here is one of a few that come again and again.
    pub(crate) repeated: bool,
}

impl<'de, 'py> DeserializeSeed<'de> for Build<'_, 'py> {
    type Value = Bound<'py, PyAny>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, 'py> Visitor<'de> for Build<'_, 'py> {
    type Value = Bound<'py, PyAny>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.py.None().into_bound(self.py))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(PyBool::new(self.py, value).to_owned().into_any())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        let Ok(object) = value.into_pyobject(self.py);
        Ok(object.into_any())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        let Ok(object) = value.into_pyobject(self.py);
        Ok(object.into_any())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(PyFloat::new(self.py, value).into_any())
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        let string =
            if self.repeated { self.keys.get(self.py, value) } else { PyString::new(self.py, value) };
        Ok(string.into_any())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Self { py, keys, .. } = self;
        let list = PyList::empty(py);
        while let Some(item) = items.next_element_seed(Build { py, keys: &mut *keys, repeated: false })? {
            list.append(item).map_err(A::Error::custom)?;
        }
        Ok(list.into_any())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let Self { py, keys, .. } = self;
        let dict = PyDict::new(py);
        while let Some((key, is_type)) = entries.next_key_seed(Key { py, keys: &mut *keys })? {
            let value = entries.next_value_seed(Build { py, keys: &mut *keys, repeated: is_type })?;
            dict.set_item(key, value).map_err(A::Error::custom)?;
        }
        Ok(dict.into_any())
    }
}

/// The key that comes next, and whether it is `type`, whose values are few.
struct Key<'a, 'py> {
    py: Python<'py>,
    keys: &'a mut Keys,
}

impl<'de, 'py> DeserializeSeed<'de> for Key<'_, 'py> {
    type Value = (Bound<'py, PyString>, bool);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'py> Visitor<'_> for Key<'_, 'py> {
    type Value = (Bound<'py, PyString>, bool);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok((self.keys.get(self.py, key), key == "type"))
    }
}
