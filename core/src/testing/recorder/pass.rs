//! The recorder's process: passes bytes on in both directions, and signals and the exit code as they are.

use std::{
    io::{self, Read, Write},
    os::{
        fd::AsFd as _,
        unix::{net::UnixStream, process::ExitStatusExt as _},
    },
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::{consts, low_level};

use super::{Cassette, PROGRAM, VARIABLE, complain};

pub(super) fn run(program: &str, args: &[String], cassette: Cassette) -> i32 {
    let mut command = Command::new(program);
    command.args(args).env_remove(VARIABLE).env_remove(PROGRAM);
    let mut child = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return complain(&format!("could not start {program}: {error}")),
    };
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    for (number, signal) in
        [(consts::SIGTERM, Signal::TERM), (consts::SIGINT, Signal::INT), (consts::SIGHUP, Signal::HUP)]
    {
        if let Some(pid) = pid {
            forward(number, signal, pid);
        }
    }
    let cassette = Arc::new(cassette);
    if let Some(mut input) = child.stdin.take() {
        let cassette = cassette.clone();
        // Not waited for: the host may keep its end open after the program has gone.
        thread::spawn(move || copy(io::stdin().as_fd(), &mut input, &cassette, "in"));
    }
    if let Some(output) = child.stdout.take() {
        copy(output.as_fd(), &mut io::stdout(), &cassette, "out");
    }
    match child.wait() {
        Ok(status) => status.code().unwrap_or_else(|| {
            // Ends as the program did, so that the host sees the same.
            let signal = status.signal().unwrap_or(consts::SIGKILL);
            drop(low_level::emulate_default_handler(signal));
            128 + signal
        }),
        Err(error) => complain(&format!("could not wait for {program}: {error}")),
    }
}

/// Hands a signal on to the program; what follows is for it to decide.
fn forward(number: i32, signal: Signal, pid: Pid) {
    let Ok((mut ready, write)) = UnixStream::pair() else { return };
    if low_level::pipe::register(number, write).is_ok() {
        thread::spawn(move || {
            let mut byte = [0];
            while matches!(ready.read(&mut byte), Ok(1)) {
                let _ = kill_process(pid, signal);
            }
        });
    }
}

/// Passes bytes on as they come, and writes whole lines down.
fn copy(from: rustix::fd::BorrowedFd<'_>, to: &mut impl Write, cassette: &Cassette, direction: &str) {
    let mut buffer = vec![0; 64 * 1024];
    let mut line = Vec::new();
    loop {
        let count = match rustix::io::read(from, &mut buffer) {
            Ok(count) if count > 0 => count,
            Err(rustix::io::Errno::INTR) => continue,
            _ => break,
        };
        let bytes = &buffer[..count];
        // Written down first: a frame the other side has reacted to stands before the reaction.
        line.extend_from_slice(bytes);
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &line) {
            cassette.line(direction, &line[start..end]);
            start = end + 1;
        }
        line.drain(..start);
        if to.write_all(bytes).and_then(|()| to.flush()).is_err() {
            break;
        }
    }
    cassette.line(direction, &line);
}
