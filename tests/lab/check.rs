//! The check process on a real kernel: what clients, stock ipvsadm and lvsadm see while servers fail and return.

mod forwarding;
pub(crate) mod running;
mod table;
mod traffic;
