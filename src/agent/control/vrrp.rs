//! The verbs of a VRRP process.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Complaint, Request};

/// What a VRRP process can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", content = "params")]
pub enum VrrpCall {
    /// How it is doing; answered by a [`crate::vrrp::status::Status`].
    #[serde(rename = "vrrp.status")]
    Status {},
    /// How its BFD sessions are doing; answered by a [`crate::bfd::status::Status`].
    #[serde(rename = "bfd.status")]
    Sessions {},
    /// That an instance becomes master, whatever its priority.
    #[serde(rename = "vrrp.promote")]
    Promote {
        /// Which.
        name: String,
    },
    /// That an instance gives mastership up.
    #[serde(rename = "vrrp.demote")]
    Demote {
        /// Which.
        name: String,
    },
    /// That it does what these lines say from now on.
    #[serde(rename = "vrrp.reload")]
    Reload {
        /// The save file that they are from; a process that was started from another refuses.
        file: String,
        /// All lines of the file about VRRP and BFD, with their numbers from 1.
        lines: Vec<(usize, String)>,
    },
}

impl VrrpCall {
    /// Returns the verb and its parameters.
    pub fn parts(&self) -> (String, Value) {
        super::parts(self)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// There is no such verb, or its parameters are wrong.
    pub fn read(request: &Request) -> Result<Self, Vec<Complaint>> {
        super::read("VRRP", request)
    }
}
