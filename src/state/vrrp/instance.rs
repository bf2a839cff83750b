//! `vrrp add`: options → an instance. Pure, but for secrets in files.

use std::{net::IpAddr, time::Duration};

use super::{
    host::{read_address, read_route, read_rule},
    legality,
    reader::Reader,
    track::Draft,
    values::{self, Files, LONGEST, Reading, Wrong, digits, number, one_of, time},
};
use crate::{
    model::Family,
    vrrp::settings::{
        Announce, AntiReplay, Authentication, Hmac, HmacMode, Initial, Instance, Peer, Preempt, Priority, Secret,
        Transport, Version, Vmac, Vrid,
    },
};

/// What an instance has if nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Defaults {
    pub(super) version: Version,
    pub(super) initial: Initial,
    pub(super) accept: bool,
    pub(super) answer_lower: bool,
    pub(super) owner_ignores_adverts: bool,
    pub(super) announce: Announce,
}

/// The time between adverts if nothing is said.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// How many adverts are missed if nothing is said.
pub(super) const DOWN_TIMER_ADVERTS: u8 = 3;

impl Defaults {
    /// keepalived's; with `strict` what it makes of them then.
    pub(super) fn of(family: Family, priority: Priority, strict: bool) -> Self {
        let owner = priority.is_owner();
        let announce = Announce::default();
        Self {
            version: if family == Family::V4 { Version::V2 } else { Version::V3 },
            initial: if owner { Initial::Master } else { Initial::Backup },
            accept: !strict || owner,
            answer_lower: !strict,
            owner_ignores_adverts: strict && owner,
            announce: if strict {
                Announce { lower_repeat: 0, lower_delay: Duration::ZERO, ..announce }
            } else {
                announce
            },
        }
    }
}

/// The group that adverts of a family go to if nothing is said.
pub(super) fn default_group(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::from([224, 0, 0, 18]),
        Family::V6 => IpAddr::from([0xff02, 0, 0, 0, 0, 0, 0, 0x12]),
    }
}

/// How far clocks may differ if nothing is said.
pub(super) fn default_window(interval: Duration) -> Duration {
    interval.saturating_mul(3).clamp(Duration::from_secs(5), MOST_WINDOW)
}

/// The widest time window of an HMAC.
pub(super) const MOST_WINDOW: Duration = Duration::from_secs(300);

