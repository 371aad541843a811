//! The functions of a session, as `docs/boundary.md` lists them.

use std::{sync::PoisonError, time::Duration};

use madrigal_bridge::{self as bridge, Close, Error, ErrorKind, Item, Result};
use rustler::{Atom, Encoder, Env, ResourceArc, Term};

use crate::{
    QUICK_BYTES, atoms,
    decode::{self, Decoder},
    error,
    handle::{Handle, Taken},
    strings::Strings,
    wake::{Targets, Waker},
};

/// A call to `drain` decodes at most this many messages ...
const MOST_ITEMS: usize = 64;
/// ... and stops after this many bytes. A line longer than this is left to `drain_big`.
const MOST_BYTES: usize = QUICK_BYTES;
/// Messages kept while the program has not answered `initialize`.
const EARLY: usize = 100_000;
/// Taken from the core at a time, so that few lines wait here when they are big.
const CHUNK: usize = 16;

/// Starts a session that belongs to the calling process.
#[rustler::nif]
fn open<'a>(env: Env<'a>, request: &str) -> Term<'a> {
    started(env, request)
}

/// The same for a long request: a system prompt may have any length.
#[rustler::nif(schedule = "DirtyCpu")]
fn open_big<'a>(env: Env<'a>, request: &str) -> Term<'a> {
    started(env, request)
}

fn started<'a>(env: Env<'a>, request: &str) -> Term<'a> {
    error::returning(env, || {
        let owner = env.pid();
        let targets = Targets::new(owner);
        let id = bridge::open(request, std::sync::Arc::new(Waker(targets.clone())))?;
        let handle = ResourceArc::new(Handle::new(id, targets));
        if env.monitor(&handle, &owner).is_none() {
            bridge::close(id, Close::Now);
        }
        Ok((handle, id).encode(env))
    })
}

/// Wakes the calling process too, from now on.
#[rustler::nif]
fn attach(env: Env<'_>, handle: ResourceArc<Handle>) -> Atom {
    handle.targets.attach(env.pid());
    atoms::ok()
}

/// After this returns, the calling process gets no new wake.
#[rustler::nif]
fn detach(env: Env<'_>, handle: ResourceArc<Handle>) -> Atom {
    handle.targets.detach(env.pid());
    atoms::ok()
}

#[rustler::nif]
fn submit<'a>(env: Env<'a>, handle: ResourceArc<Handle>, command: &str) -> Term<'a> {
    submitted(env, &handle, command)
}

/// The same for a long command.
#[rustler::nif(schedule = "DirtyCpu")]
fn submit_big<'a>(env: Env<'a>, handle: ResourceArc<Handle>, command: &str) -> Term<'a> {
    submitted(env, &handle, command)
}

fn submitted<'a>(env: Env<'a>, handle: &Handle, command: &str) -> Term<'a> {
    error::returning(env, || {
        bridge::submit(handle.id, command)?;
        Ok(atoms::nil().encode(env))
    })
}

/// The answer of a policy as JSON text. A budget may write to its ledger.
#[rustler::nif(schedule = "DirtyIo")]
fn decide<'a>(env: Env<'a>, handle: ResourceArc<Handle>, question: &str) -> Term<'a> {
    error::returning(env, || Ok(bridge::decide(handle.id, question)?.encode(env)))
}

