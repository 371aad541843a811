//! `ClaudeCodeSDK.JSON`: the same decoder and encoder for whoever needs them.

use madrigal_bridge::Result;
use rustler::{Binary, Encoder, Env, NewBinary, Term};

use crate::{
    QUICK_BYTES, atoms, decode,
    encode::{self, Stop},
    error,
};

#[rustler::nif]
fn json_decode<'a>(env: Env<'a>, text: Binary<'a>) -> Term<'a> {
    error::returning(env, || decoded(env, &text))
}

/// For texts that take longer than a normal scheduler should be busy.
#[rustler::nif(schedule = "DirtyCpu")]
fn json_decode_big<'a>(env: Env<'a>, text: Binary<'a>) -> Term<'a> {
    error::returning(env, || decoded(env, &text))
}

/// `:big` when the text is longer than a normal scheduler should write.
#[rustler::nif]
fn json_encode<'a>(env: Env<'a>, term: Term<'a>) -> Term<'a> {
    error::returning(env, || encoded(env, term, QUICK_BYTES))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn json_encode_big<'a>(env: Env<'a>, term: Term<'a>) -> Term<'a> {
    error::returning(env, || encoded(env, term, usize::MAX))
}

fn encoded<'a>(env: Env<'a>, term: Term<'a>, limit: usize) -> Result<Term<'a>> {
    match encode::text(term, limit) {
        Ok(text) => Ok(NewBinary::from_slice(env, &text).into()),
        Err(Stop::Long) => Ok(atoms::big().encode(env)),
        Err(Stop::Refused(error)) => Err(error),
    }
}

fn decoded<'a>(env: Env<'a>, text: &[u8]) -> Result<Term<'a>> {
    let text = std::str::from_utf8(text)
        .map_err(|error| error::invalid(format!("not UTF-8 after {} bytes", error.valid_up_to())))?;
    decode::text(env, text).map_err(|error| error::invalid(format!("not JSON: {error}")))
}
