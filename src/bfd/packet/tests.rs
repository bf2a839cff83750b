use proptest::prelude::*;

use super::*;
use crate::{
    bfd::{packet::auth::METHODS, settings::Authentication},
    model::Secret,
};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter_map(|c| (c as char).to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn authentication(method: Method) -> Authentication {
    Authentication { method, key_id: 7, key: Secret::new(*b"secret") }
}

/// keepalived 2.2.7, `min_tx 40`, `min_rx 60`, `multiplier 3`: `tcpdump -x udp port 3784`.
#[test]
fn a_packet_is_its_bytes() {
    let golden = bytes("20c0 0318 98a0ead0 e8ad31cd 00009c40 0000ea60 00000000");
    let control = Control {
        state: State::Up,
        multiplier: 3,
        mine: 0x98a0_ead0,
        yours: 0xe8ad_31cd,
        min_tx: 40_000,
        min_rx: 60_000,
        ..Control::default()
    };
    assert_eq!(control.encode(), golden);
    assert_eq!(Packet::decode(&golden).map(|packet| packet.control), Ok(control));
    // What an Ethernet frame is filled up with belongs to nobody.
    let padded = [golden.as_slice(), &[0xee; 9]].concat();
    assert_eq!(Packet::decode(&padded).map(|packet| packet.control), Ok(control));
    let flags = Control { diagnostic: Diagnostic(3), state: State::Up, poll: true, demand: true, yours: 9, ..control };
    assert_eq!(flags.encode()[..2], [0x23, 0xe2]);
}

#[test]
fn what_is_no_packet_is_rejected() {
    let good = Control { multiplier: 3, mine: 1, yours: 2, state: State::Up, ..Control::default() }.encode();
    assert!(Packet::decode(&good).is_ok());
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        Packet::decode(&bytes).map(drop).unwrap_err()
    };
    assert_eq!(with(0, 0x40), Reject::Version);
    assert_eq!(with(1, 0xc1), Reject::Bits);
    assert_eq!(with(1, 0xf0), Reject::Bits);
    assert_eq!(with(1, 0xc4), Reject::Length, "authentication needs two bytes more");
    assert_eq!(with(2, 0), Reject::Multiplier);
    assert_eq!(with(3, 23), Reject::Length);
    assert_eq!(with(3, 25), Reject::Length);
    assert_eq!(with(7, 0), Reject::NoDiscriminator);
    assert_eq!(with(11, 0), Reject::NoDiscriminator);
    for len in 0..LEN {
        assert_eq!(Packet::decode(&good[..len]).map(drop), Err(Reject::Length), "{len} bytes");
    }
}

#[test]
fn authenticated_packets_are_checked() {
    let control = Control { multiplier: 3, mine: 1, ..Control::default() };
    let control = Control { state: State::Down, ..control };
    for (name, method) in METHODS {
        let ours = authentication(method);
        let sent = control.encode_with(&ours, 0x0102_0304);
        let read = |bytes: &[u8], with: Option<&Authentication>| Packet::decode(bytes).unwrap().authenticate(with);
        let number = (method != Method::Simple).then_some(0x0102_0304);
        assert_eq!(read(&sent, Some(&ours)), Ok(number), "{name}");
        assert_eq!(read(&sent, None), Err(Reject::AuthenticationMismatch), "{name}");
        assert_eq!(read(&control.encode(), Some(&ours)), Err(Reject::AuthenticationMismatch), "{name}");
        let other_key = Authentication { key: Secret::new(*b"secreT"), ..ours.clone() };
        assert_eq!(read(&sent, Some(&other_key)), Err(Reject::AuthenticationFailure), "{name}");
        let other_id = Authentication { key_id: 8, ..ours.clone() };
        assert_eq!(read(&sent, Some(&other_id)), Err(Reject::AuthenticationMismatch), "{name}");
        for (other, method) in METHODS.into_iter().filter(|(_, other)| *other != method) {
            let other_method = Authentication { method, ..ours.clone() };
            assert_eq!(read(&sent, Some(&other_method)), Err(Reject::AuthenticationMismatch), "{name} {other}");
        }
        for at in 0..sent.len() {
            let mut forged = sent.clone();
            forged[at] ^= 1;
            // The reserved byte and what a password does not cover are nobody's loss.
            let accepted = Packet::decode(&forged).is_ok_and(|packet| packet.authenticate(Some(&ours)).is_ok());
            assert!(!accepted || method == Method::Simple && at < LEN, "{name}: byte {at}");
        }
        // Any shorter, and it is another packet or none.
        for len in LEN..sent.len() {
            let mut short = sent[..len].to_vec();
            short[3] = len as u8;
            let accepted = Packet::decode(&short).is_ok_and(|packet| packet.authenticate(Some(&ours)).is_ok());
            assert!(!accepted, "{name}: {len} bytes");
        }
    }
}

/// `printf` of the packet with its key piped through `md5sum` and `sha1sum`.
#[test]
fn digests_are_those_of_others() {
    let control = Control {
        state: State::Up,
        multiplier: 3,
        mine: 1,
        yours: 2,
        min_tx: 10_000,
        min_rx: 10_000,
        ..Control::default()
    };
    let digest = |method| {
        let bytes = control.encode_with(&authentication(method), 5);
        bytes[32..].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    assert_eq!(digest(Method::MeticulousMd5), MD5);
    assert_eq!(digest(Method::MeticulousSha1), SHA1);
}

const MD5: &str = "4d8ca6f87c6c5e293946cd1fe42b0909";
const SHA1: &str = "6c011571c1c904e8aa8e1355b637edd2bf507f3f";

fn any_control() -> impl Strategy<Value = Control> {
    let words = (1..=u32::MAX, 1..=u32::MAX, any::<u32>(), any::<u32>(), any::<u32>());
    let flags = (0..32_u8, 0..4_u8, 0..3_u8, any::<bool>(), any::<bool>(), 1..=u8::MAX);
    (words, flags).prop_map(
        |((mine, yours, min_tx, min_rx, min_echo_rx), (diagnostic, state, which, c, d, multiplier))| Control {
            diagnostic: Diagnostic(diagnostic),
            state: State::of(state),
            poll: which == 1,
            answer: which == 2,
            independent: c,
            demand: d,
            multiplier,
            mine,
            yours,
            min_tx,
            min_rx,
            min_echo_rx,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(control in any_control()) {
        let bytes = control.encode();
        prop_assert_eq!(bytes.len(), LEN);
        prop_assert_eq!(Packet::decode(&bytes).map(|packet| packet.control), Ok(control));
    }

    #[test]
    fn bytes_of_strangers_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), fix in any::<bool>()) {
        let mut bytes = bytes;
        if fix && bytes.len() > 4 {
            bytes[0] = 0x20;
            bytes[1] |= 4;
            bytes[3] = bytes.len() as u8;
        }
        if let Ok(packet) = Packet::decode(&bytes) {
            for (_, method) in METHODS {
                let _ = packet.authenticate(Some(&authentication(method)));
            }
        }
    }
}
