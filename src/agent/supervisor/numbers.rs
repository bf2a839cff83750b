//! Metrics of an agent: asked of its children and of the kernel, for whoever asks at its port.

use std::{io, net::SocketAddr, rc::Rc};

use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::task::{spawn_blocking, spawn_local};

use super::{editor::call, shared::Shared, tree::Kind};
use crate::agent::{
    control::Complaint,
    metrics::{self, Listener, Per, Sources, Told},
};

/// Where metrics are to be had, and how fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Address and port.
    pub address: SocketAddr,
    /// How fine.
    pub per: Per,
}

/// Listens, from now on and for as long as the agent lives.
///
/// # Errors
/// The address is not to be had.
pub(super) fn listen(shared: &Rc<Shared>, port: Port) -> Result<(), Vec<Complaint>> {
    let failed = |error: io::Error| {
        let complaint = Complaint::new(format_args!("cannot listen for metrics at {}: {error}", port.address));
        vec![complaint.hint("--metrics names another address and port")]
    };
    let listener = Listener::bind(port.address).map_err(failed)?;
    let shared = Rc::clone(shared);
    spawn_local(listener.serve(move || text(Rc::clone(&shared), port.per)));
    Ok(())
}

async fn text(shared: Rc<Shared>, per: Per) -> String {
    metrics::text(&sources(&shared, per).await)
}

async fn sources(shared: &Shared, per: Per) -> Sources {
    Sources {
        kernel: spawn_blocking(metrics::kernel).await.ok().flatten(),
        check: status(shared, Kind::Check, "check.status").await,
        vrrp: status(shared, Kind::Vrrp, "vrrp.status").await,
        bfd: status(shared, Kind::Vrrp, "bfd.status").await,
        agent: Some(shared.status()),
        told: Some(shared.told()),
        per,
    }
}

/// Asks a child how it is doing, if it runs.
async fn status<S: DeserializeOwned>(shared: &Shared, kind: Kind, verb: &str) -> Option<S> {
    if !shared.child(kind).is_ready() {
        return None;
    }
    let answer = call(shared, kind, verb, json!({}), None).await.ok()?;
    serde_json::from_value(answer).ok()
}

impl Shared {
    /// Returns how journal, mail and FIFOs are doing.
    pub(super) fn told(&self) -> Told {
        let alerts = self.alerts.borrow();
        Told { journal: self.journal.status(), mail: alerts.mail_status(), fifo_lines_lost: alerts.lines_lost() }
    }
}
