use super::*;

#[test]
fn a_backup_that_hears_nobody_becomes_master_and_speaks_first() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.expect(&["0 V1 is Backup: started"]);
    bench.until(5000).expect(&[
        "3609 V1 says 100",
        "3609 V1 takes",
        "3609 V1 announces 5",
        "3609 V1 is Master: nobody spoke for 3609",
        "4000 V1 says 100",
        "5000 V1 says 100",
    ]);
}

#[test]
fn how_long_a_backup_waits() {
    let v2 = || Instance { version: Version::V2, ..instance("V1", 51, 100) };
    let table = [
        // version 3: 3 intervals and (256 - priority) / 256 of one
        (instance("V1", 51, 254), 3_007_812),
        (instance("V1", 51, 1), 3_996_093),
        (Instance { interval: ms(10), ..instance("V1", 51, 100) }, 36_093),
        // version 2: (256 - priority) / 256 of a second, whatever the interval
        (v2(), 3_609_375),
        (Instance { interval: ms(5000), ..v2() }, 15_609_375),
        // settings
        (Instance { down_timer_adverts: 5, ..instance("V1", 51, 100) }, 5_609_375),
        (Instance { initial: Initial::Master, ..instance("V1", 51, 100) }, 1_003_906),
        (Instance { initial: Initial::Master, ..v2() }, 1_003_906),
    ];
    for (instance, micros) in table {
        let bench = Bench::of([instance.clone()]);
        let timer = bench.router.queue.first().expect("a timer").0;
        assert_eq!(timer.since_start().as_micros(), micros, "{instance:?}");
    }
}

#[test]
fn an_owner_begins_as_master() {
    let mut bench = Bench::of([instance("V1", 51, 255)]);
    bench.expect(&["0 V1 says 255", "0 V1 takes", "0 V1 announces 5", "0 V1 is Master: started"]);
}

#[test]
fn an_owner_that_recovers_waits_a_little() {
    let mut bench = Bench::of([instance("V1", 51, 255)]);
    bench.until(500);
    bench.forget();
    bench.fault("V1", LinkFault::Down);
    bench.expect(&["500 V1 gives", "500 V1 is Fault: link Down"]);
    bench.link("V1");
    bench.until(1600).expect_notices(&["500 V1 is Backup: recovered", "1503 V1 is Master: nobody spoke for 1003"]);
}

#[test]
fn a_master_that_is_heard_stays_master() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    for n in 0..10 {
        bench.until(n * 1000).advert("V1", 1, 100 + n as u8);
    }
    bench.until(12_000).expect_notices(&["0 V1 is Backup: started"]);
    bench.until(12_700).expect_notices(&["12609 V1 is Master: 10.0.0.1 silent for 3609"]);
}

#[test]
fn priority_zero_shortens_the_wait_to_the_skew() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.advert("V1", 1, 200);
    bench.until(500).advert("V1", 1, 0);
    bench.forget();
    bench.until(1200).expect_notices(&["1109 V1 is Master: 10.0.0.1 gave up"]);
}

#[test]
fn version_3_learns_the_interval_of_the_master() {
    let mut bench = Bench::of([instance("V1", 51, 128)]);
    bench.advert_every("V1", 1, 200, Some(ms(4000)));
    bench.forget();
    // 3 * 4 s + 4 s / 2; afterwards the own interval counts again.
    bench.until(16_000).expect(&[
        "14000 V1 says 128",
        "14000 V1 takes",
        "14000 V1 announces 5",
        "14000 V1 is Master: 10.0.0.1 silent for 14000",
        "15000 V1 says 128",
        "16000 V1 says 128",
    ]);
}

#[test]
fn version_2_refuses_another_interval() {
    let mut bench = Bench::of([Instance { version: Version::V2, ..instance("V1", 51, 100) }]);
    bench.advert_every("V1", 1, 200, Some(ms(2000)));
    bench.expect_notices(&[
        "0 V1 is Backup: started",
        "0 V1 rejects 10.0.0.1: the advert interval is 2 s, and ours is 1 s: give all routers the same",
    ]);
    assert_eq!(bench.router.status(bench.now).instances[0].counters.rejected.interval, 1);
}

