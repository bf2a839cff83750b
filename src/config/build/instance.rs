//! `vrrp_instance` → a virtual router.
//!
//! What keepalived corrects with a line in its log is corrected here in the same way, with a warning: an instance that is
//! made here breaks no rule that lines of save files are held to.

use std::time::Duration;

use super::{
    global::{Defaults, MOST_REPEATS, PAUSE, extra, set},
    host,
    reading::{LONGEST, Reader, address, group4, group6, inside, number, time, whole_seconds},
    secret,
    track::{self, Named},
};
use crate::{
    config::tree::{Place, Statement, Verdict, Word},
    host::Address,
    model::Family,
    state::vrrp,
    vrrp::settings::{
        Authentication, Initial, Instance, Notify, Peer, Preempt, Priority, Transport, Version, Vmac, Vrid,
    },
};

/// Most addresses in an advert: their number has 8 bits.
const MOST_ADDRESSES: usize = 255;

/// What a block says, before it is known what that means together.
#[derive(Debug, Default)]
struct Said<'a> {
    /// Keywords of which the last one counts.
    last: std::collections::HashMap<&'a str, &'a Statement>,
    addresses: host::Addresses,
    excluded: host::Addresses,
}

impl<'a> Said<'a> {
    fn get(&self, keyword: &str) -> Option<&'a Statement> {
        self.last.get(keyword).copied()
    }

    /// Returns the place of a keyword that was said.
    fn place(&self, keyword: &str, otherwise: &Place) -> Place {
        self.get(keyword).map_or(otherwise, |statement| &statement.keyword.place).clone()
    }

    /// Reads a switch; `default` if it is not said.
    fn switch(&self, keyword: &str, default: bool, r: &mut Reader) -> bool {
        self.get(keyword).map_or(default, |statement| r.switch(statement))
    }
}

/// Reads the block; nothing if it has no virtual router identifier.
pub(super) fn read(
    block: &Statement,
    defaults: &Defaults,
    named: &Named<'_>,
    next_preference: &mut Option<u32>,
    r: &mut Reader,
) -> Option<Instance> {
    let name = name(block, r)?;
    let mut said = Said::default();
    for statement in inside(block) {
        match &*statement.keyword.text {
            "virtual_ipaddress" => said.addresses = host::addresses(statement, r),
            "virtual_ipaddress_excluded" => said.excluded = host::addresses(statement, r),
            keyword => _ = said.last.insert(keyword, statement),
        }
    }
    let at = &block.keyword.place;
    let Some(vrid) = said.get("virtual_router_id") else {
        let message = format!("virtual_router_id is missing in vrrp_instance {name}");
        r.error(at, Verdict::Refuses, message).hint = Some("virtual_router_id N, 1 to 255".to_owned());
        return None;
    };
    let vrid = r.number(vrid, 1..=u8::MAX).and_then(Vrid::new)?;
    let strict = said.switch("strict_mode", defaults.strict, r);
    let family = family(&said);
    let version = version(&said, family, strict, defaults, r);
    let mut instance = Instance::new(&name, vrid, version, family);
    instance.strict = strict;
    instance.interface = said.get("interface").and_then(|statement| r.one(statement, vrrp::read_link));
    priority(&mut instance, &said, r);
    instance.interval = interval(&said, version, r);
    let (addresses, excluded) = (std::mem::take(&mut said.addresses), std::mem::take(&mut said.excluded));
    let use_vmac = addresses.use_vmac || excluded.use_vmac;
    take_addresses(&mut instance, addresses.addresses, excluded.addresses, r);
    if instance.addresses.is_empty() && said.get("no_virtual_ipaddress").is_none() {
        let message = format!("vrrp_instance {name} has no virtual address");
        if version == Version::V3 || strict {
            r.error(at, Verdict::Refuses, message);
        } else {
            r.warn(at, Verdict::Accepts, message).hint =
                Some("no_virtual_ipaddress says that none is meant".to_owned());
        }
    }
    instance.routes = said.get("virtual_routes").map(|block| host::routes(block, r)).unwrap_or_default();
    instance.rules = said.get("virtual_rules").map(|block| host::rules(block, next_preference, r)).unwrap_or_default();
    transport(&mut instance, &said, defaults, at, r);
    vmac(&mut instance, &said, use_vmac, defaults, at, r);
    authentication(&mut instance, &said, r);
    announce(&mut instance, &said, defaults, r);
    habits(&mut instance, &said, defaults, at, r);
    instance.tracks = track::tracks(inside(block), named, r);
    instance.notify = notify(inside(block), defaults, r);
    r.alert(inside(block), &name);
    Some(instance)
}

