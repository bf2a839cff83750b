//! What instances hold on the host (addresses, routes, rules), and what has to be put there or taken away next, in slices
//! so small that adverts are sent between them. No IO, no clock.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use crate::{
    host::{Address, Route, Rule},
    model::Moment,
    vrrp::event::InstanceId,
};

/// How long after a refusal something is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// One thing on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// An address on a link, by its index.
    Address(u32, Address),
    /// A route.
    Route(Route),
    /// A rule.
    Rule(Rule),
}

/// One step: put an item on the host, or take it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Whose it is; `None` = nobody's any more.
    pub(super) owner: Option<InstanceId>,
    /// The item.
    pub(super) item: Item,
    /// Whether it is put there.
    pub(super) add: bool,
}

#[derive(Debug)]
struct Held {
    item: Item,
    on_host: bool,
}

#[derive(Debug, Default)]
struct Holding {
    items: Vec<Held>,
    wanted: bool,
    /// How often addresses are announced when they get there.
    repeat: u32,
    /// When what was refused is tried again.
    retry: Option<Moment>,
}

impl Holding {
    fn is_settled(&self) -> bool {
        self.retry.is_some() || self.items.iter().all(|held| held.on_host == self.wanted)
    }
}

/// What all instances of a process hold.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    holdings: BTreeMap<InstanceId, Holding>,
    /// Instances with something to do, in the order of their turn. Those that give come first: another master waits.
    queue: VecDeque<InstanceId>,
    /// Items of the past, still on the host.
    orphans: Vec<Item>,
}

impl Holdings {
    /// Says what an instance holds while it is master. What is no longer in the list goes away.
    pub(super) fn set_items(&mut self, id: InstanceId, items: Vec<Item>) {
        let holding = self.holdings.entry(id).or_default();
        let mut before = std::mem::take(&mut holding.items);
        for item in items {
            let known = before.iter().position(|held| held.item == item);
            let on_host = known.is_some_and(|at| before.swap_remove(at).on_host);
            holding.items.push(Held { item, on_host });
        }
        self.orphans.extend(before.into_iter().filter(|held| held.on_host).map(|held| held.item));
        holding.retry = None;
        self.enqueue(id);
    }

    /// Says what is on the host already, from an earlier run.
    pub(super) fn found(&mut self, link: u32, address: IpAddr) {
        self.found_if(|item| is_address(item, link, address));
    }

    /// Says which items are on the host already.
    pub(super) fn found_if(&mut self, is_there: impl Fn(&Item) -> bool) {
        for (id, holding) in &mut self.holdings {
            let mut changed = false;
            for held in &mut holding.items {
                if !held.on_host && is_there(&held.item) {
                    held.on_host = true;
                    changed = true;
                }
            }
            if changed && !holding.wanted && !self.queue.contains(id) {
                self.queue.push_front(*id);
            }
        }
    }

    /// Says that an address that belongs on the macvlan `link` is on the host, on the link `below`: it goes away there.
    pub(super) fn found_below(&mut self, link: u32, below: u32, address: IpAddr) {
        let items = self.holdings.values().flat_map(|holding| &holding.items);
        let misplaced = items.filter_map(|held| match &held.item {
            Item::Address(on, own) if *on == link && own.address == address => Some(own.clone()),
            _ => None,
        });
        self.orphans.extend(misplaced.map(|address| Item::Address(below, address)));
    }

    /// Says that an address is on the host that an earlier process put there: unless an instance has it, it goes away.
    pub(super) fn left(&mut self, link: u32, address: Address) {
        let mut items = self.holdings.values().flat_map(|holding| &holding.items);
        if !items.any(|held| is_address(&held.item, link, address.address)) {
            self.orphans.push(Item::Address(link, address));
        }
    }

