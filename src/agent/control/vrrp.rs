//! The verbs of a VRRP process.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Complaint, Request};

/// What a VRRP process can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", content = "params")]
pub enum VrrpCall {
    /// How it is doing; answered by a [`crate::vrrp::status::Status`].
    #[serde(rename = "vrrp.status")]
    Status {},
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
        /// All lines of the file about VRRP, with their numbers from 1.
        lines: Vec<(usize, String)>,
    },
}

impl VrrpCall {
    /// Returns the verb and its parameters.
    pub fn parts(&self) -> (String, Value) {
        let value = serde_json::to_value(self).unwrap_or_default();
        let verb = value.get("verb").and_then(Value::as_str).unwrap_or_default().to_owned();
        (verb, value.get("params").cloned().unwrap_or_default())
    }

    /// Reads a request.
    ///
    /// # Errors
    /// There is no such verb, or its parameters are wrong.
    pub fn read(request: &Request) -> Result<Self, Vec<Complaint>> {
        let params = if request.params.is_null() { json!({}) } else { request.params.clone() };
        serde_json::from_value(json!({ "verb": request.verb, "params": params })).map_err(|error| {
            let text = format!("the VRRP process does not understand {}: {error}", request.verb);
            vec![Complaint::new(text).hint("lvsadm and the process may be of different versions")]
        })
    }
}
