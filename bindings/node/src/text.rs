//! Text on its way to JavaScript.
//!
//! A batch is one string, `[line,line,...]`, so that JavaScript parses it in one go. Most batches are plain ASCII, which
//! V8 can copy as it is; telling it so saves it the decoding.

// The one place of this crate that needs the C interface itself: the library offers one-byte strings only together
// with a text-encoding library that nothing else here needs.
#![allow(unsafe_code)]

use std::ptr;

use napi::{Result, bindgen_prelude::ToNapiValue, check_status, sys};

/// A string that becomes a one-byte string of the engine where it can.
pub struct Text(String);

impl Text {
    /// A JSON array of texts that are JSON already.
    pub(crate) fn array<'a>(parts: impl Iterator<Item = &'a str>, bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes + 2);
        text.push('[');
        for part in parts {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(part);
        }
        text.push(']');
        Self(text)
    }
}

impl ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, Self(text): Self) -> Result<sys::napi_value> {
        let (start, length) = (text.as_ptr().cast(), text.len() as isize);
        let mut value = ptr::null_mut();
        // SAFETY: `env` is the environment of this call; the engine copies `length` bytes of `text`, which lives on.
        let status = unsafe {
            if text.is_ascii() {
                sys::napi_create_string_latin1(env, start, length, &mut value)
            } else {
                sys::napi_create_string_utf8(env, start, length, &mut value)
            }
        };
        check_status!(status, "the text of a batch ({length} bytes) is longer than a string may be")?;
        Ok(value)
    }
}
