//! Settings → lines, in one form: only what differs from the defaults, in the order of the tables.
//!
//! What is printed here is read back as the same settings. Secrets are printed; whoever writes them keeps others away.

use std::{path::Path, time::Duration};

use super::{
    Kind, fifo,
    host::{print_address, print_route, print_rule},
    instance::{DOWN_TIMER_ADVERTS, Defaults, INTERVAL, default_group, default_window},
    objects::SCRIPT_INTERVAL,
    session::{DEFAULT_KEY, default_hops},
    track,
    values::{print_command, print_mac, print_secret, print_time, print_user},
};
use crate::{
    bfd::settings as bfd,
    model::{Family, SyncDaemon},
    state::print::quoted,
    vrrp::settings::{
        AntiReplay, ArgumentMatch, Authentication, HmacMode, Initial, Instance, Notify, Peer, Preempt, Process, Script,
        Settings, SyncFollower, SyncGroup, TrackedFile, Transport, Version,
    },
};

/// Returns the lines that say all of this: settings of the process, what is watched, instances, groups.
pub fn lines(settings: &Settings) -> Vec<String> {
    let mut lines: Vec<String> = set(settings).into_iter().collect();
    lines.extend(settings.scripts.iter().map(script));
    lines.extend(settings.processes.iter().map(process));
    lines.extend(settings.files.iter().map(file));
    lines.extend(settings.sessions.iter().map(session));
    lines.extend(settings.instances.iter().map(instance));
    lines.extend(settings.groups.iter().map(group));
    lines
}

/// A line as it grows.
struct Line(String);

impl Line {
    fn new(kind: Kind, name: &str) -> Self {
        Self(format!("{} {} {}", kind.part(), kind.verb(), quoted(name)))
    }

    fn value(&mut self, option: &str, value: impl AsRef<str>) {
        let value = value.as_ref();
        // A value that looks like an option holds on to its own.
        let separator = if value.starts_with("--") { "=" } else { " " };
        self.0.extend([" --", option, separator, &quoted(value)]);
    }

    fn some(&mut self, option: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.value(option, value);
        }
    }

    /// Says what differs from the default.
    fn differs<T: PartialEq>(&mut self, option: &str, value: &T, default: &T, print: impl Fn(&T) -> String) {
        if value != default {
            self.value(option, print(value));
        }
    }

    fn flag(&mut self, option: &str, set: bool) {
        if set {
            self.0.extend([" --", option]);
        }
    }

    fn notify(&mut self, notify: &Notify) {
        let commands = [
            ("notify", &notify.any),
            ("notify-master", &notify.master),
            ("notify-backup", &notify.backup),
            ("notify-fault", &notify.fault),
            ("notify-stop", &notify.stop),
            ("notify-deleted", &notify.deleted),
            ("notify-lower-priority", &notify.lower_priority),
        ];
        for (option, command) in commands {
            self.some(option, command.as_ref().map(print_command));
        }
        self.flag("notify-priority-changes", notify.priority_changes);
    }

    fn tracks(&mut self, tracks: &[crate::vrrp::settings::Track]) {
        for track in tracks {
            let (option, word) = track::print(track);
            self.value(option, word);
        }
    }
}

/// Returns the line that adds a BFD session.
pub fn session(session: &bfd::Settings) -> String {
    let mut line = Line::new(Kind::Session, &session.name);
    let defaults = bfd::Settings::new(&session.name, session.neighbour);
    let time = |time: &Duration| print_time(*time);
    line.value("neighbour", session.neighbour.to_string());
    line.some("source", session.source.map(|source| source.to_string()));
    line.some("interface", session.interface.as_ref());
    line.flag("multihop", session.multihop);
    line.flag("passive", session.passive);
    line.flag("admin-down", session.admin_down);
    line.differs("min-rx", &session.min_rx, &defaults.min_rx, time);
    line.differs("min-tx", &session.min_tx, &defaults.min_tx, time);
    line.differs("idle-tx", &session.idle_tx, &defaults.idle_tx, time);
    line.differs("multiplier", &session.multiplier, &defaults.multiplier, u8::to_string);
    if let Some(authentication) = &session.authentication {
        line.value("auth", authentication.method.name());
        line.differs("key-id", &authentication.key_id, &DEFAULT_KEY, u8::to_string);
        line.value("secret", print_secret(&authentication.key));
    }
    line.differs("ttl", &session.ttl, &defaults.ttl, u8::to_string);
    line.differs("max-hops", &session.max_hops, &default_hops(session.multihop), |hops| {
        hops.map_or_else(|| "any".to_owned(), |hops| hops.to_string())
    });
    line.0
}

