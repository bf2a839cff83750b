use proptest::prelude::*;

use super::*;
use crate::{
    model::{Checksum, Forwarding, Tunnel, Weight},
    pool::settings::{AtStart, Scope},
    state::{check::Subjects, file, grammar::NoNames},
};

const TABLE: &str = "\
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.0.0.11:80 -g -w 1
-a -t 10.0.0.1:80 -r 10.0.0.12:8080 -m -w 2
-A -f 5 -s rr
-a -f 5 -r 10.0.0.11:0 -g -w 1
";

fn table() -> Table {
    file::parse(TABLE.as_bytes(), &NoNames).unwrap().table
}

fn parse(text: &str) -> Result<Lines, Vec<(usize, usize, String)>> {
    let faults =
        |faults: Vec<Fault>| faults.into_iter().map(|fault| (fault.line, fault.column, fault.message)).collect();
    Lines::parse(text.lines().zip(1..).map(|(line, number)| (number, line)), None).map_err(faults)
}

fn targets(expanded: &Expanded) -> Vec<String> {
    expanded.settings.checks.iter().map(|check| format!("{} {}", check.server, check.probe.target)).collect()
}

#[test]
fn a_line_without_a_server_is_about_all_that_have_none_of_their_own() {
    let lines = parse(
        "check add -t 10.0.0.1:80 tcp --interval 2s\n\
         check add -t 10.0.0.1:80 -r 10.0.0.12:8080 tcp --connect :81\n\
         check add -t 10.0.0.1:80 http --path /a --as a\n\
         lvsadm check add -t 10.0.0.1:80 -r 10.0.0.99 script -- /bin/x --y",
    )
    .unwrap();
    let expanded = lines.over(table(), Scope::All);
    assert_eq!(
        targets(&expanded),
        [
            "10.0.0.11:80 10.0.0.11:80",
            "10.0.0.12:8080 10.0.0.12:81",
            "10.0.0.11:80 10.0.0.11:80",
            "10.0.0.12:8080 10.0.0.12:8080",
            "10.0.0.99:80 0.0.0.0:0"
        ]
    );
    let all: Vec<_> = table().services.keys().map(|key| lines.stand_for_all(key)).collect();
    assert!(all.contains(&true), "{all:?}");
    assert!(expanded.idle.is_empty() && expanded.faults.is_empty());
    let none = lines.over(Table::default(), Scope::All);
    assert_eq!((none.idle.len(), none.settings.checks.len()), (2, 2));
}

#[test]
fn a_server_without_a_port_needs_one_for_its_check() {
    let expanded =
        parse("check add -f 5 tcp\ncheck add -f 5 dns\ncheck add -f 5 ping").unwrap().over(table(), Scope::All);
    assert_eq!(targets(&expanded), ["10.0.0.11:0 10.0.0.11:53", "10.0.0.11:0 10.0.0.11:0"]);
    assert_eq!((expanded.faults.len(), expanded.faults[0].line), (1, 1), "{:?}", expanded.faults);
    assert!(parse("check add -f 5 -r 10.0.0.11 tcp").is_err());
    assert!(parse("check add -f 5 -r 10.0.0.11 tcp --connect :80").is_ok());
}

#[test]
fn services_and_servers() {
    let lines = parse(
        "check set -t 10.0.0.1:80 --quorum 2 --hysteresis 1 --sorry-server 10.0.0.9 -m --inhibit --at-start servers --notify-up /bin/up --weight-max 9\n\
         check set -t 10.0.0.1:80 -r 10.0.0.11 --no-inhibit --notify-down 'alice@/bin/down x' --weight-min 3",
    )
    .unwrap();
    let settings = lines.over(table(), Scope::All).settings;
    let policy = &settings.policies[0];
    assert_eq!((policy.quorum, policy.hysteresis, policy.inhibit, policy.at_start), (2, 1, true, AtStart::Servers));
    let printed = crate::state::check::lines(&settings).join("\n");
    assert_eq!(parse(&printed).unwrap().over(table(), Scope::All).settings.policies, settings.policies, "{printed}");
    assert_eq!(policy.sorry.map(|sorry| sorry.key.to_string()), Some("10.0.0.9:80".to_owned()));
    let weights = |least, most| Some((Weight::new(least).unwrap(), most));
    let [first, second] = settings.servers.as_slice() else { panic!("{:?}", settings.servers) };
    assert_eq!((first.inhibit, first.weights), (Some(false), weights(3, Weight::new(9).unwrap())));
    assert_eq!((second.inhibit, second.weights), (None, weights(0, Weight::new(9).unwrap())));
    assert!(first.up.is_some() && first.down.is_some() && second.up.is_some() && second.down.is_none());
}

