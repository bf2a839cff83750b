use super::*;

fn pair() -> Settings {
    Settings {
        instances: vec![instance("A", 1, 100), instance("B", 2, 100)],
        groups: vec![group("G", &["A", "B"])],
        ..Settings::default()
    }
}

#[test]
fn members_become_master_together_or_not_at_all() {
    let mut bench = Bench::with(&pair());
    bench.expect(&["0 G is Backup: started", "0 A is Backup: started", "0 B is Backup: started"]);
    // B hears a master until 10 s; A hears nobody, and waits.
    for n in 0..=10 {
        bench.until(n * 1000).advert("B", 1, 200);
    }
    bench.until(13_600).expect(&[]);
    bench.until(13_700).expect(&[
        "13609 A says 100",
        "13609 B says 100",
        "13609 A takes",
        "13609 A announces 5",
        "13609 A is Master: with B",
        "13609 B takes",
        "13609 B announces 5",
        "13609 B is Master: 10.0.0.1 silent for 3609",
        "13609 G is Master: 10.0.0.1 silent for 3609",
    ]);
}

#[test]
fn a_member_that_wanted_to_be_master_and_hears_one_waits_again() {
    let mut bench = Bench::with(&pair());
    bench.forget();
    bench.until(3000).advert("B", 1, 200);
    // A has wanted it since 3609, but not any more when B's timer ends.
    bench.until(5000).advert("A", 1, 200);
    bench.until(8600).expect(&[]);
    bench.until(8700).expect_notices(&[
        "8609 A is Master: 10.0.0.1 silent for 3609",
        "8609 B is Master: with A",
        "8609 G is Master: 10.0.0.1 silent for 3609",
    ]);
}

#[test]
fn one_that_is_outranked_takes_the_others_along() {
    let mut bench = Bench::with(&pair());
    bench.make_master("A");
    bench.advert("B", 1, 200);
    bench.expect(&[
        "4000 A gives",
        "4000 A is Backup: with B",
        "4000 B gives",
        "4000 B is Backup: outranked by 10.0.0.1 of 200",
        "4000 G is Backup: outranked by 10.0.0.1 of 200",
    ]);
}

#[test]
fn a_fault_of_one_is_a_fault_of_all() {
    let mut bench = Bench::with(&pair());
    bench.make_master("A");
    bench.fault("A", LinkFault::Down);
    // A cannot say anything; B can.
    bench.expect(&[
        "4000 A gives",
        "4000 A is Fault: link Down",
        "4000 B says 0",
        "4000 B gives",
        "4000 B is Fault: with A",
        "4000 G is Fault: link Down",
    ]);
    assert_eq!(bench.router.status(bench.now).instances[1].waits_for, ["sync group G"]);
    bench.fault("B", LinkFault::Down);
    bench.link("A");
    bench.expect(&[]);
    bench.link("B");
    bench.expect(&["4000 A is Backup: recovered", "4000 B is Backup: recovered", "4000 G is Backup: recovered"]);
}

#[test]
fn nobody_begins_before_all_can() {
    let mut bench = Bench::unlinked(&pair(), &[]);
    bench.link("B");
    bench.until(10_000).expect(&[]);
    bench.link("A");
    bench.expect_notices(&["10000 G is Backup: started", "10000 A is Backup: started", "10000 B is Backup: started"]);
}

#[test]
fn owners_begin_as_masters_if_all_members_are_owners() {
    let mut settings = pair();
    settings.instances = vec![instance("A", 1, 255), instance("B", 2, 255)];
    let mut bench = Bench::with(&settings);
    bench.expect_notices(&["0 A is Master: with B", "0 B is Master: started", "0 G is Master: started"]);
    settings.instances = vec![instance("A", 1, 255), instance("B", 2, 100)];
    let mut bench = Bench::with(&settings);
    bench.expect_notices(&["0 G is Backup: started", "0 A is Backup: started", "0 B is Backup: started"]);
}

#[test]
fn all_members_announce_when_one_hears_a_lower_priority() {
    let mut bench = Bench::with(&pair());
    bench.make_master("A");
    bench.advert("A", 1, 50);
    bench.expect(&["4000 A says 100", "4000 A announces 5", "4000 A hears lower 50 of 10.0.0.1", "4000 B announces 5"]);
}

#[test]
fn trackers_of_a_group_bear_on_all_members() {
    let script = Tracker::Script("chk".into());
    let mut settings = pair();
    settings.groups[0].tracks = vec![Track { tracker: script.clone(), weight: 0, reverse: false }];
    let mut bench = Bench::with(&settings);
    bench.until(1000).expect(&[]);
    bench.tracker(&script, Observation::Up);
    bench.forget();
    bench.tracker(&script, Observation::Down);
    bench.expect(&[
        "1000 A is Fault: script chk fails",
        "1000 B is Fault: script chk fails",
        "1000 G is Fault: script chk fails",
    ]);
    assert_eq!(bench.router.status(bench.now).trackers[0].users, ["A", "B"]);

    // With weights.
    settings.groups[0].weights = true;
    settings.groups[0].tracks[0].weight = -10;
    let mut bench = Bench::with(&settings);
    bench.forget();
    bench.tracker(&script, Observation::Down);
    bench.expect(&["0 A has priority 90 after 100", "0 B has priority 90 after 100"]);
}

#[test]
fn a_group_without_weights_takes_those_of_its_members_away() {
    let link = Tracker::Interface("eth1".into());
    let script = Tracker::Script("chk".into());
    let mut settings = pair();
    settings.instances[0].tracks = vec![
        Track { tracker: link.clone(), weight: -10, reverse: false },
        Track { tracker: script.clone(), weight: -10, reverse: false },
    ];
    let mut bench = Bench::with(&settings);
    bench.tracker(&link, Observation::Up);
    bench.forget();
    bench.tracker(&script, Observation::Down);
    bench.expect(&[]);
    bench.tracker(&link, Observation::Down);
    bench.expect_notices(&[
        "0 A is Fault: interface eth1 fails",
        "0 B is Fault: with A",
        "0 G is Fault: interface eth1 fails",
    ]);

    settings.groups[0].weights = true;
    let mut bench = Bench::with(&settings);
    bench.forget();
    bench.tracker(&script, Observation::Down);
    bench.tracker(&link, Observation::Down);
    bench.expect(&["0 A has priority 90 after 100", "0 A has priority 80 after 90"]);
}

#[test]
fn a_member_that_joins_a_master_follows_it_unless_another_master_is_there() {
    let joined = pair();
    let alone = Settings { groups: vec![group("G", &["A"])], instances: vec![instance("A", 1, 100)], ..pair() };
    let mut bench = Bench::with(&alone);
    bench.make_master("A");
    bench.reconfigure(&joined);
    bench.link("B");
    bench.until(7700).expect_notices(&[
        "4000 G is Init: reconfigured",
        "4000 G is Backup: started",
        "4000 B is Backup: started",
        "7609 B is Master: nobody spoke for 3609",
        "7609 G is Master: nobody spoke for 3609",
    ]);

    let mut bench = Bench::with(&alone);
    bench.make_master("A");
    bench.reconfigure(&joined);
    bench.link("B");
    bench.forget();
    bench.advert("B", 1, 200);
    bench.expect(&["4000 A gives", "4000 A is Backup: with B"]);
}
