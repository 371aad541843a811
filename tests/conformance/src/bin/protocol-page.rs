//! Prints `docs/protocol.md`.

#[expect(clippy::print_stdout, reason = "it is what this program is for")]
fn main() {
    print!("{}", madrigal_conformance::protocol_page());
}
