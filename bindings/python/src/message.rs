//! Messages become the dataclasses of the package.
//!
//! Nearly all messages of a busy stream are `stream_event`s, so these are made here: the object without running its
//! `__init__`, its attributes as the dict that the parser has just built. All others go through `madrigal.messages`.

use std::fmt;

use madrigal_bridge::{Message, MessageKind};
use pyo3::{
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyString},
};
use serde::{
    Deserializer as _,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};

use crate::{
    convert::{Build, loads_with},
    keys::Keys,
};

/// The Python object for a message.
pub(crate) fn object<'py>(
    py: Python<'py>,
    message: &Message,
    keys: &mut Keys,
) -> PyResult<Bound<'py, PyAny>> {
    let raw = message.raw();
    if message.kind() == MessageKind::StreamEvent
        && let Some(event) = stream_event(py, raw, keys)?
    {
        return Ok(event);
    }
    static BUILD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let build = BUILD.import(py, "madrigal.messages", "from_wire")?;
    let frame = match loads_with(py, raw, keys) {
        Ok(frame) => frame,
        // Not even `json.loads` can hold it; the line itself is still there.
        Err(_) => {
            let frame = PyDict::new(py);
            frame.set_item(intern!(py, "type"), message.kind_name())?;
            frame.into_any()
        }
    };
    build.call1((frame, raw))
}

/// A `StreamEvent`, or `None` when the frame lacks what one must have.
fn stream_event<'py>(py: Python<'py>, raw: &str, keys: &mut Keys) -> PyResult<Option<Bound<'py, PyAny>>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static NEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let mut json = serde_json::Deserializer::from_str(raw);
    let Ok(attributes) = json.deserialize_map(Attributes { py, keys }) else { return Ok(None) };
    if !attributes.contains(intern!(py, "event"))? {
        return Ok(None);
    }
    attributes.set_item(intern!(py, "raw"), PyString::new(py, raw))?;
    let class = CLASS.import(py, "madrigal.messages", "StreamEvent")?;
    let new = NEW
        .get_or_try_init(py, || py.get_type::<PyAny>().getattr(intern!(py, "__new__")).map(Bound::unbind))?
        .bind(py);
    let event = new.call1((class,))?;
    event.setattr(intern!(py, "__dict__"), attributes)?;
    Ok(Some(event))
}

/// The attributes of a `StreamEvent` as a dict; fields that it has no attribute for are skipped.
struct Attributes<'a, 'py> {
    py: Python<'py>,
    keys: &'a mut Keys,
}

impl<'de, 'py> Visitor<'de> for Attributes<'_, 'py> {
    type Value = Bound<'py, PyDict>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a frame")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let Self { py, keys } = self;
        let attributes = PyDict::new(py);
        let empty = intern!(py, "");
        attributes.set_item(intern!(py, "uuid"), empty).map_err(A::Error::custom)?;
        attributes.set_item(intern!(py, "session_id"), empty).map_err(A::Error::custom)?;
        while let Some(field) = entries.next_key::<Field>()? {
            let (name, repeated) = match field {
                Field::Event => (intern!(py, "event"), false),
                Field::SessionId => (intern!(py, "session_id"), true),
                Field::Uuid => (intern!(py, "uuid"), false),
                Field::ParentToolUseId => (intern!(py, "parent_tool_use_id"), true),
                Field::UserMessageUuid => (intern!(py, "user_message_uuid"), true),
                Field::UserMessageUuids => (intern!(py, "user_message_uuids"), false),
                Field::TtftMs => (intern!(py, "ttft_ms"), false),
                Field::ApiMessageId => (intern!(py, "api_message_id"), true),
                Field::AbandonedBlocks => (intern!(py, "abandoned_blocks"), false),
                Field::Other => {
                    entries.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let value = entries.next_value_seed(Build { py, keys: &mut *keys, repeated })?;
            attributes.set_item(name, value).map_err(A::Error::custom)?;
        }
        Ok(attributes)
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Event,
    SessionId,
    Uuid,
    ParentToolUseId,
    UserMessageUuid,
    UserMessageUuids,
    TtftMs,
    ApiMessageId,
    AbandonedBlocks,
    #[serde(other)]
    Other,
}
