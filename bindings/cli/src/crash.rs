//! What is left behind when this program crashes: nothing that holds the credential of a run.

use madrigal::redact::redact;

use crate::output;

/// Called first of all. No core is dumped, neither of this program nor of those it starts (they may raise their limit again), and the text
/// of a panic is shown without secrets.
pub(crate) fn leave_no_secrets() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let maximum = getrlimit(Resource::Core).maximum;
        // Lowering the limit is always allowed; where it is not, there is no other way.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    }
    std::panic::set_hook(Box::new(|panic| {
        output::complain(&format!("a defect in Madrigal, please report it: {}", redact(&panic.to_string())));
        // Frames have names and no values.
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            output::complain(&trace.to_string());
        }
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// Not a test: what crashes.
    #[test]
    #[ignore = "run by the test below"]
    fn crashes() {
        super::leave_no_secrets();
        let held = madrigal::auth::Secret::from("test-canary-by-value");
        panic!("no way on with sk-ant-oat01-test-canary, {} and password=test-canary", held.expose());
    }

    #[test]
    fn the_text_of_a_panic_is_shown_without_secrets() {
        let crash = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::tests::crashes", "--ignored", "--nocapture"])
            .output()
            .unwrap();
        let told = String::from_utf8([crash.stdout, crash.stderr].concat()).unwrap();
        assert!(told.contains("please report it") && told.contains("no way on with"), "{told}");
        assert!(!told.contains("test-canary"), "{told}");
    }
}
