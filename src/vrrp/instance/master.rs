//! What a master says, when, and what it makes of other masters (RFC 9568 section 6.4.3).

use std::{net::IpAddr, time::Duration};

use super::{Desk, Machine, Order, Role, Sender, Wish};
use crate::{
    model::Moment,
    vrrp::{
        event::{Cause, InstanceId, NoticeKind, Output, Which},
        packet::Heard,
        settings::{Announce, Transport},
    },
};

/// How many instances send their adverts in one wake-up: what one system call takes.
const CROWD: u32 = 64;

/// Into how many moments of an interval crowds are spread, so that the receivers' buffers hold what comes at once.
const MOMENTS: u32 = 16;

/// The least time between two notices of one sender of lower priority; a script runs for each.
const LOWER_NOTICES: Duration = Duration::from_millis(500);

/// A master.
#[derive(Debug)]
pub(super) struct Master {
    /// When the next advert is due.
    advert: Moment,
    /// When the last one was sent.
    sent: Moment,
    /// The second burst of announcements.
    second: Option<Moment>,
    /// The next refresh of announcements.
    refresh: Option<Moment>,
    /// The second burst after a master of lower priority.
    lower: Option<Moment>,
    /// The next announcement on other links.
    other_links: Option<Moment>,
    /// When masters of lower priority were last answered.
    answered: Option<Moment>,
    /// Another owner of the same addresses.
    rival: Option<Rival>,
    /// Who of lower priority was told of last, and when.
    lower_told: Option<(IpAddr, Moment)>,
}

/// Another owner, which should give way to us.
#[derive(Clone, Copy, Debug)]
struct Rival {
    /// Until when it may.
    patience: Moment,
    /// When it counts as gone.
    gone: Moment,
}

impl Master {
    /// A master from now on.
    pub(super) fn new(now: Moment, announce: &Announce) -> Self {
        let in_time = |wait: Duration| (!wait.is_zero()).then_some(now + wait);
        Self {
            advert: now,
            sent: now,
            second: in_time(announce.delay),
            refresh: in_time(announce.refresh).map(|first| first + announce.delay),
            lower: None,
            other_links: in_time(announce.other_links),
            answered: None,
            rival: None,
            lower_told: None,
        }
    }

    /// Returns the first of its timers.
    pub(super) fn due(&self) -> Moment {
        let others = [self.second, self.refresh, self.lower, self.other_links];
        others.into_iter().flatten().fold(self.advert, Moment::min)
    }

    /// Returns when the next advert is due.
    pub(super) fn next_advert_at(&self) -> Moment {
        self.advert
    }

    /// Takes another interval and other announcements.
    pub(super) fn reconfigure(&mut self, now: Moment, interval: Duration, announce: &Announce) {
        self.advert = self.advert.min(now + interval);
        let sooner = |old: Option<Moment>, every: Duration| {
            let new = (!every.is_zero()).then_some(now + every);
            new.map(|new| old.map_or(new, |old| old.min(new)))
        };
        self.refresh = sooner(self.refresh, announce.refresh);
        self.other_links = sooner(self.other_links, announce.other_links);
    }
}

/// Returns when the next advert is due: after at most one interval, and at a moment that instances of the same interval share,
/// so that one wake-up and one system call serve many. (Only the first interval of a master is shorter by this.)
fn next_advert(now: Moment, interval: Duration, id: InstanceId) -> Moment {
    let offset = interval * (id.0 / CROWD % MOMENTS) / MOMENTS;
    let latest = now + interval;
    let past = latest.since(Moment::from_start(offset)).as_nanos() % interval.as_nanos().max(1);
    // Less than an interval, which is at most minutes.
    latest - Duration::from_nanos(past as u64)
}

/// Whether a timer is due; it is taken then.
fn take_due(timer: &mut Option<Moment>, now: Moment) -> bool {
    timer.take_if(|due| *due <= now).is_some()
}

