//! Work that belongs to no session, on the thread pool: the event loop goes on while files are read.
#![allow(unreachable_pub, reason = "what napi exports has to be pub")]
#![cfg_attr(test, allow(dead_code, reason = "what napi exports is called by Node.js, which no test here is"))]

use std::panic::AssertUnwindSafe;

use madrigal_bridge as bridge;
use napi::{Env, Result, Task, bindgen_prelude::AsyncTask};
use napi_derive::napi;

use crate::error::thrown;

/// A request on its way.
pub struct Invocation(String);

impl Task for Invocation {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> Result<String> {
        bridge::catch(AssertUnwindSafe(|| bridge::invoke(&self.0))).map_err(|error| thrown(&error))
    }

    fn resolve(&mut self, _env: Env, output: String) -> Result<String> {
        Ok(output)
    }
}

/// The same at once, on the thread that asks: for work that only calculates.
#[napi(catch_unwind)]
pub fn invoke_now(request: String) -> Result<String> {
    bridge::invoke(&request).map_err(|error| thrown(&error))
}

/// Carries out `{"operation": "...", ...}`; the promise gives the result as JSON text.
#[napi(catch_unwind)]
pub fn invoke(request: String) -> AsyncTask<Invocation> {
    AsyncTask::new(Invocation(request))
}