/// Returns the name of a block.
pub(super) fn name(block: &Statement, r: &mut Reader) -> Option<String> {
    let Some(word) = block.values.first() else {
        let message = format!("the name is missing behind {}", block.keyword.text);
        r.error(&block.keyword.place, Verdict::Refuses, message);
        return None;
    };
    r.word(block, word, vrrp::read_name)
}

/// The family is that of the first address; without one, of other addresses that are said.
fn family(said: &Said<'_>) -> Family {
    if let Some((first, _)) = said.addresses.addresses.first() {
        return Family::of(first.address);
    }
    let word = |keyword| said.get(keyword).and_then(|statement| Some(&*statement.values.first()?.text));
    let source = word("unicast_src_ip").or_else(|| word("mcast_src_ip"));
    let peer = said.get("unicast_peer").and_then(|block| Some(&*inside(block).first()?.keyword.text));
    source.or(peer).and_then(|text| text.parse().ok()).map_or(Family::V4, Family::of)
}

fn version(said: &Said<'_>, family: Family, strict: bool, defaults: &Defaults, r: &mut Reader) -> Version {
    let number = said.get("version").and_then(|statement| r.number(statement, 2..=3_u8));
    let own = number.map(|number| if number == 2 { Version::V2 } else { Version::V3 });
    if family == Family::V4 {
        return own.or(defaults.version).unwrap_or(Version::V2);
    }
    match (own, said.get("version")) {
        (Some(Version::V2), Some(statement)) if strict => {
            r.warn(&statement.keyword.place, Verdict::Corrects, "IPv6 has version 3 with strict_mode: that is taken");
            Version::V3
        }
        _ => own.unwrap_or(Version::V3),
    }
}

/// Priority, state at the start, and preemption, which depend on each other.
fn priority(instance: &mut Instance, said: &Said<'_>, r: &mut Reader) {
    let state = said.get("state");
    let master = state.and_then(|statement| {
        r.one(statement, |text| match text {
            "MASTER" => Ok(true),
            "BACKUP" => Ok(false),
            _ => Err("MASTER or BACKUP is needed".to_owned()),
        })
    });
    let priority = said.get("priority").and_then(|statement| r.number(statement, 1..=u8::MAX)).and_then(Priority::new);
    instance.priority = match (priority, master) {
        (Some(priority), _) => priority,
        // keepalived's rule, which few know.
        (None, Some(true)) => Priority::OWNER,
        (None, _) => Priority::DEFAULT,
    };
    let owner = instance.priority.is_owner();
    let mut begins = master.unwrap_or(owner);
    if let Some(statement) = state
        && instance.strict
        && begins
        && !owner
    {
        let message =
            "with vrrp_strict only the owner of the addresses (priority 255) begins as MASTER: it begins as BACKUP";
        r.warn(&statement.keyword.place, Verdict::Corrects, message);
        begins = false;
    }
    instance.initial = if begins { Initial::Master } else { Initial::Backup };
    let never = said.get("nopreempt").filter(|_| said.get("preempt").is_none());
    let delay = said.get("preempt_delay");
    instance.preempt = match (never, delay) {
        (Some(statement), delay) if begins || owner => {
            let why = if owner { "the owner of the addresses always takes them" } else { "the state is MASTER" };
            let message = format!("nopreempt means nothing here: {why}");
            let finding = r.warn(&statement.keyword.place, Verdict::Ignores, message);
            finding.hint = Some("state BACKUP on all directors, and the priorities decide".to_owned());
            without_delay(delay, r);
            Preempt::After(Duration::ZERO)
        }
        (Some(_), delay) => {
            without_delay(delay, r);
            Preempt::Never
        }
        (None, Some(statement)) if begins || instance.strict => {
            without_delay(Some(statement), r);
            Preempt::After(Duration::ZERO)
        }
        (None, Some(statement)) => {
            Preempt::After(r.time(statement, Duration::ZERO..=Duration::from_secs(1000)).unwrap_or_default())
        }
        (None, None) => Preempt::After(Duration::ZERO),
    };
}

