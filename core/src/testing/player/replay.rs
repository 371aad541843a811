//! The `replay` step: a recording of the real program, said again to another host.

use super::{Played, Player, Stage};
use crate::testing::recording::{Line, Recording};

use serde_json::Value;

impl<S: Stage> Player<S> {
    pub(super) async fn replay(&mut self, recording: &Recording) -> Played {
        let mut renames: Vec<(String, String)> = Vec::new();
        for line in &recording.lines {
            self.listen().await?;
            match line {
                Line::In { pattern, frame } => {
                    // An answer belongs to the recorded id, which the host was given; everything else is the host's.
                    self.await_frame_for_replay(pattern, frame, &mut renames).await?;
                }
                Line::Out { text, frame } => {
                    let mut text = text.clone();
                    for (from, to) in &renames {
                        text = text.replace(from.as_str(), to);
                    }
                    if frame["type"] == "result" && frame["user_message_uuids"].is_null() {
                        text = self.with_prompts(text);
                    }
                    self.out.extend_from_slice(text.as_bytes());
                    self.out.push(b'\n');
                    self.noted(frame);
                }
            }
        }
        Ok(())
    }

    async fn await_frame_for_replay(
        &mut self,
        pattern: &Value,
        recorded: &Value,
        renames: &mut Vec<(String, String)>,
    ) -> Played {
        const NAME: &str = "replayed";
        let lifecycle = std::mem::replace(&mut self.lifecycle, false);
        let waited = self.await_frame(pattern, Some(NAME)).await;
        self.lifecycle = lifecycle;
        waited?;
        let actual = self.saved.remove(NAME).unwrap_or_default();
        for key in ["uuid", "request_id"] {
            if let (Some(from), Some(to)) = (recorded[key].as_str(), actual[key].as_str()) {
                renames.push((from.to_owned(), to.to_owned()));
            }
        }
        Ok(())
    }
}
