//! Waits for many descriptors at once, for the one thread that looks after processes.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(super) use linux::{Bell, Poller};

// Also compiled for tests everywhere, so that it cannot rot.
#[cfg(any(test, not(target_os = "linux")))]
mod portable;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{Bell, Poller};

#[cfg(test)]
mod tests {
    use std::{io::Write, time::Duration};

    macro_rules! behaves {
        ($name:ident, $imp:ident) => {
            #[test]
            fn $name() {
                use super::$imp::{Bell, Poller};
                let poller = Poller::new().unwrap();
                let bell = Bell::new().unwrap();
                let (reader, mut writer) = std::io::pipe().unwrap();
                poller.add(&bell, 0).unwrap();
                poller.add(&reader, 7).unwrap();
                let ready = |timeout| {
                    let mut ready = Vec::new();
                    poller.wait(timeout, &mut ready);
                    ready.sort_unstable();
                    ready
                };
                assert!(ready(Some(Duration::ZERO)).is_empty());
                bell.ring();
                bell.ring();
                assert_eq!(ready(None), [0]);
                bell.silence();
                writer.write_all(b"x").unwrap();
                assert_eq!(ready(None), [7]);
                poller.remove(&reader, 7);
                assert!(ready(Some(Duration::ZERO)).is_empty());
            }
        };
    }

    #[cfg(target_os = "linux")]
    behaves!(with_epoll, linux);
    behaves!(with_poll, portable);
}
