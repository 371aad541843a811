//! The transcript on its way to the host's store: frames go in, what did not reach the store comes back as messages.

use serde_json::json;
use uuid::Uuid;

use super::Actor;
use crate::{
    Message, Result,
    store::{
        self, PrivateDir,
        mirror::{Lost, Mirror},
    },
};

impl Actor {
    /// With a store that gets the transcript, and the directory of a session that came from there.
    pub(in crate::session) fn with_store(
        mut self,
        mirror: Option<Mirror>,
        config: Option<PrivateDir>,
    ) -> Self {
        self.mirror = mirror;
        self.config = config;
        self
    }

    /// A `transcript_mirror` frame.
    pub(super) fn mirrored(&mut self, line: &str) -> Result<()> {
        let lost = self.mirror.as_ref().map(|mirror| mirror.take(line)).transpose()?.flatten();
        if let Some(lost) = lost {
            self.batch.push(Message::parse(&frame(&lost)));
        }
        Ok(())
    }

    /// A turn has its result: what was written until then shall be stored.
    pub(super) fn flush_mirror(&self) {
        if let Some(mirror) = &self.mirror {
            mirror.flush();
        }
    }

    pub(super) fn not_stored(&mut self, lost: &Lost) {
        self.batch.push(Message::parse(&frame(lost)));
        self.flush();
    }

    /// The process is gone: the store gets the rest, and its reader hears of what it did not take.
    pub(super) async fn end_store(&mut self) {
        if let Some(mut mirror) = self.mirror.take() {
            mirror.close();
            while let Some(lost) = mirror.lost().await {
                self.not_stored(&lost);
            }
        }
        // Before the end is told: a host may exit as soon as it hears of it.
        store::remove(self.config.take()).await;
    }
}

fn frame(lost: &Lost) -> String {
    let session = lost.key.as_ref().map(|key| key.session_id.clone());
    let mut frame = json!({
        "type": "system", "subtype": "mirror_error", "source": "madrigal", "key": lost.key,
        "error": lost.error.message(), "entries": lost.entries, "uuid": Uuid::new_v4().to_string(),
    });
    if let Some(session) = session {
        frame["session_id"] = session.into();
    }
    frame.to_string()
}