#[test]
fn a_master_of_lower_priority_is_displaced_when_the_timer_ends() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    for n in 0..4 {
        bench.until(n * 1000).advert("V1", 1, 50);
    }
    bench.until(3700).expect_notices(&["0 V1 is Backup: started", "3609 V1 is Master: preempts 10.0.0.1 of 50"]);
}

#[test]
fn nopreempt_leaves_a_master_of_lower_priority_alone() {
    let mut bench = Bench::of([Instance { preempt: Preempt::Never, ..instance("V1", 51, 100) }]);
    for n in 0..10 {
        bench.until(n * 1000).advert("V1", 1, 50);
    }
    bench.until(12_700).expect_notices(&["0 V1 is Backup: started", "12609 V1 is Master: 10.0.0.1 silent for 3609"]);
}

#[test]
fn preempt_delay_begins_with_the_first_lower_advert() {
    let delayed = Instance { preempt: Preempt::After(ms(5000)), ..instance("V1", 51, 100) };
    let mut bench = Bench::of([delayed.clone()]);
    for n in 1..12 {
        bench.until(n * 1000).advert("V1", 1, 50);
    }
    // Adverts at 1000 to 5000 count; the one at 6000 does not any more: 5000 + 3609.
    bench.until(12_000);
    bench.log.retain(|line| line.contains(" is "));
    bench.expect(&["0 V1 is Backup: started", "8609 V1 is Master: preempts 10.0.0.1 of 50"]);

    // An advert of the same priority ends the delay; the next lower one begins it anew.
    let mut bench = Bench::of([delayed]);
    bench.until(1000).advert("V1", 1, 50);
    bench.until(3000).advert("V1", 2, 100);
    for n in 4..12 {
        bench.until(n * 1000).advert("V1", 1, 50);
    }
    bench.until(12_000);
    bench.log.retain(|line| line.contains(" is "));
    bench.expect(&["0 V1 is Backup: started", "11609 V1 is Master: preempts 10.0.0.1 of 50"]);
}

#[test]
fn a_higher_priority_takes_over_without_a_word_of_ours() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.make_master("V1");
    bench.advert("V1", 1, 101);
    bench.expect(&["4000 V1 gives", "4000 V1 is Backup: outranked by 10.0.0.1 of 101"]);
    bench.until(7700).expect_notices(&["7609 V1 is Master: 10.0.0.1 silent for 3609"]);
}

#[test]
fn a_master_answers_a_higher_priority_if_told_so() {
    let mut bench = Bench::of([Instance { answer_higher: true, ..instance("V1", 51, 100) }]);
    bench.make_master("V1");
    bench.advert("V1", 1, 101);
    bench.expect(&["4000 V1 says 100", "4000 V1 gives", "4000 V1 is Backup: outranked by 10.0.0.1 of 101"]);
}

#[test]
fn between_equal_priorities_the_address_decides() {
    for (from, state) in [(OWN - 1, State::Master), (OWN + 1, State::Backup)] {
        let mut bench = Bench::of([instance("V1", 51, 100)]);
        bench.make_master("V1");
        bench.advert("V1", from, 100);
        assert_eq!(bench.state("V1"), state, "10.0.0.{from}");
    }
}

#[test]
fn a_master_answers_lower_priorities() {
    let announce = Announce { delay: Duration::ZERO, lower_delay: ms(300), lower_repeat: 2, ..Announce::default() };
    let mut bench = Bench::of([Instance { announce, ..instance("V1", 51, 100) }]);
    bench.make_master("V1");
    bench.until(4100).advert("V1", 1, 50);
    bench.expect(&["4100 V1 says 100", "4100 V1 announces 2", "4100 V1 hears lower 50 of 10.0.0.1"]);
    bench.until(4450).expect(&["4400 V1 announces 2"]);
    // The script is not run for each of many adverts.
    bench.advert("V1", 1, 50);
    bench.expect(&["4450 V1 says 100", "4450 V1 announces 2"]);
    // What is read at once is answered once.
    bench.advert("V1", 2, 50);
    bench.expect(&["4450 V1 hears lower 50 of 10.0.0.2"]);
    bench.until(4500).advert("V1", 2, 50);
    bench.expect(&["4500 V1 says 100", "4500 V1 announces 2"]);

    let mut bench = Bench::of([Instance { answer_lower: false, ..instance("V1", 51, 100) }]);
    bench.make_master("V1");
    bench.advert("V1", 1, 50);
    bench.expect(&["4000 V1 announces 5", "4000 V1 hears lower 50 of 10.0.0.1"]);
}

