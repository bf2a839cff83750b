//! Sending probes and collecting what comes back, in a bounded time.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use super::{
    Answer, Kind, Mac, Path, PathMtu, Probes,
    frames::{self, Ends, Seen},
};
use crate::{
    doctor::facts::{Facts, Way, elsewhere, is_tunnel},
    host::Link,
    model::{Family, Forwarding},
    sys::raw::{Arena, Capture, wait},
};

/// How long answers are waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long answers of neighbours and echoes are waited for.
const NEAR: Duration = Duration::from_millis(300);

/// The upper half of sequence numbers of ours; the lower half is the number of the probe.
const SEQUENCE: u32 = 0x4c56_0000;

/// More probes than this are not made; a cluster of that size breaks in ways that the first thousands show, too.
const MOST: usize = 4096;

/// Where a connection is begun if it does not matter whether somebody listens: a port that few filters mind.
const ANY_PORT: u16 = 80;

/// Frames sent before answers are looked at, so that no queue runs over.
const BURST: usize = 64;

/// Sizes tried in one go.
const SIZES: u32 = 16;

/// Smallest packet that every link carries.
const fn least(family: Family) -> u32 {
    match family {
        Family::V4 => 576,
        Family::V6 => 1280,
    }
}

/// What is to be probed.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Addresses for which somebody else may answer.
    pub vips: BTreeSet<IpAddr>,
}

/// A link that probes go by.
struct Port {
    link: Link,
    mac: Mac,
    capture: Capture,
}

/// A connection that was begun.
struct Begun {
    path: Path,
    port: usize,
    ends: Ends,
    from: SocketAddr,
    to: SocketAddr,
    /// Outer destination, if it was wrapped.
    outer: Option<IpAddr>,
    sequence: u32,
}

struct Volley<'a> {
    facts: &'a Facts,
    ports: Vec<Port>,
    arena: Arena,
    source_port: u16,
    found: Probes,
    unread: Vec<String>,
}

/// Makes all probes that the facts call for: who answers for the virtual addresses, and what servers take. Returns what came of
/// them, and what could not be done.
pub fn run(facts: &Facts, targets: &Targets) -> (Probes, Vec<String>) {
    // An ephemeral port above those that the kernel gives away.
    let source_port = 61000 + fastrand::u16(..4000);
    let mut volley = Volley {
        facts,
        ports: Vec::new(),
        arena: Arena::default(),
        source_port,
        found: Probes { made: true, ..Probes::default() },
        unread: Vec::new(),
    };
    volley.open();
    volley.neighbours(targets);
    volley.connections();
    volley.sizes();
    (volley.found, volley.unread)
}