    /// Returns the addresses that masters have, or are about to have.
    pub(super) fn wanted_addresses(&self) -> impl Iterator<Item = (u32, &Address)> {
        let wanted = self.holdings.values().filter(|holding| holding.wanted);
        wanted.flat_map(|holding| &holding.items).filter_map(|held| match &held.item {
            Item::Address(link, address) => Some((*link, address)),
            Item::Route(_) | Item::Rule(_) => None,
        })
    }

    /// The instance is master: its items are wanted.
    pub(super) fn take(&mut self, id: InstanceId) {
        let Some(holding) = self.holdings.get_mut(&id) else { return };
        (holding.wanted, holding.retry, holding.repeat) = (true, None, 0);
        // It may have been queued to lose what an earlier process left it.
        self.queue.retain(|queued| *queued != id);
        self.enqueue(id);
    }

    /// It is master no longer.
    pub(super) fn give(&mut self, id: InstanceId) {
        let Some(holding) = self.holdings.get_mut(&id) else { return };
        (holding.wanted, holding.retry) = (false, None);
        self.queue.retain(|queued| *queued != id);
        if !holding.is_settled() {
            self.queue.push_front(id);
        }
    }

    /// Forgets an instance; what it has on the host goes away.
    pub(super) fn remove(&mut self, id: InstanceId) {
        self.queue.retain(|queued| *queued != id);
        if let Some(holding) = self.holdings.remove(&id) {
            self.orphans.extend(holding.items.into_iter().filter(|held| held.on_host).map(|held| held.item));
        }
    }

    /// Returns the addresses that are on the host, to be announced now; the others will be announced `repeat` times each
    /// when they get there.
    pub(super) fn announce(&mut self, id: InstanceId, repeat: u32) -> Vec<(u32, IpAddr)> {
        let Some(holding) = self.holdings.get_mut(&id).filter(|holding| holding.wanted) else { return Vec::new() };
        holding.repeat = repeat;
        let held = holding.items.iter().filter(|held| held.on_host);
        held.filter_map(|held| address_of(&held.item)).collect()
    }

    /// Returns the addresses that an instance has on the host.
    pub(super) fn addresses(&self, id: InstanceId) -> impl Iterator<Item = (u32, IpAddr)> {
        let items = self.holdings.get(&id).map(|holding| holding.items.as_slice()).unwrap_or_default();
        items.iter().filter(|held| held.on_host).filter_map(|held| address_of(&held.item))
    }

    /// Somebody else took an address away. Returns whose it was, if it should be there.
    pub(super) fn lost_address(&mut self, link: u32, address: IpAddr) -> Option<InstanceId> {
        self.lost(|item| is_address(item, link, address))
    }

    /// Somebody else took something away. Returns whose it was, if it should be there.
    pub(super) fn lost(&mut self, is_it: impl Fn(&Item) -> bool) -> Option<InstanceId> {
        let owner = self.holdings.iter_mut().find_map(|(id, holding)| {
            let held = holding.items.iter_mut().find(|held| held.on_host && is_it(&held.item))?;
            held.on_host = false;
            holding.wanted.then(|| {
                holding.repeat = holding.repeat.max(1);
                *id
            })
        })?;
        self.enqueue(owner);
        Some(owner)
    }

    /// Returns every item that should be on the host.
    pub(super) fn held(&self) -> impl Iterator<Item = &Item> {
        let wanted = self.holdings.values().filter(|holding| holding.wanted);
        wanted.flat_map(|holding| &holding.items).filter(|held| held.on_host).map(|held| &held.item)
    }

    /// Returns the next steps, at most `limit`, all of them additions or all of them removals.
    pub(super) fn slice(&mut self, limit: usize) -> Vec<Step> {
        if !self.orphans.is_empty() {
            let rest = self.orphans.split_off(self.orphans.len().min(limit));
            let items = std::mem::replace(&mut self.orphans, rest);
            return items.into_iter().map(|item| Step { owner: None, item, add: false }).collect();
        }
        let mut steps = Vec::new();
        let mut add = None;
        for id in &self.queue {
            let Some(holding) = self.holdings.get(id) else { continue };
            if *add.get_or_insert(holding.wanted) != holding.wanted {
                break;
            }
            let pending = holding.items.iter().filter(|held| held.on_host != holding.wanted);
            let step = |held: &Held| Step { owner: Some(*id), item: held.item.clone(), add: holding.wanted };
            let room = limit - steps.len();
            if holding.wanted {
                steps.extend(pending.take(room).map(step));
            } else {
                // Rules and routes before the addresses that they stand on.
                steps.extend(pending.rev().take(room).map(step));
            }
            if steps.len() == limit {
                break;
            }
        }
        steps
    }

