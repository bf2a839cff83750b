//! Values → text for people. Pure: a snapshot goes in, a string comes out, cleaned of control characters.
//!
//! ipvsadm's own layouts are in `cli::compat`; what programs read is in `cli::json`.

mod agent;
mod checks;
mod connections;
mod drain;
mod explain;
mod services;
mod table;
mod vrrp;
mod words;

pub use agent::agent;
pub use checks::checks;
pub use connections::{connections, groups, server_end, service_end, template_mark};
pub(in crate::cli) use drain::{drained, restored};
pub(in crate::cli) use explain::explanation;
pub use services::{Columns, Note, Notes, services};
pub use table::{Column, table};
pub use vrrp::{vrrp_list, vrrp_show};
pub use words::{
    Labels, bytes, clean_line, count, daemon, duration, forwarding_word, server_label, service_label, timeouts,
};
