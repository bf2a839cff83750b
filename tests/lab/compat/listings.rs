//! Listings of random tables.

use super::{assert_same, ours, random, rounds, stock};
use crate::support::{in_netns, run_with_input};

/// Every listing, as lines for `-R`: one process does them all.
const LISTINGS: &[&str] = &[
    "",
    "--stats",
    "--rate",
    "--thresholds",
    "--persistent-conn",
    "--tun-info",
    "--exact",
    "--stats --exact",
    "--rate -X",
    "--stats --rate --thresholds",
    "--persistent-conn --tun-info",
    "--nosort",
    "--nosort --sort --stats",
    "--syncid 3",
    "--timeout",
    "--daemon",
    "-c",
    "-c --persistent-conn",
];

#[test]
fn of_random_tables() {
    in_netns(|| {
        rounds(120, |rng, seed| {
            let table = random::table(rng);
            // The stock program looks each name up for each row: that is most of what this test waits for.
            let numeric = if rng.u8(0..6) > 0 { " -n" } else { "" };
            let mut lines: Vec<String> =
                (0..8).map(|_| format!("-L{numeric} {}", random::choose(rng, LISTINGS))).collect();
            for service in table.iter().filter_map(|line| line.strip_prefix("-A ")) {
                let mut name: Vec<&str> = service.split(' ').take(3).collect();
                name.truncate(if name.get(2) == Some(&"-6") { 3 } else { 2 });
                lines.push(format!("-L{numeric} {} {}", name.join(" "), random::choose(rng, LISTINGS_OF_ONE)));
            }
            // A mark is saved as a negative number by the stock program, and the third flag of sh and mh is not.
            if !table.iter().any(|line| line.contains("-A -f") || line.contains("flag-3")) {
                lines.push(format!("-S{numeric}"));
            }
            let lines = lines.join("\n") + "\n";
            let words = ["-R".to_owned()];
            // The stock program makes the table and lists it, ours lists it.
            let all = format!("-C\n{}\n{lines}", table.join("\n"));
            assert_same(&stock("ipvsadm", &words, &all), &ours("ipvsadm", &words, &lines), &format!("{seed}\n{all}"));
        });
    });
}

const LISTINGS_OF_ONE: &[&str] =
    &["", "--stats", "--rate --exact", "--thresholds", "--persistent-conn --nosort", "--tun-info"];

/// As commands of their own, with the exit status that each has.
#[test]
fn one_by_one() {
    in_netns(|| {
        let table = "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 127.0.0.2:8080 -m\n-A -f 5 -6 -p 30\n";
        run_with_input("ipvsadm -R", table).ok();
        super::compare("");
        for options in LISTINGS {
            super::compare(format!("-ln {options}").as_str());
        }
        for line in ["-S", "-Sn", "-L -t 10.0.0.1:80", "-L -f 5", "-L -f 5 -6 -n", "-L -u 10.0.0.1:80"] {
            super::compare(line);
        }
    });
}
