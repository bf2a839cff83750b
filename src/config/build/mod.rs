//! Statements of a file → what an agent is told, with all that cannot be done as it stands.
//!
//! Nothing here does IO, but for reading keys in files of their own: whether users, interfaces and scripts exist is for whoever runs it. Forms of words (types, ranges)
//! are judged by the schema first; what means nothing here is said here again, so that nothing is left out silently, and
//! whoever puts both together keeps one finding a place.

mod checker;
mod fifos;
mod global;
mod group;
mod host;
mod instance;
mod page;
mod reading;
mod secret;
mod service;
mod session;
#[cfg(test)]
mod tests;
mod track;

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

pub use global::{AtStop, Global, Mail, Preference};
pub use reading::Script;

use self::{
    global::Defaults,
    group::Member,
    reading::{Reader, inside},
    service::Around,
    track::Named,
};
use super::tree::{Finding, Place, Statement, Verdict};
use crate::{
    bfd,
    model::{DaemonRole, ServiceKey, SyncDaemon},
    pool,
    vrrp::{
        self,
        settings::{Process, Script as TrackedScript, SyncFollower, TrackedFile},
    },
};

/// What a file tells an agent.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// The virtual routers, and what is watched for them.
    pub vrrp: vrrp::settings::Settings,
    /// The services with their checks. Timeouts and sync daemons that run all the time are in the table, too.
    pub checks: pool::settings::Settings,
    /// The agent itself.
    pub global: Global,
}

impl Configuration {
    /// Whether there is anything for a VRRP process.
    pub fn needs_vrrp(&self) -> bool {
        let vrrp = &self.vrrp;
        !vrrp.instances.is_empty() || !vrrp.statics.is_empty() || !vrrp.sessions.is_empty()
    }

    /// Whether there is anything for a check process.
    pub fn needs_checks(&self) -> bool {
        let table = &self.checks.operator;
        !table.services.is_empty() || table.timeouts.is_some() || !table.daemons.is_empty()
    }
}

/// Statements that were read.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// What they say, as far as it can be done.
    pub configuration: Configuration,
    /// What is wrong, in the order of the file.
    pub findings: Vec<Finding>,
    /// Every command, to be looked at on the machine that it is for.
    pub scripts: Vec<Script>,
    /// Where `script_user` stands.
    pub script_user: Option<Place>,
    /// The block that each service is from: its first line, and where that stands.
    pub origins: HashMap<ServiceKey, (String, Place)>,
}

/// Reads the statements of a whole file.
pub fn build(tree: &[Statement]) -> Built {
    let mut r = Reader::default();
    let (global, defaults) = global::read(tree, &mut r);
    let mut configuration = Configuration { global, ..Configuration::default() };
    let watched = Watched::read(tree, &mut r);
    routers(tree, &watched, &defaults, &mut configuration.vrrp, &mut r);
    configuration.vrrp.scripts = watched.scripts;
    configuration.vrrp.processes = watched.processes;
    configuration.vrrp.files = watched.files;
    configuration.vrrp.sessions = watched.bfd;
    let origins = services(tree, &defaults, &mut configuration, &mut r);
    sync(&defaults, &mut configuration, &mut r);
    let vrrp = &mut configuration.vrrp;
    vrrp.startup_delay = defaults.startup_delay;
    vrrp.missing_interfaces = defaults.missing_interfaces;
    (vrrp.fifos, configuration.global.fifos) = defaults.fifos.told();
    vrrp.script_user = defaults.script_user;
    r.findings.sort_by(|one, other| {
        let key = |finding: &Finding| (finding.place.line, finding.place.column);
        one.place.file.cmp(&other.place.file).then_with(|| key(one).cmp(&key(other)))
    });
    configuration.global.mail.single = r.alerts;
    let (findings, scripts) = (r.findings, r.scripts);
    Built { configuration, findings, scripts, script_user: defaults.script_user_place, origins }
}