fn without_delay(delay: Option<&Statement>, r: &mut Reader) {
    if let Some(statement) = delay {
        let message = "preempt_delay means nothing with state MASTER, nopreempt or vrrp_strict";
        r.warn(&statement.keyword.place, Verdict::Ignores, message);
    }
}

fn interval(said: &Said<'_>, version: Version, r: &mut Reader) -> Duration {
    let range = Duration::from_millis(10)..=Duration::from_secs(255);
    let Some(statement) = said.get("advert_int") else { return Duration::from_secs(1) };
    let Some(interval) = r.time(statement, range) else { return Duration::from_secs(1) };
    let rounded = match version {
        Version::V2 => Duration::from_secs((interval.as_secs_f64().round() as u64).max(1)),
        Version::V3 => {
            let hundredths = interval.as_micros().saturating_add(5_000) / 10_000;
            Duration::from_millis(10 * u64::try_from(hundredths).unwrap_or(4095).clamp(1, 4095))
        }
    };
    if rounded != interval {
        let (what, taken) = match version {
            Version::V2 => ("version 2 carries whole seconds", rounded.as_secs_f64()),
            Version::V3 => ("version 3 carries hundredths of a second, to 40.95", rounded.as_secs_f64()),
        };
        let message = format!("{what}: {taken} is taken");
        r.warn(&statement.keyword.place, Verdict::Corrects, message).hint =
            (version == Version::V2).then(|| "version 3 carries hundredths; all directors must speak it".to_owned());
    }
    rounded
}

type Placed = Vec<(Address, Place)>;

fn take_addresses(instance: &mut Instance, addresses: Placed, excluded: Placed, r: &mut Reader) {
    let mut seen = std::collections::HashSet::new();
    let mut is_new = |address: &Address, place: &Place, r: &mut Reader| {
        let new = seen.insert(address.address);
        if !new {
            let message = format!("{} is named twice in this instance: once is enough", address.address);
            r.warn(place, Verdict::Ignores, message);
        }
        new
    };
    for (address, place) in addresses {
        if !is_new(&address, &place, r) {
            continue;
        }
        if Family::of(address.address) != instance.family {
            let message = format!("{} is not of the family of the first address", address.address);
            r.error(&place, Verdict::Ignores, message).hint =
                Some("virtual_ipaddress_excluded takes both families; or make two instances".to_owned());
        } else if instance.addresses.len() == MOST_ADDRESSES {
            if instance.excluded.is_empty() {
                let message =
                    "an advert carries 255 addresses: this one and those behind it move along without adverts";
                r.warn(&place, Verdict::Corrects, message);
            }
            instance.excluded.push(address);
        } else {
            instance.addresses.push(address);
        }
    }
    for (address, place) in excluded {
        if is_new(&address, &place, r) {
            instance.excluded.push(address);
        }
    }
}

fn transport(instance: &mut Instance, said: &Said<'_>, defaults: &Defaults, at: &Place, r: &mut Reader) {
    let family = instance.family;
    let of_family = |text: &str| {
        let address = address(text)?;
        if Family::of(address) == family {
            Ok(address)
        } else {
            Err("it is not of the family of the virtual addresses".to_owned())
        }
    };
    let source = said.get("unicast_src_ip").or_else(|| said.get("mcast_src_ip"));
    let source = source.and_then(|statement| r.one(statement, of_family));
    let mut peers: Vec<Peer> = Vec::new();
    for entry in said.get("unicast_peer").map(inside).unwrap_or_default() {
        let Some(peer) = peer(entry, of_family, r) else { continue };
        if peers.iter().any(|other| other.address == peer.address) {
            r.error(&entry.keyword.place, Verdict::Ignores, format_args!("{} is named twice", peer.address));
        } else if Some(peer.address) == source {
            r.error(&entry.keyword.place, Verdict::Accepts, format_args!("{} is this director itself", peer.address));
        } else {
            peers.push(peer);
        }
    }
    if peers.is_empty() {
        let group = said.get("mcast_dst_ip").and_then(|statement| match family {
            Family::V4 => r.one(statement, group4),
            Family::V6 => r.one(statement, group6),
        });
        let global = if family == Family::V4 { defaults.group4 } else { defaults.group6 };
        if let (Transport::Multicast { group: own, source: from }, group) = (&mut instance.transport, group.or(global))
        {
            *own = group.unwrap_or(*own);
            *from = source;
        }
        if instance.interface.is_none() {
            r.error(at, Verdict::Refuses, format_args!("vrrp_instance {} has no interface", instance.name)).hint =
                Some("interface NAME".to_owned());
        }
        return;
    }
    if instance.strict {
        let message = "vrrp_strict forbids unicast_peer";
        r.error(&said.place("unicast_peer", at), Verdict::Refuses, message).hint =
            Some("strict_mode off in this instance, or without vrrp_strict".to_owned());
    }
    if instance.interface.is_none() && source.is_none() {
        let message = format!("vrrp_instance {} has neither an interface nor unicast_src_ip", instance.name);
        r.error(at, Verdict::Refuses, message);
    }
    let asked = said.get("check_unicast_src").is_some() || defaults.check_source;
    let ttl = said.get("unicast_ttl").and_then(|statement| r.number(statement, 0..=u8::MAX));
    instance.transport = Transport::Unicast {
        source,
        check_source: asked || peers.iter().any(|peer| peer.ttl.is_some()),
        peers,
        ttl: ttl.filter(|ttl| *ttl != 0),
    };
}

