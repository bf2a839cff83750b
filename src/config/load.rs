//! A file, read to the end: what an agent on this machine is told, and all that is wrong with it.

use std::{collections::HashMap, path::Path, rc::Rc, sync::Arc};

use super::{
    Environment,
    build::{Built, build},
    lint, read,
    tree::{Finding, Level, Place, Statement, Verdict},
};
use crate::{
    check::settings::Question,
    host::{Command, User, script},
    pool::settings::Settings,
    vrrp::settings::Fifo,
};

/// keepalived's user for scripts.
const SCRIPT_USER: &str = "keepalived_script";

/// A file that was read.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// What it says.
    pub built: Built,
    /// All that is wrong: grammar, meaning, and what this machine does not have; in the order of the file.
    pub findings: Vec<Finding>,
}

impl Loaded {
    /// Whether it can be run.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.level < Level::Error)
    }
}

/// For which machine a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// For this one: users and scripts that it does not have are errors.
    This,
    /// Perhaps for another one: they are warnings.
    Any,
}

/// Reads a file. Looks at users and scripts, too.
pub fn load(path: &Path, environment: &Environment, machine: Machine) -> Loaded {
    let (_, Loaded { mut built, mut findings }) = inspect(path, environment, false);
    let mut missing = of_machine(&mut built);
    if machine == Machine::Any {
        missing.iter_mut().for_each(|finding| finding.level = Level::Warning);
    }
    add(&mut findings, missing);
    Loaded { findings: lint::in_order(findings), built }
}

/// Reads a file and says what is wrong with it on any machine. `strict` adds what keepalived complains of and lvsadm takes
/// as it is meant.
pub(super) fn inspect(path: &Path, environment: &Environment, strict: bool) -> (Vec<Statement>, Loaded) {
    let (tree, mut findings) = read(path, environment);
    findings.extend(lint::check(&tree, strict));
    let mut built = build(&tree);
    add(&mut findings, std::mem::take(&mut built.findings));
    (tree, Loaded { built, findings })
}

/// Adds findings about lines of which nothing as bad is said yet: a fault is told once, and best by what was asked first.
pub(super) fn add(findings: &mut Vec<Finding>, others: Vec<Finding>) {
    let line = |finding: &Finding| (Rc::clone(&finding.place.file), finding.place.line);
    let mut known: HashMap<_, Level> = HashMap::new();
    for finding in &*findings {
        let worst = known.entry(line(finding)).or_insert(finding.level);
        *worst = finding.level.max(*worst);
    }
    findings
        .extend(others.into_iter().filter(|other| known.get(&line(other)).is_none_or(|known| *known < other.level)));
}

/// Finds users and scripts that this machine does not have, or must not run; settles who runs commands that name nobody.
pub fn of_machine(built: &mut Built) -> Vec<Finding> {
    let mut findings = Vec::new();
    let vrrp = &mut built.configuration.vrrp;
    let orphan = built.scripts.iter().find(|script| script.command.user.is_none());
    if let (None, Some(script)) = (&vrrp.script_user, orphan) {
        if User::find(SCRIPT_USER, None).is_ok() {
            vrrp.script_user = Some((SCRIPT_USER.to_owned(), None));
        } else if !built.configuration.global.script_security {
            vrrp.script_user = Some(("root".to_owned(), None));
            let message =
                "scripts without a user run as root, because there is no script_user and no user keepalived_script";
            let finding = Finding::warning(&script.place, message).within(script.block.clone());
            findings.push(finding.hint("script_user USER in global_defs names somebody else"));
        }
    }
    let place = built.script_user.clone();
    let user = User::for_scripts(vrrp.script_user.as_ref()).map_err(|fault| {
        if let Some(place) = &place {
            let finding = Finding::error(place, format_args!("script_user: {fault}")).within("global_defs");
            findings.push(finding.keepalived(Verdict::Ignores).hint(fault.hint()));
        }
    });
    // Without the user there is no telling what that one may run.
    if let Ok(user) = user {
        findings.extend(built.scripts.iter().filter_map(|script| {
            let fault = script::check(&script.command, &user).err()?;
            let finding = Finding::error(&script.place, &fault).within(script.block.clone());
            Some(finding.keepalived(Verdict::Ignores).hint(fault.hint()))
        }));
    }
    if let Some(user) = &built.configuration.vrrp.script_user {
        with_user(&mut built.configuration.checks, &mut built.configuration.global.fifos, user);
    }
    findings
}

/// Names who runs commands of checks, and readers of their FIFOs, that name nobody: in save files that is said of each.
fn with_user(checks: &mut Settings, fifos: &mut [Fifo], user: &(String, Option<String>)) {
    let name = |command: &mut Command| _ = command.user.get_or_insert_with(|| user.clone());
    for check in &mut checks.checks {
        let is_script = matches!(check.probe.question, Question::Script { .. });
        if is_script && let Question::Script { command, .. } = &mut Arc::make_mut(&mut check.probe).question {
            name(command);
        }
    }
    fifos.iter_mut().filter_map(|fifo| fifo.reader.as_mut()).for_each(name);
    for policy in &mut checks.policies {
        policy.quorum_up.iter_mut().chain(&mut policy.quorum_down).for_each(name);
    }
    for server in &mut checks.servers {
        server.up.iter_mut().chain(&mut server.down).for_each(name);
    }
}

/// Returns a finding as one line: place, block, what is wrong.
pub fn line(finding: &Finding) -> String {
    let Finding { place, block, message, .. } = finding;
    if block.is_empty() { format!("{place}: {message}") } else { format!("{place}: {block}: {message}") }
}

/// Returns where in its file something stands: `keepalived.conf:12`.
pub(super) fn short(place: &Place) -> String {
    let name = place.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{name}:{}", place.line)
}
