//! What `lvsadm bfd list` and `show` have of their own.

use serde::Serialize;

use crate::{
    agent::control::VrrpCall,
    bfd::{sessions::idle, status::Status},
    cli::{json, render, vrrp::list::Report},
    vrrp::settings::Settings,
};

impl Report for Status {
    const NOUN: &'static str = "BFD session";
    const PROCESS: &'static str = "process with BFD sessions";
    const VERB: &'static str = "bfd";
    const PAGE: &'static str = "lvsadm-bfd(7)";
    const CALL: VrrpCall = VrrpCall::Sessions {};
    const LIST: fn(&Self, bool) -> String = render::bfd_list;
    const SHOW: fn(&Self, bool) -> String = render::bfd_show;

    fn of_settings(settings: &Settings) -> Self {
        Self { sessions: settings.sessions.iter().map(idle).collect(), ..Self::default() }
    }

    fn has(&self, name: &str) -> bool {
        self.sessions.iter().any(|session| session.name == name)
    }

    fn select(&mut self, names: &[String]) {
        self.sessions.retain(|session| names.contains(&session.name));
    }

    fn json(&self, runs: bool) -> impl Serialize {
        json::Sessions::new(self, runs)
    }
}
