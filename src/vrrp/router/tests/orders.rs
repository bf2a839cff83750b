use super::*;

fn order(bench: &Bench, name: &str) -> Option<String> {
    let status = bench.router.status(bench.now);
    status.instances.into_iter().find(|i| i.name == name).expect("an instance").order
}

#[test]
fn promoted_at_once_whatever_the_priorities() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.advert("V1", 9, 200);
    bench.forget();
    bench.until(500).event(Event::Promote(InstanceId(0)));
    bench.expect(&[
        "500 V1 has priority 254 after 100",
        "500 V1 says 254",
        "500 V1 takes",
        "500 V1 announces 5",
        "500 V1 is Master: operator",
    ]);
    assert_eq!(order(&bench, "V1").as_deref(), Some("promote"));
    // A master of 254 and a higher address makes it 255.
    bench.advert("V1", 9, 254);
    bench.expect(&[
        "500 V1 has priority 255 after 254",
        "500 V1 says 255",
        "500 V1 says 255",
        "500 V1 announces 5",
        "500 V1 hears lower 254 of 10.0.0.9",
    ]);
    // So does an owner of a lower address; one of a higher address cannot be displaced.
    bench.advert("V1", 1, 255);
    assert_eq!(bench.state("V1"), State::Master);
    bench.forget();
    bench.advert("V1", 9, 255);
    bench.expect(&["500 V1 gives", "500 V1 is Backup: outranked by 10.0.0.9 of 255"]);
    assert_eq!((order(&bench, "V1"), bench.router.effective_priority(InstanceId(0))), (None, Some(100)));
}

#[test]
fn demoted_leaves_it_to_anybody() {
    let mut bench = Bench::of([instance("V1", 51, 200)]);
    bench.make_master("V1");
    bench.event(Event::Demote(InstanceId(0)));
    bench.expect(&["4000 V1 says 0", "4000 V1 gives", "4000 V1 is Backup: operator"]);
    assert_eq!(order(&bench, "V1").as_deref(), Some("demote"));
    // A master of the lowest priority is not displaced.
    for n in 5..15 {
        bench.until(n * 1000).advert("V1", 1, 1);
    }
    // When it is gone, everybody else goes first: skew of priority 1. That ends the order.
    bench.until(18_000).expect_notices(&["17996 V1 is Master: 10.0.0.1 silent for 3996"]);
    assert_eq!(order(&bench, "V1"), None);
}

#[test]
fn a_lonely_master_that_is_demoted_takes_over_again() {
    let mut bench = Bench::of([instance("V1", 51, 200)]);
    bench.make_master("V1");
    bench.event(Event::Demote(InstanceId(0)));
    bench.forget();
    bench.until(8000).expect_notices(&["7996 V1 is Master: nobody spoke for 3996"]);
}

#[test]
fn a_backup_that_is_demoted_does_not_displace() {
    let mut bench = Bench::of([instance("V1", 51, 200)]);
    bench.advert("V1", 1, 100);
    bench.event(Event::Demote(InstanceId(0)));
    for n in 1..10 {
        bench.until(n * 1000).advert("V1", 1, 100);
    }
    assert_eq!(bench.state("V1"), State::Backup);
    bench.event(Event::Promote(InstanceId(0)));
    assert_eq!(bench.state("V1"), State::Master);
    // The other way round: the demotion ends a promotion, with priority 0.
    bench.forget();
    bench.event(Event::Demote(InstanceId(0)));
    bench.expect(&[
        "9000 V1 has priority 200 after 254",
        "9000 V1 says 0",
        "9000 V1 gives",
        "9000 V1 is Backup: operator",
    ]);
}

#[test]
fn groups_obey_as_a_whole() {
    let settings = Settings {
        instances: vec![instance("A", 1, 100), instance("B", 2, 100)],
        groups: vec![group("G", &["A", "B"])],
        ..Settings::default()
    };
    let mut bench = Bench::with(&settings);
    bench.forget();
    bench.event(Event::Promote(InstanceId(1)));
    bench.expect_notices(&[
        "0 A has priority 254 after 100",
        "0 B has priority 254 after 100",
        "0 A is Master: with B",
        "0 B is Master: operator",
        "0 G is Master: operator",
    ]);
    bench.event(Event::Demote(InstanceId(0)));
    bench.expect_notices(&[
        "0 A has priority 100 after 254",
        "0 A is Backup: operator",
        "0 B has priority 100 after 254",
        "0 B is Backup: operator",
        "0 G is Backup: operator",
    ]);
}

#[test]
fn orders_to_who_takes_no_part_have_no_effect() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.fault("V1", LinkFault::Down);
    bench.forget();
    bench.event(Event::Promote(InstanceId(0)));
    bench.event(Event::Demote(InstanceId(0)));
    bench.event(Event::Promote(InstanceId(7)));
    bench.expect(&[]);
    assert_eq!(order(&bench, "V1"), None);
}

#[test]
fn a_fault_ends_a_promotion() {
    let mut bench = Bench::of([instance("V1", 51, 100)]);
    bench.event(Event::Promote(InstanceId(0)));
    bench.fault("V1", LinkFault::Down);
    bench.link("V1");
    assert_eq!((order(&bench, "V1"), bench.router.effective_priority(InstanceId(0))), (None, Some(100)));
}
