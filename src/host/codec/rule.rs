//! Policy rules: `RTM_*RULE`, `struct fib_rule_hdr` (`linux/fib_rules.h`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Action, create_new, family_number, read_ip, split, write_ip};
use crate::{
    host::wanted::{PROTOCOL, Rule, RuleAction},
    model::Family,
    sys::netlink::{Batch, Malformed},
};

pub(in crate::host) const NEW: u16 = 32;
pub(in crate::host) const DELETE: u16 = 33;
const GET: u16 = 34;

mod attribute {
    pub(super) const DST: u16 = 1;
    pub(super) const SRC: u16 = 2;
    pub(super) const IIFNAME: u16 = 3;
    pub(super) const PRIORITY: u16 = 6;
    pub(super) const FWMARK: u16 = 10;
    pub(super) const TABLE: u16 = 15;
    pub(super) const FWMASK: u16 = 16;
    pub(super) const OIFNAME: u16 = 17;
    pub(super) const PROTOCOL: u16 = 21;
}

/// What a rule does.
mod action {
    pub(super) const UNSPECIFIED: u8 = 0;
    pub(super) const TO_TABLE: u8 = 1;
    pub(super) const BLACKHOLE: u8 = 6;
    pub(super) const UNREACHABLE: u8 = 7;
    pub(super) const PROHIBIT: u8 = 8;
}

/// Flag: the rule takes what does not match.
const INVERT: u32 = 2;

/// `struct fib_rule_hdr`: family, lengths of the prefixes, TOS, table, two reserved bytes, action, flags.
fn header(family: Family, to: u8, from: u8, table: u8, action: u8, flags: u32) -> [u8; 12] {
    let [a, b, c, d] = flags.to_ne_bytes();
    [family_number(family), to, from, 0, table, 0, 0, action, a, b, c, d]
}

/// Asks for all rules of a family.
pub(in crate::host) fn list(batch: &mut Batch, family: Family) {
    batch.push(GET, &header(family, 0, 0, 0, 0, 0), |_| {});
}

/// Adds or removes a rule.
pub(in crate::host) fn change(batch: &mut Batch, action: Action, rule: &Rule) {
    let (number, table) = match rule.action {
        RuleAction::Lookup(table) => (action::TO_TABLE, table),
        RuleAction::Blackhole => (action::BLACKHOLE, 0),
        RuleAction::Unreachable => (action::UNREACHABLE, 0),
        RuleAction::Prohibit => (action::PROHIBIT, 0),
    };
    // The table says enough about what is removed.
    let number = if action == Action::Remove && table != 0 { action::UNSPECIFIED } else { number };
    let header = header(
        rule.family(),
        rule.to.map_or(0, |(_, prefix)| prefix),
        rule.from.map_or(0, |(_, prefix)| prefix),
        // Larger ones are in the attribute only.
        u8::try_from(table).unwrap_or_default(),
        number,
        if rule.not { INVERT } else { 0 },
    );
    let (message, flags) = match action {
        Action::Add => (NEW, create_new()),
        Action::Remove => (DELETE, 0),
    };
    batch.push_with(message, flags, &header, |w| {
        w.u32(attribute::PRIORITY, rule.preference);
        if let Some((from, _)) = rule.from {
            write_ip(w, attribute::SRC, from);
        }
        if let Some((to, _)) = rule.to {
            write_ip(w, attribute::DST, to);
        }
        if let Some((mark, mask)) = rule.mark {
            w.u32(attribute::FWMARK, mark);
            w.u32(attribute::FWMASK, mask);
        }
        if let Some(name) = &rule.iif {
            w.string(attribute::IIFNAME, name);
        }
        if let Some(name) = &rule.oif {
            w.string(attribute::OIFNAME, name);
        }
        if table > u8::MAX.into() {
            w.u32(attribute::TABLE, table);
        }
        // Kernels before 4.17 ignore it.
        w.u8(attribute::PROTOCOL, PROTOCOL);
    });
}

/// Reads a rule; `None` if it is not ours.
pub(in crate::host) fn decode(message: &[u8]) -> Result<Option<Rule>, Malformed> {
    let ([family, to, from, _, table, _, _, action, f0, f1, f2, f3], attributes) =
        split::<12>(message, "fib_rule_hdr")?;
    let Some(family) = [Family::V4, Family::V6].into_iter().find(|known| family_number(*known) == family) else {
        return Ok(None);
    };
    let any = match family {
        Family::V4 => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
    };
    let mut rule = Rule {
        preference: 0,
        not: u32::from_ne_bytes([f0, f1, f2, f3]) & INVERT != 0,
        from: (from != 0).then_some((any, from)),
        to: (to != 0).then_some((any, to)),
        mark: None,
        iif: None,
        oif: None,
        family,
        action: RuleAction::Blackhole,
    };
    let (mut table, mut protocol) = (u32::from(table), 0);
    let (mut mark, mut mask) = (None, u32::MAX);
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            attribute::DST => rule.to = Some((read_ip(&attribute, "FRA_DST")?, to)),
            attribute::SRC => rule.from = Some((read_ip(&attribute, "FRA_SRC")?, from)),
            attribute::IIFNAME => rule.iif = Some(attribute.string("FRA_IIFNAME")?.to_owned()),
            attribute::PRIORITY => rule.preference = attribute.u32("FRA_PRIORITY")?,
            attribute::FWMARK => mark = Some(attribute.u32("FRA_FWMARK")?),
            attribute::TABLE => table = attribute.u32("FRA_TABLE")?,
            attribute::FWMASK => mask = attribute.u32("FRA_FWMASK")?,
            attribute::OIFNAME => rule.oif = Some(attribute.string("FRA_OIFNAME")?.to_owned()),
            attribute::PROTOCOL => protocol = attribute.u8("FRA_PROTOCOL")?,
            _ => {}
        }
    }
    rule.mark = mark.map(|mark| (mark, mask));
    rule.action = match action {
        action::TO_TABLE => RuleAction::Lookup(table),
        action::BLACKHOLE => RuleAction::Blackhole,
        action::UNREACHABLE => RuleAction::Unreachable,
        action::PROHIBIT => RuleAction::Prohibit,
        _ => return Ok(None),
    };
    Ok((protocol == PROTOCOL).then_some(rule))
}