#[test]
fn a_master_answers_priority_zero() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.make_master("V1");
    bench.advert("V1", 1, 0);
    bench.expect(&["4000 V1 says 100"]);
}

#[test]
fn our_own_advert_is_told_once_and_has_no_effect() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.make_master("V1");
    bench.advert("V1", OWN, 100);
    bench.advert("V1", OWN, 100);
    assert_eq!(bench.log.len(), 1);
    assert!(bench.log[0].contains("V1 rejects 10.0.0.5: it comes from our own address"), "{}", bench.log[0]);
}

#[test]
fn of_two_owners_the_lower_address_gives_way_and_a_stubborn_one_wins() {
    // The other one has the higher address: it is the master.
    let mut bench = Bench::of([instance("V1", 51, 255)]);
    bench.forget();
    bench.until(500).advert("V1", 9, 255);
    bench.expect(&["500 V1 gives", "500 V1 is Backup: outranked by 10.0.0.9 of 255"]);

    // The other one should give way and does not: after two adverts and 1.2 intervals we do.
    let mut bench = Bench::of([instance("V1", 51, 255)]);
    bench.forget();
    for n in 0..5 {
        bench.until(500 + n * 1000).advert("V1", 1, 255);
    }
    bench.expect_notices(&[
        "500 V1 hears lower 255 of 10.0.0.1",
        "1500 V1 hears lower 255 of 10.0.0.1",
        "2500 V1 hears lower 255 of 10.0.0.1",
        "3500 V1 hears lower 255 of 10.0.0.1",
        "4500 V1 has priority 254 after 255",
        "4500 V1 is Backup: outranked by 10.0.0.1 of 255",
    ]);
    // When it is gone we are the owner again.
    bench.until(7600);
    bench.expect(&[
        "7503 V1 says 255",
        "7503 V1 takes",
        "7503 V1 announces 5",
        "7503 V1 is Master: 10.0.0.1 silent for 3003",
    ]);
}

#[test]
fn an_owner_may_ignore_adverts() {
    let mut bench = Bench::of([Instance { owner_ignores_adverts: true, ..instance("V1", 51, 255) }]);
    bench.forget();
    bench.until(500).advert("V1", 9, 255);
    bench.expect_notices(&[
        "500 V1 rejects 10.0.0.9: this router owns the addresses and is set to ignore adverts of others",
    ]);
    assert_eq!(bench.state("V1"), State::Master);
}

#[test]
fn announcements_of_a_master() {
    let announce = Announce {
        repeat: 3,
        delay: ms(500),
        refresh: ms(2000),
        refresh_repeat: 1,
        other_links: ms(1500),
        ..Announce::default()
    };
    let mut bench = Bench::of([Instance { announce, ..instance("V1", 51, 255) }]);
    bench.until(4700);
    bench.log.retain(|line| line.contains("announces"));
    bench.expect(&[
        "0 V1 announces 3",
        "500 V1 announces 3",
        "1500 V1 announces OtherLinks 1",
        "2500 V1 announces 1",
        "3000 V1 announces OtherLinks 1",
        "4500 V1 announces 1",
        "4500 V1 announces OtherLinks 1",
    ]);
    // A backup announces nothing any more.
    bench.advert("V1", 9, 255);
    bench.forget();
    bench.until(7000).expect(&[]);
}

