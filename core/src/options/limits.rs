//! Limits of time and memory.

use serde_json::{Value, json};

use super::described::{Kind, described, words};

described! {
    /// Limits of time, in milliseconds; `None` means no limit.
    #[derive(Debug)]
    pub struct Timeouts {
        /// From the start of the program to its answer to `initialize`. Default 60 000.
        start_ms: Option<u64> => [Library];
        /// For the program's answer to a control request. Default 60 000.
        control_ms: Option<u64> => [Library];
        /// Silence of the program while a turn runs and no question is open with the host. Default: none.
        idle_ms: Option<u64> => [Library];
        /// A whole turn. Default: none.
        turn_ms: Option<u64> => [Library];
        /// After a graceful close: how long the program may take to exit before it is terminated. Default 5 000.
        close_ms: Option<u64> => [Library];
        /// From the request to terminate until the whole process tree is killed. Default 2 000.
        kill_ms: u64 => [Library];
        /// From a prompt to the first message of the model. Default: none.
        first_token_ms: Option<u64> => [Library];
        /// For the host's answer to a question: permission, hook, tool call, dialog. Default: none.
        callback_ms: Option<u64> => [Library];
        /// Not one byte from the program while a turn runs: then comes `stall_action`. Default: none.
        stall_ms: Option<u64> => [Library];
        /// What a stall leads to. Default `event`.
        stall_action: StallAction => [Library];
        /// With `stall_action` `resume`: how often in a turn. Default 1.
        stall_resumes: u32 => [Library];
        /// For a call of the session store, all attempts together; at the end of a session, for all that is left. Default
        /// 60 000.
        store_ms: u64 => [Library];
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            start_ms: Some(60_000),
            control_ms: Some(60_000),
            idle_ms: None,
            turn_ms: None,
            close_ms: Some(5_000),
            kill_ms: 2_000,
            first_token_ms: None,
            callback_ms: None,
            stall_ms: None,
            stall_action: StallAction::Event,
            stall_resumes: 1,
            store_ms: 60_000,
        }
    }
}

words! {
    /// What a stall leads to; each includes the one before it.
    #[derive(Default)]
    pub enum StallAction {
        /// The reader is told, by a message `system` with the subtype `stalled`.
        #[default]
        Event = "event",
        /// And the turn is interrupted.
        Interrupt = "interrupt",
        /// And the session ends, when the interrupt does not end the turn.
        Stop = "stop",
        /// And the session is resumed in a new process instead of ending, told by a message `system` with the subtype `resumed`.
        Resume = "resume",
    }
}

words! {
    /// When entries of a transcript go to the session store.
    #[derive(Default)]
    pub enum SessionStoreFlush {
        /// With each result, and when 500 entries or 1 MiB wait.
        #[default]
        Batched = "batched",
        /// As soon as the program has written them.
        Eager = "eager",
    }
}

described! {
    /// Limits of memory, in bytes.
    #[derive(Debug)]
    pub struct Limits {
        /// The longest line accepted from the program. Default 64 MiB.
        line_bytes: usize => [Library];
        /// Unread messages at which reading the program pauses. Default 64 MiB.
        buffer_bytes: usize => [Library];
        /// Unread messages at which the session ends with `overflow`, reached only while a control exchange keeps the
        /// reading going. Default 256 MiB.
        hard_buffer_bytes: usize => [Library];
    }
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self { line_bytes: 64 * MIB, buffer_bytes: 64 * MIB, hard_buffer_bytes: 256 * MIB }
    }
}

macro_rules! object_of_rows {
    ($($type:ty),+) => { $(
        impl Kind for $type {
            fn kind() -> String {
                "object".to_owned()
            }

            fn schema() -> Value {
                super::schema::of_rows(&<$type>::rows(), &json!(<$type>::default()))
            }
        }
    )+ };
}
object_of_rows!(Timeouts, Limits);
