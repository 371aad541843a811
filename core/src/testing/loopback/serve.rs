//! The HTTP side: two endpoints of the model's API, and one for tests that look at what was asked.

use std::{
    convert::Infallible,
    net::TcpListener,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::{
    Method, Response, StatusCode,
    body::{Body, Frame, Incoming},
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{
    answer::{Failures, choose},
    company::{Company, Present},
    conversation::Conversation,
    failure,
    record::{Log, Request},
    script::{Ending, Script, Step},
    sse::{Answer, event},
};

/// The largest request the API takes, as the real one.
const MAX_REQUEST_BYTES: usize = 32 << 20;

/// What the connections share.
#[derive(Debug)]
pub(super) struct State {
    script: Script,
    failures: Failures,
    company: Company,
    pub(super) log: Log,
}

impl State {
    pub(super) fn new(script: Script) -> Self {
        Self { script, failures: Failures::default(), company: Company::default(), log: Log::default() }
    }
}

type Reply = Response<Either<Full<Bytes>, Stream>>;

/// Serves until `stopped` says so or its sender is gone.
pub(super) async fn run(listener: TcpListener, state: Arc<State>, stopped: oneshot::Receiver<()>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    drop(socket.set_nodelay(true));
                    let state = Arc::clone(&state);
                    connections.spawn(async move {
                        let service = service_fn(move |request| {
                            let state = Arc::clone(&state);
                            async move { Ok::<_, Infallible>(reply(&state, request).await) }
                        });
                        // A connection that breaks is the caller's affair.
                        drop(http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
                    });
                }
                // Out of descriptors, most likely: let some connections end.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn reply(state: &Arc<State>, request: hyper::Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if head.method == Method::GET && path == "/_madrigal/requests" {
        return plain(StatusCode::OK, &json!(state.log.all()));
    }
    let mut record = Request::new(head.method.as_str(), path);
    let header = head.headers.get("x-claude-code-session-id").and_then(|value| value.to_str().ok());
    record.session_id = header.map(str::to_owned);
    // A length that is announced is refused before anything of it was sent.
    if body.size_hint().lower() > MAX_REQUEST_BYTES as u64 {
        return answered(state, record, refusal(413, None));
    }
    let body = match Limited::new(body, MAX_REQUEST_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return answered(state, record, refusal(413, None)),
    };
    match path {
        "/v1/messages" | "/v1/messages/count_tokens" if head.method == Method::POST => {}
        _ => return answered(state, record, plain(StatusCode::OK, &json!({}))),
    }
    let body: Value = match serde_json::from_slice(&body) {
        Ok(body) => body,
        Err(error) => {
            return answered(state, record, refusal(400, Some(format!("the body is not JSON: {error}"))));
        }
    };
    let conversation = Conversation::read(&body);
    let mut record = record.of(&conversation);
    if !state.script.knows(&conversation.model) {
        let message = format!("model: {}", conversation.model);
        return answered(state, record, refusal(404, Some(message)));
    }
    if path.ends_with("count_tokens") {
        // About four characters a token.
        let tokens = body.to_string().len() / 4;
        return answered(state, record, plain(StatusCode::OK, &json!({"input_tokens": tokens})));
    }
    if conversation.max_tokens == 1 {
        let answer = Answer::probe(&conversation);
        let number = state.log.add(record);
        return message(state, number, answer, conversation.stream, None, None);
    }
    let session = record.session_id.clone().unwrap_or_default();
    let step = match choose(&state.script, &conversation, &session, &state.failures) {
        Ok(step) => step,
        Err(problem) => {
            return answered(state, record, refusal(400, Some(format!("loopback script: {problem}"))));
        }
    };
    let (present, beside) = state.company.enter();
    record.beside = beside;
    let number = state.log.add(record);
    state.company.gather(step).await;
    tokio::time::sleep(Duration::from_millis(step.wait_ms)).await;
    let reply = match step.error {
        Some(status) => {
            note(state, number, status, true);
            error_of(step, status)
        }
        None => {
            let answer = Answer::new(step, &conversation);
            message(state, number, answer, conversation.stream, Some(step), Some(present))
        }
    };
    with_headers(reply, step)
}

/// Logs a request that is answered at once.
fn answered(state: &State, record: Request, reply: Reply) -> Reply {
    let number = state.log.add(record);
    note(state, number, reply.status().as_u16(), true);
    reply
}

fn note(state: &State, number: u64, status: u16, finished: bool) {
    state.log.update(number, |request| (request.status, request.finished) = (status, finished));
}

fn message(
    state: &Arc<State>,
    number: u64,
    answer: Answer,
    stream: bool,
    step: Option<&Step>,
    present: Option<Present>,
) -> Reply {
    let request_id = request_id();
    let mut reply = if stream {
        note(state, number, 200, false);
        let (sender, events) = mpsc::channel(16);
        let state = Arc::clone(state);
        tokio::spawn(async move {
            if play(answer, sender).await {
                note(&state, number, 200, true);
            }
            drop(present);
        });
        let mut reply = Response::new(Either::Right(Stream(events)));
        reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        reply
    } else {
        note(state, number, 200, true);
        plain(StatusCode::OK, &answer.json())
    };
    set(&mut reply, "request-id", &request_id);
    if let Some(step) = step { with_headers(reply, step) } else { reply }
}

/// Sends the events; says whether the stream ended well.
async fn play(answer: Answer, sender: mpsc::Sender<Result<Bytes, Cut>>) -> bool {
    for event in answer.events() {
        if event.paced && !answer.delay.is_zero() {
            tokio::time::sleep(answer.delay).await;
        }
        if sender.send(Ok(event.text.into())).await.is_err() {
            return false;
        }
    }
    match answer.end {
        None => return true,
        Some(Ending::Hold) => sender.closed().await,
        Some(Ending::Cut) => {
            // Room for all means that all was taken: what was said so far is on its way before the connection breaks.
            drop(sender.reserve_many(sender.max_capacity()).await);
            drop(sender.send(Err(Cut)).await);
        }
        Some(Ending::Overloaded) => {
            let (kind, message) = failure::defaults(529);
            let error =
                event("error", &json!({"type": "error", "error": {"type": kind, "message": message}}));
            drop(sender.send(Ok(error.text.into())).await);
        }
    }
    false
}

fn error_of(step: &Step, status: u16) -> Reply {
    let (kind, text) = failure::defaults(status);
    let request_id = request_id();
    let kind = step.error_type.as_deref().unwrap_or(kind);
    let body = failure::body(kind, step.message.as_deref().unwrap_or(text), &request_id);
    let mut reply = plain(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body);
    set(&mut reply, "request-id", &request_id);
    if let Some(seconds) = step.retry_after {
        set(&mut reply, "retry-after", &seconds.to_string());
    }
    reply
}

fn refusal(status: u16, message: Option<String>) -> Reply {
    error_of(&Step { message, ..Step::default() }, status)
}

fn with_headers(mut reply: Reply, step: &Step) -> Reply {
    for (name, value) in &step.headers {
        set(&mut reply, name, value);
    }
    reply
}

fn set(reply: &mut Reply, name: &str, value: &str) {
    // Both were checked with the script.
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
        reply.headers_mut().insert(name, value);
    }
}

fn plain(status: StatusCode, body: &Value) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(Bytes::from(body.to_string()))));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

fn request_id() -> String {
    format!("req_{}", uuid::Uuid::new_v4().simple())
}

/// The body of a stream: events as they are sent.
pub(super) struct Stream(mpsc::Receiver<Result<Bytes, Cut>>);

impl Body for Stream {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.0.poll_recv(context).map(|next| next.map(|event| event.map(Frame::data)))
    }
}

/// Breaks a connection.
#[derive(Debug)]
pub(super) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the script cuts the connection here")
    }
}

impl std::error::Error for Cut {}
