use super::*;

fn settings(instances: impl IntoIterator<Item = Instance>) -> Settings {
    Settings { instances: instances.into_iter().collect(), ..Settings::default() }
}

#[test]
fn a_master_stays_master_whatever_it_is_called() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.make_master("V1");
    let sent = bench.router.status(bench.now).instances[0].counters.sent;
    let other = Instance { interval: ms(200), preempt: Preempt::Never, ..instance("web", 51, 150) };
    bench.reconfigure(&settings([other]));
    bench.expect(&["4000 web has priority 150 after 100"]);
    bench.until(4400).expect(&["4200 web says 150", "4400 web says 150"]);
    assert_eq!(bench.router.status(bench.now).instances[0].counters.sent, sent + 2);
}

#[test]
fn the_same_settings_change_nothing() {
    let mut bench = Bench::of([instance("V1", 51, 100), instance("V2", 52, 255)]);
    bench.until(1000);
    bench.forget();
    bench.reconfigure(&settings([instance("V1", 51, 100), instance("V2", 52, 255)]));
    bench.expect(&[]);
    bench.until(3700).expect_notices(&["3609 V1 is Master: nobody spoke for 3609"]);
}

#[test]
fn what_is_gone_gives_up_and_what_is_new_begins() {
    let mut bench = Bench::of([instance("V1", 51, 255), instance("V2", 52, 100)]);
    bench.forget();
    bench.until(500).reconfigure(&settings([instance("V3", 53, 100), instance("V2", 52, 100)]));
    bench.expect(&["500 #0 says 0", "500 #0 gives", "500 V1 is deleted"]);
    let ids: Vec<(u32, &str)> = bench.router.ids().map(|(id, i)| (id.0, i.name.as_str())).collect();
    assert_eq!(ids, [(2, "V3"), (1, "V2")]);
    bench.link("V3");
    bench.until(4200).expect_notices(&[
        "500 V3 is Backup: started",
        "3609 V2 is Master: nobody spoke for 3609",
        "4109 V3 is Master: nobody spoke for 3609",
    ]);
    // Packets to what is gone are nobody's.
    bench.advert_as(InstanceId(0), &instance("", 51, 1), 1, 200);
    bench.expect(&[]);
}

#[test]
fn what_makes_another_instance() {
    let unicast = |source| Transport::Unicast {
        source: Some(address(source)),
        peers: Vec::new(),
        ttl: None,
        check_source: false,
    };
    let base = || Instance { transport: unicast(OWN), ..instance("V1", 51, 100) };
    let vmac = Vmac { name: None, mac: None, transmit_on_base: false, other_links: false };
    let same = [
        Instance { name: "other".into(), ..base() },
        Instance { priority: Priority::OWNER, ..base() },
        Instance { version: Version::V2, ..base() },
        Instance { addresses: Vec::new(), ..base() },
    ];
    let other = [
        Instance { vrid: Vrid::MAX, ..base() },
        Instance { family: Family::V6, ..base() },
        Instance { interface: Some("eth1".into()), ..base() },
        Instance { transport: unicast(OWN + 1), ..base() },
        Instance { transport: instance("", 1, 1).transport, ..base() },
        Instance { vmac: Some(vmac), ..base() },
    ];
    let id_after = |new: &Instance| {
        let mut bench = Bench::of([base()]);
        bench.reconfigure(&settings([new.clone()]));
        bench.router.ids().next().expect("one").0.0
    };
    for new in same {
        assert_eq!(id_after(&new), 0, "{new:?}");
    }
    for new in other {
        assert_eq!(id_after(&new), 1, "{new:?}");
    }
}

#[test]
fn names_may_be_exchanged() {
    let mut bench = Bench::of([instance("V1", 51, 255), instance("V2", 52, 100)]);
    bench.until(100);
    bench.forget();
    bench.reconfigure(&settings([instance("V2", 51, 255), instance("V1", 52, 100)]));
    bench.expect(&[]);
    assert_eq!((bench.state("V2"), bench.state("V1")), (State::Master, State::Backup));
}

#[test]
fn a_backup_counts_anew_with_another_interval() {
    let mut bench = Bench::of([Instance { version: Version::V2, ..instance("V1", 51, 128) }]);
    bench.until(1000);
    bench.reconfigure(&settings([Instance { version: Version::V2, interval: ms(2000), ..instance("V1", 51, 128) }]));
    bench.until(8000).expect_notices(&["0 V1 is Backup: started", "7500 V1 is Master: nobody spoke for 7500"]);
}

#[test]
fn trackers_are_kept_if_somebody_goes_by_them() {
    let script = Tracker::Script("chk".into());
    let tracks = vec![Track { tracker: script.clone(), weight: 20, reverse: false }];
    let tracking = |name: &str, vrid| Instance { tracks: tracks.clone(), ..instance(name, vrid, 100) };
    let mut bench = Bench::of([tracking("V1", 51)]);
    bench.tracker(&script, Observation::Up);
    bench.forget();
    bench.reconfigure(&settings([instance("V1", 51, 100), tracking("V2", 52)]));
    // V2 has not begun; its priority is told all the same.
    bench.expect(&["0 V1 has priority 100 after 120", "0 V2 has priority 120 after 100"]);
    assert_eq!(bench.router.effective_priority(bench.id("V2")), Some(120));
    bench.reconfigure(&settings([instance("V1", 51, 100)]));
    assert!(bench.router.status(bench.now).trackers.is_empty());
}

#[test]
fn a_new_tracker_of_which_nothing_is_known_does_not_stop_a_master() {
    let mut bench = Bench::of([instance("V1", 51, 255)]);
    bench.forget();
    let script = Tracker::Script("chk".into());
    let tracks = vec![Track { tracker: script.clone(), weight: 0, reverse: false }];
    bench.reconfigure(&settings([Instance { tracks, ..instance("V1", 51, 255) }]));
    bench.expect(&[]);
    bench.tracker(&script, Observation::Down);
    bench.expect_notices(&["0 V1 is Fault: script chk fails"]);
}

#[test]
fn nothing_is_reconfigured_after_the_end() {
    let mut bench = Bench::of([instance("V1", 51, 255)]);
    bench.event(Event::Stop);
    bench.forget();
    bench.reconfigure(&settings([instance("V2", 52, 255)]));
    bench.expect(&[]);
}
