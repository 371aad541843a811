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
