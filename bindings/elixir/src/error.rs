//! Errors as the maps that `ClaudeCodeSDK.Error` is made of.

use madrigal_bridge::{Error, ErrorKind, Result, catch};
use rustler::{Encoder, Env, Term};

use crate::{atoms, decode};

/// The wire form of an error as a term with string keys.
pub(crate) fn to_term<'a>(env: Env<'a>, error: &Error) -> Term<'a> {
    decode::text(env, &error.to_json().to_string()).unwrap_or_else(|_| atoms::nil().encode(env))
}

/// `{:ok, term}` or `{:error, map}`; a panic on the way is an `internal` error.
pub(crate) fn returning<'a>(env: Env<'a>, body: impl FnOnce() -> Result<Term<'a>>) -> Term<'a> {
    // The state behind the handles is guarded by locks that tolerate a panic.
    match catch(std::panic::AssertUnwindSafe(body)) {
        Ok(term) => (atoms::ok(), term).encode(env),
        Err(error) => failed(env, &error),
    }
}

pub(crate) fn failed<'a>(env: Env<'a>, error: &Error) -> Term<'a> {
    (atoms::error(), to_term(env, error)).encode(env)
}

/// An argument that cannot be used.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
