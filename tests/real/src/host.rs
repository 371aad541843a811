//! A host program that comes to a bad end: it lets the model run a tool that sleeps, says which process `claude` is, and
//! then waits, or ends in the way its first argument says as soon as it reads a line.

#![allow(clippy::print_stdout, reason = "its words are for the test that started it")]

use std::io::Write as _;

use madrigal::{Options, Result, Session};

fn main() -> Result<()> {
    let how = std::env::args().nth(1).unwrap_or_default();
    let options = Options::from_json(&std::env::var("MADRIGAL_REAL_OPTIONS").unwrap_or_default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let session = runtime.block_on(start(options))?;
    println!("{}", session.handle().pid().unwrap_or_default());
    drop(std::io::stdout().flush());
    let mut line = String::new();
    drop(std::io::stdin().read_line(&mut line));
    match how.as_str() {
        "exit" => std::process::exit(3),
        "abort" => std::process::abort(),
        "panic" => panic!("the host has a defect"),
        "drop" => {
            drop(session);
            // Alive afterwards, so that it is not the end of the host that ends the program.
            runtime.block_on(std::future::pending::<()>());
        }
        // Returning from main drops everything.
        _ => {}
    }
    Ok(())
}

async fn start(options: Options) -> Result<Session> {
    let session = Session::open(options).await?;
    session.handle().send("Please sleep in the shell.").await?;
    Ok(session)
}
