//! From bytes to messages on one core, framing included, beside `serde_json::from_slice::<Value>` on the same bytes: the ratio
//! carries over to other machines, the absolute figures do not.
#![allow(missing_docs, clippy::print_stdout)] // `criterion_group!` writes public functions; the ratios go to stdout.

use std::{hint::black_box, time::Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use madrigal::message::{Decoder, Message};
use serde_json::Value;

/// What one read of a pipe gives.
const PIECE: usize = 64 * 1024;

/// A delta as Claude Code 2.1.330 writes it, with a text of a few characters.
fn deltas() -> Vec<u8> {
    let line = |number: usize| {
        format!(
            r#"{{"type":"stream_event","event":{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"word {number} "}}}},"session_id":"5f0c2a52-5a5c-4b6e-9c1f-0d6f0b9c7d11","parent_tool_use_id":null,"uuid":"00000000-0000-4000-8000-{number:012}"}}"#
        ) + "\n"
    };
    (0..20_000).map(line).collect::<String>().into_bytes()
}

/// Assistant frames of 1 MiB: a text with the escapes that source code brings.
fn large() -> Vec<u8> {
    let text = "fn main() {\n    println!(\"a line of a tool's output, as they are\");\n}\n".repeat(16_000);
    let text = serde_json::to_string(&text[..1 << 20]).expect("a string");
    let line = format!(
        r#"{{"type":"assistant","message":{{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{{"type":"text","text":{text}}}],"usage":{{"input_tokens":1,"output_tokens":1}}}},"session_id":"s","parent_tool_use_id":null,"uuid":"u"}}"#
    ) + "\n";
    line.repeat(8).into_bytes()
}

fn text_length(message: &Message) -> usize {
    message.text().len()
}

/// Reads as a session does, piece by piece.
fn madrigal(bytes: &[u8], take: impl Fn(&Message) -> usize) -> usize {
    let mut decoder = Decoder::default();
    let mut sum = 0;
    for piece in bytes.chunks(PIECE) {
        decoder.feed(piece);
        while let Some(message) = decoder.next() {
            sum += take(&message.expect("a message"));
        }
    }
    sum
}

/// Lines cut with `memchr`, each read into a `Value`.
fn value(bytes: &[u8], take: impl Fn(&Value) -> usize) -> usize {
    let (mut sum, mut start) = (0, 0);
    for end in memchr::memchr_iter(b'\n', bytes) {
        sum += take(&serde_json::from_slice::<Value>(&bytes[start..end]).expect("JSON"));
        start = end + 1;
    }
    sum
}

/// Seconds of one pass, the median of eleven.
fn median(pass: impl Fn() -> usize) -> f64 {
    let mut seconds: Vec<f64> = (0..11)
        .map(|_| {
            let started = Instant::now();
            black_box(pass());
            started.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[5]
}

fn parsing(criterion: &mut Criterion) {
    let (deltas, large) = (deltas(), large());
    let count = deltas.iter().filter(|byte| **byte == b'\n').count();
    let delta_text = |value: &Value| value["event"]["delta"]["text"].as_str().map_or(0, str::len);
    let large_text = |value: &Value| value["message"]["content"][0]["text"].as_str().map_or(0, str::len);
    let raw = |message: &Message| message.raw().len();

    let mut group = criterion.benchmark_group("small deltas");
    group.throughput(Throughput::Elements(count as u64));
    group.bench_function("madrigal, text read", |b| b.iter(|| madrigal(&deltas, text_length)));
    group.bench_function("serde_json Value, text read", |b| b.iter(|| value(&deltas, delta_text)));
    group.finish();
    let mut group = criterion.benchmark_group("large frames");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(large.len() as u64));
    group.bench_function("madrigal", |b| b.iter(|| madrigal(&large, raw)));
    group.bench_function("madrigal, typed body and text", |b| b.iter(|| madrigal(&large, text_length)));
    group.bench_function("serde_json Value", |b| b.iter(|| value(&large, large_text)));
    group.finish();

    assert_eq!(madrigal(&deltas, text_length), value(&deltas, delta_text), "the same text was read");
    assert_eq!(madrigal(&large, text_length), value(&large, large_text), "the same text was read");
    let (ours, theirs) = (median(|| madrigal(&deltas, text_length)), median(|| value(&deltas, delta_text)));
    let rate = |seconds: f64| count as f64 / seconds / 1e6;
    println!(
        "small deltas: {:.2} M/s, serde_json Value {:.2} M/s: {:.1}x",
        rate(ours),
        rate(theirs),
        theirs / ours
    );
    let theirs = median(|| value(&large, large_text));
    for (name, ours) in [
        ("large frames", median(|| madrigal(&large, raw))),
        ("large frames, typed body and text", median(|| madrigal(&large, text_length))),
    ] {
        let rate = |seconds: f64| large.len() as f64 / seconds / 1e6;
        println!(
            "{name}: {:.0} MB/s, serde_json Value {:.0} MB/s: {:.1}x",
            rate(ours),
            rate(theirs),
            theirs / ours
        );
    }
}

criterion_group!(benches, parsing);
criterion_main!(benches);
