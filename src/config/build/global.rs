//! `global_defs`, and the keywords outside all blocks.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use super::{
    fifos::Fifos,
    reading::{self, LONGEST, Reader, address, group4, group6, inside, number, whole_seconds},
};
use crate::{
    config::tree::{Place, Statement, Verdict},
    model::{SyncDaemon, Timeouts},
    pool::settings::AtStart,
    vrrp::settings::{Announce, Fifo, Version},
};

/// What a file says of the whole agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Global {
    /// The name of this host in mails.
    pub router_id: Option<String>,
    /// Mail about what happens.
    pub mail: Mail,
    /// How the VRRP process runs.
    pub vrrp: Preference,
    /// How the check process runs.
    pub check: Preference,
    /// Whether the kernel's table is emptied at the start (`lvs_flush`).
    pub flush: bool,
    /// What becomes of the kernel's table at the end.
    pub at_stop: AtStop,
    /// Whether scripts that others could change are refused (`enable_script_security`). lvsadm always refuses them.
    pub script_security: bool,
    /// How long after the machine was started virtual routers wait.
    pub delay_after_boot: Duration,
    /// Name of the agent where several run in one network namespace.
    pub instance: Option<String>,
    /// The network namespace by name; `None` = that of the process.
    pub net_namespace: Option<String>,
    /// FIFOs that are told of servers and services.
    pub fifos: Vec<Fifo>,
}

/// Mail about what happens; nothing is sent without a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// Who gets it.
    pub to: Vec<String>,
    /// Who sends it.
    pub from: Option<String>,
    /// Server, an address or a name, and its port.
    pub server: Option<(String, u16)>,
    /// Name given in HELO.
    pub helo: Option<String>,
    /// How long the server is waited for.
    pub timeout: Option<Duration>,
    /// Whether virtual routers and groups of which nothing is said are mailed about.
    pub vrrp: Option<bool>,
    /// Whether services and servers of which nothing is said are mailed about; servers are by default.
    pub checks: Option<bool>,
    /// Whether faults are left out.
    pub no_faults: bool,
    /// Single things of which something is said, by the names that commands print.
    pub single: Vec<(String, bool)>,
}

/// How a process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preference {
    /// Niceness, −20 to 19.
    pub nice: Option<i8>,
    /// Real-time priority, 1 to 99.
    pub real_time: Option<u8>,
    /// Whether its memory is locked.
    pub lock_memory: bool,
    /// CPUs that it may run on; empty = all.
    pub cpus: Vec<usize>,
}

/// What becomes of the kernel's table at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtStop {
    /// The services of the file are removed.
    #[default]
    Remove,
    /// Everything is removed (`lvs_flush_on_stop`).
    Flush,
}

/// The sync daemons of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sync {
    /// Whose state they follow; `None` = both run all the time.
    pub(super) instance: Option<String>,
    /// Whether an identifier was said.
    pub(super) id: Option<u8>,
    /// As it is said; its role means nothing.
    pub(super) daemon: SyncDaemon,
    pub(super) place: Place,
}

/// What holds for virtual routers that say nothing else, and what else other blocks need.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    pub(super) announce: Announce,
    /// What was said of announcements after a lower priority, which otherwise follows the rest.
    pub(super) lower: (Option<u32>, Option<Duration>),
    pub(super) version: Option<Version>,
    pub(super) group4: Option<IpAddr>,
    pub(super) group6: Option<IpAddr>,
    pub(super) strict: bool,
    pub(super) skip_address_check: bool,
    pub(super) check_source: bool,
    pub(super) pseudo_header: bool,
    pub(super) lower_no_advert: bool,
    pub(super) higher_send_advert: bool,
    pub(super) owner_ignores: bool,
    pub(super) down_timer_adverts: u8,
    pub(super) notify_priority_changes: bool,
    pub(super) vmac_prefix: Option<String>,
    pub(super) interface: String,
    pub(super) startup_delay: Duration,
    pub(super) missing_interfaces: bool,
    pub(super) script_user: Option<(String, Option<String>)>,
    pub(super) script_user_place: Option<Place>,
    pub(super) fifos: Fifos,
    /// What is told of servers and services that are up at the start: what somebody hears, as in keepalived.
    pub(super) at_start: AtStart,
    pub(super) timeouts: Option<Timeouts>,
    pub(super) sync: Option<Sync>,
    pub(super) log_all_failures: bool,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            announce: Announce::default(),
            lower: (None, None),
            version: None,
            group4: None,
            group6: None,
            strict: false,
            skip_address_check: false,
            check_source: false,
            pseudo_header: true,
            lower_no_advert: false,
            higher_send_advert: false,
            owner_ignores: false,
            down_timer_adverts: 3,
            notify_priority_changes: false,
            vmac_prefix: None,
            interface: "eth0".to_owned(),
            startup_delay: Duration::ZERO,
            missing_interfaces: false,
            script_user: None,
            script_user_place: None,
            fifos: Fifos::default(),
            at_start: AtStart::Nothing,
            timeouts: None,
            sync: None,
            log_all_failures: false,
        }
    }
}