/// Reads an instance; its trackers by themselves, because what some of them weigh is said in other lines. There is
/// always one, so that what is wrong with it can be seen beside wrong words.
pub(super) fn read(name: &str, r: &mut Reader<'_>, files: &dyn Files) -> (Instance, Vec<Draft>) {
    r.need("vrid", "1 to 255, the same on all directors of this election");
    let vrid = r.one("vrid", number(1..=u8::MAX)).and_then(Vrid::new).unwrap_or(Vrid::MIN);
    let priority = r.one("priority", number(1..=u8::MAX)).and_then(Priority::new).unwrap_or(Priority::DEFAULT);
    let strict = r.flag("strict");

    let addresses = r.values("address", read_address);
    let excluded = r.values("exclude", read_address);
    let routes = r.values("route", read_route);
    let rules = r.values("rule", read_rule);
    let source = r.one("source", values::address);
    let peers = r.values("unicast-peer", peer);
    let said = r.one("family", one_of(&[("ipv4", Family::V4), ("ipv6", Family::V6)]));
    if !r.flag("address") && !r.flag("family") {
        let hint = "an election without addresses needs --family ipv4 or ipv6 instead";
        r.refuse("", Wrong::new("--address is missing").hint(hint));
    }
    let family = addresses.first().map(|first| Family::of(first.address)).or(said).unwrap_or(Family::V4);
    if said.is_some_and(|said| said != family) {
        r.refuse("family", Wrong::new("the first address is of the other family"));
    }

    let defaults = Defaults::of(family, priority, strict);
    let version = r.one("version", one_of(&[("2", Version::V2), ("3", Version::V3)])).unwrap_or(defaults.version);
    let interval = r.one("interval", time(Duration::from_millis(10)..=Duration::from_secs(255))).unwrap_or(INTERVAL);
    let unicast = r.flag("unicast-peer");
    let transport = if unicast {
        r.useless(&["group"], "there is no multicast with --unicast-peer");
        Transport::Unicast {
            source,
            check_source: r.flag("check-source") || peers.iter().any(|peer| peer.ttl.is_some()),
            peers,
            ttl: r.one("ttl", number(1..=u8::MAX)),
        }
    } else {
        r.useless(&["ttl", "check-source"], "this has a meaning with --unicast-peer only");
        let group = r.one("group", multicast).unwrap_or_else(|| default_group(family));
        Transport::Multicast { group, source }
    };
    let interface = r.one("interface", values::link);
    if !r.flag("interface") && !unicast {
        r.refuse("", Wrong::new("--interface is missing").hint("unicast with --source needs none"));
    }

    if r.flag("nopreempt") {
        r.useless(&["preempt-delay"], "there is nothing to wait for with --nopreempt");
    }
    let delay = r.one("preempt-delay", time(Duration::ZERO..=Duration::from_secs(1000))).unwrap_or_default();
    if r.flag("accept") {
        r.useless(&["no-accept"], "--accept says the opposite");
    }
    let instance = Instance {
        name: name.to_owned(),
        interface,
        vrid,
        version,
        family,
        priority,
        interval,
        initial: r
            .one("initial", one_of(&[("master", Initial::Master), ("backup", Initial::Backup)]))
            .unwrap_or(defaults.initial),
        preempt: if r.flag("nopreempt") { Preempt::Never } else { Preempt::After(delay) },
        addresses,
        excluded,
        routes,
        rules,
        authentication: authentication(r, interval, files),
        pseudo_header: !r.flag("no-pseudo-header"),
        transport,
        vmac: vmac(r, unicast),
        announce: announce(r, defaults.announce),
        accept: if r.flag("no-accept") { false } else { r.flag("accept") || defaults.accept },
        strict,
        track_primary: !r.flag("no-track-primary"),
        track_source: r.flag("track-source"),
        answer_lower: !r.flag("no-answer-lower") && defaults.answer_lower,
        answer_higher: r.flag("answer-higher"),
        owner_ignores_adverts: r.flag("owner-ignores-adverts") || defaults.owner_ignores_adverts,
        skip_address_check: r.flag("skip-address-check"),
        promote_secondaries: r.flag("promote-secondaries"),
        down_timer_adverts: r.one("down-timer-adverts", number(1..=100)).unwrap_or(DOWN_TIMER_ADVERTS),
        tracks: Vec::new(),
        notify: r.notify(),
    };
    for (option, wrong) in legality::faults(&instance) {
        // Addresses that cannot be read are there all the same.
        if !(option == "family" && r.flag("address")) {
            r.refuse(option, wrong);
        }
    }
    let tracks = r.tracks();
    for (option, wrong) in legality::notes(&instance) {
        r.note(option, wrong);
    }
    if priority.is_owner() && tracks.iter().any(|draft| draft.weight.is_some_and(|(weight, _)| weight != 0)) {
        r.note("priority", Wrong::new("weights of trackers do not bear on an owner (priority 255)"));
    }
    (instance, tracks)
}

fn peer(text: &str) -> Reading<Peer> {
    let (address, extra) = text.split_once(',').map_or((text, None), |(address, extra)| (address, Some(extra)));
    let address = values::address(address)?;
    let wrong = || Wrong::new("behind the comma belongs ttl=LEAST-MOST, 0 to 255");
    let ttl = match extra {
        None => None,
        Some(extra) => {
            let range = extra.strip_prefix("ttl=").ok_or_else(wrong)?;
            let (least, most) = range.split_once('-').unwrap_or((range, range));
            let read = |word: &str| digits::<u8>(word).filter(|_| !word.is_empty());
            let (least, most) = read(least).zip(read(most)).ok_or_else(wrong)?;
            Some((least, most)).filter(|(least, most)| least <= most).map(Some).ok_or_else(wrong)?
        }
    };
    Ok(Peer { address, ttl })
}

fn multicast(text: &str) -> Reading<IpAddr> {
    let group = values::address(text)?;
    if group.is_multicast() { Ok(group) } else { Err(Wrong::new("this is no multicast address")) }
}

