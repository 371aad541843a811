//! How an error crosses: as a JavaScript `Error` whose message is the wire form, JSON text. `node/src/errors.ts` turns
//! it into a class; doing that here would mean reaching into JavaScript from native code for every kind.

use madrigal_bridge::Error;

/// The exception JavaScript sees.
pub(crate) fn thrown(error: &Error) -> napi::Error {
    napi::Error::from_reason(error.to_json().to_string())
}
