use super::*;

#[test]
fn a_backup_that_slept_listens_again() {
    let mut bench = Bench::of([instance("V1", 51, 128)]);
    bench.advert("V1", 1, 200);
    bench.until(500);
    bench.forget();
    bench.sleep_until(60_000);
    bench.expect(&[]);
    // It has listened for 0.5 s, and for half an interval more.
    bench.until(62_499).expect(&[]);
    bench.until(62_500).expect_notices(&["62500 V1 is Master: 10.0.0.1 silent for 62500"]);
    assert_eq!(bench.router.status(bench.now).instances[0].counters.paused, 1);
}

#[test]
fn a_backup_that_slept_at_the_end_listens_for_an_interval_and_skew() {
    let mut bench = Bench::of([instance("V1", 51, 128)]);
    bench.advert("V1", 1, 200);
    bench.until(3400);
    bench.forget();
    // Up to two intervals, only what was missed is made up for: 3500 + 1500 - 500.
    bench.sleep_until(4900);
    bench.until(4499 + 1000).expect_notices(&["4900 V1 is Master: 10.0.0.1 silent for 4900"]);

    let mut bench = Bench::of([instance("V1", 51, 128)]);
    bench.advert("V1", 1, 200);
    bench.until(3400);
    bench.forget();
    bench.sleep_until(6400);
    bench.until(7899).expect(&[]);
    bench.until(7900).expect_notices(&["7900 V1 is Master: 10.0.0.1 silent for 7900"]);
}

#[test]
fn a_backup_that_slept_hears_the_master_again() {
    let mut bench = Bench::of([instance("V1", 51, 128)]);
    bench.advert("V1", 1, 200);
    bench.until(500);
    bench.sleep_until(60_000);
    bench.until(60_900).advert("V1", 1, 200);
    bench.until(64_000).expect_notices(&["0 V1 is Backup: started"]);
}

#[test]
fn a_backup_that_slept_takes_waiting_packets_first() {
    let mut bench = Bench::of([instance("V1", 51, 128)]);
    bench.forget();
    bench.now = Moment::from_start(ms(60_000));
    bench.advert("V1", 1, 200);
    bench.sleep_until(60_000);
    bench.until(63_499).expect(&[]);
    bench.until(63_500).expect_notices(&["63500 V1 is Master: 10.0.0.1 silent for 3500"]);
}

#[test]
fn noise_of_scheduling_is_no_pause() {
    // Every call comes 4 ms late, with adverts each 10 ms.
    let mut bench = Bench::of([Instance { interval: ms(10), ..instance("V1", 51, 100) }]);
    bench.forget();
    while bench.state("V1") == State::Backup {
        let next = bench.router.next_timeout().expect("a timer").since_start() + ms(4);
        bench.sleep_until(next.as_millis() as u64);
    }
    assert!(bench.now < Moment::from_start(ms(36 + 5)), "{:?}", bench.now);
    for _ in 0..100 {
        let next = bench.router.next_timeout().expect("a timer").since_start() + ms(4);
        bench.sleep_until(next.as_millis() as u64);
    }
    assert_eq!(bench.state("V1"), State::Master);
    let lateness = bench.router.status(bench.now).lateness;
    assert!(lateness.timers > 50 && lateness.over[0] > 50 && lateness.over[1] == 0, "{lateness:?}");
    assert!(lateness.worst_us <= 4_000, "{lateness:?}");
}

#[test]
fn a_master_that_slept_is_backup_first_and_says_nothing() {
    let mut bench = Bench::of([instance("V1", 51, 128)]);
    bench.make_master("V1");
    // Its last advert was at 4 s; the fastest peer waits for 3 s and 1/256 s.
    bench.sleep_until(7003);
    bench.expect(&["7003 V1 says 128"]);
    bench.sleep_until(11_000);
    bench.expect(&["11000 V1 gives", "11000 V1 is Backup: late by 3000"]);
    bench.until(12_500).expect(&[
        "12500 V1 says 128",
        "12500 V1 takes",
        "12500 V1 announces 5",
        "12500 V1 is Master: nobody spoke for 1500",
    ]);
    assert_eq!(bench.router.status(bench.now).instances[0].counters.paused, 1);
}

#[test]
fn a_master_that_slept_finds_another_one() {
    let mut bench = Bench::of([Instance { preempt: Preempt::Never, ..instance("V1", 51, 128) }]);
    bench.make_master("V1");
    // The first that it gets to see is a waiting packet.
    bench.now = Moment::from_start(ms(20_000));
    bench.advert("V1", 1, 100);
    bench.expect(&["20000 V1 gives", "20000 V1 is Backup: late by 15000"]);
    bench.until(23_500).expect_notices(&["23500 V1 is Master: 10.0.0.1 silent for 3500"]);
}

#[test]
fn a_group_sleeps_as_one() {
    let settings = Settings {
        instances: vec![instance("A", 1, 128), Instance { interval: ms(2000), ..instance("B", 2, 128) }],
        groups: vec![group("G", &["A", "B"])],
        ..Settings::default()
    };
    let mut bench = Bench::with(&settings);
    bench.until(20_000);
    bench.forget();
    bench.sleep_until(25_000);
    bench.expect_notices(&[
        "25000 A is Backup: late by 4000",
        "25000 B is Backup: with A",
        "25000 G is Backup: late by 4000",
    ]);
    // Each listens for its own interval and skew, and that once.
    bench.until(28_000).expect_notices(&[
        "28000 A is Master: with B",
        "28000 B is Master: nobody spoke for 3000",
        "28000 G is Master: nobody spoke for 3000",
    ]);
}

#[test]
fn resumed_masters_go_on_as_if_nothing_had_happened() {
    let script = Tracker::Script("chk".into());
    let tracks = vec![Track { tracker: script.clone(), weight: 0, reverse: false }];
    let settings = Settings {
        instances: vec![Instance { tracks, ..instance("V1", 51, 100) }, instance("V2", 52, 100)],
        startup_delay: ms(5000),
        ..Settings::default()
    };
    let mut bench = Bench::unlinked(&settings, &["V1"]);
    bench.expect(&[]);
    bench.until(30).link_all();
    bench.expect(&["30 V1 says 100", "30 V1 takes", "30 V1 announces 5", "30 V1 is Master: resumed"]);
    // What is not known yet was no fault; what is known is one.
    bench.tracker(&script, Observation::Down);
    bench.expect(&["30 V1 says 0", "30 V1 gives", "30 V1 is Fault: script chk fails"]);
}

#[test]
fn a_group_resumes_as_a_whole() {
    let settings = Settings {
        instances: vec![instance("A", 1, 100), instance("B", 2, 100)],
        groups: vec![group("G", &["A", "B"])],
        ..Settings::default()
    };
    let mut bench = Bench::unlinked(&settings, &["B"]);
    bench.link("B");
    bench.expect(&[]);
    bench.link("A");
    bench.expect_notices(&["0 A is Master: resumed", "0 B is Master: with A", "0 G is Master: resumed"]);
}

#[test]
fn a_resumed_master_whose_link_is_broken_is_in_fault() {
    let settings = Settings { instances: vec![instance("V1", 51, 100)], ..Settings::default() };
    let mut bench = Bench::unlinked(&settings, &["V1"]);
    bench.fault("V1", LinkFault::Down);
    bench.link("V1");
    bench.expect(&["0 V1 is Fault: link Down", "0 V1 is Backup: recovered"]);
}