impl Machine {
    /// Does what is due.
    pub(super) fn fire_as_master(&mut self, desk: &mut Desk) {
        let now = desk.now;
        let Role::Master(master) = &mut self.role else { return };
        let announce = self.settings.announce;
        let advert = master.advert <= now;
        let second = take_due(&mut master.second, now);
        let lower = take_due(&mut master.lower, now);
        let refresh = take_due(&mut master.refresh, now);
        if refresh {
            master.refresh = Some(now + announce.refresh);
        }
        let other_links = take_due(&mut master.other_links, now);
        if other_links {
            master.other_links = Some(now + announce.other_links);
        }
        if advert {
            self.send(desk);
        }
        for (due, repeat, which) in [
            (second, announce.repeat, Which::All),
            (lower, announce.lower_repeat, Which::All),
            (refresh, announce.refresh_repeat, Which::All),
            (other_links, 1, Which::OtherLinks),
        ] {
            if due {
                self.announce(desk, repeat, which);
            }
        }
    }

    /// Sends an advert; the next is due an interval later.
    pub(super) fn send(&mut self, desk: &mut Desk) {
        self.advertise(desk, self.priority());
        self.record.counters.sent += 1;
        let next = next_advert(desk.now, self.settings.interval, self.id);
        if let Role::Master(master) = &mut self.role {
            master.sent = desk.now;
            master.advert = next;
        }
    }

    /// Says that this master gives up.
    pub(super) fn send_zero(&mut self, desk: &mut Desk) {
        self.advertise(desk, 0);
        self.record.counters.sent += 1;
        self.record.counters.zero_sent += 1;
    }

    fn advertise(&mut self, desk: &mut Desk, priority: u8) {
        let Some(link) = self.link else { return };
        self.wire.begin(desk.utc);
        let mut to = |to: IpAddr| {
            let bytes = self.wire.encode(priority, link.source, to);
            desk.outputs.push_back(Output::Send { instance: self.id, to, bytes });
        };
        match &self.settings.transport {
            Transport::Multicast { group, .. } => to(*group),
            Transport::Unicast { peers, .. } => peers.iter().for_each(|peer| to(peer.address)),
        }
    }

    /// Announces the addresses as after a master of lower priority.
    pub(in crate::vrrp) fn announce_lower(&mut self, desk: &mut Desk) {
        let announce = self.settings.announce;
        let Role::Master(master) = &mut self.role else { return };
        if announce.lower_repeat == 0 {
            return;
        }
        if !announce.lower_delay.is_zero() {
            master.lower = Some(desk.now + announce.lower_delay);
        }
        self.announce(desk, announce.lower_repeat, Which::All);
    }

    /// Returns how late the advert is, if nothing was sent for so long that every peer may believe that the master is dead:
    /// their down interval with the least skew.
    pub(in crate::vrrp) fn pause_of_master(&self, now: Moment) -> Option<Duration> {
        let Role::Master(master) = &self.role else { return None };
        let silence = self.settings.interval * u32::from(self.settings.down_timer_adverts) + self.skew_unit() / 256;
        (now.since(master.sent) > silence).then(|| now.since(master.advert))
    }