/// The waiting signals as JSON texts.
#[rustler::nif]
fn signals(env: Env<'_>, handle: ResourceArc<Handle>) -> Term<'_> {
    error::returning(env, || Ok(bridge::signals(handle.id)?.encode(env)))
}

/// `{items, end}`; `:big` when the next line is long enough for `drain_big`. Only `{[], nil}` means: wait for a wake.
#[rustler::nif]
fn drain(env: Env<'_>, handle: ResourceArc<Handle>) -> Term<'_> {
    error::returning(env, || batch(env, &handle, false))
}

/// The next line, however long.
#[rustler::nif(schedule = "DirtyCpu")]
fn drain_big(env: Env<'_>, handle: ResourceArc<Handle>) -> Term<'_> {
    error::returning(env, || batch(env, &handle, true))
}

/// The end, for who waits until the program is ready. Messages in front of it are kept for the reader.
#[rustler::nif]
fn ended(env: Env<'_>, handle: ResourceArc<Handle>) -> Term<'_> {
    error::returning(env, || {
        let mut taken = handle.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.end.is_none() {
            if taken.items.len() > EARLY {
                let text = format!("{EARLY} messages came before the answer to `initialize`");
                return Err(Error::new(ErrorKind::Protocol, text).operation("open"));
            }
            let batch = bridge::drain(handle.id, CHUNK)?;
            if batch.items.is_empty() && batch.end.is_none() {
                break;
            }
            taken.items.extend(batch.items);
            taken.end = batch.end;
        }
        end(env, &taken)
    })
}

/// Throws away what waits: `nil`, `:more`, or the end.
#[rustler::nif]
fn discard(env: Env<'_>, handle: ResourceArc<Handle>) -> Term<'_> {
    error::returning(env, || {
        let mut taken = handle.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.items.clear();
        refill(&handle, &mut taken, 1024)?;
        if taken.items.is_empty() || taken.end.is_some() {
            taken.items.clear();
            end(env, &taken)
        } else {
            taken.items.clear();
            Ok(atoms::more().encode(env))
        }
    })
}

#[rustler::nif]
fn close(handle: ResourceArc<Handle>, how: Atom) -> Atom {
    bridge::close(handle.id, if how == atoms::graceful() { Close::Graceful } else { Close::Now });
    atoms::ok()
}

#[rustler::nif]
fn release(handle: ResourceArc<Handle>) -> Atom {
    handle.targets.clear();
    bridge::release(handle.id);
    atoms::ok()
}

/// Work that belongs to no session: its result as JSON text. Reads files.
#[rustler::nif(schedule = "DirtyIo")]
fn invoke<'a>(env: Env<'a>, request: &str) -> Term<'a> {
    error::returning(env, || Ok(bridge::invoke(request)?.encode(env)))
}

#[rustler::nif(schedule = "DirtyIo")]
fn shutdown(timeout_ms: u64) -> Atom {
    bridge::shutdown(Duration::from_millis(timeout_ms));
    atoms::ok()
}

fn refill(handle: &Handle, taken: &mut Taken, max: usize) -> Result<()> {
    if taken.items.is_empty() && taken.end.is_none() {
        let batch = bridge::drain(handle.id, max)?;
        taken.items.extend(batch.items);
        taken.end = batch.end;
    }
    Ok(())
}

fn batch<'a>(env: Env<'a>, handle: &Handle, big: bool) -> Result<Term<'a>> {
    let mut taken = handle.taken.lock().unwrap_or_else(PoisonError::into_inner);
    let decoder = Decoder::new(env, Strings::kept(env));
    let mut terms: Vec<Term<'a>> = Vec::with_capacity(MOST_ITEMS);
    let mut bytes = 0;
    while terms.len() < MOST_ITEMS && bytes < MOST_BYTES {
        refill(handle, &mut taken, CHUNK)?;
        let Some(next) = taken.items.front() else { break };
        let length = size(next);
        if length > MOST_BYTES && !(big && terms.is_empty()) {
            if terms.is_empty() {
                return Ok(atoms::big().encode(env));
            }
            break;
        }
        if let Some(item) = taken.items.pop_front() {
            terms.push(term(env, &decoder, &item));
            bytes += length;
        }
    }
    rustler::schedule::consume_timeslice(env, (bytes * 10 / MOST_BYTES).clamp(1, 10) as i32);
    let end = if taken.items.is_empty() { end(env, &taken)? } else { atoms::nil().encode(env) };
    Ok((terms, end).encode(env))
}

fn size(item: &Item) -> usize {
    match item {
        Item::Message(message) => message.raw().len(),
        Item::Error(_) => 0,
    }
}

/// A message as its decoded frame, an error as `{:error, map}`.
fn term<'a>(env: Env<'a>, decoder: &Decoder<'a>, item: &Item) -> Term<'a> {
    match item {
        Item::Message(message) => decoder.text(message.raw()).unwrap_or_else(|problem| {
            let error = bridge::Error::new(
                bridge::ErrorKind::Protocol,
                format!("a frame that cannot be read: {problem}"),
            )
            .operation("read");
            error::failed(env, &error)
        }),
        Item::Error(error) => error::failed(env, error),
    }
}

fn end<'a>(env: Env<'a>, taken: &Taken) -> Result<Term<'a>> {
    match &taken.end {
        None => Ok(atoms::nil().encode(env)),
        Some(end) => decode::text(env, &end.to_string())
            .map_err(|error| bridge::Error::new(bridge::ErrorKind::Internal, error.to_string())),
    }
}