impl Volley<'_> {
    fn open(&mut self) {
        let filter = frames::filter(self.source_port);
        for link in &self.facts.links {
            let (true, false, Some(mac)) = (link.up && link.running, link.loopback || link.noarp, link.mac()) else {
                continue;
            };
            // Only links with an address of their own lead anywhere.
            if !self.facts.addresses.iter().any(|held| held.link == link.index) {
                continue;
            }
            match Capture::open(link.index, &filter) {
                Ok(capture) => self.ports.push(Port { link: link.clone(), mac, capture }),
                Err(error) => {
                    self.unread.push(format!("cannot probe by {}: {error}; this takes root or CAP_NET_RAW", link.name));
                }
            }
        }
    }

    /// Asks who has the virtual addresses, and the servers and gateways.
    fn neighbours(&mut self, targets: &Targets) {
        let mut wanted: BTreeMap<IpAddr, Option<usize>> = targets.vips.iter().map(|vip| (*vip, None)).collect();
        let servers = self.facts.servers().map(|(_, server)| server.server.key.address);
        for server in servers.collect::<BTreeSet<_>>() {
            if let Some((port, hop)) = self.next_hop(server) {
                wanted.insert(hop, Some(port));
            }
        }
        let mut frames = Vec::new();
        for (address, only) in &wanted {
            for (at, port) in self.ports.iter().enumerate() {
                if only.is_none_or(|only| only == at)
                    && let Some(source) = self.source(&port.link, *address)
                    && let Some(frame) = frames::who_has(port.mac, source, *address)
                {
                    frames.push((at, frame));
                }
            }
        }
        let own: BTreeSet<Mac> = self.facts.links.iter().filter_map(Link::mac).collect();
        // Twice: one frame may get lost.
        for _ in 0..2 {
            let mut answers = Vec::new();
            self.exchange(&frames, NEAR, |_, seen| {
                if let Seen::Neighbour { address, mac } = seen
                    && !own.contains(&mac)
                {
                    answers.push((address, mac));
                }
                false
            });
            for (address, mac) in answers {
                if targets.vips.contains(&address) {
                    let answering = self.found.answering.entry(address).or_default();
                    if !answering.contains(&mac) {
                        answering.push(mac);
                    }
                } else {
                    self.found.macs.insert(address, mac);
                }
            }
        }
    }

    /// Returns the link and the neighbour by which packets to a server go.
    fn next_hop(&self, server: IpAddr) -> Option<(usize, IpAddr)> {
        let Way::Out { link, gateway, .. } = self.facts.ways.get(&server)? else { return None };
        let port = self.ports.iter().position(|port| port.link.index == *link)?;
        Some((port, gateway.unwrap_or(server)))
    }

    /// Returns an address of ours on this link that a neighbour can answer to: of all networks the one that has the neighbour,
    /// and no virtual address.
    fn source(&self, link: &Link, for_whom: IpAddr) -> Option<IpAddr> {
        let vips = self.facts.vips();
        let held = self.facts.addresses.iter().filter(|held| held.link == link.index).map(|held| &held.address);
        let mut usable: Vec<_> =
            held.filter(|own| own.address.is_ipv4() == for_whom.is_ipv4() && !vips.contains(&own.address)).collect();
        usable.sort_by_key(|own| !in_network(own.address, own.prefix, for_whom));
        usable.first().map(|own| own.address)
    }

    /// Begins a connection for each server of which a virtual address is known, in every way that bears on its method.
    fn connections(&mut self) {
        let mut begun: Vec<Begun> = Vec::new();
        for (service, server) in self.facts.servers() {
            let (key, real) = (service.service.key, server.server.key);
            let Some(vip) = self.facts.vip_of(key).filter(|_| begun.len() + 2 <= MOST) else { continue };
            let ports = [super::port(key, &server.server), real.port, vip.port()];
            let port = ports.into_iter().find(|port| *port != 0).unwrap_or(ANY_PORT);
            let kinds = match server.server.forwarding {
                Forwarding::Masquerade => [Kind::Direct, Kind::Returning],
                forwarding if is_tunnel(forwarding) => [Kind::Direct, Kind::Wrapped],
                Forwarding::Route => [Kind::Direct, Kind::Routed],
                _ => continue,
            };
            let own = SocketAddr::new(real.address, port);
            for kind in kinds {
                let (from, to) = match kind {
                    Kind::Direct => (None, own),
                    Kind::Returning => (Some(self.client_of(vip, SocketAddr::new(real.address, real.port))), own),
                    Kind::Routed | Kind::Wrapped => (None, SocketAddr::new(vip.ip(), port)),
                };
                let path = Path { service: key, server: real, kind, answer: Answer::Silent };
                match self.prepare(&path, from, to) {
                    Ok(mut ready) => {
                        ready.sequence = SEQUENCE | u32::try_from(begun.len()).unwrap_or_default();
                        begun.push(ready);
                    }
                    Err(answer) => self.found.paths.push(Path { answer, ..path }),
                }
            }
        }
        self.begin(&mut begun);
        self.found.paths.extend(begun.into_iter().map(|begun| begun.path));
    }

    /// Returns the address that stands for a client: one that waits, or else one elsewhere.
    fn client_of(&self, service: SocketAddr, server: SocketAddr) -> IpAddr {
        let stuck = self.facts.connections.stuck.get(&(service, server));
        // Those that can be no clients at all are another matter.
        let is_one = |client: &&IpAddr| {
            !self.facts.addresses.iter().any(|held| held.address.address == **client)
                && !self.facts.servers().any(|(_, server)| server.server.key.address == **client)
        };
        let waiting = stuck.and_then(|clients| clients.keys().find(is_one));
        waiting.copied().unwrap_or_else(|| elsewhere(Family::of(server.ip())))
    }

    fn prepare(&self, path: &Path, from: Option<IpAddr>, to: SocketAddr) -> Result<Begun, Answer> {
        let server = path.server.address;
        let unsent = |why: &str| Answer::Unsent(why.to_owned());
        let way = self.facts.ways.get(&server);
        let link = way.and_then(Way::link).and_then(|link| self.facts.link(link));
        let (port, hop) = self.next_hop(server).ok_or_else(|| match (way, link) {
            (Some(Way::Nowhere), _) => Answer::Absent(format!("no route leads to {server}")),
            (Some(Way::Local), _) => unsent("the server is this host itself"),
            (_, Some(link)) => Answer::Unsent(format!("no frames can be sent by {}, which leads there", link.name)),
            _ => unsent("it is not known which link leads there"),
        })?;
        let at = self.ports.get(port).ok_or_else(|| unsent("no link leads there"))?;
        let name = &at.link.name;
        if self.source(&at.link, hop).is_none() {
            return Err(Answer::Unsent(format!("{name} has no address of its own to ask {hop} from")));
        }
        let mac = self.found.macs.get(&hop);
        let mac = mac.ok_or_else(|| Answer::Absent(format!("{hop} does not answer on {name}")))?;
        let source = from.or_else(|| self.source(&at.link, to.ip()).or_else(|| self.own_source(to.ip())));
        let source = source.ok_or_else(|| Answer::Unsent(format!("{name} has no address of that family")))?;
        let begun = Begun {
            path: path.clone(),
            port,
            ends: Ends { from: at.mac, to: *mac },
            from: SocketAddr::new(source, self.source_port),
            to,
            outer: (path.kind == Kind::Wrapped).then_some(server),
            sequence: 0,
        };
        self.frame(&begun, true).map(|_| begun).ok_or_else(|| unsent("no frame can be made of these addresses"))
    }

    /// Returns any address of ours of the family: for what is wrapped in the other one.
    fn own_source(&self, to: IpAddr) -> Option<IpAddr> {
        self.ports.iter().find_map(|port| self.source(&port.link, to))
    }

    fn frame(&self, begun: &Begun, begin: bool) -> Option<Vec<u8>> {
        let sequence = if begin { begun.sequence } else { begun.sequence.wrapping_add(1) };
        let packet = frames::tcp(begun.from, begun.to, sequence, begin)?;
        let packet = match begun.outer {
            None => packet,
            Some(server) => {
                let tunnel = self.facts.servers().find_map(|(service, each)| match each.server.forwarding {
                    Forwarding::Tunnel(tunnel)
                        if each.server.key == begun.path.server && service.service.key == begun.path.service =>
                    {
                        Some(tunnel)
                    }
                    _ => None,
                })?;
                let link = &self.ports.get(begun.port)?.link;
                frames::wrap(&packet, tunnel, self.source(link, server)?, server, self.source_port)?
            }
        };
        Some(frames::framed(begun.ends, &packet))
    }

    fn begin(&mut self, begun: &mut [Begun]) {
        let mut open = begun.len();
        // What was lost is sent once more.
        for _ in 0..2 {
            let waiting = begun.iter().filter(|each| each.path.answer == Answer::Silent);
            let frames: Vec<_> = waiting.filter_map(|each| Some((each.port, self.frame(each, true)?))).collect();
            self.exchange(&frames, PATIENCE, |_, seen| {
                let answered: Vec<usize> = match seen {
                    Seen::Tcp { sequence, .. } | Seen::Error { sequence: Some(sequence), .. } => {
                        (0..begun.len()).filter(|at| begun.get(*at).is_some_and(|b| b.sequence == sequence)).collect()
                    }
                    Seen::Error { to, .. } => {
                        (0..begun.len()).filter(|at| begun.get(*at).is_some_and(|b| b.outer == Some(to))).collect()
                    }
                    _ => Vec::new(),
                };
                for at in answered {
                    if let Some(each) = begun.get_mut(at).filter(|each| each.path.answer == Answer::Silent) {
                        open -= 1;
                        each.path.answer = match seen {
                            Seen::Tcp { accepted: true, .. } => Answer::Accepted,
                            Seen::Tcp { .. } => Answer::Refused,
                            Seen::Error { why, .. } => Answer::Unreachable(why),
                            _ => Answer::Silent,
                        };
                    }
                }
                open == 0
            });
        }
        // Servers need not wait for what will not come.
        let taken = begun.iter().filter(|each| each.path.answer == Answer::Accepted);
        let frames: Vec<_> = taken.filter_map(|each| Some((each.port, self.frame(each, false)?))).collect();
        self.exchange(&frames, Duration::ZERO, |_, _| true);
    }

    /// Looks for the largest packet that comes through to each server behind a tunnel.
    fn sizes(&mut self) {
        let servers = self.facts.servers().filter(|(_, server)| is_tunnel(server.server.forwarding));
        let servers: BTreeSet<IpAddr> = servers.map(|(_, server)| server.server.key.address).collect();
        for server in servers.into_iter().take(MOST / 64) {
            let Some((port, hop)) = self.next_hop(server) else { continue };
            let (Some(at), Some(mac)) = (self.ports.get(port), self.found.macs.get(&hop)) else { continue };
            let mtu = match self.facts.ways.get(&server) {
                Some(Way::Out { mtu: Some(mtu), .. }) => (*mtu).min(at.link.mtu),
                _ => at.link.mtu,
            };
            let (Some(source), ends) = (self.source(&at.link, server), Ends { from: at.mac, to: *mac }) else {
                continue;
            };
            let passes = self.largest(port, ends, source, server, mtu);
            self.found.mtus.insert(server, PathMtu { believed: mtu, passes });
        }
    }

    fn largest(&mut self, port: usize, ends: Ends, from: IpAddr, to: IpAddr, mtu: u32) -> Option<u32> {
        let least = least(Family::of(to)).min(mtu);
        let (mut passes, mut fails) = (None, mtu + 1);
        // The ends first; between them, each round leaves a sixteenth.
        let mut sizes = vec![least, mtu];
        for round in 0..6 {
            // An answer that comes late is not one to the next question.
            let id = self.source_port.wrapping_add(round);
            let came = self.echoes(port, ends, (from, to), id, &sizes);
            passes = came.iter().copied().chain(passes).max();
            let largest = passes?;
            fails = sizes.iter().copied().filter(|size| *size > largest).chain([fails]).min().unwrap_or(fails);
            if fails - largest <= 1 {
                break;
            }
            let step = ((fails - largest) / SIZES).max(1);
            sizes = (1..=SIZES).map(|n| largest + n * step).filter(|size| *size < fails).collect();
        }
        passes
    }

    fn echoes(&mut self, port: usize, ends: Ends, (from, to): (IpAddr, IpAddr), id: u16, sizes: &[u32]) -> Vec<u32> {
        let numbered = sizes.iter().zip(0_u16..);
        let frames: Vec<_> = numbered
            .filter_map(|(size, number)| {
                let packet = frames::echo(from, to, id, number, usize::try_from(*size).ok()?)?;
                Some((port, frames::framed(ends, &packet)))
            })
            .collect();
        let mut came: BTreeSet<u32> = BTreeSet::new();
        self.exchange(&frames, NEAR, |_, seen| {
            if let Seen::Echo { from, id: theirs, number } = seen
                && from == to
                && theirs == id
            {
                came.extend(sizes.get(usize::from(number)));
            }
            came.len() == sizes.len()
        });
        came.into_iter().collect()
    }

    /// Sends frames, and hands over what comes back until `each` has enough or the time since the last frame is over.
    fn exchange(&mut self, frames: &[(usize, Vec<u8>)], patience: Duration, mut each: impl FnMut(usize, Seen) -> bool) {
        if frames.is_empty() {
            return;
        }
        let mut enough = false;
        for burst in frames.chunks(BURST) {
            for (port, frame) in burst {
                // What cannot be sent is not answered: too large, or the link is down.
                let _ = self.ports.get(*port).map(|port| port.capture.send(frame));
            }
            enough |= self.collect(&mut each);
        }
        let until = Instant::now() + patience;
        while !enough && wait(self.ports.iter().map(|port| &port.capture), until) {
            enough = self.collect(&mut each);
        }
    }

    fn collect(&mut self, each: &mut impl FnMut(usize, Seen) -> bool) -> bool {
        let mut enough = false;
        for (at, port) in self.ports.iter().enumerate() {
            // A link that went down has nothing more.
            let _ = port.capture.receive(&mut self.arena, |frame| {
                // What a bridge sent everywhere because it knew no better is somebody else's.
                let ours = frame.get(..6) == Some(&port.mac);
                if let Some(seen) = frames::read(frame, self.source_port).filter(|_| ours) {
                    enough |= each(at, seen);
                }
            });
        }
        enough
    }
}

/// Whether an address is in a network.
pub(crate) fn in_network(network: IpAddr, prefix: u8, address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    };
    // Addresses of both families stand at the upper end of the number.
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
    network.is_ipv4() == address.is_ipv4() && bits(network) & mask == bits(address) & mask
}
