use super::*;

fn tracking(weight: i16) -> (Tracker, Instance) {
    let script = Tracker::Script("chk".into());
    let tracks = vec![Track { tracker: script.clone(), weight, reverse: false }];
    (script, Instance { tracks, ..instance("V1", 51, 128) })
}

#[test]
fn an_unweighted_tracker_is_waited_for_and_makes_faults() {
    let (script, instance) = tracking(0);
    let mut bench = Bench::of([instance]);
    bench.until(10_000).expect(&[]);
    assert_eq!(bench.router.status(bench.now).instances[0].waits_for, ["script chk: not known yet"]);
    bench.tracker(&script, Observation::Up);
    bench.until(13_500);
    bench.tracker(&script, Observation::Down);
    bench.expect(&[
        "10000 V1 is Backup: started",
        "13500 V1 says 128",
        "13500 V1 takes",
        "13500 V1 announces 5",
        "13500 V1 is Master: nobody spoke for 3500",
        "13500 V1 says 0",
        "13500 V1 gives",
        "13500 V1 is Fault: script chk fails",
    ]);
    assert_eq!(bench.router.status(bench.now).instances[0].waits_for, ["script chk fails"]);
    bench.until(20_000).tracker(&script, Observation::Up);
    bench.expect(&["20000 V1 is Backup: recovered"]);
}

#[test]
fn a_tracker_that_fails_at_once_is_a_fault_at_once() {
    let (script, instance) = tracking(0);
    let mut bench = Bench::of([instance]);
    bench.tracker(&script, Observation::Down);
    bench.expect(&["0 V1 is Fault: script chk fails"]);
}

#[test]
fn a_priority_that_changes_moves_the_timer_of_a_backup() {
    let (script, instance) = tracking(64);
    let mut bench = Bench::of([instance]);
    bench.until(1000).tracker(&script, Observation::Up);
    // 3 s + 64/256 s instead of 3 s + 128/256 s.
    bench.until(4000).expect_notices(&[
        "0 V1 is Backup: started",
        "1000 V1 has priority 192 after 128",
        "3250 V1 is Master: nobody spoke for 3250",
    ]);
    // A master says its new priority in the next advert.
    bench.tracker(&script, Observation::Down);
    bench.until(5000).expect(&["4000 V1 has priority 128 after 192", "5000 V1 says 128"]);
}

#[test]
fn a_priority_that_falls_below_the_masters_displaces_it() {
    let (script, instance) = tracking(64);
    let mut bench = Bench::of([instance]);
    bench.advert("V1", 1, 150);
    bench.until(1000).tracker(&script, Observation::Up);
    for n in 1..4 {
        bench.until(n * 1000).advert("V1", 1, 150);
    }
    bench.until(3300);
    bench.log.retain(|line| line.contains(" is "));
    bench.expect(&["0 V1 is Backup: started", "3250 V1 is Master: preempts 10.0.0.1 of 150"]);
}

#[test]
fn priorities_have_limits_and_owners_ignore_weights() {
    for (base, weight, expected) in [(128, 253, 254), (128, -253, 1), (255, -253, 255)] {
        let observation = if weight > 0 { Observation::Up } else { Observation::Down };
        let (script, instance) = tracking(weight);
        let mut bench = Bench::of([Instance { priority: Priority::new(base).expect("not 0"), ..instance }]);
        bench.tracker(&script, observation);
        assert_eq!(bench.router.effective_priority(InstanceId(0)), Some(expected));
    }
}

#[test]
fn what_nobody_tracks_is_ignored() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.forget();
    bench.tracker(&Tracker::Bfd("x".into()), Observation::Down);
    bench.expect(&[]);
    assert!(bench.router.status(bench.now).trackers.is_empty());
}