/// What is watched, wherever it stands in the file.
#[derive(Debug, Default)]
struct Watched {
    scripts: Vec<TrackedScript>,
    processes: Vec<Process>,
    files: Vec<TrackedFile>,
    /// Their weights, for instances that say none.
    sessions: Vec<(String, (i16, bool))>,
    bfd: Vec<bfd::settings::Settings>,
}

impl Watched {
    fn read(tree: &[Statement], r: &mut Reader) -> Self {
        let mut watched = Self::default();
        let mut names = HashSet::new();
        for block in tree {
            let keyword = &*block.keyword.text;
            let keyword = if keyword == "vrrp_track_file" { "track_file" } else { keyword };
            if !["vrrp_script", "vrrp_track_process", "track_file", "bfd_instance"].contains(&keyword)
                || !is_new(block, keyword, &mut names, r)
            {
                continue;
            }
            r.within(block, |r| match keyword {
                "vrrp_script" => watched.scripts.extend(track::script(block, r)),
                "vrrp_track_process" => watched.processes.extend(track::process(block, r)),
                "track_file" => watched.files.extend(track::file(block, r)),
                _ => {
                    let Some(session) = session::read(block, r) else { return };
                    if let Some(other) = watched.bfd.iter().find(|other| other.collides(&session)) {
                        let message = format!(
                            "bfd_instance {} has the neighbour of {}: it is left out",
                            session.name, other.name
                        );
                        r.error(&block.keyword.place, Verdict::Ignores, message).hint =
                            Some("a source_ip in both tells them apart".to_owned());
                        return;
                    }
                    watched.sessions.extend(track::session(block, r));
                    watched.bfd.push(session);
                }
            });
        }
        watched
    }
}

/// Whether this is the first block of its kind and name; others are said, and left out.
fn is_new<'a>(block: &'a Statement, keyword: &'a str, names: &mut HashSet<(&'a str, &'a str)>, r: &mut Reader) -> bool {
    let Some(name) = block.values.first() else { return true };
    let new = names.insert((keyword, &*name.text));
    if !new {
        let message = format!("there is a {keyword} {} already: this one is left out", name.text);
        r.error(&name.place, Verdict::Ignores, message).hint = Some("give it another name".to_owned());
    }
    new
}

/// Reads virtual routers, groups, and what is on the host all the time.
fn routers(
    tree: &[Statement],
    watched: &Watched,
    defaults: &Defaults,
    settings: &mut vrrp::settings::Settings,
    r: &mut Reader,
) {
    let Watched { scripts, processes, files, sessions, .. } = watched;
    let named = Named { scripts, processes, files, sessions };
    let mut names = HashSet::new();
    let mut preference = None;
    for block in tree.iter().filter(|block| &*block.keyword.text == "vrrp_instance") {
        if is_new(block, "vrrp_instance", &mut names, r) {
            let read = r.within(block, |r| instance::read(block, defaults, &named, &mut preference, r));
            settings.instances.extend(read);
        }
    }
    same_router(tree, settings, r);
    let mut grouped = HashSet::new();
    for block in tree {
        match &*block.keyword.text {
            "vrrp_sync_group" if is_new(block, "vrrp_sync_group", &mut names, r) => {
                let around = (&named, defaults);
                let group = r.within(block, |r| track::group(block, &mut settings.instances, &mut grouped, around, r));
                settings.groups.extend(group);
            }
            "garp_group" => r.within(block, |r| instance::garp_group(block, &mut settings.instances, r)),
            "static_ipaddress" => r.within(block, |r| {
                for (mut address, _) in host::addresses(block, r).addresses {
                    address.device.get_or_insert_with(|| defaults.interface.clone());
                    settings.statics.addresses.push(address);
                }
            }),
            "static_routes" => {
                let routes = r.within(block, |r| host::routes(block, r));
                settings.statics.routes.extend(routes);
            }
            "static_rules" => {
                let rules = r.within(block, |r| host::rules(block, &mut preference, r));
                settings.statics.rules.extend(rules);
            }
            _ => {}
        }
    }
}

