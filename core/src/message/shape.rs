//! How JSON becomes a typed frame and back with nothing lost. Deriving cannot do it: it forgets whether a field was
//! `null` or absent and refuses a whole frame for one field of an unexpected type. Here, whatever the named fields of a
//! type do not express stays in its `extra`, so that writing the type gives the JSON it was read from.

use serde_json::{Map, Number, Value};

/// Where a value is not what its type must be.
#[derive(Debug, PartialEq)]
pub(crate) struct Misfit {
    /// Innermost name first.
    path: Vec<String>,
    expected: &'static str,
}

impl Misfit {
    pub(crate) fn expected(what: &'static str) -> Self {
        Self { path: Vec::new(), expected: what }
    }

    pub(crate) fn inside(mut self, name: impl Into<String>) -> Self {
        self.path.push(name.into());
        self
    }

    /// The path of the field, `message.content`.
    pub(crate) fn path(&self) -> String {
        self.path.iter().rev().map(String::as_str).collect::<Vec<_>>().join(".")
    }

    pub(crate) fn problem(&self) -> String {
        format!("`{}` must be {}", self.path(), self.expected)
    }
}

/// A type that JSON is read into. `read` is only called with a value that `fits`, so it moves text and never fails.
pub(crate) trait Shape: Sized + Default + PartialEq {
    fn fits(value: &Value) -> Result<(), Misfit>;

    fn read(value: Value) -> Self;

    fn write(&self) -> Value;

    /// Whether a value reads as the default, so that the type cannot tell it from an absent one.
    fn says_nothing(value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(false) => true,
            Value::Bool(true) => false,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
        }
    }
}

/// Takes a field out of an object, unless it is absent, says nothing, or has another shape: then it stays.
pub(crate) fn take<T: Shape>(object: &mut Map<String, Value>, name: &str) -> T {
    match object.get(name) {
        Some(value) if !T::says_nothing(value) && T::fits(value).is_ok() => {
            object.remove(name).map(T::read).unwrap_or_default()
        }
        _ => T::default(),
    }
}

/// Takes a field that is known to be there and to fit.
pub(crate) fn take_needed<T: Shape>(object: &mut Map<String, Value>, name: &str) -> T {
    object.remove(name).map(T::read).unwrap_or_default()
}

pub(crate) fn put<T: Shape>(object: &mut Map<String, Value>, name: &str, value: &T) {
    if *value != T::default() {
        object.insert(name.to_owned(), value.write());
    }
}

pub(crate) fn put_needed<T: Shape>(object: &mut Map<String, Value>, name: &str, value: &T) {
    object.insert(name.to_owned(), value.write());
}

pub(crate) fn needed<T: Shape>(object: &Map<String, Value>, name: &str) -> Result<(), Misfit> {
    match object.get(name) {
        Some(value) => T::fits(value),
        None => Err(Misfit::expected("there")),
    }
    .map_err(|misfit| misfit.inside(name))
}

/// That a field, when it is there, is this word.
pub(crate) fn word(object: &Map<String, Value>, name: &str, word: &str) -> Result<(), Misfit> {
    match object.get(name) {
        Some(value) if value != word => Err(Misfit::expected("the word of its type").inside(name)),
        _ => Ok(()),
    }
}

impl Shape for Value {
    fn fits(_: &Value) -> Result<(), Misfit> {
        Ok(())
    }

    fn read(value: Value) -> Self {
        value
    }

    fn write(&self) -> Value {
        self.clone()
    }

    fn says_nothing(value: &Value) -> bool {
        value.is_null()
    }
}

impl Shape for String {
    fn fits(value: &Value) -> Result<(), Misfit> {
        if value.is_string() { Ok(()) } else { Err(Misfit::expected("text")) }
    }

    fn read(value: Value) -> Self {
        match value {
            Value::String(text) => text,
            _ => Self::new(),
        }
    }

    fn write(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Shape for bool {
    fn fits(value: &Value) -> Result<(), Misfit> {
        if value.is_boolean() { Ok(()) } else { Err(Misfit::expected("true or false")) }
    }

    fn read(value: Value) -> Self {
        value == Value::Bool(true)
    }

    fn write(&self) -> Value {
        Value::Bool(*self)
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Shape for $number {
            fn fits(value: &Value) -> Result<(), Misfit> {
                let fits = value.as_u64().is_some_and(|number| <$number>::try_from(number).is_ok());
                if fits { Ok(()) } else { Err(Misfit::expected("a whole number of 0 or more")) }
            }

            fn read(value: Value) -> Self {
                value.as_u64().and_then(|number| number.try_into().ok()).unwrap_or_default()
            }

            fn write(&self) -> Value {
                Value::from(*self)
            }
        }
    )*};
}

whole_numbers!(u16, u32, u64);

/// The largest number below which JavaScript, which wrote it, tells all whole numbers apart: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Shape for f64 {
    fn fits(value: &Value) -> Result<(), Misfit> {
        let number = value.as_f64().filter(|number| value.is_f64() || number.abs() < EXACT);
        if number.is_some() { Ok(()) } else { Err(Misfit::expected("a number")) }
    }

