//! The environment of the process. The BEAM copies it when it starts and changes only its copy, so a package that wants to
//! know what was changed needs the original.

use std::os::unix::ffi::OsStrExt;

use madrigal_bridge as bridge;
use rustler::{Encoder, Env, OwnedBinary, Term};

use crate::error;

/// `{variables, needed}`: names and values of this process as bytes, and the patterns of names that a program always inherits.
#[rustler::nif]
fn environment(env: Env<'_>) -> Term<'_> {
    error::returning(env, || {
        let variables = std::env::vars_os()
            .map(|(name, value)| (bytes(env, name.as_bytes()), bytes(env, value.as_bytes())))
            .collect::<Vec<_>>();
        Ok((variables, bridge::NEEDED_VARIABLES.to_vec()).encode(env))
    })
}

fn bytes<'a>(env: Env<'a>, bytes: &[u8]) -> Term<'a> {
    let mut binary = OwnedBinary::new(bytes.len());
    binary.as_mut_slice().copy_from_slice(bytes);
    binary.release(env).encode(env)
}