/// Returns the line that adds an instance.
pub fn instance(instance: &Instance) -> String {
    let defaults = Defaults::of(instance.family, instance.priority, instance.strict);
    let mut line = Line::new(Kind::Instance, &instance.name);
    line.some("interface", instance.interface.as_ref());
    line.value("vrid", instance.vrid.to_string());
    line.differs("version", &instance.version, &defaults.version, |version| match version {
        Version::V2 => "2".to_owned(),
        Version::V3 => "3".to_owned(),
    });
    line.value("priority", instance.priority.get().to_string());
    line.differs("interval", &instance.interval, &INTERVAL, |time| print_time(*time));
    line.differs("initial", &instance.initial, &defaults.initial, |initial| match initial {
        Initial::Backup => "backup".to_owned(),
        Initial::Master => "master".to_owned(),
    });
    match instance.preempt {
        Preempt::Never => line.flag("nopreempt", true),
        Preempt::After(delay) if delay.is_zero() => {}
        Preempt::After(delay) => line.value("preempt-delay", print_time(delay)),
    }
    instance.addresses.iter().for_each(|address| line.value("address", print_address(address)));
    instance.excluded.iter().for_each(|address| line.value("exclude", print_address(address)));
    instance.routes.iter().for_each(|route| line.value("route", print_route(route)));
    instance.rules.iter().for_each(|rule| line.value("rule", print_rule(rule)));
    if instance.addresses.is_empty() {
        line.value("family", if instance.family == Family::V4 { "ipv4" } else { "ipv6" });
    }
    authentication(&mut line, instance);
    transport(&mut line, instance);
    if let Some(vmac) = &instance.vmac {
        match &vmac.name {
            Some(name) => line.0.extend([" --vmac=", &quoted(name)]),
            None => line.flag("vmac", true),
        }
    }
    line.tracks(&instance.tracks);
    line.notify(&instance.notify);
    announce(&mut line, instance, &defaults);
    line.flag("strict", instance.strict);
    line.flag("accept", instance.accept && !defaults.accept);
    line.flag("no-accept", !instance.accept && defaults.accept);
    line.differs("down-timer-adverts", &instance.down_timer_adverts, &DOWN_TIMER_ADVERTS, u8::to_string);
    line.flag("no-answer-lower", !instance.answer_lower && defaults.answer_lower);
    line.flag("answer-higher", instance.answer_higher);
    line.flag("owner-ignores-adverts", instance.owner_ignores_adverts && !defaults.owner_ignores_adverts);
    line.flag("skip-address-check", instance.skip_address_check);
    line.flag("promote-secondaries", instance.promote_secondaries);
    line.flag("no-track-primary", !instance.track_primary);
    line.flag("track-source", instance.track_source);
    line.flag("no-pseudo-header", !instance.pseudo_header);
    if let Some(vmac) = &instance.vmac {
        line.some("vmac-mac", vmac.mac.map(print_mac));
        let unicast = matches!(instance.transport, Transport::Unicast { .. });
        line.flag("vmac-transmit-base", vmac.transmit_on_base && !unicast);
        line.flag("vmac-other-links", vmac.other_links);
    }
    line.0
}

fn authentication(line: &mut Line, instance: &Instance) {
    let hmac = match &instance.authentication {
        Authentication::None => return,
        Authentication::Pass(secret) => {
            line.value("auth", "pass");
            return line.value("secret", print_secret(secret));
        }
        Authentication::Ah(secret) => {
            line.value("auth", "ah");
            return line.value("secret", print_secret(secret));
        }
        Authentication::Hmac(hmac) => hmac,
    };
    for (id, key) in &hmac.keys {
        line.value("hmac-key", format!("{id}:{}", print_secret(key)));
    }
    if hmac.keys.first().is_none_or(|(id, _)| *id != hmac.active) {
        line.value("hmac-active", hmac.active.to_string());
    }
    line.differs("hmac-mode", &hmac.mode, &HmacMode::Enforce, |mode| match mode {
        HmacMode::Enforce => "enforce".to_owned(),
        HmacMode::Permissive => "permissive".to_owned(),
        HmacMode::ReceiveOnly => "receive-only".to_owned(),
    });
    let default = AntiReplay::Window(default_window(instance.interval));
    line.differs("hmac-window", &hmac.replay, &default, |replay| match replay {
        AntiReplay::Monotonic => "none".to_owned(),
        AntiReplay::Window(window) => print_time(*window),
    });
}

fn transport(line: &mut Line, instance: &Instance) {
    match &instance.transport {
        Transport::Multicast { group, source } => {
            line.some("source", source.map(|source| source.to_string()));
            line.differs("group", group, &default_group(instance.family), ToString::to_string);
        }
        Transport::Unicast { source, peers, ttl, check_source } => {
            peers.iter().for_each(|peer| line.value("unicast-peer", print_peer(peer)));
            line.some("source", source.map(|source| source.to_string()));
            line.some("ttl", ttl.map(|ttl| ttl.to_string()));
            line.flag("check-source", *check_source && peers.iter().all(|peer| peer.ttl.is_none()));
        }
    }
}

fn print_peer(peer: &Peer) -> String {
    match peer.ttl {
        None => peer.address.to_string(),
        Some((least, most)) => format!("{},ttl={least}-{most}", peer.address),
    }
}

