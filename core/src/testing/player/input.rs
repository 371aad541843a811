//! What the host says: some of it is answered at once, the rest waits for a step that wants it.

use serde_json::{Value, json};

use super::{End, Event, Initialize, Played, Player, Stage, Stop};
use crate::testing::{frames, matches, reply};

impl<S: Stage> Player<S> {
    /// Handles one event.
    pub(super) fn happened(&mut self, event: Event) -> Played {
        match event {
            Event::Line(line) => self.heard(&line),
            Event::End => {
                self.input_over = true;
                Ok(())
            }
            Event::Interrupted => {
                if self.turn.running {
                    self.abort();
                }
                Err(Stop::End(End::Code(0)))
            }
            Event::Nothing => Ok(()),
        }
    }

    fn heard(&mut self, line: &[u8]) -> Played {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let frame: Value = match serde_json::from_slice(line) {
            Ok(frame @ Value::Object(_)) => frame,
            Ok(_) => return Err(self.fatal("Error parsing streaming input line: not an object")),
            Err(error) => return Err(self.fatal(&format!("Error parsing streaming input line: {error}"))),
        };
        match frame["type"].as_str() {
            Some("user") => self.prompt(frame),
            Some("control_request") => self.request(frame),
            Some("control_response") => {
                let frame = self.shaken(frame);
                self.inbox.extend(frame);
                Ok(())
            }
            // Unknown types and housekeeping pass in silence, unless a step waits for them.
            _ => {
                if self.is_reserved(&frame) {
                    self.inbox.push_back(frame);
                }
                Ok(())
            }
        }
    }

    fn prompt(&mut self, frame: Value) -> Played {
        if frame["message"]["role"] != "user" {
            return Err(self.fatal("Error: Expected message role 'user' in a user message"));
        }
        if let Some(uuid) = frame["uuid"].as_str()
            && !self.seen.insert(uuid.to_owned())
        {
            return Ok(());
        }
        let frame = self.handshake.hold(frame);
        self.inbox.extend(frame);
        Ok(())
    }

    fn request(&mut self, frame: Value) -> Played {
        let reserved = self.is_reserved(&frame);
        let (id, request) = (&frame["request_id"], &frame["request"]);
        match request["subtype"].as_str() {
            Some("initialize") => {
                self.facts.agents = request["agents"].as_object().cloned().unwrap_or_default();
                let payload = match &self.initialize {
                    Initialize::Manual => None,
                    Initialize::Auto => Some(frames::initialize(&self.facts)),
                    Initialize::Payload(payload) => Some(payload.clone()),
                };
                self.memory.declare(&request["sdkMcpServers"]);
                let manual = payload.is_none();
                if let Some(payload) = payload {
                    let reply = initialize_reply(id, payload);
                    if self.shakes_hands {
                        self.greet(&request["sdkMcpServers"], reply);
                    } else {
                        self.write(&reply);
                    }
                }
                if manual || reserved {
                    self.inbox.push_back(frame);
                }
            }
            _ if reserved => self.inbox.push_back(frame),
            Some("interrupt") => {
                let (id, all) = (id.clone(), request["cancel_queued"] == true);
                return self.interrupted(&id, all);
            }
            Some("cancel_async_message") => {
                let id = id.clone();
                let uuid = request["message_uuid"].as_str().unwrap_or_default().to_owned();
                self.withdraw_prompt(&id, &uuid);
            }
            subtype => {
                let subtype = subtype.unwrap_or_default();
                let reply = match self.answers.get(subtype) {
                    Some(answer) => reply::given(id, answer),
                    None => {
                        self.memory.results = self.results;
                        let seen = &self.seen;
                        reply::to(id, request, &mut self.facts, &mut self.memory, |uuid| seen.contains(uuid))
                    }
                };
                reply.before.into_iter().for_each(|frame| self.announce(frame));
                self.write(&reply.response);
                reply.after.into_iter().for_each(|frame| self.announce(frame));
                if subtype == "mcp_message" {
                    self.tools_changed(request);
                }
                if reply.ends {
                    return Err(Stop::End(End::Code(0)));
                }
            }
        }
        Ok(())
    }

    /// Writes a frame with what every frame has.
    fn announce(&mut self, mut frame: Value) {
        frame["uuid"] = self.uuids.next().into();
        frame["session_id"] = self.facts.session_id.as_str().into();
        self.write(&frame);
    }

    /// `cancel_async_message`: a prompt that waits is dropped.
    fn withdraw_prompt(&mut self, id: &Value, uuid: &str) {
        let waits = |frame: &Value| frame["type"] == "user" && frame["uuid"] == uuid;
        let before = self.inbox.len();
        self.inbox.retain(|frame| !waits(frame));
        let cancelled = self.inbox.len() < before;
        let mut payload = json!({"cancelled": cancelled});
        if cancelled {
            payload["message_uuid"] = uuid.into();
            if self.lifecycle {
                self.lifecycle_of(uuid, "cancelled");
            }
        }
        self.write(&reply::success(id, Some(payload)));
    }

    /// `interrupt`: the receipt, and the end of the turn when one runs. Waiting prompts stay unless told otherwise.
    fn interrupted(&mut self, id: &Value, cancel_queued: bool) -> Played {
        let mut waiting: Vec<Value> = Vec::new();
        if cancel_queued {
            self.inbox.retain(|frame| {
                let is_prompt = frame["type"] == "user";
                if is_prompt {
                    waiting.push(frame["uuid"].clone());
                }
                !is_prompt
            });
        } else {
            waiting.extend(self.inbox.iter().filter(|f| f["type"] == "user").map(|f| f["uuid"].clone()));
        }
        let receipt = if cancel_queued {
            json!({"still_queued": [], "cancelled": waiting})
        } else {
            json!({"still_queued": waiting})
        };
        self.withdraw_asks();
        self.write(&reply::success(id, Some(receipt)));
        if !self.turn.running {
            return Ok(());
        }
        self.abort();
        Err(Stop::Aborted)
    }

    fn is_reserved(&self, frame: &Value) -> bool {
        self.reserved.iter().any(|(pattern, _)| pattern["type"] == frame["type"] && matches(pattern, frame))
    }

    /// The host broke the protocol: the real program says so on stderr and exits.
    fn fatal(&mut self, problem: &str) -> Stop {
        self.stage.stderr(&format!("{problem}\n"));
        Stop::End(End::Code(1))
    }
}

/// The answer to `initialize` with what stands beside it.
fn initialize_reply(id: &Value, payload: Value) -> Value {
    let mut frame = reply::success(id, Some(payload));
    frame["response"]["pending_permission_requests"] = json!([]);
    frame["response"]["pending_user_dialog_requests"] = json!([]);
    frame
}
