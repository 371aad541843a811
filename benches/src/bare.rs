//! The yardstick: a process, a pipe and a loop over lines. It writes the bytes that every contender writes (initialize and
//! the prompt), reads up to the result, ends the input and waits for the exit. It understands nothing of what it reads but
//! where the result is.
#![allow(clippy::print_stdout)] // The result is one line on stdout.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

const OPENING: &[u8] = br#"{"type":"control_request","request_id":"1","request":{"subtype":"initialize"}}
{"type":"user","message":{"role":"user","content":"hi"},"parent_tool_use_id":null,"session_id":""}
"#;

/// Starts the program and writes the opening.
fn start() -> io::Result<(Child, ChildStdin, BufReader<ChildStdout>)> {
    let mut child = Command::new(std::env::var("BENCH_CLI").expect("BENCH_CLI names the program"))
        .args(["--output-format", "stream-json", "--input-format", "stream-json", "--verbose"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take().expect("piped");
    let output = BufReader::with_capacity(64 * 1024, child.stdout.take().expect("piped"));
    input.write_all(OPENING)?;
    Ok((child, input, output))
}

/// Reads lines up to the result; returns how many there were.
fn read_result(output: &mut impl BufRead) -> io::Result<u64> {
    let result = memchr::memmem::Finder::new(br#""type":"result""#);
    let (mut line, mut lines) = (Vec::new(), 0);
    loop {
        line.clear();
        if output.read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        lines += 1;
        if result.find(&line).is_some() {
            return Ok(lines);
        }
    }
}

/// From here to the exit: end the input, drain what is left, reap.
fn finish(mut child: Child, input: ChildStdin, mut output: BufReader<ChildStdout>) -> io::Result<()> {
    drop(input);
    io::copy(&mut output, &mut io::sink())?;
    child.wait().map(drop)
}

fn one() -> io::Result<u64> {
    let (child, input, mut output) = start()?;
    let lines = read_result(&mut output)?;
    finish(child, input, output)?;
    Ok(lines)
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let count: usize = arguments[2].parse().expect("a count");
    match arguments[1].as_str() {
        "one" => {
            let times: Vec<f64> = (0..count)
                .map(|_| {
                    let started = Instant::now();
                    one().map(|_| started.elapsed().as_secs_f64() * 1e3)
                })
                .collect::<io::Result<_>>()?;
            println!("{{\"ms\":{times:?}}}");
        }
        "stream" => {
            let started = Instant::now();
            let lines = one()?;
            let per_second = lines as f64 / started.elapsed().as_secs_f64();
            println!("{{\"per_second\":{per_second:.0},\"messages\":{lines}}}");
        }
        "many" => {
            let started = Instant::now();
            let all: Vec<_> = (0..count).map(|_| start()).collect::<io::Result<_>>()?;
            for (child, input, mut output) in all {
                read_result(&mut output)?;
                finish(child, input, output)?;
            }
            println!("{{\"ms\":{}}}", started.elapsed().as_secs_f64() * 1e3);
        }
        "cancel" => {
            let (mut child, _input, mut output) = start()?;
            let mut first = Vec::new();
            output.read_until(b'\n', &mut first)?;
            println!("ready");
            io::stdin().lock().read_line(&mut String::new())?;
            child.kill()?;
            child.wait()?;
            println!("{{\"ms\":0}}");
        }
        other => panic!("no workload {other}"),
    }
    // Stays until the driver has read the peak memory of this process.
    io::stdin().lock().read_to_end(&mut Vec::new())?;
    Ok(())
}