/// More announcements of one address at once are a flood.
pub(super) const MOST_REPEATS: u32 = 1000;

/// The longest pause between announcements.
pub(super) const PAUSE: std::ops::RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(60);

/// Reads all of it.
pub(super) fn read(tree: &[Statement], r: &mut Reader) -> (Global, Defaults) {
    let (mut global, mut defaults) = (Global::default(), Defaults::default());
    for statement in tree {
        match &*statement.keyword.text {
            "global_defs" => r.within(statement, |r| {
                let mut least_garp = false;
                for statement in inside(statement) {
                    if &*statement.keyword.text == "vrrp_min_garp" {
                        least_garp |= r.switch(statement);
                    } else if !announce(statement, &mut defaults, r)
                        && !vrrp(statement, &mut defaults, r)
                        && !mail(statement, &mut global.mail, r)
                    {
                        agent(statement, &mut global, &mut defaults, r);
                    }
                }
                if least_garp {
                    least(&mut defaults.announce);
                }
            }),
            "instance" => global.instance = r.text(statement),
            "net_namespace" => global.net_namespace = r.text(statement),
            "net_namespace_ipvs" => r.not_done(statement, "IPVS is programmed in the network namespace of the agent"),
            _ => {}
        }
    }
    if defaults.at_start == AtStart::Nothing
        && (defaults.fifos.are_told_of_servers() || global.mail.checks == Some(true))
    {
        defaults.at_start = AtStart::Quorum;
    }
    (global, defaults)
}

/// `vrrp_min_garp`: one announcement, where nothing else was said.
fn least(announce: &mut Announce) {
    let usual = Announce::default();
    if announce.repeat == usual.repeat {
        announce.repeat = 1;
    }
    if announce.delay == usual.delay {
        announce.delay = Duration::ZERO;
    }
}

/// Reads a keyword about announcements; returns whether it was one.
fn announce(statement: &Statement, defaults: &mut Defaults, r: &mut Reader) -> bool {
    let seconds = |r: &mut Reader| r.one(statement, whole_seconds(0..=LONGEST.as_secs()));
    let repeat = |r: &mut Reader| r.number(statement, 0..=MOST_REPEATS);
    let Defaults { announce, lower, .. } = defaults;
    match &*statement.keyword.text {
        "vrrp_garp_master_delay" => set(&mut announce.delay, seconds(r)),
        "vrrp_garp_master_repeat" => set(&mut announce.repeat, repeat(r).map(|repeat| repeat.max(1))),
        "vrrp_garp_master_refresh" => set(&mut announce.refresh, seconds(r)),
        "vrrp_garp_master_refresh_repeat" => {
            set(&mut announce.refresh_repeat, repeat(r).map(|repeat| repeat.max(1)));
        }
        "vrrp_garp_lower_prio_delay" => lower.1 = seconds(r).or(lower.1),
        "vrrp_garp_lower_prio_repeat" => lower.0 = repeat(r).or(lower.0),
        "vrrp_garp_interval" => set(&mut announce.arp_interval, r.time(statement, PAUSE)),
        "vrrp_gna_interval" => set(&mut announce.na_interval, r.time(statement, PAUSE)),
        "vrrp_garp_extra_if" | "vrrp_vmac_garp_intvl" => set(&mut announce.other_links, extra(statement, r)),
        _ => return false,
    }
    true
}

/// Reads `[all] SECONDS`.
pub(super) fn extra(statement: &Statement, r: &mut Reader) -> Option<Duration> {
    let word = statement.values.iter().find(|word| &*word.text != "all");
    match word {
        Some(word) => r.word(statement, word, whole_seconds(0..=86_400)),
        None => r.one(statement, |_| Err("a number of seconds is missing".to_owned())),
    }
}

/// Keeps a value that could be read.
pub(super) fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

