//! The `madrigal` command.

fn main() {
    // First of all: as the simulator this program must start in a millisecond.
    if let Some(code) = madrigal::testing::simulator::main_from_env() {
        std::process::exit(code);
    }
}