fn peer(
    entry: &Statement,
    of_family: impl Fn(&str) -> Result<std::net::IpAddr, String>,
    r: &mut Reader,
) -> Option<Peer> {
    let address = r.word(entry, &entry.keyword, of_family)?;
    if address.is_multicast() || address.is_unspecified() {
        r.error(&entry.keyword.place, Verdict::Ignores, format_args!("{address} is no address of a host"));
        return None;
    }
    let (mut least, mut most) = (None, None);
    for pair in entry.values.chunks(2) {
        match pair {
            [word, value] if &*word.text == "min_ttl" => least = r.word(entry, value, number(0..=u8::MAX)),
            [word, value] if &*word.text == "max_ttl" => most = r.word(entry, value, number(0..=u8::MAX)),
            [word, ..] => {
                let message = format!("{} is not known behind a peer: min_ttl N and max_ttl N are", word.text);
                r.error(&word.place, Verdict::Ignores, message);
            }
            [] => {}
        }
    }
    let ttl = (least.is_some() || most.is_some()).then(|| (least.unwrap_or(0), most.unwrap_or(u8::MAX)));
    Some(Peer { address, ttl })
}

/// `use_vmac [[name] IF] [MAC] [netlink_notify_msg] [group G]`.
fn vmac(instance: &mut Instance, said: &Said<'_>, of_address: bool, defaults: &Defaults, at: &Place, r: &mut Reader) {
    let Some(statement) = said.get("use_vmac") else {
        if of_address {
            let message = "use_vmac of an address is understood, and not done without use_vmac of the instance";
            r.warn(at, Verdict::Accepts, message);
        }
        return;
    };
    let unicast = matches!(instance.transport, Transport::Unicast { .. });
    let mut vmac = Vmac {
        name: defaults.vmac_prefix.as_ref().map(|prefix| format!("{prefix}.{}", instance.vrid)),
        mac: None,
        transmit_on_base: unicast || said.get("vmac_xmit_base").is_some(),
        other_links: of_address || said.get("use_vmac_addr").is_some(),
    };
    let mut words = statement.values.iter();
    while let Some(word) = words.next() {
        match &*word.text {
            "netlink_notify_msg" => {}
            "name" => vmac.name = words.next().and_then(|word| r.word(statement, word, vrrp::read_link)),
            "group" => {
                words.next();
                r.warn(&word.place, Verdict::Accepts, "the group of a macvlan is understood, and not done");
            }
            text if text.contains(':') => vmac.mac = mac(word, instance.vrid, r),
            _ => vmac.name = r.word(statement, word, vrrp::read_link),
        }
    }
    if instance.strict {
        if vmac.mac.take().is_some() {
            let message = "with vrrp_strict the MAC address follows from the virtual router identifier";
            r.warn(&statement.keyword.place, Verdict::Corrects, message);
        }
        if vmac.transmit_on_base && !unicast {
            let message = "with vrrp_strict adverts come from the virtual MAC address: vmac_xmit_base is ignored";
            r.warn(&said.place("vmac_xmit_base", &statement.keyword.place), Verdict::Corrects, message);
            vmac.transmit_on_base = false;
        }
    }
    if instance.interface.is_none() {
        r.error(&statement.keyword.place, Verdict::Refuses, "use_vmac needs an interface below it");
        return;
    }
    instance.vmac = Some(vmac);
}

