//! mh: Maglev hashing (Eisenbud et al., NSDI 2016, section 3.4) as the kernel does it.
//!
//! Each server has an order of its own in which it wants the places of a prime-sized table; the servers choose in turns, each as
//! many places in a row as its weight says, until none is left. Both hashes are SipHash-1-3 cut to 32 bits.

use std::net::IpAddr;

use super::{Found, LastWeights, hash::fold};
use crate::model::{Family, SnapshotServer, Weight};

/// Places of the table: the kernel's default (`CONFIG_IP_VS_MH_TAB_INDEX` 12).
const PLACES: usize = 4093;

/// Weights that have more bits than this, once divided by what they have in common, lose their last ones.
const WEIGHT_BITS: u32 = 6;

/// Keys of the two hashes, each used twice.
const KEYS: [u64; 2] = [2_654_435_761, 2_654_446_892];

/// A filled table.
pub(super) struct Table<'a> {
    servers: &'a [SnapshotServer],
    /// Which server has a place.
    places: Vec<usize>,
}

/// A server while the table is filled.
struct Order {
    at: usize,
    skip: usize,
    turns: u32,
}

impl<'a> Table<'a> {
    /// Fills a table. `family` is the service's, by which addresses are hashed; `last` has the last weights above 0 of servers
    /// without weight, which keep their places.
    pub(super) fn new(servers: &'a [SnapshotServer], family: Family, last: &LastWeights) -> Self {
        let weight = |each: &SnapshotServer| match each.server.weight {
            Weight::ZERO => last.get(&each.server.key).copied().unwrap_or(Weight::ZERO).value(),
            weight => weight.value(),
        };
        let weights: Vec<u32> = servers.iter().map(weight).collect();
        let common = weights.iter().copied().fold(0, greatest_common_divisor);
        let greatest = weights.iter().max().copied().unwrap_or(0).checked_div(common).unwrap_or(0);
        let shift = (u32::BITS - greatest.leading_zeros()).saturating_sub(WEIGHT_BITS);
        let mut orders: Vec<Order> = servers
            .iter()
            .zip(weights)
            .map(|(each, weight)| {
                let value = fold(each.server.key.address, family).wrapping_add(each.server.key.port.into());
                let [first, second] = KEYS.map(|key| siphash(value, key) as usize);
                let turns = weight.checked_div(common).unwrap_or(0) >> shift;
                Order { at: first % PLACES, skip: second % (PLACES - 1) + 1, turns: turns.max(u32::from(weight > 0)) }
            })
            .collect();
        Self { servers, places: fill(&mut orders) }
    }

    /// Returns the server for a client.
    pub(super) fn find(&self, source: IpAddr, port: u16, falls_back: bool) -> Found {
        let value = fold(source, Family::of(source)).wrapping_add(port.into());
        let first = siphash(value, KEYS[0]) as usize % PLACES;
        let found = self.at(first);
        if !falls_back || matches!(found, Found::Open(_)) {
            return found;
        }
        let next = (0..PLACES).map(|offset| {
            let further = u32::try_from((offset + first) % PLACES).unwrap_or_default();
            self.at(siphash(value.wrapping_add(further), KEYS[0]) as usize % PLACES)
        });
        next.into_iter().find(|found| matches!(found, Found::Open(_))).unwrap_or(Found::Nobody)
    }

    fn at(&self, place: usize) -> Found {
        let server = self.places.get(place).and_then(|server| self.servers.get(*server));
        server.map_or(Found::Nobody, Found::of)
    }
}

/// Returns which server gets which place; nothing if none has a turn.
fn fill(orders: &mut [Order]) -> Vec<usize> {
    if orders.iter().all(|order| order.turns == 0) {
        return Vec::new();
    }
    let mut places: Vec<Option<usize>> = vec![None; PLACES];
    let mut left = PLACES;
    'all: loop {
        for (server, order) in orders.iter_mut().enumerate() {
            for _ in 0..order.turns {
                // The table has a prime number of places, so an order names each of them once.
                while let Some(Some(_)) = places.get(order.at) {
                    order.at = (order.at + order.skip) % PLACES;
                }
                if let Some(place) = places.get_mut(order.at) {
                    *place = Some(server);
                }
                left -= 1;
                if left == 0 {
                    break 'all;
                }
            }
        }
    }
    places.into_iter().flatten().collect()
}

fn greatest_common_divisor(mut one: u32, mut other: u32) -> u32 {
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// SipHash-1-3 (Aumasson, Bernstein) of four bytes with a key of twice the same word, cut to 32 bits: the kernel's `hsiphash` on
/// machines of 64 bits.
fn siphash(value: u32, key: u64) -> u32 {
    let mut v = [
        key ^ 0x736f_6d65_7073_6575,
        key ^ 0x646f_7261_6e64_6f6d,
        key ^ 0x6c79_6765_6e65_7261,
        key ^ 0x7465_6462_7974_6573,
    ];
    // The last block: what is hashed, and its length in the highest byte.
    let block = (4 << 56) | u64::from(value);
    v[3] ^= block;
    round(&mut v);
    v[0] ^= block;
    v[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut v);
    }
    let [a, b, c, d, ..] = (v[0] ^ v[1] ^ v[2] ^ v[3]).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn round([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *a;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(16) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(21) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_an_owner_and_weights_are_shares() {
        let orders = [(1, 3), (700, 1), (2000, 0)];
        let mut orders: Vec<_> =
            orders.iter().map(|(at, turns)| Order { at: *at, skip: at + 5, turns: *turns }).collect();
        let places = fill(&mut orders);
        let share = |server| places.iter().filter(|owner| **owner == server).count();
        assert_eq!(places.len(), PLACES);
        assert_eq!([share(0), share(1), share(2)], [3070, 1023, 0]);
        orders.iter_mut().for_each(|order| order.turns = 0);
        assert!(fill(&mut orders).is_empty());
    }

    #[test]
    fn the_hash_is_siphash() {
        use std::hash::{DefaultHasher, Hasher};
        // The standard library's, which has the same rounds, has a key of zeros.
        for value in [0, 1, 0x0a00_0001, u32::MAX] {
            let mut hasher = DefaultHasher::new();
            hasher.write(&value.to_le_bytes());
            let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
            assert_eq!(siphash(value, 0), u32::from_le_bytes([a, b, c, d]));
        }
    }

    #[test]
    fn divisors() {
        assert_eq!([0, 12, 18, 0].into_iter().fold(0, greatest_common_divisor), 6);
        assert_eq!(greatest_common_divisor(0, 0), 0);
    }
}
