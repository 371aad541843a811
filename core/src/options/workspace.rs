//! How far the working directory is trusted: a repository can bring settings that redirect the API or start programs.

use super::described::words;

words! {
    /// How far the working directory is trusted.
    #[derive(Default)]
    pub enum Workspace {
        /// Its settings count, but cannot redirect the API, its credentials or the way there.
        #[default]
        Guarded = "guarded",
        /// And none of its hooks, helpers and MCP servers runs.
        Hardened = "hardened",
        /// Its settings are not read at all.
        Isolated = "isolated",
        /// As far as the CLI trusts it by itself.
        Trusted = "trusted",
    }
}