/// Reads a keyword about virtual routers; returns whether it was one.
fn vrrp(statement: &Statement, defaults: &mut Defaults, r: &mut Reader) -> bool {
    match &*statement.keyword.text {
        "vrrp_version" => {
            let version = r.number(statement, 2..=3_u8);
            defaults.version = version.map(|version| if version == 2 { Version::V2 } else { Version::V3 });
        }
        "vrrp_mcast_group4" => defaults.group4 = r.one(statement, group4),
        "vrrp_mcast_group6" => defaults.group6 = r.one(statement, group6),
        "vrrp_strict" => defaults.strict = r.switch(statement),
        "vrrp_skip_check_adv_addr" => defaults.skip_address_check = r.switch(statement),
        "vrrp_check_unicast_src" => defaults.check_source = true,
        "v3_checksum_as_v2" => defaults.pseudo_header = false,
        "vrrp_lower_prio_no_advert" => defaults.lower_no_advert = r.switch(statement),
        "vrrp_higher_prio_send_advert" => defaults.higher_send_advert = r.switch(statement),
        "vrrp_owner_ignore_adverts" => defaults.owner_ignores = r.switch(statement),
        "vrrp_down_timer_adverts" => set(&mut defaults.down_timer_adverts, r.number(statement, 1..=100)),
        "vrrp_notify_priority_changes" => defaults.notify_priority_changes = r.switch(statement),
        "vmac_prefix" => defaults.vmac_prefix = r.text(statement),
        "default_interface" => set(&mut defaults.interface, r.text(statement)),
        "vrrp_startup_delay" => set(&mut defaults.startup_delay, r.time(statement, Duration::ZERO..=DAY)),
        "dynamic_interfaces" => defaults.missing_interfaces = true,
        "lvs_sync_daemon" => defaults.sync = sync(statement, r),
        _ => return false,
    }
    true
}

const DAY: Duration = Duration::from_secs(86_400);

/// Reads a keyword about mail; returns whether it was one.
fn mail(statement: &Statement, mail: &mut Mail, r: &mut Reader) -> bool {
    match &*statement.keyword.text {
        // An address may have blanks, which stand for one word each unless it is quoted.
        "notification_email" => mail.to.extend(inside(statement).iter().map(Statement::title)),
        "notification_email_from" => mail.from = r.text(statement),
        "smtp_server" => {
            let port = statement.values.get(1).and_then(|word| r.word(statement, word, reading::port));
            mail.server = r.text(statement).map(|server| (server, port.unwrap_or(25)));
        }
        "smtp_helo_name" => mail.helo = r.text(statement),
        "smtp_connect_timeout" => mail.timeout = r.one(statement, whole_seconds(1..=86_400)),
        "smtp_alert" => {
            let on = r.switch(statement);
            mail.vrrp = mail.vrrp.or(Some(on));
            mail.checks = mail.checks.or(Some(on));
        }
        "smtp_alert_vrrp" => mail.vrrp = Some(r.switch(statement)),
        "smtp_alert_checker" => mail.checks = Some(r.switch(statement)),
        "no_email_faults" => mail.no_faults = true,
        _ => return false,
    }
    true
}

/// Reads the other keywords.
fn agent(statement: &Statement, global: &mut Global, defaults: &mut Defaults, r: &mut Reader) {
    match &*statement.keyword.text {
        "router_id" => global.router_id = r.text(statement),
        "instance" => global.instance = r.text(statement),
        "net_namespace" => global.net_namespace = r.text(statement),
        "script_user" => {
            defaults.script_user = reading::user(&statement.values);
            defaults.script_user_place = statement.values.first().map(|word| word.place.clone());
        }
        "enable_script_security" => global.script_security = true,
        "notify_fifo" | "vrrp_notify_fifo" | "lvs_notify_fifo" => {
            if let Some(path) = r.one(statement, absolute) {
                let owner = statement.values.get(1..).and_then(reading::user);
                *defaults.fifos.of(&statement.keyword.text) = Some(Fifo { path, owner, reader: None });
            }
        }
        "notify_fifo_script" | "vrrp_notify_fifo_script" | "lvs_notify_fifo_script" => {
            defaults.fifos.read_by(statement, r);
        }
        "vrrp_delay_after_boot" => set(&mut global.delay_after_boot, r.time(statement, Duration::ZERO..=DAY)),
        "lvs_flush" => global.flush = true,
        "lvs_flush_on_stop" | "lvs_flush_onstop" => {
            let only_own = statement.values.first().is_some_and(|word| &*word.text == "VS");
            global.at_stop = if only_own { AtStop::Remove } else { AtStop::Flush };
        }
        "lvs_timeouts" => defaults.timeouts = timeouts(statement, r),
        "checker_log_all_failures" => defaults.log_all_failures = r.switch(statement),
        "no_checker_emails" => {
            r.not_done(statement, "there is mail when a server comes or goes, and never of single probes");
        }
        "rs_init_notifies" => {
            if r.switch(statement) {
                defaults.at_start = AtStart::Servers;
            }
        }
        "vmac_addr_prefix" => r.not_done(statement, "macvlans of other links are named as those of the instance"),
        keyword => preference(keyword, statement, global, r),
    }
}

