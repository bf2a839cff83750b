//! What is fuzzed: every parser of bytes that come from a file, the kernel or a person. Shared by the fuzz targets and by
//! `tests/fuzz_seeds.rs`, which replays the seeds as an ordinary test.
#![allow(dead_code)]

use std::{path::PathBuf, time::Duration};

use lvsadm::{
    bfd::{self, packet::auth::METHODS},
    check::{
        agent, dns,
        lines::{Splitter, TooLong},
        smtp,
    },
    config::{
        Environment,
        lint::{Manner, lint},
        source::Memory,
    },
    host::{Address, Change},
    ipvs::{
        codec,
        plan::{Extra, plan},
        procfs,
    },
    model::{Family, Moment, Table},
    state::{agent_file::AgentFile, file, grammar::NoNames, print, vrrp as lines},
    vrrp::{
        event::Received,
        packet::{Own, Wire, peek},
        settings::{AntiReplay, Authentication, Hmac, HmacMode, Instance, Peer, Secret, Transport, Version, Vrid},
    },
};

/// A save file: read or refused; and what is read can be printed and means the same when it is read again.
pub(crate) fn savefile(data: &[u8]) {
    let Ok(file) = file::parse(data, &NoNames) else { return };
    let empty = Table::default();
    let changes = plan(&empty, &file.table, Extra::Keep);
    let printed: String = changes.map(|change| print::change_line(&change) + "\n").collect();
    let again = file::parse(printed.as_bytes(), &NoNames).unwrap_or_else(|faults| panic!("{printed}\n{faults:?}"));
    assert_eq!(again.table, file.table, "{printed}");
}

/// Lines about VRRP: read or refused; and what is read can be printed and means the same when it is read again.
pub(crate) fn vrrpfile(data: &[u8]) {
    let Ok(file) = AgentFile::new(data) else { return };
    let Ok(parsed) = file.vrrp(&NoFiles) else { return };
    let printed = lines::lines(&parsed.settings);
    let numbered = printed.iter().enumerate().map(|(at, line)| (at + 1, line.as_str()));
    let again = lines::parse(numbered, &NoFiles).unwrap_or_else(|faults| panic!("{printed:#?}\n{faults:?}"));
    assert_eq!(again.settings, parsed.settings, "{printed:#?}");
}

struct NoFiles;

impl lines::Files for NoFiles {
    fn read(&self, _: &std::path::Path) -> Result<Vec<u8>, String> {
        Err("there are no files here".to_owned())
    }
}

/// A keepalived.conf: read, whatever it is; and each fault has a place in it.
pub(crate) fn keepalived(data: &[u8]) {
    let file = PathBuf::from("/f");
    let files = Box::new(Memory([(file.clone(), data.to_vec())].into()));
    let environment = Environment { config_id: "here".to_owned(), limit: 1 << 16, files, ..Environment::default() };
    let lines = data.iter().filter(|byte| **byte == b'\n').count() + 1;
    for finding in lint(&file, &environment, Manner { strict: true, here: false }) {
        assert!(usize::try_from(finding.place.line).is_ok_and(|line| line <= lines), "{finding:?}");
        assert!(!finding.message.is_empty());
    }
}

/// Messages from the kernel.
pub(crate) fn netlink(data: &[u8]) {
    let _ = codec::service(data);
    let _ = codec::service_key(data);
    let _ = codec::server(data, Family::V4);
    let _ = codec::server(data, Family::V6);
    let _ = codec::daemon(data);
    let _ = codec::timeouts(data);
    let _ = codec::info(data);
}

/// Files of `/proc/net`.
pub(crate) fn proc(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = procfs::snapshot(&text, 100);
    let _ = procfs::connections(&text);
}

/// A packet for a virtual router. The first byte says how the router is set up, the rest is the packet.
pub(crate) fn vrrp(data: &[u8]) {
    let Some((setup, bytes)) = data.split_first() else { return };
    let instance = virtual_router(*setup);
    let (source, destination) = match (instance.family, &instance.transport) {
        (Family::V4, Transport::Multicast { .. }) => ("10.9.9.1", "224.0.0.18"),
        (Family::V4, Transport::Unicast { .. }) => ("10.9.9.1", "10.9.9.2"),
        (Family::V6, Transport::Multicast { .. }) => ("fe80::1", "ff02::12"),
        (Family::V6, Transport::Unicast { .. }) => ("fe80::1", "fe80::2"),
    };
    let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
    let received = Received { link: 1, source, destination, hops: Some(255), bytes };
    let now = Duration::from_secs(1_800_000_000);
    let mut wire = Wire::new(&instance);
    match wire.decode(&received, now, Own::default()) {
        Ok(_) => assert!(peek(&received).is_some()),
        Err(reject) => assert!(!reject.to_string().is_empty()),
    }
    // Whatever was heard, ours are right.
    wire.begin(now);
    let bytes = wire.encode(100, source, destination);
    let ours = Received { bytes: &bytes, ..received };
    Wire::new(&instance).decode(&ours, now, Own::default()).unwrap_or_else(|reject| panic!("{reject}"));
}