/// Reads a MAC address of six octets, or of five, to which the identifier is added.
fn mac(word: &Word, vrid: Vrid, r: &mut Reader) -> Option<[u8; 6]> {
    let mut octets: Vec<u8> = Vec::new();
    for octet in word.text.split(':') {
        let fits = (1..=2).contains(&octet.len()) && octet.bytes().all(|byte| byte.is_ascii_hexdigit());
        octets.extend(u8::from_str_radix(octet, 16).ok().filter(|_| fits));
    }
    if octets.len() == 5 {
        octets.push(vrid.get());
    }
    let whole = word.text.split(':').count() >= octets.len().saturating_sub(1);
    let mac = <[u8; 6]>::try_from(octets).ok().filter(|_| whole);
    let good = |mac: &[u8; 6]| mac[0] & 1 == 0 && !matches!(mac, [0, 0, 0x5e, 0, 1 | 2, _] | [0, 0, 0, 0, 0, 0]);
    let mac = mac.filter(good);
    if mac.is_none() {
        let message = format!("{} is no MAC address that a macvlan can have", word.text);
        r.error(&word.place, Verdict::Ignores, message);
    }
    mac
}

fn authentication(instance: &mut Instance, said: &Said<'_>, r: &mut Reader) {
    if let Some(block) = said.get("auth_hmac") {
        if let Some(hmac) = r.within(block, |r| secret::hmac(block, instance.interval, instance.strict, r)) {
            instance.authentication = Authentication::Hmac(hmac);
        }
        if let Some(block) = said.get("authentication") {
            let message = "authentication and auth_hmac exclude each other: auth_hmac is taken";
            r.error(&block.keyword.place, Verdict::Ignores, message);
        }
        return;
    }
    let Some(block) = said.get("authentication") else { return };
    let Some(authentication) = r.within(block, |r| secret::password(block, r)) else { return };
    let why = if instance.strict {
        "vrrp_strict forbids authentication (RFC 3768 took it away)"
    } else if instance.version == Version::V3 {
        "version 3 has no authentication (RFC 5798 section 9)"
    } else if matches!(authentication, Authentication::Ah(_)) && instance.family == Family::V6 {
        "there is no authentication header for IPv6"
    } else {
        instance.authentication = authentication;
        return;
    };
    let message = format!("{why}: it goes on without");
    r.warn(&block.keyword.place, Verdict::Ignores, message).hint =
        Some("take it out, on all directors at once".to_owned());
}

fn announce(instance: &mut Instance, said: &Said<'_>, defaults: &Defaults, r: &mut Reader) {
    let seconds = |keyword: &str, r: &mut Reader| {
        said.get(keyword).and_then(|statement| r.one(statement, whole_seconds(0..=LONGEST.as_secs())))
    };
    let repeat =
        |keyword: &str, r: &mut Reader| said.get(keyword).and_then(|statement| r.number(statement, 0..=MOST_REPEATS));
    let mut announce = defaults.announce;
    set(&mut announce.delay, seconds("garp_master_delay", r));
    set(&mut announce.repeat, repeat("garp_master_repeat", r).map(|repeat| repeat.max(1)));
    set(&mut announce.refresh, seconds("garp_master_refresh", r));
    set(&mut announce.refresh_repeat, repeat("garp_master_refresh_repeat", r).map(|repeat| repeat.max(1)));
    let others = said.get("garp_extra_if").or_else(|| said.get("vmac_garp_intvl"));
    set(&mut announce.other_links, others.and_then(|statement| extra(statement, r)));
    let (lower_repeat, lower_delay) = defaults.lower;
    announce.lower_repeat = repeat("garp_lower_prio_repeat", r).or(lower_repeat).unwrap_or(announce.repeat);
    announce.lower_delay = seconds("garp_lower_prio_delay", r).or(lower_delay).unwrap_or(announce.delay);
    if instance.strict {
        (announce.lower_repeat, announce.lower_delay) = (0, Duration::ZERO);
    }
    instance.announce = announce;
}