fn announce(line: &mut Line, instance: &Instance, defaults: &Defaults) {
    let (announce, default) = (&instance.announce, &defaults.announce);
    line.differs("garp-repeat", &announce.repeat, &default.repeat, u32::to_string);
    line.differs("garp-delay", &announce.delay, &default.delay, |time| print_time(*time));
    line.differs("garp-refresh", &announce.refresh, &default.refresh, |time| print_time(*time));
    line.differs("garp-refresh-repeat", &announce.refresh_repeat, &default.refresh_repeat, u32::to_string);
    line.differs("garp-lower-repeat", &announce.lower_repeat, &default.lower_repeat, u32::to_string);
    line.differs("garp-lower-delay", &announce.lower_delay, &default.lower_delay, |time| print_time(*time));
    line.differs("garp-other-links", &announce.other_links, &default.other_links, |time| print_time(*time));
    line.differs("garp-interval", &announce.arp_interval, &default.arp_interval, |time| print_time(*time));
    line.differs("na-interval", &announce.na_interval, &default.na_interval, |time| print_time(*time));
}

/// Returns the line that adds a group.
pub fn group(group: &SyncGroup) -> String {
    let mut line = Line::new(Kind::Group, &group.name);
    group.members.iter().for_each(|member| line.value("member", member));
    line.flag("weights", group.weights);
    line.tracks(&group.tracks);
    line.notify(&group.notify);
    line.0
}

/// Returns the line that adds a script.
pub fn script(script: &Script) -> String {
    let mut line = Line::new(Kind::Script, &script.name);
    line.value("command", print_command(&script.command));
    line.differs("interval", &script.interval, &SCRIPT_INTERVAL, |time| print_time(*time));
    line.differs("timeout", &script.timeout, &script.interval, |time| print_time(*time));
    line.differs("weight", &script.weight, &(0, false), |weight| track::print_weight(*weight));
    line.differs("rise", &script.rise, &1, u32::to_string);
    line.differs("fall", &script.fall, &1, u32::to_string);
    line.flag("init-fail", script.init_fail);
    line.0
}

/// Returns the line that adds a process.
pub fn process(process: &Process) -> String {
    let mut line = Line::new(Kind::Process, &process.name);
    line.value("program", &process.program);
    if let Some((words, how)) = &process.arguments {
        line.value("arguments", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        line.differs("match", how, &ArgumentMatch::Exact, |how| match how {
            ArgumentMatch::Exact => "exact".to_owned(),
            ArgumentMatch::Initial => "initial".to_owned(),
            ArgumentMatch::Partial => "partial".to_owned(),
        });
    }
    line.flag("full-command", process.full_command);
    line.differs("weight", &process.weight, &(0, false), |weight| track::print_weight(*weight));
    line.differs("quorum", &process.quorum, &1, u32::to_string);
    line.some("quorum-max", process.quorum_max.map(|most| most.to_string()));
    line.differs("terminate-delay", &process.terminate_delay, &Duration::ZERO, |time| print_time(*time));
    line.differs("fork-delay", &process.fork_delay, &Duration::ZERO, |time| print_time(*time));
    line.0
}

/// Returns the line that adds a file.
pub fn file(file: &TrackedFile) -> String {
    let mut line = Line::new(Kind::File, &file.name);
    line.value("path", path(&file.path));
    line.differs("weight", &file.weight, &(1, false), |weight| track::print_weight(*weight));
    line.some(
        "initial",
        file.initial.map(
            |(number, overwrite)| {
                if overwrite { format!("{number}:overwrite") } else { number.to_string() }
            },
        ),
    );
    line.0
}

/// A line about the whole process that says nothing.
pub const BARE_SET: &str = "vrrp set";

/// Returns the line of what concerns the whole process, if anything does.
pub fn set(settings: &Settings) -> Option<String> {
    let mut line = Line(BARE_SET.to_owned());
    line.differs("startup-delay", &settings.startup_delay, &Duration::ZERO, |time| print_time(*time));
    line.flag("missing-interfaces", settings.missing_interfaces);
    line.some("script-user", settings.script_user.as_ref().map(print_user));
    settings.fifos.iter().for_each(|fifo| line.value("fifo", fifo::print(fifo)));
    let statics = &settings.statics;
    statics.addresses.iter().for_each(|address| line.value("static-address", print_address(address)));
    statics.routes.iter().for_each(|route| line.value("static-route", print_route(route)));
    statics.rules.iter().for_each(|rule| line.value("static-rule", print_rule(rule)));
    line.some("sync-daemon", settings.sync.as_ref().map(print_follower));
    (line.0 != BARE_SET).then_some(line.0)
}

fn print_follower(follower: &SyncFollower) -> String {
    let SyncDaemon { interface, sync_id, max_len, group, port, ttl, role: _ } = &follower.daemon;
    let mut text = format!("{interface} inst {} id {sync_id}", follower.instance);
    let others = [
        ("maxlen", max_len.map(|most| most.to_string())),
        ("port", port.map(|port| port.to_string())),
        ("ttl", ttl.map(|ttl| ttl.to_string())),
        ("group", group.map(|group| group.to_string())),
    ];
    for (word, value) in others {
        text.extend(value.map(|value| format!(" {word} {value}")));
    }
    text
}

/// Paths come from lines, which are text.
fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
