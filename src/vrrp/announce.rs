//! Telling the neighbours where an address is now: gratuitous ARP (RFC 5227 section 1.2, RFC 9568 section 6.4.2) and unsolicited
//! neighbour advertisements (RFC 4861 section 7.2.6); the frames, and the queue that paces them. Does no IO and reads no
//! clock; what is due is polled and goes out by a packet socket.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use super::{event::InstanceId, packet::checksum::Checksum, settings::Announce};
use crate::model::{Family, Moment};

/// A hardware address.
pub type Mac = [u8; 6];

const BROADCAST: Mac = [0xff; 6];

/// All nodes on a link, and the hardware address of that group.
const ALL_NODES: (Ipv6Addr, Mac) = (Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), [0x33, 0x33, 0, 0, 0, 1]);

/// Next header: ICMPv6.
const ICMPV6: u8 = 58;

/// Bytes of a neighbour advertisement with one option.
const NA: usize = 32;

/// Returns a gratuitous ARP as an Ethernet frame, as keepalived makes it: a request of the address for itself, by broadcast.
pub fn gratuitous_arp(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::with_capacity(42);
    frame.extend_from_slice(&BROADCAST);
    frame.extend_from_slice(&mac);
    // Ethernet type ARP; Ethernet, IPv4, 6 and 4 bytes, request.
    frame.extend_from_slice(&[0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1]);
    frame.extend_from_slice(&mac);
    frame.extend_from_slice(&address.octets());
    frame.extend_from_slice(&BROADCAST);
    frame.extend_from_slice(&address.octets());
    frame
}

/// Returns an unsolicited neighbour advertisement to all nodes as an Ethernet frame. The whole frame, because a packet socket
/// sends it by any link at once, while the kernel would choose source and link of an ICMPv6 socket by its own rules.
/// `router`: whether the link forwards IPv6.
pub fn neighbour_advertisement(mac: Mac, address: Ipv6Addr, router: bool) -> Vec<u8> {
    let (group, group_mac) = ALL_NODES;
    let mut advertisement = Vec::with_capacity(NA);
    // Type, code, checksum; flags: override, because the address has moved.
    advertisement.extend_from_slice(&[136, 0, 0, 0, if router { 0xa0 } else { 0x20 }, 0, 0, 0]);
    advertisement.extend_from_slice(&address.octets());
    // Option: target link-layer address, in units of 8 bytes.
    advertisement.extend_from_slice(&[2, 1]);
    advertisement.extend_from_slice(&mac);
    let sum = Checksum::default().add(&advertisement).add_pseudo_v6(address, group, ICMPV6, NA).finish();
    if let Some(place) = advertisement.get_mut(2..4) {
        place.copy_from_slice(&sum.to_be_bytes());
    }

    let mut frame = Vec::with_capacity(14 + 40 + NA);
    frame.extend_from_slice(&group_mac);
    frame.extend_from_slice(&mac);
    // Ethernet type IPv6; version 6, length, next header, hop limit 255 so that it cannot come from elsewhere.
    frame.extend_from_slice(&[0x86, 0xdd, 0x60, 0, 0, 0, 0, NA as u8, ICMPV6, 255]);
    frame.extend_from_slice(&address.octets());
    frame.extend_from_slice(&group.octets());
    frame.extend_from_slice(&advertisement);
    frame
}

/// One address to announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub address: IpAddr,
    /// Index of the link that has it.
    pub link: u32,
    /// The link's hardware address.
    pub mac: Mac,
    /// Index of the link whose pace counts: `link`, or the one below if that is a macvlan.
    pub paced_by: u32,
    /// Whether the link forwards IPv6; without meaning for IPv4.
    pub router: bool,
}

impl Target {
    fn frame(&self) -> Frame {
        let bytes = match self.address {
            IpAddr::V4(address) => gratuitous_arp(self.mac, address),
            IpAddr::V6(address) => neighbour_advertisement(self.mac, address, self.router),
        };
        Frame { link: self.link, bytes }
    }
}

/// A frame to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Index of the link.
    pub link: u32,
    /// The frame, from the destination's hardware address on.
    pub bytes: Vec<u8>,
}

