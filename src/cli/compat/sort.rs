//! The order of ipvsadm's listings, faults included.
//!
//! ipvsadm compares by subtracting 32-bit numbers into a signed one, so values 2^31 or more apart stand the wrong way
//! round, and the relation is not transitive: the result depends on how the sort goes about it. Hence glibc's merge
//! sort here; the standard library's may panic when the order is not total.

use std::{cmp::Ordering, net::IpAddr};

use crate::model::{Family, ServerKey, ServiceKey, Snapshot};

/// Sorts services, and servers within each.
pub(in crate::cli) fn sort(snapshot: &mut Snapshot) {
    sort_by(&mut snapshot.services, |a, b| services(&a.service.key, &b.service.key));
    for service in &mut snapshot.services {
        sort_by(&mut service.servers, |a, b| servers(&a.server.key, &b.server.key));
    }
}

/// Firewall mark, family, protocol, address, port.
fn services(a: &ServiceKey, b: &ServiceKey) -> Ordering {
    let fields = |key: &ServiceKey| match *key {
        ServiceKey::Address { protocol, address, port } => (0, protocol.number(), words(address), port),
        ServiceKey::Mark { mark, .. } => (mark, 0, [0; 4], 0),
    };
    let (a_mark, a_protocol, a_address, a_port) = fields(a);
    let (b_mark, b_protocol, b_address, b_port) = fields(b);
    subtract(a_mark, b_mark)
        .then(a.family().cmp(&b.family()))
        .then(a_protocol.cmp(&b_protocol))
        .then_with(|| addresses(a.family(), a_address, b_address))
        .then(a_port.cmp(&b_port))
}

/// Address, port.
fn servers(a: &ServerKey, b: &ServerKey) -> Ordering {
    addresses(a.family(), words(a.address), words(b.address)).then(a.port.cmp(&b.port))
}

/// Compares as the family of the left one says, even where the right one is of the other.
fn addresses(family: Family, a: [u32; 4], b: [u32; 4]) -> Ordering {
    let count = match family {
        Family::V4 => 1,
        Family::V6 => 4,
    };
    a.into_iter().zip(b).take(count).map(|(a, b)| subtract(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The address as it lies in memory, in numbers of 32 bits.
fn words(address: IpAddr) -> [u32; 4] {
    match address {
        IpAddr::V4(address) => [address.to_bits(), 0, 0, 0],
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            [96, 64, 32, 0].map(|shift| (bits >> shift) as u32)
        }
    }
}

/// The sign of the difference, as a signed number of 32 bits has it.
fn subtract(a: u32, b: u32) -> Ordering {
    (a.wrapping_sub(b) as i32).cmp(&0)
}

/// Sorts items that are costly to copy: finds the order first, then moves each item once.
fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut order: Vec<usize> = (0..items.len()).collect();
    merge_sort(&mut order, &|a, b| compare(&items[*a], &items[*b]));
    for at in 0..items.len() {
        // What belongs here may have been swapped away by an earlier step, to where that step found its item.
        let mut from = order[at];
        while from < at {
            from = order[from];
        }
        items.swap(at, from);
    }
}

/// glibc's: halves, the first of which is the smaller one; of equal ones the left comes first.
fn merge_sort(items: &mut [usize], compare: &impl Fn(&usize, &usize) -> Ordering) {
    if items.len() < 2 {
        return;
    }
    let (left, right) = items.split_at_mut(items.len() / 2);
    merge_sort(left, compare);
    merge_sort(right, compare);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (&*left, &*right);
    while let ([first, left_rest @ ..], [second, right_rest @ ..]) = (left, right) {
        if compare(first, second).is_le() {
            merged.push(*first);
            left = left_rest;
        } else {
            merged.push(*second);
            right = right_rest;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    items.copy_from_slice(&merged);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Protocol;

    fn sorted(addresses: &[&str]) -> Vec<String> {
        let mut keys: Vec<ServerKey> =
            addresses.iter().map(|text| ServerKey { address: text.parse().unwrap(), port: 80 }).collect();
        sort_by(&mut keys, servers);
        keys.iter().map(|key| key.address.to_string()).collect()
    }

    /// What ipvsadm 1.31 printed, with `--nosort` and without.
    #[test]
    fn addresses_two_to_the_31_apart_sort_backwards() {
        for (kernel, listed) in [
            (
                "223.0.0.1 200.0.0.1 192.168.0.1 172.16.0.1 138.0.0.1 128.0.0.1 127.0.0.2 100.0.0.1 10.0.0.1",
                "172.16.0.1 192.168.0.1 200.0.0.1 223.0.0.1 10.0.0.1 100.0.0.1 127.0.0.2 128.0.0.1 138.0.0.1",
            ),
            (
                "172.16.0.1 100.0.0.1 128.0.0.1 127.0.0.2 192.168.0.1 10.0.0.1 223.0.0.1",
                "100.0.0.1 127.0.0.2 128.0.0.1 172.16.0.1 192.168.0.1 223.0.0.1 10.0.0.1",
            ),
            ("::1 fd00::1", "fd00::1 ::1"),
        ] {
            let kernel: Vec<&str> = kernel.split(' ').collect();
            assert_eq!(sorted(&kernel).join(" "), listed);
        }
    }

    #[test]
    fn services_go_by_mark_family_protocol_address_port() {
        let address =
            |protocol, address: &str, port| ServiceKey::Address { protocol, address: address.parse().unwrap(), port };
        let ordered = [
            ServiceKey::Mark { mark: u32::MAX, family: Family::V4 },
            address(Protocol::Tcp, "10.0.0.1", 80),
            address(Protocol::Tcp, "10.0.0.1", 81),
            address(Protocol::Tcp, "10.0.0.2", 1),
            address(Protocol::Udp, "10.0.0.1", 80),
            address(Protocol::Sctp, "10.0.0.1", 80),
            address(Protocol::Tcp, "2001:db8::1", 80),
            ServiceKey::Mark { mark: 1, family: Family::V4 },
            ServiceKey::Mark { mark: 1, family: Family::V6 },
            ServiceKey::Mark { mark: 2, family: Family::V4 },
        ];
        for pair in ordered.windows(2) {
            assert_eq!(services(&pair[0], &pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(services(&pair[1], &pair[0]), Ordering::Greater, "{pair:?}");
        }
    }

    proptest! {
        /// Where the order is total, the way of sorting does not matter.
        #[test]
        fn agrees_with_the_standard_library(mut items in prop::collection::vec((0..9_u8, any::<u8>()), 0..40)) {
            let mut expected = items.clone();
            expected.sort_by_key(|item| item.0);
            sort_by(&mut items, |a, b| a.0.cmp(&b.0));
            prop_assert_eq!(items, expected);
        }

        #[test]
        fn loses_nothing_where_it_is_not(addresses in prop::collection::vec(any::<u32>(), 0..40)) {
            let mut sorted = addresses.clone();
            sort_by(&mut sorted, |a, b| subtract(*a, *b));
            let (mut one, mut other) = (addresses, sorted);
            one.sort_unstable();
            other.sort_unstable();
            prop_assert_eq!(one, other);
        }
    }
}
