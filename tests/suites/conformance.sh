#!/usr/bin/env bash
# The shared scenarios in Rust; the other languages run them in their own suites.
exec bash tests/suites/rust_tests.sh -p madrigal-conformance
