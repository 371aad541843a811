//! The native half of the package.
