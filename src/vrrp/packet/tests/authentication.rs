//! Passwords, authentication headers and HMAC trailers.

use super::*;

#[test]
fn authentication_type() {
    let pass = with(v2(), Authentication::Pass(Secret::new("1111")));
    let ah = with(v2(), Authentication::Ah(Secret::new("1111")));
    rejected(&v2(), &changed(&v2(), 4, 3), Reject::AuthType(3), |c| c.auth_type);
    let mismatch = |theirs, ours| Reject::AuthMismatch { theirs, ours };
    let (none, password, header) = (Auth::in_words(0), Auth::in_words(1), Auth::in_words(2));
    rejected(&v2(), &advert(&pass), mismatch(password, none), |c| c.auth_mismatch);
    rejected(&pass, &advert(&v2()), mismatch(none, password), |c| c.auth_mismatch);
    rejected(&pass, &advert(&ah), mismatch(header, password), |c| c.auth_mismatch);
    rejected(&ah, &advert(&v2()), mismatch(none, header), |c| c.auth_mismatch);
}

#[test]
fn password() {
    let pass = |text: &str| with(v2(), Authentication::Pass(Secret::new(text)));
    rejected(&pass("1111"), &advert(&pass("1112")), Reject::Password, |c| c.auth_failure);
    assert!(decode(&pass("12345678"), &advert(&pass("123456789"))).is_ok(), "8 bytes count");
}

#[test]
fn authentication_header() {
    let ah = |text: &str| with(v2(), Authentication::Ah(Secret::new(text)));
    let ours = ah("1111");
    rejected(&ours, &advert(&ah("1112")), Reject::AhCode, |c| c.auth_failure);
    // Everything that does not change on the way is covered, the TTL included.
    for at in (0..64).filter(|at| ![0, 1, 2, 3, 6, 7, 8, 10, 11].contains(at)) {
        let mut packet = advert(&ours);
        packet[at] ^= 1;
        assert!(decode(&ours, &packet).is_err(), "byte {at}");
    }
    let mut packet = advert(&ours);
    packet[24] ^= 1;
    rejected(&ours, &packet, Reject::AhHeader, |c| c.auth_failure);
    // A router may lower the TTL of unicast.
    let peer = unicast(ours, &[(SOURCE, None)], true);
    let mut packet = advert(&peer);
    packet[8] = 60;
    assert!(decode(&peer, &packet).is_ok());
}

#[test]
fn the_numbers_of_an_authentication_header() {
    let ah = with(v2(), Authentication::Ah(Secret::new("1111")));
    let (mut master, mut backup) = (Wire::new(&ah), Wire::new(&ah));
    let hear = |wire: &mut Wire, packet: &[u8]| wire.decode(&received(SOURCE, GROUP, packet), NOW, Own::default());
    let send = |wire: &mut Wire| {
        wire.begin(NOW);
        wire.encode(150, ip(SOURCE), ip(GROUP))
    };
    let first = send(&mut master);
    assert_eq!(first, master.encode(150, ip(SOURCE), ip(GROUP)), "copies of one advert share the number");
    assert!(hear(&mut backup, &first).is_ok());
    assert_eq!(hear(&mut backup, &first), Err(Reject::Replay));
    let mut counters = Rejected::default();
    Reject::Replay.count(&mut counters);
    assert_eq!(counters, Rejected { replay: 1, ..Rejected::default() });
    for _ in 0..9 {
        send(&mut master);
    }
    assert!(hear(&mut backup, &send(&mut master)).is_ok());
    // The backup takes over where the master stopped; the master comes back, hears it, and goes on after it.
    assert_eq!(backup.sequence(), 11);
    let taken_over = send(&mut backup);
    let mut returned = Wire::new(&ah);
    assert!(hear(&mut returned, &taken_over).is_ok());
    assert!(hear(&mut backup, &send(&mut returned)).is_ok());
    // Settings change, numbers do not; who starts again goes on after what it remembers.
    returned.reconfigure(&with(ah.clone(), Authentication::Ah(Secret::new("2222"))));
    assert_eq!(returned.sequence(), 13);
    let mut resumed = Wire::new(&ah);
    resumed.resync(13);
    assert!(hear(&mut backup, &send(&mut resumed)).is_ok());
    // The end of the numbers.
    resumed.resync(u32::MAX - 3);
    send(&mut resumed);
    send(&mut resumed);
    assert_eq!(resumed.sequence(), 0xffff_fffd);
    resumed.became_master();
    send(&mut resumed);
    assert_eq!(resumed.sequence(), 1);
}

#[test]
fn hmac_trailer() {
    let ours = with(v3(), enforced());
    let packet = advert(&ours);
    assert_eq!(packet.len(), 20 + 12 + 28);
    assert_eq!(packet[20..32], advert(&v3())[20..], "the checksum does not cover the trailer");
    assert_eq!(packet[32..44], bytes("01010000 6b49d200 0000 0000"));
    assert!(decode(&ours, &packet).is_ok());
    for at in (0..28).filter(|at| ![2, 3].contains(at)) {
        let mut packet = packet.clone();
        packet[32 + at] ^= 0x80;
        assert!(decode(&ours, &packet).is_err(), "byte {at}");
    }
    let mut wrong = packet.clone();
    wrong[59] ^= 1;
    rejected(&ours, &wrong, Reject::Hmac(1), |c| c.auth_failure);
    let mut key = packet;
    key[33] = 9;
    rejected(&ours, &key, Reject::Key(9), |c| c.key);
    rejected(&ours, &advert(&v3()), Reject::NoTrailer, |c| c.no_trailer);
}

