//! The lines beside those of instances: groups, scripts, processes, files, and settings of the whole process. Pure.

use std::time::Duration;

use super::{
    fifo,
    host::{read_address, read_route, read_rule},
    reader::Reader,
    track::{self, Draft},
    values::{self, LONGEST, Reading, Wrong, command, number, one_of, signed, split, time},
};
use crate::{
    model::{DaemonRole, SyncDaemon},
    vrrp::settings::{ArgumentMatch, Process, Script, Settings, Statics, SyncFollower, SyncGroup, TrackedFile},
};

/// Most that scripts and links bear on a priority.
const MOST_OF_SCRIPT: i16 = 253;

/// Most that processes and files bear on a priority.
const MOST_OF_OTHERS: i16 = 254;

/// How long a process may take to come and go.
const MOST_DELAY: Duration = Duration::from_secs(3600);

/// The interval of a script if nothing is said.
pub(super) const SCRIPT_INTERVAL: Duration = Duration::from_secs(1);

/// The longest name of a program in `/proc/PID/comm`.
const MOST_COMM: usize = 15;

/// Reads `vrrp add-group`; its trackers by themselves.
pub(super) fn group(name: &str, r: &mut Reader<'_>) -> (SyncGroup, Vec<Draft>) {
    r.need("member", "an instance's name; once for each");
    let members = r.all("member", values::name);
    for (at, (_, member)) in members.iter().enumerate() {
        if members.iter().take(at).any(|(_, earlier)| earlier == member) {
            r.refuse("member", Wrong::new(format_args!("{member} is named twice")));
        }
    }
    if members.len() == 1 {
        r.note("member", Wrong::new("a group of one changes nothing"));
    }
    let group = SyncGroup {
        name: name.to_owned(),
        members: members.into_iter().map(|(_, member)| member).collect(),
        tracks: Vec::new(),
        weights: r.flag("weights"),
        notify: r.notify(),
    };
    r.useless(&["notify-deleted", "notify-lower-priority"], "groups know no such transition");
    (group, r.tracks())
}

/// Reads `vrrp add-script`; nothing without a command.
pub(super) fn script(name: &str, r: &mut Reader<'_>) -> Option<Script> {
    r.need("command", "/PATH ARGUMENTS, or USER@/PATH ARGUMENTS");
    let command = r.one("command", command);
    let range = Duration::from_millis(1)..=LONGEST;
    let interval = r.one("interval", time(range.clone())).unwrap_or(SCRIPT_INTERVAL);
    let script = Script {
        name: name.to_owned(),
        interval,
        timeout: r.one("timeout", time(range)).unwrap_or(interval),
        weight: r.one("weight", track::weight(MOST_OF_SCRIPT)).unwrap_or_default(),
        rise: r.one("rise", number(1..=MOST_TIMES)).unwrap_or(1),
        fall: r.one("fall", number(1..=MOST_TIMES)).unwrap_or(1),
        init_fail: r.flag("init-fail"),
        command: command?,
    };
    Some(script)
}

/// Most successes or failures in a row.
const MOST_TIMES: u32 = i32::MAX as u32;

/// Reads `vrrp add-process`; nothing without a program.
pub(super) fn process(name: &str, r: &mut Reader<'_>) -> Option<Process> {
    r.need("program", "its name as `ps -o comm` shows it");
    let full_command = r.flag("full-command");
    // Either compares the command line, where the program has its path and all its letters.
    let whole = full_command || r.flag("arguments");
    let program = r.one("program", |text| match text {
        "" => Err(Wrong::new("the name of a program is needed")),
        text if !whole && text.contains('/') => {
            Err(Wrong::new("this is a path").hint("--full-command compares paths; without it, the name alone"))
        }
        text if !whole && text.len() > MOST_COMM => {
            Err(Wrong::new(format_args!("the kernel keeps {MOST_COMM} letters of a name"))
                .hint("--full-command compares all of it"))
        }
        text => Ok(text.to_owned()),
    });
    let arguments = r.one("arguments", split);
    if !r.flag("arguments") {
        r.useless(&["match"], "there is nothing to compare without --arguments");
    }
    let how = r.one(
        "match",
        one_of(&[
            ("exact", ArgumentMatch::Exact),
            ("initial", ArgumentMatch::Initial),
            ("partial", ArgumentMatch::Partial),
        ]),
    );
    let quorum = r.one("quorum", number(1..=MOST_PROCESSES)).unwrap_or(1);
    let quorum_max = r.one("quorum-max", number(0..=MOST_PROCESSES));
    if quorum_max.is_some_and(|most| most != 0 && most < quorum) {
        r.refuse("quorum-max", Wrong::new(format_args!("this is less than the quorum of {quorum}")));
    }
    if quorum_max == Some(0) {
        r.useless(&["quorum"], "with --quorum-max 0 none may run");
    }
    let delay = || time(Duration::ZERO..=MOST_DELAY);
    let process = Process {
        name: name.to_owned(),
        arguments: arguments.map(|words| (words, how.unwrap_or(ArgumentMatch::Exact))),
        full_command,
        weight: r.one("weight", track::weight(MOST_OF_OTHERS)).unwrap_or_default(),
        quorum,
        quorum_max,
        terminate_delay: r.one("terminate-delay", delay()).unwrap_or_default(),
        fork_delay: r.one("fork-delay", delay()).unwrap_or_default(),
        program: program?,
    };
    Some(process)
}