fn authentication(r: &mut Reader<'_>, interval: Duration, files: &dyn Files) -> Authentication {
    let secret = r.one("secret", values::secret(files));
    let secret = r.one("secret-file", values::secret_file(files)).or(secret);
    if r.flag("secret") {
        r.useless(&["secret-file"], "--secret is given, too");
    }
    let keys = r.values("hmac-key", |text| {
        let (id, key) = text.split_once(':').ok_or_else(|| Wrong::new("ID:KEY is needed"))?;
        let id =
            number(1..=u8::MAX)(id).map_err(|wrong| wrong.hint("the number of the key stands in front of a colon"))?;
        Ok((id, values::secret(files)(key)?))
    });
    let make: Option<fn(Secret) -> Authentication> =
        r.one("auth", one_of(&[("pass", Authentication::Pass as fn(_) -> _), ("ah", Authentication::Ah)]));
    if !r.flag("auth") {
        r.useless(&["secret", "secret-file"], "a secret has no use without --auth pass or ah");
    } else if !r.flag("secret") && !r.flag("secret-file") {
        r.refuse("auth", Wrong::new("the secret is missing").hint("--secret-file FILE, or --secret SECRET"));
    }
    if !r.flag("hmac-key") {
        r.useless(&["hmac-active", "hmac-mode", "hmac-window"], "this has no use without --hmac-key");
        return make.zip(secret).map_or(Authentication::None, |(make, secret)| make(secret));
    }
    r.useless(&["auth"], "there is one kind of authentication, and --hmac-key is another");
    let replay = r.one("hmac-window", |text| match text {
        "none" => Ok(AntiReplay::Monotonic),
        text => time(Duration::from_secs(1)..=MOST_WINDOW)(text).map(AntiReplay::Window),
    });
    let modes = &[
        ("enforce", HmacMode::Enforce),
        ("permissive", HmacMode::Permissive),
        ("receive-only", HmacMode::ReceiveOnly),
    ];
    let active = r.one("hmac-active", number(1..=u8::MAX));
    let active = active.or_else(|| keys.first().map(|(id, _)| *id)).unwrap_or(1);
    Authentication::Hmac(Hmac {
        keys,
        active,
        mode: r.one("hmac-mode", one_of(modes)).unwrap_or(HmacMode::Enforce),
        replay: replay.unwrap_or_else(|| AntiReplay::Window(default_window(interval))),
    })
}

fn vmac(r: &mut Reader<'_>, unicast: bool) -> Option<Vmac> {
    let Some(given) = r.says("vmac") else {
        r.useless(&["vmac-mac", "vmac-transmit-base", "vmac-other-links"], "this has no use without --vmac");
        return None;
    };
    Some(Vmac {
        name: given.value.is_some().then(|| r.one("vmac", values::link)).flatten(),
        mac: r.one("vmac-mac", values::mac),
        // Peers are spoken to from an address of the interface below.
        transmit_on_base: unicast || r.flag("vmac-transmit-base"),
        other_links: r.flag("vmac-other-links"),
    })
}

fn announce(r: &mut Reader<'_>, defaults: Announce) -> Announce {
    let pause = Duration::ZERO..=Duration::from_secs(60);
    let long = Duration::ZERO..=LONGEST;
    Announce {
        repeat: r.one("garp-repeat", number(1..=MOST_REPEATS)).unwrap_or(defaults.repeat),
        delay: r.one("garp-delay", time(long.clone())).unwrap_or(defaults.delay),
        refresh: r.one("garp-refresh", time(long.clone())).unwrap_or(defaults.refresh),
        refresh_repeat: r.one("garp-refresh-repeat", number(1..=MOST_REPEATS)).unwrap_or(defaults.refresh_repeat),
        lower_repeat: r.one("garp-lower-repeat", number(0..=MOST_REPEATS)).unwrap_or(defaults.lower_repeat),
        lower_delay: r.one("garp-lower-delay", time(long)).unwrap_or(defaults.lower_delay),
        other_links: r
            .one("garp-other-links", time(Duration::ZERO..=Duration::from_secs(86_400)))
            .unwrap_or(defaults.other_links),
        arp_interval: r.one("garp-interval", time(pause.clone())).unwrap_or(defaults.arp_interval),
        na_interval: r.one("na-interval", time(pause)).unwrap_or(defaults.na_interval),
    }
}

/// More announcements of one address at once are a flood.
const MOST_REPEATS: u32 = 1000;