#[test]
fn nothing_is_heard_before_the_begin_or_during_the_startup_delay() {
    let settings =
        Settings { instances: vec![instance("V1", 51, 100)], startup_delay: ms(10_000), ..Settings::default() };
    let mut bench = Bench::with(&settings);
    bench.until(5000).advert("V1", 1, 200);
    bench.until(9999).expect(&[]);
    assert_eq!(bench.router.status(bench.now).instances[0].waits_for, ["the startup delay"]);
    assert_eq!(bench.router.status(bench.now).instances[0].counters.received, 0);
    bench.until(14_000).expect_notices(&["10000 V1 is Backup: started", "13609 V1 is Master: nobody spoke for 3609"]);
}

#[test]
fn faults_of_the_link() {
    let mut bench = Bench::unlinked(&Settings { instances: vec![instance("V1", 51, 100)], ..Settings::default() }, &[]);
    bench.until(10_000).expect(&[]);
    bench.fault("V1", LinkFault::Missing);
    bench.expect(&["10000 V1 is Fault: link Missing"]);
    assert_eq!(bench.router.status(bench.now).instances[0].waits_for, ["link: there is none of this name"]);
    // Another fault is no other state.
    bench.fault("V1", LinkFault::Down);
    bench.expect(&[]);
    bench.link("V1");
    bench.expect(&["10000 V1 is Backup: recovered"]);
    bench.until(13_609).expect(&[]);
    bench.make_master("V1");
    bench.fault("V1", LinkFault::NoSource);
    bench.until(30_000).expect(&["17609 V1 gives", "17609 V1 is Fault: link NoSource"]);
}

#[test]
fn the_own_link_need_not_matter() {
    let mut bench = Bench::of([Instance { track_primary: false, ..instance("V1", 51, 100) }]);
    bench.make_master("V1");
    bench.fault("V1", LinkFault::Down);
    bench.expect(&[]);
    bench.fault("V1", LinkFault::Missing);
    bench.expect(&["4000 V1 gives", "4000 V1 is Fault: link Missing"]);
}

#[test]
fn a_unicast_backup_warms_its_masters_cache_after_a_fault() {
    let peers = vec![Peer { address: address(1), ttl: None }, Peer { address: address(2), ttl: None }];
    let transport = Transport::Unicast { source: None, peers, ttl: None, check_source: true };
    let mut bench = Bench::of([Instance { transport, ..instance("V1", 51, 100) }]);
    bench.fault("V1", LinkFault::Down);
    bench.link("V1");
    bench.expect(&[
        "0 V1 is Backup: started",
        "0 V1 is Fault: link Down",
        "0 V1 is Backup: recovered",
        "0 V1 announces Source 1",
    ]);
    // One advert to each peer counts once.
    bench.until(3700).expect(&[
        "3609 V1 says 100",
        "3609 V1 says 100",
        "3609 V1 takes",
        "3609 V1 announces 5",
        "3609 V1 is Master: nobody spoke for 3609",
    ]);
    assert_eq!(bench.router.status(bench.now).instances[0].counters.sent, 1);
}

#[test]
fn rejects_and_other_addresses_are_told_once_until_the_state_or_the_master_changes() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.forget();
    let id = bench.id("V1");
    let other = Instance { addresses: Vec::new(), ..instance("V1", 51, 100) };
    let v2 = Instance { version: Version::V2, ..instance("V1", 51, 100) };
    for _ in 0..2 {
        bench.advert_as(id, &other, 1, 200);
        bench.advert_as(id, &v2, 2, 200);
    }
    let reason = "the advert is of version 2, and this instance speaks version 3: give all routers the same";
    bench.expect(&["0 V1 hears other addresses of 10.0.0.1", &format!("0 V1 rejects 10.0.0.2: {reason}")]);
    // A reject follows the first advert of a master, which was news.
    bench.advert("V1", 3, 200);
    bench.advert_as(id, &v2, 2, 200);
    bench.expect(&[&format!("0 V1 rejects 10.0.0.2: {reason}")]);
    let counters = bench.router.status(bench.now).instances[0].counters;
    assert_eq!((counters.addresses_differ, counters.rejected.version, counters.received), (2, 3, 3));
}

