//! `ClaudeCodeSDK.JSON`: the same decoder and encoder for whoever needs them.

use madrigal_bridge::Result;
use rustler::{Binary, Env, NewBinary, Term};

use crate::{decode, encode, error};

#[rustler::nif]
fn json_decode<'a>(env: Env<'a>, text: Binary<'a>) -> Term<'a> {
    error::returning(env, || decoded(env, &text))
}

/// For texts that take longer than a normal scheduler should be busy.
#[rustler::nif(schedule = "DirtyCpu")]
fn json_decode_big<'a>(env: Env<'a>, text: Binary<'a>) -> Term<'a> {
    error::returning(env, || decoded(env, &text))
}

#[rustler::nif]
fn json_encode<'a>(env: Env<'a>, term: Term<'a>) -> Term<'a> {
    error::returning(env, || Ok(NewBinary::from_slice(env, &encode::text(term)?).into()))
}

fn decoded<'a>(env: Env<'a>, text: &[u8]) -> Result<Term<'a>> {
    let text = std::str::from_utf8(text)
        .map_err(|error| error::invalid(format!("not UTF-8 after {} bytes", error.valid_up_to())))?;
    decode::text(env, text).map_err(|error| error::invalid(format!("not JSON: {error}")))
}