    fn read(value: Value) -> Self {
        value.as_f64().unwrap_or_default()
    }

    /// As JavaScript writes it: a whole number has no fraction.
    fn write(&self) -> Value {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        if self.fract() == 0.0 && self.abs() < EXACT {
            return Value::from(*self as i64);
        }
        Number::from_f64(*self).map_or(Value::Null, Value::Number)
    }
}

impl<T: Shape> Shape for Option<T> {
    fn fits(value: &Value) -> Result<(), Misfit> {
        if value.is_null() { Ok(()) } else { T::fits(value) }
    }

    fn read(value: Value) -> Self {
        if value.is_null() { None } else { Some(T::read(value)) }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }

    fn says_nothing(value: &Value) -> bool {
        value.is_null()
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn fits(value: &Value) -> Result<(), Misfit> {
        let Value::Array(items) = value else { return Err(Misfit::expected("a list")) };
        for (index, item) in items.iter().enumerate() {
            T::fits(item).map_err(|misfit| misfit.inside(index.to_string()))?;
        }
        Ok(())
    }

    fn read(value: Value) -> Self {
        match value {
            Value::Array(items) => items.into_iter().map(T::read).collect(),
            _ => Self::new(),
        }
    }

    fn write(&self) -> Value {
        Value::Array(self.iter().map(T::write).collect())
    }
}

impl<T: Shape> Shape for std::collections::BTreeMap<String, T> {
    fn fits(value: &Value) -> Result<(), Misfit> {
        let Value::Object(fields) = value else { return Err(Misfit::expected("an object")) };
        for (name, field) in fields {
            T::fits(field).map_err(|misfit| misfit.inside(name))?;
        }
        Ok(())
    }

    fn read(value: Value) -> Self {
        match value {
            Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, T::read(field))).collect(),
            _ => Self::new(),
        }
    }

    fn write(&self) -> Value {
        Value::Object(self.iter().map(|(name, field)| (name.clone(), field.write())).collect())
    }
}

impl Shape for Map<String, Value> {
    fn fits(value: &Value) -> Result<(), Misfit> {
        if value.is_object() { Ok(()) } else { Err(Misfit::expected("an object")) }
    }

    fn read(value: Value) -> Self {
        match value {
            Value::Object(fields) => fields,
            _ => Self::new(),
        }
    }

    fn write(&self) -> Value {
        Value::Object(self.clone())
    }
}

#[cfg(test)]
#[allow(unreachable_pub, reason = "the macro makes public types")]
mod tests {
    use serde_json::json;

    use super::*;

    crate::message::shape_macros::shapes! {
        /// A shape.
        pub struct Point("type" = "point") {
            /// A number.
            x: u64 = "x" needed,
            /// A text.
            label: String = "label",
            /// A number with a fraction.
            weight: Option<f64> = "weightKg",
        }
    }

    fn round(value: &Value) -> Value {
        Point::fits(value).unwrap();
        Point::read(value.clone()).write()
    }

    #[test]
    fn null_absent_empty_and_odd_are_told_apart() {
        for value in [
            json!({"type": "point", "x": 1}),
            json!({"type": "point", "x": 0, "label": "", "weightKg": null}),
            json!({"type": "point", "x": 1, "label": "a", "weightKg": 1.5, "new": {"b": []}}),
            json!({"type": "point", "x": 1, "label": null, "weightKg": 3}),
            json!({"type": "point", "x": 1, "label": 7, "weightKg": "heavy"}),
        ] {
            assert_eq!(round(&value), value);
        }
    }

    #[test]
    fn what_must_be_there_is_named() {
        assert_eq!(Point::fits(&json!({"label": "a"})).unwrap_err().problem(), "`x` must be there");
        assert_eq!(
            Point::fits(&json!({"x": -1})).unwrap_err().problem(),
            "`x` must be a whole number of 0 or more"
        );
        assert_eq!(Point::fits(&json!({"type": "line", "x": 1})).unwrap_err().path(), "type");
    }

    #[test]
    fn an_odd_field_stays_reachable() {
        let point = Point::read(json!({"x": 1, "label": 7}));
        assert_eq!((point.label.as_str(), &point.extra["label"]), ("", &json!(7)));
    }
}
