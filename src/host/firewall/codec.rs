//! The kernel's language for nftables, as far as our one table needs it (`linux/netfilter/nf_tables.h`). Numbers are in network
//! byte order. Does no IO.
//!
//! As `nft` shows it:
//!
//! ```text
//! table inet lvsadm_vrrp {
//!     set addresses4 { type ipv4_addr; }
//!     set addresses6 { type ipv6_addr; }
//!     set links { type iface_index; }
//!     chain input {
//!         type filter hook input priority 110; policy accept;
//!         ip daddr @addresses4 counter drop
//!         ip6 daddr @addresses6 icmpv6 type 135-136 accept
//!         ip6 daddr @addresses6 counter drop
//!     }
//!     chain output {
//!         type filter hook output priority 0; policy accept;
//!         oif @links ip protocol igmp drop
//!         oif @links icmpv6 type 130-132 drop
//!         oif @links icmpv6 type 143 drop
//!     }
//! }
//! ```

use std::net::IpAddr;

use neli::consts::nl::NlmF;

use super::Guard;
use crate::sys::netlink::{Batch, Writer};

/// Name of the table, in the family `inet`.
pub const TABLE: &str = "lvsadm_vrrp";

const ADDRESSES4: &str = "addresses4";
const ADDRESSES6: &str = "addresses6";
const LINKS: &str = "links";
const INPUT: &str = "input";
const OUTPUT: &str = "output";

/// Behind IPVS, which takes its packets at 98 and 99 (`NF_IP_PRI_NAT_SRC` less 2 and 1).
const INPUT_PRIORITY: i32 = 110;

/// Elements in one message: their list must stay below 64 KiB.
const ELEMENTS_A_MESSAGE: usize = 1000;

/// Subsystem nftables, in the upper half of message types.
const NFTABLES: u16 = 10;

mod message {
    pub(super) const BATCH_BEGIN: u16 = 0x10;
    pub(super) const BATCH_END: u16 = 0x11;
    pub(super) const NEW_TABLE: u16 = 0;
    pub(super) const DELETE_TABLE: u16 = 2;
    pub(super) const NEW_CHAIN: u16 = 3;
    pub(super) const NEW_RULE: u16 = 6;
    pub(super) const NEW_SET: u16 = 9;
    pub(super) const NEW_ELEMENTS: u16 = 12;
    pub(super) const DELETE_ELEMENTS: u16 = 14;
}

/// Families (`NFPROTO_…`).
mod family {
    pub(super) const UNSPEC: u8 = 0;
    pub(super) const INET: u8 = 1;
    pub(super) const IPV4: u8 = 2;
    pub(super) const IPV6: u8 = 10;
}

/// Every message names its table by this attribute.
const IN_TABLE: u16 = 1;

/// An entry of any list.
const LIST_ELEMENT: u16 = 1;

/// A value, where values or verdicts may stand.
const DATA_VALUE: u16 = 1;

/// The register that all our rules work with.
const REGISTER: u32 = 1;

/// Appends the begin of a transaction.
pub(super) fn begin(batch: &mut Batch) {
    batch.push(message::BATCH_BEGIN, &header(family::UNSPEC, NFTABLES), |_| {});
}

/// Appends the end of a transaction.
pub(super) fn end(batch: &mut Batch) {
    batch.push(message::BATCH_END, &header(family::UNSPEC, NFTABLES), |_| {});
}

/// `struct nfgenmsg`: family, version, resource.
fn header(family: u8, resource: u16) -> [u8; 4] {
    let [a, b] = resource.to_be_bytes();
    [family, 0, a, b]
}

