//! The verbs of the agent itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Complaint, Request};

/// What an agent can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", content = "params")]
pub enum AgentCall {
    /// How it is doing; answered by a [`crate::agent::supervisor::status::Status`].
    #[serde(rename = "agent.status")]
    Status {},
    /// That it reads its save file again and does what that says from now on; answered by a list of warnings.
    #[serde(rename = "agent.reload")]
    Reload {},
    /// That it ends; answered as soon as the end begins.
    #[serde(rename = "agent.stop")]
    Stop {},
    /// That it writes what runs to its save file; answered by a [`SaveAnswer`].
    #[serde(rename = "agent.save")]
    Save {
        /// Whether it does so after each change from now on; as before if nothing is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        autosave: Option<bool>,
    },
    /// What it runs; answered by a [`StateAnswer`].
    #[serde(rename = "state.get")]
    Get {},
    /// That it runs this from now on; answered by a [`SetAnswer`]. If anything is wrong, nothing changes.
    #[serde(rename = "state.set")]
    Set {
        /// The revision that was changed. If there is a later one, this is refused.
        revision: u64,
        /// The lines of a whole save file.
        text: String,
    },
}

/// What an agent runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateAnswer {
    /// Another one after each change.
    pub revision: u64,
    /// The lines of a whole save file. Those of the table are as they were read; what became of them, `table.get` knows.
    pub text: String,
    /// Whether the save file says the same.
    pub saved: bool,
    /// Path of the save file.
    pub file: String,
    /// Path of the running state, which messages about its lines name.
    pub running: String,
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAnswer {
    /// The revision from now on.
    pub revision: u64,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// Where it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveAnswer {
    /// Path of the save file.
    pub file: String,
    /// Whether each change is saved from now on.
    pub autosave: bool,
}

impl AgentCall {
    /// Returns the verb and its parameters.
    pub fn parts(&self) -> (String, Value) {
        super::parts(self)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// There is no such verb, or its parameters are wrong.
    pub fn read(request: &Request) -> Result<Self, Vec<Complaint>> {
        super::read("agent", request)
    }
}