#[test]
fn sorry_servers_behind_tunnels() {
    let start = "check set -t 10.0.0.1:80 --sorry-server 10.0.0.9";
    let forwarding = |options: &str| {
        let lines = parse(&format!("{start} {options}")).unwrap_or_else(|faults| panic!("{faults:?}"));
        let settings = lines.over(table(), Scope::All).settings;
        let printed = crate::state::check::lines(&settings).join("\n");
        let again =
            parse(&printed).unwrap_or_else(|faults| panic!("{printed}: {faults:?}")).over(table(), Scope::All).settings;
        assert_eq!(again.policies, settings.policies, "{printed}");
        settings.policies[0].sorry.map(|sorry| sorry.forwarding)
    };
    for (options, tunnel) in [
        ("-i", Tunnel::Ipip),
        ("-i --tun-type gre", Tunnel::Gre { checksum: Checksum::None }),
        ("-i --tun-type gre --tun-csum", Tunnel::Gre { checksum: Checksum::Full }),
        ("-i --tun-type gue --tun-port 6080", Tunnel::Gue { port: 6080, checksum: Checksum::None }),
        ("-i --tun-type gue --tun-port 9 --tun-remcsum", Tunnel::Gue { port: 9, checksum: Checksum::Remote }),
    ] {
        assert_eq!(forwarding(options), Some(Forwarding::Tunnel(tunnel)), "{options}");
    }
    for wrong in [
        "--tun-type gre",
        "-m --tun-port 9",
        "-i --tun-port 9",
        "-i --tun-csum",
        "-i --tun-type gue",
        "-i --tun-type gue --tun-port 0",
        "-i --tun-type gre --tun-remcsum",
        "-i --tun-type vxlan",
    ] {
        assert!(parse(&format!("{start} {wrong}")).is_err_and(|faults| faults.len() == 1), "{wrong}");
    }
    // Another way there takes what was said of the tunnel along.
    let given = |line: &str| Subjects::new().of(line).unwrap();
    let (subject, mut old) = given(&format!("{start} -i --tun-type gue --tun-port 9 --quorum 2"));
    old.merge(given("check set -t 10.0.0.1:80 -m").1);
    assert_eq!(old.line(&subject), "check set -t 10.0.0.1:80 --quorum 2 --sorry-server 10.0.0.9 -m");
}

#[test]
fn all_faults_have_their_places() {
    let faults = parse(
        "check add -t 10.0.0.1:80 http --digest abc --match '(' --status 20\n\
         check add -t 10.0.0.1:80 icmp\n\
         check add tcp\n\
         check add -t www:80 tcp --bogus\n\
         check add -t 10.0.0.1:80 tcp\n\
         check add -t 10.0.0.1:80 tcp --retry 3\n\
         check set -t 10.0.0.1:80 -r 10.0.0.11 --quorum 3 --weight-min 3 --weight-max 2\n\
         check frob\n\
         check add 'x",
    )
    .unwrap_err();
    let places: Vec<_> = faults.iter().map(|(line, column, _)| (*line, *column)).collect();
    assert_eq!(
        places,
        [(1, 56), (1, 31), (1, 44), (2, 26), (3, 7), (4, 25), (6, 7), (7, 39), (7, 65), (8, 7), (9, 11)],
        "{faults:#?}"
    );
}

fn words() -> impl Strategy<Value = Vec<String>> {
    let options = [
        "--interval=2s",
        "--interval=500ms",
        "--retry=3",
        "--fall=2",
        "--rise=2",
        "--timeout=1s",
        "--connect=:81",
        "--source=10.0.0.9",
        "--mark=7",
        "--as=b",
        "--through-vip",
        "--log-all-failures",
        "--initial=up",
        "--path=/a b",
        "--host=www.example.org",
        "--header=X: it's",
        "--header=Y:#z",
        "--match=a|b \"c\"",
        "--tls",
        "--verify",
        "--status=200-299,301",
        "--name=example.org",
        "--type=A",
        "--payload=00ff",
        "--expect=0x",
        "--reply",
        "--send=a\\n",
        "--helo=x",
        "--dynamic",
        "--user=nobody",
        "--weight=-3",
    ];
    let start =
        prop::sample::select(vec!["-t 10.0.0.1:80", "-t [2001:db8::1]:443 -r 2001:db8::11", "-f 9 -r 10.0.0.1:80"]);
    let kinds = vec!["tcp", "http", "smtp", "dns", "udp", "ping", "agent", "script", "file"];
    (start, prop::sample::select(kinds), prop::sample::subsequence(options.to_vec(), 0..6)).prop_map(
        |(start, kind, options)| {
            let mut words: Vec<String> =
                ["check", "add"].into_iter().chain(start.split(' ')).map(str::to_owned).collect();
            words.push(kind.to_owned());
            words.extend(options.into_iter().map(str::to_owned));
            match kind {
                "script" => words.extend(["--", "/bin/x", "--interval", "it's"].map(str::to_owned)),
                "file" => words.push("/run/a b".to_owned()),
                _ => {}
            }
            words
        },
    )
}

