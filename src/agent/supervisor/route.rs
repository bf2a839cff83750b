//! Who answers what is asked at the agent's socket.

use std::rc::Rc;

use super::{
    editor::{self, ask},
    shared::Shared,
    tree::Kind,
};
use crate::agent::{
    control::{AgentCall, Complaint, JournalCall, Reply, Request, StateAnswer, reply},
    event::Author,
};

/// Verbs of children that only the agent itself uses: it would not know what they run.
const OURS: [&str; 3] = ["vrrp.reload", "check.reload", "check.session"];

/// Answers a request. Those for children wait for them, and for nobody else.
pub(super) async fn answer(shared: Rc<Shared>, request: Request) {
    let replied = match request.verb.split_once('.').map(|(whom, _)| whom) {
        Some("journal") => match JournalCall::read(&request) {
            Ok(JournalCall::Events(query)) => return shared.journal.answer(query, request.reply),
            Ok(JournalCall::Status {}) => reply(&shared.told()),
            Err(complaints) => Err(complaints),
        },
        _ if OURS.contains(&request.verb.as_str()) => {
            let complaint = Complaint::new(format_args!("{} is the agent's own to ask", request.verb));
            Err(vec![complaint.hint("state.set and agent.reload change what runs")])
        }
        Some("agent" | "state") => match AgentCall::read(&request) {
            Ok(call) => carry_out(&shared, call, &request.by).await,
            Err(complaints) => Err(complaints),
        },
        Some("vrrp" | "bfd") => forward(&shared, Kind::Vrrp, &request).await,
        Some("check" | "table") => forward(&shared, Kind::Check, &request).await,
        _ => {
            let complaint = Complaint::new(format_args!("there is no verb {}", request.verb));
            Err(vec![complaint.hint("lvsadm-control(7) has all of them")])
        }
    };
    // Whoever asked may have gone.
    let _ = request.reply.send(replied);
}

async fn carry_out(shared: &Shared, call: AgentCall, by: &Author) -> Reply {
    match call {
        AgentCall::Status {} => reply(&shared.status()),
        AgentCall::Stop {} => {
            shared.stop(Some(by));
            reply(&())
        }
        AgentCall::Reload {} => reply(&editor::reload(shared, Some(by)).await?.warnings),
        AgentCall::Save { autosave } => reply(&editor::save(shared, autosave).await?),
        AgentCall::Get {} => {
            let core = shared.core.borrow();
            let running = &core.running;
            reply(&StateAnswer {
                revision: running.revision,
                text: running.state.file.text(),
                saved: running.is_saved(),
                file: running.source.path().display().to_string(),
                running: running.path.display().to_string(),
            })
        }
        AgentCall::Set { revision, text } => reply(&editor::set(shared, revision, text, by).await?),
    }
}

/// Asks a child. The check process is started for whoever wants to change the table, which it holds.
async fn forward(shared: &Shared, kind: Kind, request: &Request) -> Reply {
    let child = shared.child(kind);
    let for_table = request.verb.starts_with("table.");
    if request.verb == "table.apply" {
        shared.core.borrow().running.source.may_change()?;
    }
    if !child.runs() && !for_table {
        return Err(vec![shared.core.borrow().why_down(kind)]);
    }
    if !child.is_ready() {
        let started = shared.want(kind).await;
        if started.is_err() && !child.wanted {
            shared.core.borrow_mut().tree.release(kind);
        }
        started?;
    }
    // Never closed, so this is only a matter of time.
    let _turn = shared.lane(kind).acquire().await;
    let answer = ask(shared, kind, &request.verb, request.params.clone(), Some(&request.by)).await?;
    if for_table && request.verb != "table.get" {
        shared.table_changed();
        editor::autosave(shared).await;
    }
    Ok(answer)
}
