//! The check process on a real kernel: what clients, stock ipvsadm and lvsadm see while servers fail and return.

mod forwarding;
mod running;
mod table;
mod traffic;