proptest! {
    #[test]
    fn what_is_printed_says_the_same(words in words()) {
        let typed: Vec<_> = words.iter().map(|word| crate::state::print::quoted(word).into_owned()).collect();
        let typed = typed.join(" ");
        if let Some((subject, given)) = Subjects::new().of(&typed) {
            let printed = given.line(&subject);
            let again = Subjects::new().of(&printed);
            prop_assert_eq!(again, Some((subject, given)), "{}", printed);
            let checks = |line: &str| parse(line).map(|lines| lines.over(table(), Scope::All).settings);
            prop_assert_eq!(checks(&typed).ok(), checks(&printed).ok(), "{}", printed);
        }
    }

    #[test]
    fn any_line_is_read_or_refused(line in "check (add|set) (-t 10.0.0.1:80 )?\\PC*") {
        let _ = parse(&line);
    }
}

#[test]
fn lines_that_were_read_before_are_taken_over() {
    let lines = |text: &str, before: Option<&Lines>| {
        Lines::parse(text.lines().zip(1..).map(|(line, number)| (number, line)), before)
    };
    let old = lines("check add -t 10.0.0.1:80 tcp --interval 2s\ncheck set -t 10.0.0.1:80 --quorum 2", None).unwrap();
    let text = "check set -t 10.0.0.1:80 --quorum 2\ncheck add -f 5 tcp\ncheck add -t 10.0.0.1:80 tcp --interval 2s";
    let (new, fresh) = (lines(text, Some(&old)).unwrap(), lines(text, None).unwrap());
    let (new, fresh) = (new.over(table(), Scope::All), fresh.over(table(), Scope::All));
    assert_eq!((&new.settings, &new.faults), (&fresh.settings, &fresh.faults), "with their new numbers");
    let twice = "check add -t 10.0.0.1:80 tcp --interval 2s\ncheck add -t 10.0.0.1:80 tcp --interval 2s";
    assert!(lines(twice, Some(&old)).is_err_and(|faults| faults.len() == 1 && faults[0].line == 2));
}

#[test]
fn lines_that_say_something_else_are_found() {
    let lines = |text: &str, before: Option<&Lines>| Lines::parse((1..).zip(text.lines()), before).unwrap();
    let old = "check add -t 10.0.0.1:80 tcp\ncheck add -f 5 tcp\ncheck set -f 5 --quorum 2";
    let before = lines(old, None);
    let differ = |text: &str| {
        let services = lines(text, Some(&before)).differ_from(&before);
        let mut services: Vec<_> = services.iter().map(ToString::to_string).collect();
        services.sort_unstable();
        services
    };
    assert_eq!(differ(old), [""; 0]);
    assert_eq!(differ("check set -f 5 --quorum 2\ncheck add -f 5 tcp\ncheck add -t 10.0.0.1:80 tcp"), [""; 0]);
    assert_eq!(differ(&old.replace("tcp\n", "tcp --retry 1\n")), ["FWM 5", "TCP 10.0.0.1:80"]);
    assert_eq!(differ(&old.replace("quorum 2", "quorum 3")), ["FWM 5"]);
    assert_eq!(
        differ("check add -f 5 tcp\ncheck set -f 5 --quorum 2\ncheck add -f 6 tcp"),
        ["FWM 6", "TCP 10.0.0.1:80"]
    );
}

#[test]
fn some_services_are_as_among_all() {
    let lines = parse(
        "check add -t 10.0.0.1:80 tcp\ncheck add -f 5 dns\ncheck set -f 5 --quorum 2\n\
         check set -t 10.0.0.1:80 -r 10.0.0.11 --inhibit\ncheck add -t 10.0.0.9:80 tcp",
    )
    .unwrap();
    let all = lines.over(table(), Scope::All);
    let mut operator = table();
    let keys: Vec<_> = operator.services.keys().copied().collect();
    operator.services.retain(|key, _| *key == keys[0]);
    let some = lines.over(operator, Scope::Only([keys[0]].into()));
    let first = |check: &&Check| check.service == keys[0];
    assert!(some.settings.checks.iter().eq(all.settings.checks.iter().filter(first)));
    assert_eq!((some.settings.servers.len(), some.settings.policies.len(), some.idle.len()), (1, 0, 0));
    assert_eq!((all.settings.policies.len(), all.idle.len()), (1, 1));
}
