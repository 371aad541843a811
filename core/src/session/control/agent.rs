//! Who leads the conversation from the next turn on. For the program it is a setting; here it is a request of its own, because it
//! does only half of what it says where the prompt is kept, and because the session knows which agents there are.

use serde_json::{Map, Value};

use super::Control;
use crate::session::SessionHandle;

impl SessionHandle {
    /// Puts another agent in the lead: from the next turn on its prompt, model and tools count, and the conversation stays. Of a
    /// turn that runs the prompt stays, but requests it still makes go to the new model. With `None` no agent leads any more, also
    /// not that of the option `agent`. Needs the option `enable_agent_switching`. Before the program is ready, this waits until it is.
    ///
    /// What was chosen for the whole session stays: a `model` (also one of [`set_model`](Self::set_model)), and a `system_prompt` that
    /// replaces the program's own. `append_system_prompt` is added to the prompt of each agent.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # use madrigal::{Options, Session, testing::Script};
    /// let options = Options { enable_agent_switching: true, ..Options::default() };
    /// # let session = Session::builder(options).transport(Script::new()).open().await?;
    /// session.set_agent(Some("Explore")).await?;
    /// let error = session.set_agent(Some("Exlpore")).await.unwrap_err();
    /// assert!(error.message().contains("did you mean `Explore`?"));
    /// session.set_agent(None).await?;
    /// # session.close().await;
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `invalid_options` without that option; `invalid_argument` for a name that is none of the session's agents, with
    /// `suggestions` in the context; `closed`, `timeout`, `control`.
    pub fn set_agent(&self, agent: Option<&str>) -> Control<()> {
        let settings = Map::from_iter([("agent".to_owned(), Value::from(agent))]);
        let mut request = self.acknowledged("apply_flag_settings").with("settings", settings);
        request.switches = true;
        request
    }
}