/// Limits the pace of announcements on the interfaces of a `garp_group`.
pub(super) fn garp_group(block: &Statement, instances: &mut [Instance], r: &mut Reader) {
    let (mut arp, mut na, mut interfaces) = (None, None, Vec::new());
    for statement in inside(block) {
        match &*statement.keyword.text {
            "garp_interval" => arp = r.one(statement, time(PAUSE)),
            "gna_interval" => na = r.one(statement, time(PAUSE)),
            "interface" => interfaces.extend(r.text(statement)),
            "interfaces" => interfaces.extend(super::reading::entries(statement).map(|word| word.text.to_string())),
            _ => {}
        }
    }
    if arp.is_none() && na.is_none() {
        r.error(&block.keyword.place, Verdict::Ignores, "garp_group has neither garp_interval nor gna_interval");
    }
    let on_it = |instance: &&mut Instance| instance.interface.as_ref().is_some_and(|own| interfaces.contains(own));
    for instance in instances.iter_mut().filter(on_it) {
        set(&mut instance.announce.arp_interval, arp);
        set(&mut instance.announce.na_interval, na);
    }
}

/// The switches.
fn habits(instance: &mut Instance, said: &Said<'_>, defaults: &Defaults, at: &Place, r: &mut Reader) {
    let (strict, owner) = (instance.strict, instance.priority.is_owner());
    instance.accept =
        if said.get("no_accept").is_some() { false } else { said.get("accept").is_some() || !strict || owner };
    if strict && !owner && instance.version == Version::V2 && instance.accept {
        r.warn(
            &said.place("accept", at),
            Verdict::Corrects,
            "with vrrp_strict and version 2 only the owner accepts packets",
        );
        instance.accept = false;
    }
    instance.answer_lower = !strict && !said.switch("lower_prio_no_advert", defaults.lower_no_advert, r);
    instance.answer_higher = !strict && said.switch("higher_prio_send_advert", defaults.higher_send_advert, r);
    instance.owner_ignores_adverts = strict && owner || said.switch("owner_ignore_adverts", defaults.owner_ignores, r);
    instance.skip_address_check = said.switch("skip_check_adv_addr", defaults.skip_address_check, r);
    instance.pseudo_header = !said.switch("v3_checksum_as_v2", !defaults.pseudo_header, r);
    instance.promote_secondaries = said.get("promote_secondaries").is_some();
    instance.track_primary = said.get("dont_track_primary").is_none();
    instance.down_timer_adverts = defaults.down_timer_adverts;
    if let Some(statement) = said.get("down_timer_adverts") {
        set(&mut instance.down_timer_adverts, r.number(statement, 1..=100));
    }
    if strict && instance.down_timer_adverts != 3 {
        r.warn(
            &said.place("down_timer_adverts", at),
            Verdict::Corrects,
            "with vrrp_strict a master is dead after 3 adverts",
        );
        instance.down_timer_adverts = 3;
    }
    if let Some(statement) = said.get("track_src_ip") {
        let source = match &instance.transport {
            Transport::Multicast { source, .. } | Transport::Unicast { source, .. } => source,
        };
        instance.track_source = source.is_some();
        if source.is_none() {
            let message = "track_src_ip means nothing without mcast_src_ip or unicast_src_ip";
            r.warn(&statement.keyword.place, Verdict::Ignores, message);
        }
    }
}

/// Reads the commands of an instance or a group.
pub(super) fn notify(statements: &[Statement], defaults: &Defaults, r: &mut Reader) -> Notify {
    let mut notify = Notify { priority_changes: defaults.notify_priority_changes, ..Notify::default() };
    for statement in statements {
        let slot = match &*statement.keyword.text {
            "notify_master" => &mut notify.master,
            "notify_backup" => &mut notify.backup,
            "notify_fault" => &mut notify.fault,
            "notify_stop" => &mut notify.stop,
            "notify" => &mut notify.any,
            "notify_master_rx_lower_pri" => &mut notify.lower_priority,
            "notify_deleted" if statement.values.is_empty() => {
                r.not_done(statement, "what runs when an instance is removed is the command of notify_fault");
                continue;
            }
            "notify_deleted" => &mut notify.deleted,
            "notify_priority_changes" => {
                notify.priority_changes = r.switch(statement);
                continue;
            }
            _ => continue,
        };
        let command = r.command(statement);
        if slot.is_some() {
            let message = format!("{} is said twice: the first one runs", statement.keyword.text);
            r.error(&statement.keyword.place, Verdict::Ignores, message);
        } else {
            *slot = command;
        }
    }
    notify
}