/// What waits to be announced. On each link, instances take turns, and so do the addresses of an instance: the first
/// announcement of its last address goes out before the second one of its first. Its size is bounded by the addresses of the
/// instances, however often they are announced.
#[derive(Debug, Default)]
pub struct Announcer {
    /// In the order in which they are polled next; those that have neither work nor a pause to keep are removed.
    lanes: VecDeque<Lane>,
}

/// What waits on one link.
#[derive(Debug)]
struct Lane {
    link: u32,
    family: Family,
    /// When its next frame may go out.
    ready: Moment,
    /// In the order of their turns.
    jobs: VecDeque<Job>,
}

/// What waits of one instance.
#[derive(Debug)]
struct Job {
    instance: InstanceId,
    targets: Vec<Target>,
    /// Whose turn it is; below the number of targets.
    turn: usize,
    /// Frames left.
    left: u64,
    /// Pause after each.
    pause: Duration,
}

impl Announcer {
    /// Puts all `targets` of an instance into the queue, `repeat` times each, with the pauses of its settings. What of the
    /// instance waits on the same links is replaced; if it is the same, it is not begun again, so that announcing again
    /// and again keeps no address from its turn.
    pub fn announce(&mut self, instance: InstanceId, targets: &[Target], repeat: u32, settings: &Announce) {
        let lane_of = |target: &Target| (target.paced_by, Family::of(target.address));
        let mut lanes: Vec<(u32, Family)> = targets.iter().map(lane_of).collect();
        lanes.sort_unstable_by_key(|(link, family)| (*link, *family == Family::V6));
        lanes.dedup();
        for (link, family) in lanes {
            let pause = match family {
                Family::V4 => settings.arp_interval,
                Family::V6 => settings.na_interval,
            };
            let targets = targets.iter().filter(|target| lane_of(target) == (link, family)).copied().collect();
            self.lane(link, family).add(instance, targets, repeat, pause);
        }
    }

    /// Forgets everything that waits of an instance: it is not master any more, and must not be heard as one.
    pub fn forget(&mut self, instance: InstanceId) {
        for lane in &mut self.lanes {
            lane.jobs.retain(|job| job.instance != instance);
        }
    }

    /// Returns when [`Self::poll`] has something next; `None` = never. May change with every call of the other methods.
    pub fn next_timeout(&self) -> Option<Moment> {
        self.lanes.iter().filter(|lane| !lane.jobs.is_empty()).map(|lane| lane.ready).min()
    }

    /// Returns a frame that is due. The frame counts as sent.
    pub fn poll(&mut self, now: Moment) -> Option<Frame> {
        for _ in 0..self.lanes.len() {
            let mut lane = self.lanes.pop_front()?;
            let frame = lane.poll(now);
            if !lane.jobs.is_empty() || lane.ready > now {
                self.lanes.push_back(lane);
            }
            if frame.is_some() {
                return frame;
            }
        }
        None
    }

    fn lane(&mut self, link: u32, family: Family) -> &mut Lane {
        let at = self.lanes.iter().position(|lane| (lane.link, lane.family) == (link, family));
        let at = at.unwrap_or_else(|| {
            self.lanes.push_back(Lane { link, family, ready: Moment::ZERO, jobs: VecDeque::new() });
            self.lanes.len() - 1
        });
        &mut self.lanes[at]
    }
}

impl Lane {
    fn add(&mut self, instance: InstanceId, targets: Vec<Target>, repeat: u32, pause: Duration) {
        let frames = u64::from(repeat) * targets.len() as u64;
        let old = self.jobs.iter().position(|job| job.instance == instance);
        match old.and_then(|at| self.jobs.get_mut(at)) {
            Some(job) if job.targets == targets => {
                job.left = job.left.max(frames);
                job.pause = pause;
            }
            Some(job) => *job = Job { instance, targets, turn: 0, left: frames, pause },
            None => self.jobs.push_back(Job { instance, targets, turn: 0, left: frames, pause }),
        }
        self.jobs.retain(|job| job.left > 0);
    }