    /// Says that a step was carried out, or refused: then it is tried again later, if it still has to be.
    ///
    /// Returns how often the address has to be announced, zero if not at all.
    pub(super) fn done(&mut self, step: &Step, carried_out: bool, now: Moment) -> u32 {
        let Some((id, holding)) = step.owner.and_then(|id| Some((id, self.holdings.get_mut(&id)?))) else { return 0 };
        let Some(held) = holding.items.iter_mut().find(|held| held.item == step.item) else { return 0 };
        if carried_out {
            held.on_host = step.add;
        } else {
            holding.retry = Some(now + RETRY);
        }
        let repeat = if carried_out && step.add && holding.wanted { holding.repeat } else { 0 };
        if holding.is_settled() {
            self.queue.retain(|queued| *queued != id);
        }
        repeat
    }

    /// Whether there is something to do now.
    pub(super) fn is_busy(&self) -> bool {
        !self.queue.is_empty() || !self.orphans.is_empty()
    }

    /// Returns when something that was refused is tried again.
    pub(super) fn next_timeout(&self) -> Option<Moment> {
        self.holdings.values().filter_map(|holding| holding.retry).min()
    }

    /// Tries again what was refused and is due.
    pub(super) fn handle_timeout(&mut self, now: Moment) {
        let due = |holding: &Holding| holding.retry.is_some_and(|retry| retry <= now);
        let ids: Vec<InstanceId> =
            self.holdings.iter().filter(|(_, holding)| due(holding)).map(|(id, _)| *id).collect();
        for id in ids {
            if let Some(holding) = self.holdings.get_mut(&id) {
                holding.retry = None;
            }
            self.enqueue(id);
        }
    }

    fn enqueue(&mut self, id: InstanceId) {
        let busy = self.holdings.get(&id).is_some_and(|holding| !holding.is_settled());
        if busy && !self.queue.contains(&id) {
            self.queue.push_back(id);
        }
    }
}

fn is_address(item: &Item, link: u32, address: IpAddr) -> bool {
    address_of(item) == Some((link, address))
}