fn push(batch: &mut Batch, kind: u16, flags: NlmF, write: impl FnOnce(&mut Writer<'_>)) {
    batch.push_with(NFTABLES << 8 | kind, (flags | NlmF::ACK).bits(), &header(family::INET, 0), |w| {
        w.string(IN_TABLE, TABLE);
        write(w);
    });
}

/// Appends the removal of the table and all that is in it.
pub(super) fn delete_table(batch: &mut Batch) {
    push(batch, message::DELETE_TABLE, NlmF::empty(), |_| {});
}

/// Appends the table with its sets, chains and rules. `owned`: the kernel removes it when the socket closes.
pub(super) fn table(batch: &mut Batch, owned: bool) {
    const FLAGS: u16 = 2;
    const OWNER: u32 = 2;
    push(batch, message::NEW_TABLE, NlmF::CREATE | NlmF::EXCL, |w| w.u32_be(FLAGS, if owned { OWNER } else { 0 }));
    // Types and orders of bytes have nft's own numbers; the kernel keeps them for it, so that it can show the sets.
    set(batch, ADDRESSES4, SetOf { key_type: 7, key_len: 4, order: NETWORK_ORDER, id: 1 });
    set(batch, ADDRESSES6, SetOf { key_type: 8, key_len: 16, order: NETWORK_ORDER, id: 2 });
    set(batch, LINKS, SetOf { key_type: 20, key_len: 4, order: HOST_ORDER, id: 3 });
    chain(batch, INPUT, 1, INPUT_PRIORITY);
    chain(batch, OUTPUT, 3, 0);

    rule(batch, INPUT, |e| {
        e.is_ipv4();
        e.load_network(16, 4);
        e.is_in(ADDRESSES4);
        e.count();
        e.verdict(Verdict::Drop);
    });
    rule(batch, INPUT, |e| {
        e.is_ipv6();
        e.load_network(24, 16);
        e.is_in(ADDRESSES6);
        // Neighbour solicitation and advertisement (RFC 4861).
        e.is_icmpv6(135, 136);
        e.verdict(Verdict::Accept);
    });
    rule(batch, INPUT, |e| {
        e.is_ipv6();
        e.load_network(24, 16);
        e.is_in(ADDRESSES6);
        e.count();
        e.verdict(Verdict::Drop);
    });
    rule(batch, OUTPUT, |e| {
        e.load_output_link();
        e.is_in(LINKS);
        e.is_ipv4();
        // The protocol of the IPv4 header is IGMP.
        e.load_network(9, 1);
        e.compare(Comparison::Equal, &[2]);
        e.verdict(Verdict::Drop);
    });
    // MLD queries, reports and dones (RFC 2710), and reports of version 2 (RFC 3810).
    for (first, last) in [(130, 132), (143, 143)] {
        rule(batch, OUTPUT, |e| {
            e.load_output_link();
            e.is_in(LINKS);
            e.is_ipv6();
            e.is_icmpv6(first, last);
            e.verdict(Verdict::Drop);
        });
    }
}

/// What is in a set.
struct SetOf {
    key_type: u32,
    key_len: u32,
    order: u32,
    id: u32,
}

const HOST_ORDER: u32 = 1;
const NETWORK_ORDER: u32 = 2;

fn set(batch: &mut Batch, name: &str, of: SetOf) {
    const NAME: u16 = 2;
    const FLAGS: u16 = 3;
    const KEY_TYPE: u16 = 4;
    const KEY_LEN: u16 = 5;
    const ID: u16 = 10;
    const USER_DATA: u16 = 13;
    const USER_KEY_ORDER: u8 = 0;
    push(batch, message::NEW_SET, NlmF::CREATE, |w| {
        w.string(NAME, name);
        w.u32_be(FLAGS, 0);
        w.u32_be(KEY_TYPE, of.key_type);
        w.u32_be(KEY_LEN, of.key_len);
        w.u32_be(ID, of.id);
        let [a, b, c, d] = of.order.to_ne_bytes();
        w.bytes(USER_DATA, &[USER_KEY_ORDER, 4, a, b, c, d]);
    });
}

fn chain(batch: &mut Batch, name: &str, hook: u32, priority: i32) {
    const NAME: u16 = 3;
    const HOOK: u16 = 4;
    const HOOK_NUMBER: u16 = 1;
    const HOOK_PRIORITY: u16 = 2;
    const POLICY: u16 = 5;
    const TYPE: u16 = 7;
    push(batch, message::NEW_CHAIN, NlmF::CREATE, |w| {
        w.string(NAME, name);
        w.nest(HOOK, |w| {
            w.u32_be(HOOK_NUMBER, hook);
            w.bytes(HOOK_PRIORITY, &priority.to_be_bytes());
        });
        w.u32_be(POLICY, Verdict::Accept as u32);
        w.string(TYPE, "filter");
    });
}

fn rule(batch: &mut Batch, chain: &str, write: impl FnOnce(&mut Expressions<'_, '_>)) {
    const CHAIN: u16 = 2;
    const EXPRESSIONS: u16 = 4;
    push(batch, message::NEW_RULE, NlmF::CREATE | NlmF::APPEND, |w| {
        w.string(CHAIN, chain);
        w.nest(EXPRESSIONS, |w| write(&mut Expressions(w)));
    });
}

/// What becomes of a packet.
#[derive(Clone, Copy)]
enum Verdict {
    Drop = 0,
    Accept = 1,
}

#[derive(Clone, Copy)]
enum Comparison {
    Equal = 0,
    AtMost = 3,
    AtLeast = 5,
}

/// The expressions of a rule, which one after the other must all be true.
struct Expressions<'a, 'b>(&'a mut Writer<'b>);

impl Expressions<'_, '_> {
    fn push(&mut self, name: &str, write: impl FnOnce(&mut Writer<'_>)) {
        const NAME: u16 = 1;
        const DATA: u16 = 2;
        self.0.nest(LIST_ELEMENT, |w| {
            w.string(NAME, name);
            w.nest(DATA, write);
        });
    }

    fn load_meta(&mut self, key: u32) {
        const REGISTER_TO: u16 = 1;
        const KEY: u16 = 2;
        self.push("meta", |w| {
            w.u32_be(REGISTER_TO, REGISTER);
            w.u32_be(KEY, key);
        });
    }

    fn load_output_link(&mut self) {
        self.load_meta(5);
    }

    fn is_ipv4(&mut self) {
        self.load_meta(15);
        self.compare(Comparison::Equal, &[family::IPV4]);
    }

    fn is_ipv6(&mut self) {
        self.load_meta(15);
        self.compare(Comparison::Equal, &[family::IPV6]);
    }

    fn is_icmpv6(&mut self, first: u8, last: u8) {
        const TRANSPORT: u32 = 2;
        // The protocol behind all extension headers.
        self.load_meta(16);
        self.compare(Comparison::Equal, &[58]);
        self.load(TRANSPORT, 0, 1);
        if first == last {
            self.compare(Comparison::Equal, &[first]);
        } else {
            self.compare(Comparison::AtLeast, &[first]);
            self.compare(Comparison::AtMost, &[last]);
        }
    }

    fn load_network(&mut self, offset: u32, len: u32) {
        const NETWORK: u32 = 1;
        self.load(NETWORK, offset, len);
    }

    fn load(&mut self, base: u32, offset: u32, len: u32) {
        self.push("payload", |w| {
            for (kind, value) in (1..).zip([REGISTER, base, offset, len]) {
                w.u32_be(kind, value);
            }
        });
    }

    fn compare(&mut self, comparison: Comparison, value: &[u8]) {
        const REGISTER_FROM: u16 = 1;
        const OPERATION: u16 = 2;
        const DATA: u16 = 3;
        self.push("cmp", |w| {
            w.u32_be(REGISTER_FROM, REGISTER);
            w.u32_be(OPERATION, comparison as u32);
            w.nest(DATA, |w| w.bytes(DATA_VALUE, value));
        });
    }

    fn is_in(&mut self, set: &str) {
        const SET: u16 = 1;
        const REGISTER_FROM: u16 = 2;
        self.push("lookup", |w| {
            w.string(SET, set);
            w.u32_be(REGISTER_FROM, REGISTER);
        });
    }

    fn count(&mut self) {
        self.push("counter", |_| {});
    }

    fn verdict(&mut self, verdict: Verdict) {
        const REGISTER_TO: u16 = 1;
        const DATA: u16 = 2;
        const DATA_VERDICT: u16 = 2;
        const CODE: u16 = 1;
        /// The register whose value is the verdict.
        const VERDICT_REGISTER: u32 = 0;
        self.push("immediate", |w| {
            w.u32_be(REGISTER_TO, VERDICT_REGISTER);
            w.nest(DATA, |w| w.nest(DATA_VERDICT, |w| w.u32_be(CODE, verdict as u32)));
        });
    }
}

/// Appends additions to the sets.
pub(super) fn add(batch: &mut Batch, guards: impl Iterator<Item = Guard> + Clone) {
    elements(batch, message::NEW_ELEMENTS, NlmF::CREATE, guards);
}

/// Appends removals from the sets.
pub(super) fn remove(batch: &mut Batch, guards: impl Iterator<Item = Guard> + Clone) {
    elements(batch, message::DELETE_ELEMENTS, NlmF::empty(), guards);
}

fn elements(batch: &mut Batch, kind: u16, flags: NlmF, guards: impl Iterator<Item = Guard> + Clone) {
    const SET: u16 = 2;
    const ELEMENTS: u16 = 3;
    const KEY: u16 = 1;
    for set in [ADDRESSES4, ADDRESSES6, LINKS] {
        let keys: Vec<_> = guards.clone().map(key).filter(|(of, _)| *of == set).map(|(_, key)| key).collect();
        for keys in keys.chunks(ELEMENTS_A_MESSAGE) {
            push(batch, kind, flags, |w| {
                w.string(SET, set);
                w.nest(ELEMENTS, |w| {
                    for key in keys {
                        w.nest(LIST_ELEMENT, |w| w.nest(KEY, |w| w.bytes(DATA_VALUE, key)));
                    }
                });
            });
        }
    }
}

/// Returns the set that a guard belongs to, and its key there.
fn key(guard: Guard) -> (&'static str, Vec<u8>) {
    match guard {
        Guard::Address(IpAddr::V4(address)) => (ADDRESSES4, address.octets().to_vec()),
        Guard::Address(IpAddr::V6(address)) => (ADDRESSES6, address.octets().to_vec()),
        // Of all numbers here the only one in host byte order.
        Guard::Link(index) => (LINKS, index.to_ne_bytes().to_vec()),
    }
}
