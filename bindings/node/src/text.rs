//! Text on its way to JavaScript.
//!
//! A batch is one string, `[line,line,...]`, so that JavaScript parses it in one go. Most batches are plain ASCII, which
//! V8 can copy as it is; telling it so saves it the decoding.

// The one place of this crate that needs the C interface itself: the library offers one-byte strings only together
// with a text-encoding library that nothing else here needs.
#![allow(unsafe_code)]

use std::{cell::Cell, ptr};

use napi::{Result, bindgen_prelude::ToNapiValue, check_status, sys};

thread_local! {
    /// The memory of the last text, for the next: a busy stream makes thousands of them.
    static SPARE: Cell<String> = const { Cell::new(String::new()) };
}

/// How much memory is kept between two texts.
const SPARE_BYTES: usize = 1024 * 1024;

/// A JSON array made of texts that are JSON already. It becomes a one-byte string of the engine where it can.
pub struct Text(String);

impl Text {
    /// An empty array.
    pub(crate) fn new() -> Self {
        let mut text = SPARE.take();
        text.push('[');
        Self(text)
    }

    /// Adds an element.
    pub(crate) fn push(&mut self, part: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(part);
    }

    /// Its length so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, Self(mut text): Self) -> Result<sys::napi_value> {
        text.push(']');
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
        if text.capacity() <= SPARE_BYTES {
            text.clear();
            SPARE.set(text);
        }
        check_status!(status, "the text of a batch ({length} bytes) is longer than a string may be")?;
        Ok(value)
    }
}
