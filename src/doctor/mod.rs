//! Why a director or a real server does not do what it should: facts → findings.
//!
//! [`gather`] reads (and sends a few probes), changes nothing, and has no opinion. The rules are pure functions of the facts, one
//! for each way in which a cluster breaks; each says what was read, what follows from it for which service, and what mends it.
//! A rule asks for nothing that the services in use do not need. What mends is done, if at all, by `host::prepare`.

pub mod bundle;
pub mod facts;
pub mod finding;
pub mod firewall;
pub mod gather;
pub mod listen;
pub mod probe;
pub mod record;
pub mod rules;

pub use facts::{Facts, Role};
pub use finding::{Finding, Mend, Outcome, Report, Severity};
pub use gather::{Asked, gather};
pub use rules::examine;