    fn poll(&mut self, now: Moment) -> Option<Frame> {
        if self.ready > now {
            return None;
        }
        let mut job = self.jobs.pop_front()?;
        let frame = job.targets.get(job.turn)?.frame();
        job.turn = (job.turn + 1) % job.targets.len();
        job.left -= 1;
        // From now on and not from when it was due: a pause that was missed is not made up for by a burst.
        self.ready = now + job.pause;
        if job.left > 0 {
            self.jobs.push_back(job);
        }
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAC: Mac = [2, 0, 0, 0, 0, 7];

    fn target(address: &str) -> Target {
        Target { address: address.parse().expect("an address"), link: 2, mac: MAC, paced_by: 2, router: false }
    }

    fn paced(pause: Duration) -> Announce {
        Announce { arp_interval: pause, na_interval: pause * 2, ..Announce::default() }
    }

    fn at(ms: u64) -> Moment {
        Moment::from_start(Duration::from_millis(ms))
    }

    /// The last number of the address in a frame.
    fn last_byte(frame: &Frame) -> u8 {
        frame.bytes[if frame.bytes.len() == 42 { 31 } else { 37 }]
    }

    fn due(announcer: &mut Announcer, now: Moment) -> Vec<u8> {
        std::iter::from_fn(|| announcer.poll(now)).map(|frame| last_byte(&frame)).collect()
    }

    /// As keepalived 2.2.7 sends it, captured with tcpdump.
    #[test]
    fn gratuitous_arp_as_keepalived() {
        let expected = [
            [0xff; 6].as_slice(),
            &MAC,
            &[0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01],
            &MAC,
            &[0x0a, 0x09, 0x09, 0x64],
            &[0xff; 6],
            &[0x0a, 0x09, 0x09, 0x64],
        ];
        assert_eq!(gratuitous_arp(MAC, Ipv4Addr::new(10, 9, 9, 100)), expected.concat());
    }

    /// As keepalived 2.2.7 sends it; the checksum is checked by its sum.
    #[test]
    fn neighbour_advertisement_as_keepalived() {
        let address: Ipv6Addr = "2001:db8::100".parse().expect("an address");
        let frame = neighbour_advertisement(MAC, address, false);
        assert_eq!(frame.len(), 86);
        assert_eq!(frame[..14], [&[0x33, 0x33, 0, 0, 0, 1], &MAC[..], &[0x86, 0xdd]].concat());
        assert_eq!(frame[14..22], [0x60, 0, 0, 0, 0, 32, 58, 255]);
        assert_eq!(frame[22..38], address.octets());
        assert_eq!(frame[38..54], ALL_NODES.0.octets());
        assert_eq!(frame[54..56], [0x88, 0]);
        assert_eq!(frame[58..62], [0x20, 0, 0, 0]);
        assert_eq!(frame[62..], [&address.octets()[..], &[2, 1], &MAC].concat());
        let sum = Checksum::default().add(&frame[54..]).add_pseudo_v6(address, ALL_NODES.0, ICMPV6, NA);
        assert_eq!(sum.finish(), 0);
        assert_eq!(neighbour_advertisement(MAC, address, true)[58], 0xa0);
    }

    #[test]
    fn addresses_take_turns() {
        let mut announcer = Announcer::default();
        let targets = [target("10.0.0.1"), target("10.0.0.2"), target("10.0.0.3")];
        announcer.announce(InstanceId(1), &targets, 2, &paced(Duration::ZERO));
        assert_eq!(announcer.next_timeout(), Some(Moment::ZERO));
        assert_eq!(due(&mut announcer, at(0)), [1, 2, 3, 1, 2, 3]);
        assert_eq!(announcer.next_timeout(), None);
        assert!(announcer.lanes.is_empty());
    }

    #[test]
    fn instances_take_turns() {
        let mut announcer = Announcer::default();
        announcer.announce(InstanceId(1), &[target("10.0.0.1"), target("10.0.0.2")], 2, &paced(Duration::ZERO));
        announcer.announce(InstanceId(2), &[target("10.0.0.9")], 2, &paced(Duration::ZERO));
        assert_eq!(due(&mut announcer, at(0)), [1, 9, 2, 9, 1, 2]);
    }

    #[test]
    fn a_link_has_its_pace() {
        let mut announcer = Announcer::default();
        let other_link = Target { link: 3, paced_by: 3, ..target("10.0.0.7") };
        let macvlan = Target { link: 9, ..target("10.0.0.2") };
        let targets = [target("10.0.0.1"), macvlan, other_link, target("fd00::6")];
        announcer.announce(InstanceId(1), &targets, 2, &paced(Duration::from_millis(10)));
        assert_eq!(due(&mut announcer, at(5)), [1, 6, 7]);
        assert_eq!(announcer.next_timeout(), Some(at(15)));
        assert!(due(&mut announcer, at(14)).is_empty());
        assert_eq!(due(&mut announcer, at(15)), [2, 7]);
        assert_eq!(due(&mut announcer, at(25)), [1, 6]);
        // Late: no burst afterwards.
        assert_eq!(due(&mut announcer, at(95)), [2]);
        // The pause after the last frame is kept.
        announcer.announce(InstanceId(2), &[target("10.0.0.3")], 1, &paced(Duration::ZERO));
        assert_eq!(announcer.next_timeout(), Some(at(105)));
        assert_eq!(due(&mut announcer, at(105)), [3]);
        assert_eq!(announcer.next_timeout(), None);
    }

    #[test]
    fn a_backup_announces_nothing() {
        let mut announcer = Announcer::default();
        let settings = paced(Duration::from_millis(10));
        announcer.announce(InstanceId(1), &[target("10.0.0.1"), target("fd00::1")], 5, &settings);
        announcer.announce(InstanceId(2), &[target("10.0.0.9")], 1, &settings);
        assert_eq!(due(&mut announcer, at(0)).len(), 2);
        announcer.forget(InstanceId(1));
        assert_eq!(due(&mut announcer, at(1000)), [9]);
        assert_eq!(announcer.next_timeout(), None);
    }

    #[test]
    fn announcing_again_keeps_no_address_from_its_turn() {
        let mut announcer = Announcer::default();
        let settings = paced(Duration::from_millis(1));
        let targets = [target("10.0.0.1"), target("10.0.0.2"), target("10.0.0.3")];
        let mut sent = Vec::new();
        for ms in 0..6 {
            announcer.announce(InstanceId(1), &targets, 2, &settings);
            sent.extend(due(&mut announcer, at(ms)));
        }
        assert_eq!(sent, [1, 2, 3, 1, 2, 3]);
        assert_eq!(announcer.lanes[0].jobs[0].left, 5, "not more than was asked for last");
        // Other addresses take the place of the old ones.
        announcer.announce(InstanceId(1), &[target("10.0.0.8")], 1, &settings);
        assert_eq!(due(&mut announcer, at(1000)), [8]);
        announcer.announce(InstanceId(1), &targets, 0, &settings);
        announcer.announce(InstanceId(1), &[], 5, &settings);
        assert_eq!(announcer.next_timeout(), None);
    }

    proptest! {
        #[test]
        fn everything_goes_out_and_nothing_of_the_forgotten(
            steps in proptest::collection::vec((0..4_u32, 0..5_usize, 0..4_u32, any::<bool>(), 0..50_u64), 1..50)
        ) {
            let mut announcer = Announcer::default();
            let mut now = at(0);
            for (instance, count, repeat, forget, pause) in steps {
                let targets: Vec<Target> = (0..count)
                    .map(|n| Target { link: instance, ..target(&format!("10.0.{instance}.{n}")) })
                    .collect();
                announcer.announce(InstanceId(instance), &targets, repeat, &paced(Duration::from_millis(pause)));
                if forget {
                    announcer.forget(InstanceId(instance));
                }
                while let Some(frame) = announcer.poll(now) {
                    prop_assert!(!forget || frame.link != instance);
                }
                now = now + Duration::from_millis(7);
            }
            let mut bound = 1000;
            while let Some(next) = announcer.next_timeout() {
                now = now.max(next);
                prop_assert!(announcer.poll(now).is_some());
                bound -= 1;
                prop_assert!(bound > 0);
            }
        }
    }
}