fn address_of(item: &Item) -> Option<(u32, IpAddr)> {
    match item {
        Item::Address(link, address) => Some((*link, address.address)),
        Item::Route(_) | Item::Rule(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Holdings, Item, RETRY, Step};
    use crate::{
        host::{Address, Scope},
        model::Moment,
        vrrp::event::InstanceId,
    };

    const A: InstanceId = InstanceId(1);
    const B: InstanceId = InstanceId(2);

    fn item(n: u8) -> Item {
        let address = Address {
            address: [10, 9, 9, n].into(),
            prefix: 32,
            device: None,
            label: None,
            broadcast: None,
            peer: None,
            scope: Scope::Global,
            preferred: None,
            duplicate_detection: false,
            no_prefix_route: false,
        };
        Item::Address(7, address)
    }

    fn all_done(holdings: &mut Holdings, steps: &[Step]) -> Vec<u32> {
        steps.iter().map(|step| holdings.done(step, true, Moment::ZERO)).collect()
    }

    #[test]
    fn addresses_are_taken_in_slices_and_announced_as_they_get_there() {
        let mut holdings = Holdings::default();
        holdings.set_items(A, (1..=5).map(item).collect());
        assert!(!holdings.is_busy());
        holdings.take(A);
        assert!(holdings.announce(A, 3).is_empty());
        let first = holdings.slice(2);
        assert_eq!(first.iter().map(|step| &step.item).collect::<Vec<_>>(), [&item(1), &item(2)]);
        assert_eq!(all_done(&mut holdings, &first), [3, 3]);
        assert_eq!(holdings.announce(A, 1).len(), 2);
        let rest = holdings.slice(9);
        assert_eq!(rest.len(), 3);
        assert_eq!(all_done(&mut holdings, &rest), [1, 1, 1]);
        assert!(!holdings.is_busy());
    }

    #[test]
    fn who_gives_goes_first_and_gives_only_what_it_has() {
        let mut holdings = Holdings::default();
        holdings.set_items(A, (1..=3).map(item).collect());
        holdings.set_items(B, vec![item(9)]);
        holdings.take(A);
        let steps = holdings.slice(2);
        all_done(&mut holdings, &steps);
        holdings.take(B);
        holdings.give(A);
        let steps = holdings.slice(9);
        assert!(steps.iter().all(|step| !step.add && step.owner == Some(A)));
        assert_eq!(steps.len(), 2);
        all_done(&mut holdings, &steps);
        assert!(holdings.slice(9).iter().all(|step| step.add && step.owner == Some(B)));
    }

    #[test]
    fn what_is_lost_comes_back_and_what_is_refused_is_tried_again() {
        let mut holdings = Holdings::default();
        holdings.set_items(A, vec![item(1)]);
        holdings.take(A);
        holdings.announce(A, 5);
        let steps = holdings.slice(9);
        assert_eq!(holdings.done(&steps[0], false, Moment::ZERO), 0);
        assert!(!holdings.is_busy());
        assert_eq!(holdings.next_timeout(), Some(Moment::ZERO + RETRY));
        holdings.handle_timeout(Moment::ZERO + RETRY);
        let steps = holdings.slice(9);
        assert_eq!(all_done(&mut holdings, &steps), [5]);

        assert_eq!(holdings.lost_address(7, [10, 9, 9, 1].into()), Some(A));
        assert!(holdings.is_busy());
        let steps = holdings.slice(9);
        assert_eq!(all_done(&mut holdings, &steps), [5]);
        holdings.give(A);
        let steps = holdings.slice(9);
        all_done(&mut holdings, &steps);
        assert_eq!(holdings.lost_address(7, [10, 9, 9, 1].into()), None);
    }

    #[test]
    fn what_is_there_already_is_no_work_for_a_master() {
        let mut holdings = Holdings::default();
        holdings.set_items(A, vec![item(1)]);
        holdings.found(7, [10, 9, 9, 1].into());
        assert!(holdings.is_busy());
        holdings.take(A);
        assert!(!holdings.is_busy());
        assert_eq!(holdings.announce(A, 5).len(), 1);
    }

    #[test]
    fn what_nobody_has_any_more_goes_away() {
        let mut holdings = Holdings::default();
        holdings.set_items(A, vec![item(1)]);
        for number in [1, 2] {
            let Item::Address(link, address) = item(number) else { panic!("an address") };
            holdings.left(link, address);
        }
        assert_eq!(holdings.slice(9), [Step { owner: None, item: item(2), add: false }]);
    }

    #[test]
    fn left_over_and_removed_items_go_away() {
        let mut holdings = Holdings::default();
        holdings.set_items(A, vec![item(1), item(2)]);
        holdings.found(7, [10, 9, 9, 2].into());
        let steps = holdings.slice(9);
        assert_eq!(steps, [Step { owner: Some(A), item: item(2), add: false }]);
        all_done(&mut holdings, &steps);
        holdings.take(A);
        let steps = holdings.slice(9);
        all_done(&mut holdings, &steps);
        holdings.set_items(A, vec![item(2), item(3)]);
        assert_eq!(holdings.slice(9), [Step { owner: None, item: item(1), add: false }]);
        assert_eq!(holdings.slice(9), [Step { owner: Some(A), item: item(3), add: true }]);
    }
}
