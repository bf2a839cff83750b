//! What a backup does with adverts and with its timer (RFC 9568 section 6.4.2).

use std::{net::IpAddr, time::Duration};

use super::{Desk, Machine, Order, Role, Sender, Wish};
use crate::{
    model::Moment,
    vrrp::{event::Cause, packet::Heard, settings::Preempt},
};

/// A backup.
#[derive(Debug)]
pub(super) struct Backup {
    /// When the master counts as dead; `None` = it does, and the sync group keeps us from taking its place.
    pub(super) down: Option<Moment>,
    /// When the master was heard last, or listening began.
    heard: Moment,
    /// Until when masters of lower priority are left alone; set when the first is heard.
    preempt: Option<Moment>,
    /// A master of lower priority, heard after the last advert that counted: it is about to be displaced.
    lower: Option<Sender>,
    /// Who said that it gives up, after the last advert that counted.
    gave_up: Option<IpAddr>,
}

impl Backup {
    /// Begins to listen.
    pub(super) fn new(now: Moment, wait: Duration) -> Self {
        Self { down: Some(now + wait), heard: now, preempt: None, lower: None, gave_up: None }
    }
}

impl Machine {
    /// Lets a backup listen for a whole down interval from now.
    pub(super) fn listen(&mut self, now: Moment) {
        let down = now + self.down_interval();
        if let Role::Backup(backup) = &mut self.role {
            backup.down = Some(down);
        }
    }

    /// The process did not run for `gap`, and so heard nothing. The bounds are those of the router's head.
    pub(in crate::vrrp) fn pause_of_backup(&mut self, now: Moment, gap: Duration) {
        let interval = self.master_interval;
        let least = if gap > interval * 2 { self.brief_interval() } else { Duration::ZERO };
        let most = self.down_interval();
        let Role::Backup(backup) = &mut self.role else { return };
        if gap <= interval {
            return;
        }
        self.record.counters.paused += 1;
        let put_off = backup.down.unwrap_or(now) + (gap - interval / 2);
        backup.down = Some(put_off.clamp(now + least, now + most.max(least)));
    }

    /// The master may be dead.
    pub(super) fn fire_as_backup(&mut self, desk: &Desk) -> Option<Wish> {
        let Role::Backup(backup) = &mut self.role else { return None };
        if backup.down.is_none_or(|down| down > desk.now) {
            return None;
        }
        backup.down = None;
        let cause = match (backup.lower, backup.gave_up) {
            (Some(Sender { address, priority }), _) => Cause::Preempted { master: address, priority },
            (None, Some(master)) => Cause::MasterGaveUp { master },
            (None, None) => Cause::MasterSilent {
                master: self.master.map(|master| master.address),
                silence: desk.now.since(backup.heard),
            },
        };
        Some(Wish::Rise(cause))
    }

    /// An advert came in.
    pub(super) fn hear_as_backup(&mut self, desk: &Desk, source: IpAddr, heard: &Heard) -> Option<Wish> {
        let now = desk.now;
        let ours = self.priority();
        let skew = self.skew();
        let yields = self.order == Some(Order::Demoted);
        let preempt = self.settings.preempt;
        let Role::Backup(backup) = &mut self.role else { return None };
        let sender = Sender { address: source, priority: heard.priority };
        if heard.priority == 0 {
            backup.gave_up = Some(source);
            backup.lower = None;
            backup.down = Some(now + skew);
            return None;
        }
        let counts = if heard.priority >= ours {
            backup.preempt = None;
            true
        } else {
            match preempt {
                Preempt::Never => true,
                _ if yields => true,
                Preempt::After(delay) => *backup.preempt.get_or_insert(now + delay) > now,
            }
        };
        if !counts {
            // The timer runs out: the other one is displaced after what is left of it.
            backup.lower = Some(sender);
            return None;
        }
        self.follow(sender, heard.interval);
        let down = now + self.down_interval();
        if let Role::Backup(backup) = &mut self.role {
            *backup = Backup { preempt: backup.preempt, ..Backup::new(now, Duration::ZERO) };
            backup.down = Some(down);
        }
        Some(Wish::Obeyed)
    }
}
