//! `set notify`: FIFOs that are told of servers and services that come and go. Those of virtual routers are `vrrp set`'s.

use crate::{
    state::{
        print::quoted,
        vrrp::{Grammar, Section, fifo},
    },
    vrrp::settings::Fifo,
};

/// The options of `set notify`.
#[derive(Clone, Copy, Debug)]
pub struct NotifyGrammar;

impl Grammar for NotifyGrammar {
    const SECTIONS: &'static [&'static Section] =
        &[&Section { heading: "Notifications", rare: false, options: &[fifo::FIFO] }];
}

/// Returns the line with these FIFOs.
pub fn notify_line(fifos: &[Fifo]) -> String {
    let fifos = fifos.iter().map(|fifo| format!(" --fifo {}", quoted(&fifo::print(fifo))));
    format!("set notify{}", fifos.collect::<String>())
}
