//! Links (network interfaces) and the addresses on them, as the kernel shows them: plain values.

use super::wanted::Address;

/// Ethernet (`ARPHRD_ETHER`).
const ETHERNET: u16 = 1;

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number in its network namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// What hardware it is (`ARPHRD_…`): 1 Ethernet, 32 InfiniBand, 772 loopback.
    pub hardware_type: u16,
    /// Its address on the wire; 6 bytes on Ethernet, 20 on InfiniBand, perhaps none.
    pub hardware_address: Vec<u8>,
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// Whether somebody set it up.
    pub up: bool,
    /// Whether it can carry packets, too: it has a carrier, and what it stands on is up.
    pub running: bool,
    /// Whether it needs no address resolution.
    pub noarp: bool,
    /// Whether it is a loopback.
    pub loopback: bool,
    /// Whether it carries multicast.
    pub multicast: bool,
    /// What driver made it (`macvlan`, `vlan`, `veth` …); `None` for hardware.
    pub kind: Option<String>,
    /// Whether it is a macvlan of mode private.
    pub private: bool,
    /// Index of the link that it stands on, if that is in the same network namespace.
    pub parent: Option<u32>,
}

impl Link {
    /// Returns the MAC address of an Ethernet link.
    pub fn mac(&self) -> Option<[u8; 6]> {
        self.hardware_address.as_slice().try_into().ok().filter(|_| self.hardware_type == ETHERNET)
    }

    /// Whether this is the macvlan of mode private that stands on `parent` and has this MAC address.
    pub fn is_macvlan_of(&self, parent: u32, mac: [u8; 6]) -> bool {
        self.kind.as_deref() == Some("macvlan")
            && self.private
            && self.parent == Some(parent)
            && self.mac() == Some(mac)
    }
}

/// An address on a link as the kernel holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldAddress {
    /// Index of the link.
    pub link: u32,
    /// The address. Its `device` is `None`; its label is the link's name where it has none of its own (IPv4).
    pub address: Address,
    /// Who put it there (`IFA_PROTO`: [`super::PROTOCOL`] is us, 2 the kernel); `None` on kernels before 5.18.
    pub protocol: Option<u8>,
    /// Whether it is another address's second of the same prefix (IPv4): it goes with it, or is promoted.
    pub secondary: bool,
    /// Whether duplicate detection still runs, so that it cannot be used (IPv6).
    pub tentative: bool,
    /// Whether duplicate detection found another host with it (IPv6).
    pub duplicate: bool,
}
