//! Which credentials reach the API: the loopback keeps none, so what passes on the way there is looked at.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// Stands between the program and the API for as long as the process lives.
#[derive(Debug)]
pub struct Wiretap {
    /// Where the program finds it.
    pub url: String,
    seen: Arc<Mutex<BTreeSet<String>>>,
}

impl Wiretap {
    /// Listens for the API at this address, `http://127.0.0.1:PORT`. Panics when it cannot.
    pub fn start(api: &str) -> Self {
        let to = api.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("wiretap: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("wiretap: {error}"));
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let notes = seen.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(server) = TcpStream::connect(&to) {
                    between(client, server, &notes);
                }
            }
        });
        Self { url: format!("http://{address}"), seen }
    }

    /// The headers `authorization` and `x-api-key` that passed, each once.
    pub fn credentials(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Passes on what both sides say, each in a thread that ends with its side.
fn between(client: TcpStream, server: TcpStream, notes: &Arc<Mutex<BTreeSet<String>>>) {
    let (Ok(mut from_client), Ok(mut to_client)) = (client.try_clone(), server.try_clone()) else { return };
    let notes = notes.clone();
    thread::spawn(move || {
        let mut server = server;
        let mut line = Vec::new();
        pass(&mut from_client, &mut server, |bytes| {
            for byte in bytes {
                if *byte == b'\n' {
                    note(&String::from_utf8_lossy(&line), &notes);
                    line.clear();
                } else if line.len() < 4096 {
                    line.push(*byte);
                }
            }
        });
    });
    thread::spawn(move || {
        let mut client = client;
        pass(&mut to_client, &mut client, |_| ());
    });
}

fn pass(from: &mut TcpStream, to: &mut TcpStream, mut look: impl FnMut(&[u8])) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        look(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Write));
}

fn note(line: &str, notes: &Mutex<BTreeSet<String>>) {
    let Some((name, value)) = line.split_once(':') else { return };
    let name = name.to_ascii_lowercase();
    if ["authorization", "x-api-key"].contains(&name.as_str()) {
        notes.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("{name}: {}", value.trim()));
    }
}
