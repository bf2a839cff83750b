//! sh and dh: 256 places, which the servers of the list fill in turns, and a multiplicative hash that names one.

use std::net::IpAddr;

use super::Found;
use crate::model::{Family, SnapshotServer};

/// Places of a table.
const PLACES: usize = 256;

/// The multiplier that the kernel hashes 32 bits with: 2^32 divided by the square of the golden ratio.
const GOLDEN: u32 = 0x61c8_8647;

/// Returns an address as 32 bits: IPv4 as it is, IPv6 folded. What is hashed as an address of another family than its own
/// has only its first bytes there.
pub(super) fn fold(address: IpAddr, family: Family) -> u32 {
    match (address, family) {
        (IpAddr::V4(address), _) => u32::from(address),
        (IpAddr::V6(address), family) => {
            let [a, b, c, d] = words(address.octets());
            if family == Family::V6 { a ^ b ^ c ^ d } else { a }
        }
    }
}

fn words(bytes: [u8; 16]) -> [u32; 4] {
    let all = u128::from_be_bytes(bytes);
    // Each of the four quarters.
    [96, 64, 32, 0].map(|shift| u32::try_from((all >> shift) & u128::from(u32::MAX)).unwrap_or_default())
}

/// The upper eight bits of the product.
fn place(value: u32) -> usize {
    usize::from(value.wrapping_mul(GOLDEN).to_be_bytes()[0])
}

/// dh: by where the packet goes to. Weights fill no places, but one of 0 closes a server.
pub(super) fn destination(servers: &[SnapshotServer], destination: IpAddr) -> Found {
    let at = place(fold(destination, Family::of(destination)));
    servers.get(at % servers.len().max(1)).map_or(Found::Nobody, Found::of)
}

/// sh: by where it comes from, and by its port where that is hashed. A server fills as many places in a row as its weight says.
pub(super) fn source(servers: &[SnapshotServer], source: IpAddr, port: u16, falls_back: bool) -> Found {
    let at = place(fold(source, Family::of(source)).wrapping_add(port.into()));
    let turn: u64 = servers.iter().map(turns).sum();
    let found = |at: usize| {
        let mut within = (at % PLACES) as u64 % turn.max(1);
        servers.iter().find(|server| {
            let mine = within < turns(server);
            within = within.saturating_sub(turns(server));
            mine
        })
    };
    let first = found(at).map_or(Found::Nobody, Found::of);
    if !falls_back || matches!(first, Found::Open(_)) {
        return first;
    }
    // The search begins as far behind the place as that is behind the begin.
    let next = (0..PLACES).filter_map(|offset| found(2 * at + offset)).map(Found::of);
    next.into_iter().find(|found| matches!(found, Found::Open(_))).unwrap_or(Found::Nobody)
}

/// A server without weight has a place all the same.
fn turns(server: &SnapshotServer) -> u64 {
    u64::from(server.server.weight.value().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_folded() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(fold(ip("10.0.0.1"), Family::V4), 0x0a00_0001);
        assert_eq!(fold(ip("1:2:3:4:5:6:7:8"), Family::V6), 0x0001_0002 ^ 0x0003_0004 ^ 0x0005_0006 ^ 0x0007_0008);
        assert_eq!(fold(ip("1:2:3:4:5:6:7:8"), Family::V4), 0x0001_0002);
    }
}