fn virtual_router(setup: u8) -> Instance {
    let bit = |n: u8| setup >> n & 1 == 1;
    let hmac = |mode| {
        let keys = vec![(1, Secret::new([0x11; 32]))];
        Authentication::Hmac(Hmac { keys, active: 1, mode, replay: AntiReplay::Monotonic })
    };
    let (family, address, peer) =
        if bit(6) { (Family::V6, "fe80::51", "fe80::1") } else { (Family::V4, "10.9.9.100", "10.9.9.1") };
    let peer = Peer { address: peer.parse().unwrap(), ttl: Some((200, 255)) };
    let version = if bit(3) { Version::V3 } else { Version::V2 };
    let mut instance = Instance::new("VI_1", Vrid::new(51).unwrap(), version, family);
    instance.addresses = vec![Address::new(address.parse().unwrap())];
    instance.pseudo_header = bit(4);
    instance.authentication = match setup & 7 {
        0 => Authentication::Pass(Secret::new("1111")),
        1 => Authentication::Ah(Secret::new("1111")),
        2 => hmac(HmacMode::Enforce),
        3 => hmac(HmacMode::Permissive),
        4 => hmac(HmacMode::ReceiveOnly),
        _ => Authentication::None,
    };
    if bit(5) {
        instance.transport = Transport::Unicast { source: None, peers: vec![peer], ttl: None, check_source: true };
    }
    instance
}

/// Messages about links, addresses, routes and rules. The first two bytes are the type of the message.
pub(crate) fn route(data: &[u8]) {
    let Some((kind, message)) = data.split_first_chunk() else { return };
    let _ = Change::read(u16::from_le_bytes(*kind), message, |index| Some(index.to_string()));
}

/// A packet for one of two BFD sessions. The first byte says how it is authenticated and where it came in, the rest is the packet.
pub(crate) fn bfd(data: &[u8]) {
    let Some((setup, bytes)) = data.split_first() else { return };
    let key = |method| bfd::settings::Authentication { method, key_id: 1, key: Secret::new("key") };
    let authentication = METHODS.get(usize::from(setup & 7)).map(|(_, method)| key(*method));
    let (source, other) = ("10.9.9.1".parse().unwrap(), "10.9.9.3".parse().unwrap());
    let settings = [("a", source), ("b", other)].map(|(name, neighbour)| bfd::settings::Settings {
        authentication: authentication.clone(),
        passive: setup >> 3 & 1 == 1,
        admin_down: setup >> 4 & 1 == 1,
        ..bfd::settings::Settings::new(name, neighbour)
    });
    let remembered = [("a".to_owned(), 1), ("b".to_owned(), 2)].into();
    let at = |ms| Moment::from_start(Duration::from_millis(ms));
    let mut sessions = bfd::sessions::Sessions::new(&settings, remembered, 7, at(1000));
    let destination = "10.9.9.2".parse().unwrap();
    let received =
        bfd::sessions::Received { source, destination, link: Some(1), hops: 255, multihop: setup >> 5 & 1 == 1, bytes };
    for ms in 1001..1004 {
        sessions.handle(at(ms), &received);
        sessions.handle_timeout(at(ms));
        while let Some(output) = sessions.poll_output() {
            if let bfd::sessions::Output::Send(_, bytes) = output {
                // Whatever was heard, ours are right.
                let packet = bfd::packet::Packet::decode(&bytes).unwrap_or_else(|reject| panic!("{reject}"));
                packet.authenticate(authentication.as_ref()).unwrap_or_else(|reject| panic!("{reject}"));
            }
        }
        assert!(sessions.next_timeout().is_none_or(|due| due > at(ms)), "nothing is due for ever");
    }
    assert_eq!(sessions.status(at(2000)).sessions.len(), 2);
}

/// What a name server answers. The first two bytes are the number of our question.
pub(crate) fn dns(data: &[u8]) {
    let Some((id, answer)) = data.split_first_chunk() else { return };
    let Some((code, _)) = dns::response(u16::from_be_bytes(*id), answer) else { return };
    assert!(answer.starts_with(id) && !code.to_string().is_empty());
}

/// What a mail server says: the same, however its bytes come.
pub(crate) fn smtp(data: &[u8]) {
    let replies = |size| {
        let lines = lines(data, size, smtp::LONGEST);
        lines.iter().map(|line| smtp::reply(line)).collect::<Vec<_>>()
    };
    let all = replies(data.len().max(1));
    assert!(all.iter().flatten().all(|(code, _)| *code < 1000));
    assert_eq!(replies(1), all);
}

/// What an agent on a server says.
pub(crate) fn agent(data: &[u8]) {
    for line in lines(data, data.len().max(1), agent::LONGEST) {
        let before_reason = line.split(|byte| b"#\r".contains(byte)).next().unwrap_or_default();
        let words = String::from_utf8_lossy(before_reason).to_ascii_lowercase();
        let fails = words.split([' ', '\t', ',']).any(|word| ["down", "failed", "stopped", "maint"].contains(&word));
        assert!(!fails || !matches!(agent::read(&line), agent::Said::Works(_)), "{words}");
    }
}

/// The lines of a text that comes in pieces of a size, up to one that is too long.
fn lines(data: &[u8], size: usize, longest: usize) -> Vec<Vec<u8>> {
    let (mut splitter, mut lines) = (Splitter::new(longest), Vec::new());
    for piece in data.chunks(size) {
        splitter.push(piece);
        loop {
            match splitter.line() {
                Ok(Some(line)) => lines.push(line),
                Ok(None) => break,
                Err(TooLong) => return lines,
            }
        }
    }
    lines
}