    /// An advert came in: somebody else is master, too, or was until now.
    pub(super) fn hear_as_master(&mut self, desk: &mut Desk, source: IpAddr, heard: &Heard) -> Option<Wish> {
        let own = self.link?.source;
        if heard.priority == 0 {
            self.send(desk);
            return None;
        }
        if heard.priority == self.priority() && source == own {
            if self.record.is_new_echo() {
                let reason = "it comes from our own address with our priority: the link returns what we send, or another host has \
                              this address";
                self.tell(desk, NoticeKind::Rejected { source, reason: reason.to_owned() });
            }
            return None;
        }
        let outranks = |ours: u8| (heard.priority, source) > (ours, own);
        if matches!(self.order, Some(Order::Promoted(_))) && outranks(self.priority()) {
            // The operator wants this one, and there is one step left; the other one is to know it at once.
            self.change(desk, |machine| machine.order = Some(Order::Promoted(u8::MAX)));
            if !outranks(self.priority()) {
                self.send(desk);
            }
        }
        if !outranks(self.priority()) && self.loses_patience(desk.now, heard) {
            self.change(desk, |machine| machine.reduced = true);
        }
        if outranks(self.priority()) {
            if self.settings.answer_higher {
                self.send(desk);
            }
            let master = Sender { address: source, priority: heard.priority };
            self.follow(master, heard.interval);
            return Some(Wish::Yield(Cause::Outranked { master: source, priority: heard.priority }));
        }
        self.record.counters.lower_received += 1;
        // One answer for all that one wake-up reads: whoever floods us gets no flood back.
        let Role::Master(master) = &mut self.role else { return None };
        let is_first = master.answered.replace(desk.now) != Some(desk.now);
        if is_first && self.settings.answer_lower {
            self.send(desk);
        }
        if is_first {
            self.announce_lower(desk);
        }
        self.tell_lower(desk, source, heard.priority);
        is_first.then_some(Wish::AnnounceLower)
    }

    /// Whether another owner still speaks although it had time to give way: then one of both must, and it is us.
    fn loses_patience(&mut self, now: Moment, heard: &Heard) -> bool {
        if !self.settings.priority.is_owner() || heard.priority != u8::MAX {
            return false;
        }
        let ours = self.settings.interval;
        let slower = ours.max(heard.interval);
        let Role::Master(master) = &mut self.role else { return false };
        let known = master.rival.filter(|rival| now < rival.gone);
        let patience = known.map_or(now + ours * 2 + slower * 6 / 5, |rival| rival.patience);
        master.rival = Some(Rival { patience, gone: now + slower * 3 });
        now > patience
    }

    fn tell_lower(&mut self, desk: &mut Desk, source: IpAddr, priority: u8) {
        let now = desk.now;
        let Role::Master(master) = &mut self.role else { return };
        if master.lower_told.is_some_and(|(who, when)| who == source && now.since(when) < LOWER_NOTICES) {
            return;
        }
        master.lower_told = Some((source, now));
        self.tell(desk, NoticeKind::LowerPriority { source, priority });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adverts_of_equal_intervals_meet() {
        let interval = Duration::from_millis(10);
        let at = |nanos| Moment::from_start(Duration::from_nanos(nanos));
        let first: Vec<Moment> =
            (0..64).map(|n| next_advert(at(7_777 + u64::from(n) * 155_000), interval, InstanceId(n))).collect();
        // All begin at other times in one interval; the next moment is the same for all.
        assert!(first.iter().all(|next| *next == at(10_000_000)), "{first:?}");
        assert_eq!(next_advert(at(10_000_000), interval, InstanceId(5)), at(20_000_000));
        // A wake-up that comes late does not move it.
        assert_eq!(next_advert(at(10_900_000), interval, InstanceId(5)), at(20_000_000));
        // The next crowd has another moment.
        assert_eq!(next_advert(at(10_000_000), interval, InstanceId(64)), at(10_625_000));
    }

    #[test]
    fn adverts_are_never_later_than_the_interval_and_never_at_once() {
        for interval in [10, 30, 250, 1_000, 255_000].map(Duration::from_millis) {
            for id in [0, 1, 63, 64, 200, 1_023, 1_024, u32::MAX] {
                for now in [0, 1, 9_999_999, 10_000_000, 123_456_789_012, 86_400_000_000_000] {
                    let now = Moment::from_start(Duration::from_nanos(now));
                    let next = next_advert(now, interval, InstanceId(id));
                    assert!(next > now && next.since(now) <= interval, "{now:?} {interval:?} {id}: {next:?}");
                }
            }
        }
    }
}
