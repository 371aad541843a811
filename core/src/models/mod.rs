//! Names of models, and options ready-made for a model or a purpose.

mod known;
mod operation;
mod preset;

pub use known::{ALIASES, Suggestions, suggest_models};
pub use operation::ModelOperation;
pub use preset::{option_preset, option_presets};