/// Reads how a process runs.
fn preference(keyword: &str, statement: &Statement, global: &mut Global, r: &mut Reader) {
    let (process, keyword) = match keyword.split_once('_') {
        Some(("vrrp", keyword)) => (&mut global.vrrp, keyword),
        Some(("checker", keyword)) => (&mut global.check, keyword),
        _ => return,
    };
    match keyword {
        "priority" => process.nice = r.number(statement, -20..=19),
        "rt_priority" => process.real_time = r.number(statement, 1..=99),
        "no_swap" => process.lock_memory = true,
        "cpu_affinity" => {
            for word in &statement.values {
                process.cpus.extend(r.word(statement, word, number(0..=4095)));
            }
        }
        _ => {}
    }
}

fn absolute(text: &str) -> reading::Reading<PathBuf> {
    if text.starts_with('/') { Ok(PathBuf::from(text)) } else { Err("an absolute path is needed".to_owned()) }
}

/// Reads `[tcp S] [tcpfin S] [udp S]`.
fn timeouts(statement: &Statement, r: &mut Reader) -> Option<Timeouts> {
    let mut timeouts = Timeouts { tcp: 0, tcp_fin: 0, udp: 0 };
    for pair in statement.values.chunks(2) {
        let [which, value] = pair else {
            r.error(&statement.keyword.place, Verdict::Ignores, "lvs_timeouts: a number of seconds is missing");
            return None;
        };
        let slot = match &*which.text {
            "tcp" => &mut timeouts.tcp,
            "tcpfin" => &mut timeouts.tcp_fin,
            "udp" => &mut timeouts.udp,
            other => {
                let message = format!("lvs_timeouts {other}: tcp, tcpfin or udp is needed");
                r.error(&which.place, Verdict::Ignores, message);
                continue;
            }
        };
        set(slot, r.word(statement, value, number(0..=2_678_400)));
    }
    Some(timeouts)
}

/// Reads `IF [[inst] VRRP] [id N] [maxlen N] [port N] [ttl N] [group ADDR]`; in the old form, the number of an identifier
/// stands by itself.
fn sync(statement: &Statement, r: &mut Reader) -> Option<Sync> {
    use crate::model::DaemonRole::Master;
    let interface = r.text(statement)?;
    let mut daemon =
        SyncDaemon { role: Master, interface, sync_id: 0, max_len: None, group: None, port: None, ttl: None };
    let (mut instance, mut id) = (None, None);
    let mut words = statement.values.iter().skip(1);
    while let Some(word) = words.next() {
        let keyword = &*word.text;
        if !["inst", "id", "maxlen", "port", "ttl", "group"].contains(&keyword) {
            match keyword.parse() {
                Ok(number) if instance.is_some() => id = Some(number),
                _ => instance = Some(keyword.to_owned()),
            }
            continue;
        }
        let Some(value) = words.next() else {
            r.error(&word.place, Verdict::Ignores, format_args!("lvs_sync_daemon {keyword}: its value is missing"));
            continue;
        };
        match keyword {
            "inst" => instance = Some(value.text.to_string()),
            "id" => id = r.word(statement, value, number(0..=u8::MAX)),
            "maxlen" => daemon.max_len = r.word(statement, value, number(1..=65_507)),
            "port" => daemon.port = r.word(statement, value, reading::port),
            "ttl" => daemon.ttl = r.word(statement, value, number(1..=u8::MAX)),
            _ => daemon.group = r.word(statement, value, address).filter(IpAddr::is_multicast),
        }
    }
    daemon.sync_id = id.unwrap_or(0);
    Some(Sync { instance, id, daemon, place: statement.keyword.place.clone() })
}