/// Most processes of a quorum.
const MOST_PROCESSES: u32 = 65_535;

/// Reads `vrrp add-file`; nothing without a path.
pub(super) fn file(name: &str, r: &mut Reader<'_>) -> Option<TrackedFile> {
    r.need("path", "an absolute path; its directory must exist");
    let path = r.one("path", values::path);
    let file = TrackedFile {
        name: name.to_owned(),
        weight: r.one("weight", track::weight(MOST_OF_OTHERS)).unwrap_or((1, false)),
        initial: r.one("initial", |text| {
            let (number, overwrite) = match text.strip_suffix(":overwrite") {
                Some(number) => (number, true),
                None => (text, false),
            };
            let number = signed(number).ok_or_else(|| Wrong::new("a number, or NUMBER:overwrite, is needed"))?;
            Ok((number, overwrite))
        }),
        path: path?,
    };
    Some(file)
}

/// Reads `vrrp set` into `settings`.
pub(super) fn set(r: &mut Reader<'_>, settings: &mut Settings) {
    let most = Duration::from_secs(86_400);
    settings.startup_delay = r.one("startup-delay", time(Duration::ZERO..=most)).unwrap_or_default();
    settings.missing_interfaces = r.flag("missing-interfaces");
    settings.script_user = r.one("script-user", values::user);
    settings.fifos = fifo::read(r);
    let with_link = |text: &str| {
        let address = read_address(text)?;
        if address.device.is_some() {
            return Ok(address);
        }
        Err(Wrong::new("the interface is missing").hint("ADDR/LENGTH dev IF"))
    };
    settings.statics = Statics {
        addresses: r.values("static-address", with_link),
        routes: r.values("static-route", read_route),
        rules: r.values("static-rule", read_rule),
    };
    settings.sync = r.one("sync-daemon", follower);
}

/// Reads `IF inst NAME [id N] [maxlen N] [port N] [ttl N] [group ADDR]`.
fn follower(text: &str) -> Reading<SyncFollower> {
    let mut words = split(text)?.into_iter();
    let interface = values::link(&words.next().unwrap_or_default())?;
    let role = DaemonRole::Master;
    let mut daemon = SyncDaemon { role, interface, sync_id: 0, max_len: None, group: None, port: None, ttl: None };
    let mut instance = None;
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| Wrong::new(format_args!("a value is missing behind {word}")))?;
        match word.as_str() {
            "inst" => instance = Some(values::name(&value)?),
            "id" => daemon.sync_id = number(0..=u8::MAX)(&value)?,
            "maxlen" => daemon.max_len = Some(number(1..=65_507)(&value)?),
            "port" => daemon.port = Some(number(1..=u16::MAX)(&value)?),
            "ttl" => daemon.ttl = Some(number(1..=u8::MAX)(&value)?),
            "group" => daemon.group = Some(values::address(&value)?),
            other => return Err(Wrong::new(format_args!("the word {other} is not known here")).hint(DAEMON)),
        }
    }
    let instance = instance.ok_or_else(|| Wrong::new("the instance is missing").hint(DAEMON))?;
    Ok(SyncFollower { instance, daemon })
}

const DAEMON: &str = "IF inst NAME [id N] [maxlen N] [port N] [ttl N] [group ADDR]";