#[test]
fn hmac_over_version_2_and_ipv6() {
    let two = with(v2(), enforced());
    assert_eq!(advert(&two).len(), 20 + 20 + 28);
    assert!(decode(&two, &advert(&two)).is_ok());
    let six = with(instance(Version::V3, &["fe80::51"]), enforced());
    let mut wire = Wire::new(&six);
    wire.begin(NOW);
    let mut packet = wire.encode(1, ip("fe80::1"), ip("ff02::12"));
    packet[6..8].copy_from_slice(&[0x12, 0x34]);
    assert!(wire.decode(&received("fe80::1", "ff02::12", &packet), NOW, Own::default()).is_ok());
    let other = wire.decode(&received("fe80::2", "ff02::12", &packet), NOW, Own::default());
    assert_eq!(other, Err(Reject::Hmac(1)), "the code covers the sender");
}

#[test]
fn hmac_modes() {
    let monotonic = AntiReplay::Monotonic;
    let permissive = with(v3(), hmac(HmacMode::Permissive, monotonic));
    let receiving = with(v3(), hmac(HmacMode::ReceiveOnly, monotonic));
    assert_eq!(advert(&permissive).len(), 60);
    assert_eq!(advert(&receiving).len(), 32);
    for mode in [&permissive, &receiving] {
        assert!(decode(mode, &advert(&v3())).is_ok());
        assert!(decode(mode, &advert(&permissive)).is_ok());
        let mut wrong = advert(&permissive);
        wrong[50] ^= 1;
        assert_eq!(decode(mode, &wrong), Err(Reject::Hmac(1)), "if there is a trailer, it must be right");
    }
}

#[test]
fn hmac_window_and_replay() {
    let ours = with(v3(), enforced());
    let allowed = Duration::from_secs(5);
    let mut wire = Wire::new(&ours);
    let mut hear = |packet: &[u8], utc| wire.decode(&received(SOURCE, GROUP, packet), utc, Own::default());
    let packet = advert(&ours);
    let late = Duration::from_secs(6);
    assert_eq!(hear(&packet, NOW + late), Err(Reject::Window { off: late, allowed }));
    assert_eq!(hear(&packet, NOW - late), Err(Reject::Window { off: late, allowed }));
    assert!(hear(&packet, NOW + allowed).is_ok());
    assert_eq!(hear(&packet, NOW), Err(Reject::Replay));
    let mut counters = Rejected::default();
    Reject::Window { off: late, allowed }.count(&mut counters);
    assert_eq!(counters, Rejected { window: 1, ..Rejected::default() });
}

#[test]
fn hmac_numbers_grow_even_if_the_clock_does_not() {
    let ours = with(v3(), enforced());
    let (mut sender, mut receiver) = (Wire::new(&ours), Wire::new(&ours));
    for step in [0, 0, 1, 0, 2] {
        sender.begin(NOW + Duration::from_secs(step));
        let packet = sender.encode(150, ip(SOURCE), ip(GROUP));
        assert!(receiver.decode(&received(SOURCE, GROUP, &packet), NOW, Own::default()).is_ok());
        sender.reconfigure(&ours);
        receiver.reconfigure(&ours);
    }
}

#[test]
fn hmac_senders_are_told_apart() {
    let ours = with(v3(), hmac(HmacMode::Enforce, AntiReplay::Monotonic));
    let mut wire = Wire::new(&ours);
    let senders: Vec<String> = (1..=5).map(|n| format!("10.9.9.{n}")).collect();
    let mut hear = |source: &str, utc| {
        let mut sender = Wire::new(&ours);
        sender.begin(utc);
        let packet = sender.encode(150, ip(source), ip(GROUP));
        wire.decode(&received(source, GROUP, &packet), utc, Own::default())
    };
    for sender in &senders[..4] {
        assert!(hear(sender, NOW).is_ok());
    }
    for sender in &senders[..4] {
        assert_eq!(hear(sender, NOW), Err(Reject::Replay));
    }
    // A fifth one pushes out the one that was silent longest.
    assert!(hear(&senders[0], NOW + Duration::from_secs(1)).is_ok());
    assert!(hear(&senders[4], NOW).is_ok());
    assert_eq!(hear(&senders[0], NOW), Err(Reject::Replay));
    assert!(hear(&senders[1], NOW).is_ok(), "forgotten");
}

/// Computed apart from this code, with Python's hmac module, after keepalived's description of the trailer.
#[test]
fn hmac_golden() {
    let ours = Instance { interval: Duration::from_secs(1), ..with(v3(), enforced()) };
    let packet = "3133960100643161 0a090964 \
                  010100006b49d20000000000 e8adf0a0742af91f3432abe5ca3a80ab";
    golden(&ours, 150, GROUP, VRRP, packet);
}
