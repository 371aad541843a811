//! The two forms in which typed frames are written down: an object with named fields, and a choice by a field such as
//! `type`. One macro each, so that reading, writing and the catalogue of kinds cannot disagree.

/// Objects. A field is `name: Type = "wire name"`, with `needed` behind it when no frame of the type is without; behind
/// the name stand the fields whose value is fixed.
macro_rules! shapes {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident $(($($tag:literal = $word:literal),*))? {
            $($(#[$field_meta:meta])* $field:ident: $type:ty = $wire:literal $($needed:ident)?,)*
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
            /// What the fields above do not express: fields of newer versions, and those that are `null`, empty or of
            /// another type than documented.
            pub extra: serde_json::Map<String, serde_json::Value>,
        }

        impl $crate::message::shape::Shape for $name {
            fn fits(value: &serde_json::Value) -> Result<(), $crate::message::shape::Misfit> {
                let Some(_object) = value.as_object() else {
                    return Err($crate::message::shape::Misfit::expected("an object"));
                };
                $($($crate::message::shape::word(_object, $tag, $word)?;)*)?
                $($crate::message::shape_macros::shapes!(@fits _object, $type, $wire $(, $needed)?);)*
                Ok(())
            }

            fn read(value: serde_json::Value) -> Self {
                let mut object = <serde_json::Map<_, _> as $crate::message::shape::Shape>::read(value);
                $($(object.remove($tag);)*)?
                Self {
                    $($field: $crate::message::shape_macros::shapes!(@take &mut object, $wire $(, $needed)?),)*
                    extra: object,
                }
            }

            fn write(&self) -> serde_json::Value {
                let mut object = self.extra.clone();
                $($(object.insert($tag.to_owned(), serde_json::Value::from($word));)*)?
                $($crate::message::shape_macros::shapes!(@put &mut object, $wire, &self.$field $(, $needed)?);)*
                serde_json::Value::Object(object)
            }
        }

        impl $name {
            #[allow(dead_code, reason = "only what stands in the catalogue is asked")]
            pub(crate) const FIELDS: &'static [(&'static str, bool)] =
                &[$(($wire, $crate::message::shape_macros::shapes!(@is $($needed)?))),*];
        }

        $crate::message::shape_macros::through_serde!($name);
    )*};
    (@fits $object:ident, $type:ty, $wire:literal) => {};
    (@fits $object:ident, $type:ty, $wire:literal, needed) => {
        $crate::message::shape::needed::<$type>($object, $wire)?;
    };
    (@take $object:expr, $wire:literal) => { $crate::message::shape::take($object, $wire) };
    (@take $object:expr, $wire:literal, needed) => { $crate::message::shape::take_needed($object, $wire) };
    (@put $object:expr, $wire:literal, $value:expr) => { $crate::message::shape::put($object, $wire, $value) };
    (@put $object:expr, $wire:literal, $value:expr, needed) => {
        $crate::message::shape::put_needed($object, $wire, $value)
    };
    (@is) => { false };
    (@is needed) => { true };
}

/// Choices by the value of one field. What has an unknown word, or does not fit, is kept whole in `Other`.
macro_rules! choices {
    (
        $(#[$meta:meta])*
        pub enum $name:ident by $tag:literal {
            $($(#[doc = $about:literal])+ $word:literal => $variant:ident($type:ty),)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[doc = $about])+ $variant($type),)*
            /// Anything else, whole.
            Other(serde_json::Value),
        }

        impl $name {
            #[allow(dead_code, reason = "only what stands in the catalogue is asked")]
            pub(crate) const FIELDS: &'static [(&'static str, bool)] = &[($tag, true)];

            /// Every kind that has a type of its own.
            pub(crate) const KINDS: &'static [$crate::message::KindInfo] = &[$(
                $crate::message::KindInfo {
                    word: $word,
                    rust: stringify!($type),
                    about: concat!($($about),+),
                    fields: <$type>::FIELDS,
                }
            ),*];

            /// Reads a value, or says why one of a known kind does not fit its type.
            #[allow(dead_code, reason = "blocks and events are kept whole instead")]
            pub(crate) fn strict(value: serde_json::Value) -> Result<Self, $crate::message::shape::Misfit> {
                use $crate::message::shape::Shape;
                match value.get($tag).and_then(serde_json::Value::as_str) {
                    $(Some($word) => <$type>::fits(&value).map(|()| Self::$variant(<$type>::read(value))),)*
                    _ => Ok(Self::Other(value)),
                }
            }

            /// The word that says which kind this is; `""` when it has none.
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $word,)*
                    Self::Other(value) => value.get($tag).and_then(serde_json::Value::as_str).unwrap_or_default(),
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other(serde_json::Value::Null)
            }
        }

        impl From<serde_json::Value> for $name {
            /// Never fails: what is not understood is `Other`.
            fn from(value: serde_json::Value) -> Self {
                <Self as $crate::message::shape::Shape>::read(value)
            }
        }

        impl $crate::message::shape::Shape for $name {
            fn fits(_: &serde_json::Value) -> Result<(), $crate::message::shape::Misfit> {
                Ok(())
            }

            fn read(value: serde_json::Value) -> Self {
                match value.get($tag).and_then(serde_json::Value::as_str) {
                    $(Some($word) if <$type>::fits(&value).is_ok() => Self::$variant(<$type>::read(value)),)*
                    _ => Self::Other(value),
                }
            }

            fn write(&self) -> serde_json::Value {
                match self {
                    $(Self::$variant(inner) => inner.write(),)*
                    Self::Other(value) => value.clone(),
                }
            }

            fn says_nothing(value: &serde_json::Value) -> bool {
                value.is_null()
            }
        }

        $crate::message::shape_macros::through_serde!($name);
    };
}

/// `Serialize` and `Deserialize` for a shape.
macro_rules! through_serde {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(&$crate::message::shape::Shape::write(self), serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <serde_json::Value as serde::Deserialize>::deserialize(deserializer)?;
                match <Self as $crate::message::shape::Shape>::fits(&value) {
                    Ok(()) => Ok(<Self as $crate::message::shape::Shape>::read(value)),
                    Err(misfit) => Err(serde::de::Error::custom(misfit.problem())),
                }
            }
        }
    };
}

pub(crate) use {choices, shapes, through_serde};
