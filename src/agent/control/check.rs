//! The verbs of a check process.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Complaint, Request};

/// What a check process can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", content = "params")]
pub enum CheckCall {
    /// How it is doing; answered by a [`crate::pool::status::Status`].
    #[serde(rename = "check.status")]
    Status {},
    /// That it reads its save file again and does what that says from now on; answered by a list of warnings.
    #[serde(rename = "check.reload")]
    Reload {
        /// The save file; a process that was started from another refuses.
        file: String,
    },
}

impl CheckCall {
    /// Returns the verb and its parameters.
    pub fn parts(&self) -> (String, Value) {
        super::parts(self)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// There is no such verb, or its parameters are wrong.
    pub fn read(request: &Request) -> Result<Self, Vec<Complaint>> {
        super::read("check", request)
    }
}