#[test]
fn packets_find_their_instance_by_link_vrid_and_destination() {
    let unicast = |name: &str| Instance {
        transport: Transport::Unicast { source: None, peers: Vec::new(), ttl: None, check_source: false },
        ..instance(name, 51, 100)
    };
    let mut bench = Bench::of([instance("V1", 51, 100), unicast("V2"), instance("V3", 52, 100)]);
    for name in ["V1", "V2", "V3"] {
        let id = bench.id(name);
        bench.event(Event::Link(id, Ok(Link { index: 1, source: address(OWN) })));
    }
    let link = InstanceId(0);
    bench.advert_as(link, &instance("", 51, 1), 1, 200);
    bench.advert_as(link, &unicast(""), 1, 200);
    bench.advert_as(link, &unicast(""), 2, 200);
    bench.advert_as(link, &instance("", 53, 1), 1, 200);
    let heard: Vec<u64> = bench.router.status(bench.now).instances.iter().map(|i| i.counters.received).collect();
    assert_eq!(heard, [1, 2, 0]);
}

#[test]
fn a_unicast_instance_without_a_link_hears_on_every_link() {
    let transport =
        Transport::Unicast { source: Some(address(OWN)), peers: Vec::new(), ttl: None, check_source: false };
    let unicast = Instance { interface: None, transport, ..instance("V1", 51, 100) };
    let mut bench = Bench::of([unicast.clone()]);
    bench.advert_as(InstanceId(77), &unicast, 1, 200);
    assert_eq!(bench.router.status(bench.now).instances[0].counters.received, 1);
}

#[test]
fn families_are_told_apart() {
    let v6 = Instance::new("V6", Vrid::new(51).expect("a VRID"), Version::V3, Family::V6);
    let mut bench = Bench::of([instance("V4", 51, 100), v6.clone()]);
    let ours: IpAddr = "fe80::5".parse().expect("an address");
    bench.event(Event::Link(InstanceId(1), Ok(Link { index: 1, source: ours })));
    bench.forget();
    let (source, destination) = ("fe80::1".parse().expect("an address"), "ff02::12".parse().expect("an address"));
    let bytes = Wire::new(&v6).encode(200, source, destination);
    bench.event(Event::Packet(Received { link: 1, source, destination, hops: Some(255), bytes: &bytes }));
    let heard: Vec<u64> = bench.router.status(bench.now).instances.iter().map(|i| i.counters.received).collect();
    assert_eq!(heard, [0, 1]);
}

#[test]
fn stopping() {
    let mut bench = Bench::of([instance("V1", 51, 255), instance("V2", 52, 255), instance("V3", 53, 100)]);
    bench.forget();
    bench.event(Event::Stop);
    bench.expect(&[
        "0 V1 says 0",
        "0 V2 says 0",
        "0 V1 gives",
        "0 V1 is Stopped: stopped",
        "0 V2 gives",
        "0 V2 is Stopped: stopped",
        "0 V3 is Stopped: stopped",
    ]);
    bench.event(Event::Promote(InstanceId(2)));
    bench.advert("V3", 1, 0);
    bench.until(10_000).expect(&[]);
}

#[test]
fn status_tells_what_happened() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.advert("V1", 1, 200);
    bench.until(4000).advert("V1", 2, 50);
    bench.until(4250);
    let status = bench.router.status(bench.now);
    let v1 = &status.instances[0];
    assert_eq!((v1.state, v1.since_ms, v1.priority, v1.timer_ms), (State::Master, 640, 100, Some(750)));
    let causes: Vec<String> =
        v1.transitions.iter().map(|t| format!("{} {}", t.ago_ms, cause_words(&t.cause))).collect();
    assert_eq!(causes, ["640 10.0.0.1 silent for 3609", "4250 started"]);
    let peers: Vec<(String, u8, u64)> =
        v1.peers.iter().map(|p| (p.address.to_string(), p.priority, p.ago_ms)).collect();
    assert_eq!(peers, [("10.0.0.2".into(), 50, 250), ("10.0.0.1".into(), 200, 4250)]);
    assert_eq!(v1.addresses, ["10.0.1.51/32"]);
    assert_eq!(v1.source, Some(address(OWN)));
    assert_eq!((v1.counters.received, v1.counters.lower_received, v1.counters.became_master), (2, 1, 1));
}