/// Finds instances that would be the same router on the link.
fn same_router(tree: &[Statement], settings: &mut vrrp::settings::Settings, r: &mut Reader) {
    use vrrp::settings::Transport;
    let mut seen: HashMap<_, String> = HashMap::new();
    let mut out = Vec::new();
    for instance in &settings.instances {
        let (Transport::Multicast { source, .. } | Transport::Unicast { source, .. }) = &instance.transport;
        let source = || source.map(|source| source.to_string());
        let key = (instance.vrid, instance.family, instance.interface.clone().or_else(source));
        if let Some(other) = seen.get(&key) {
            let name = |block: &&Statement| {
                &*block.keyword.text == "vrrp_instance"
                    && block.values.first().is_some_and(|word| *word.text == *instance.name)
            };
            if let Some(block) = tree.iter().find(name) {
                let message = format!("{} has the virtual_router_id and the interface of {other}", instance.name);
                r.error(&block.keyword.place, Verdict::Refuses, message).hint =
                    Some("each virtual router of a link has a number of its own".to_owned());
            }
            out.push(instance.name.clone());
            continue;
        }
        seen.insert(key, instance.name.clone());
    }
    settings.instances.retain(|instance| !out.contains(&instance.name));
}

/// Reads virtual servers.
fn services(
    tree: &[Statement],
    defaults: &Defaults,
    configuration: &mut Configuration,
    r: &mut Reader,
) -> service::Seen {
    let mut names = HashSet::new();
    let mut groups: HashMap<String, Vec<Member>> = HashMap::new();
    let mut identity: Option<(PathBuf, PathBuf)> = None;
    for block in tree {
        match &*block.keyword.text {
            "virtual_server_group" if is_new(block, "virtual_server_group", &mut names, r) => {
                groups.extend(r.within(block, |r| group::read(block, r)));
            }
            "SSL" => identity = r.within(block, |r| client(block, r)),
            _ => {}
        }
    }
    let files = configuration.vrrp.files.clone();
    let around = Around { groups: &groups, files: &files, identity: identity.as_ref(), defaults };
    let mut seen = service::Seen::new();
    for block in tree.iter().filter(|block| &*block.keyword.text == "virtual_server") {
        r.within(block, |r| service::read(block, around, &mut seen, &mut configuration.checks, r));
    }
    configuration.checks.operator.timeouts = defaults.timeouts;
    seen
}

/// Reads `SSL`: our certificate and its key.
fn client(block: &Statement, r: &mut Reader) -> Option<(PathBuf, PathBuf)> {
    let (mut certificate, mut key) = (None, None);
    for statement in inside(block) {
        match &*statement.keyword.text {
            "certificate" => certificate = r.text(statement).map(PathBuf::from),
            "key" => key = r.text(statement).map(PathBuf::from),
            "password" => r.not_done(statement, "the key of a certificate must not be encrypted"),
            // It has never verified anything.
            "ca" => r.not_done(statement, "certificates of servers are not verified, as in keepalived"),
            _ => {}
        }
    }
    if certificate.is_some() != key.is_some() {
        let message = "certificate and key go together: neither is used";
        r.error(&block.keyword.place, Verdict::Accepts, message);
    }
    certificate.zip(key)
}

/// Sync daemons run all the time, or follow an instance.
fn sync(defaults: &Defaults, configuration: &mut Configuration, r: &mut Reader) {
    let Some(sync) = &defaults.sync else { return };
    let Some(name) = &sync.instance else {
        let both = [DaemonRole::Master, DaemonRole::Backup];
        let daemons = both.map(|role| SyncDaemon { role, ..sync.daemon.clone() });
        configuration.checks.operator.daemons.extend(daemons);
        return;
    };
    let Some(instance) = configuration.vrrp.instances.iter().find(|instance| instance.name == *name) else {
        r.error(&sync.place, Verdict::Ignores, format_args!("lvs_sync_daemon: there is no vrrp_instance {name}"));
        return;
    };
    let sync_id = sync.id.unwrap_or_else(|| instance.vrid.get());
    let daemon = SyncDaemon { sync_id, ..sync.daemon.clone() };
    configuration.vrrp.sync = Some(SyncFollower { instance: name.clone(), daemon });
}
