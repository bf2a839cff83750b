//! Files → settings → lines of a save file → the same settings.

use std::{net::IpAddr, path::Path, time::Duration};

use super::{AtStop, Built};
use crate::{
    check::settings::{Initial, Question},
    config::{
        Environment,
        convert::save_file,
        load::{Loaded, inspect, of_machine},
        source::Memory,
        tree::Level,
    },
    model::{Checksum, DaemonRole, Forwarding, ServiceKey, Table, Tunnel},
    pool::{
        self,
        settings::{Check, Scope},
    },
    state::{agent_file::AgentFile, grammar::NoNames, set, vrrp::Disk},
    vrrp::settings::{Authentication, Fifo, Initial as Begins, Instance, Preempt, Track, Tracker, Transport, Version},
};

/// The cluster of the LVS guide, as people write it.
const GUIDE: &str = "\
! Configuration File for keepalived
global_defs {
   notification_email {
     ops@example.org
     root@example.org
   }
   notification_email_from lvs@example.org
   smtp_server 192.168.200.1
   smtp_connect_timeout 30
   router_id LVS_01
   vrrp_skip_check_adv_addr
   !vrrp_strict
   vrrp_garp_interval 0
   vrrp_gna_interval 0
   script_user root
   enable_script_security
}
vrrp_instance VI_1 {
    state MASTER
    interface ens33
    virtual_router_id 51
    priority 100
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        192.168.182.100
    }
}
virtual_server 192.168.182.100 80 {
    delay_loop 6
    lb_algo rr
    protocol TCP
    persistence_timeout 0
    real_server 192.168.182.132 80 {
        weight 1
        TCP_CHECK {
            connect_port 80
            connect_timeout 3
            nb_get_retry 3
            delay_before_retry 3
        }
    }
    real_server 192.168.182.133 80 {
        weight 1
        TCP_CHECK {
            connect_port 80
            connect_timeout 3
            nb_get_retry 3
            delay_before_retry 3
        }
    }
}
";

/// Most of what there is. `;` stands for the end of a line.
const MUCH: &str = r#"
global_defs { router_id lb1; notification_email { "Ops Team <ops@example.org>" }; smtp_server 2001:db8::25 587; smtp_alert_vrrp on; no_email_faults
    dynamic_interfaces; default_interface eth7; vrrp_garp_master_delay 3; vrrp_garp_master_refresh 60; vrrp_version 3
    vrrp_startup_delay 1.5; notify_fifo /run/k.fifo root; notify_fifo_script "/bin/cat -u" root; script_user root root
    lvs_timeouts tcp 900 udp 300; lvs_sync_daemon eth1 VI_1 id 7 maxlen 1400 port 8849 ttl 2 group 224.0.0.99
    lvs_flush; lvs_flush_on_stop; vrrp_rt_priority 50; vrrp_cpu_affinity 0 1 }
static_ipaddress { 10.9.9.1/24 brd + }
static_routes { src 10.9.9.1 10.8.0.0/16 gw 10.9.9.2 table 100; 10.7.0.0/16 via 10.9.9.3 or 10.9.9.4 }
static_rules { from 10.9.9.0/24 lookup 100 }
vrrp_script chk { script "/bin/test -e '/a file'"; interval 2; weight -20; rise 2; fall 3; init_fail }
vrrp_track_process web { process nginx -g daemon; quorum 2; quorum_max 9; terminate_delay 0.5; param_match initial; weight 4 reverse }
track_file drain { file /run/drain; weight -1; init_file 5 overwrite }
vrrp_instance VI_1 { state BACKUP; interface eth0; virtual_router_id 51; priority 150; advert_int 0.25; nopreempt
    virtual_ipaddress { 10.9.9.100/24 dev eth0 label eth0:v; 10.9.9.101/24 no_track }
    virtual_ipaddress_excluded { 2001:db8::5/64 }
    virtual_routes { default via 10.9.9.254 metric 5 }
    virtual_rules { from 10.9.9.100 lookup 100 preference 77 }
    unicast_src_ip 10.9.9.1; unicast_peer { 10.9.9.2; 10.9.9.3 min_ttl 250 max_ttl 255 }
    use_vmac vrrp.51; vmac_xmit_base
    track_interface { eth1; eth2 weight 10 }
    track_script { chk }
    track_process { web weight 5 }
    track_file { drain }
    notify_master "/bin/true a 'b c'"; notify /bin/echo root
    garp_master_repeat 2; garp_lower_prio_repeat 0; track_src_ip; no_accept; dont_track_primary; down_timer_adverts 4; smtp_alert off }
vrrp_instance VI_2 { interface eth1; virtual_router_id 52; priority 255; version 2
    auth_hmac { key 3 hex:000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f; active_key 3; mode permissive; anti_replay monotonic }
    virtual_ipaddress { 10.8.8.1 } }
vrrp_instance VI_3 { interface eth1; virtual_router_id 53; strict_mode; preempt_delay 30
    virtual_ipaddress { fe80::53; 2001:db8::53/64 preferred_lft forever } }
vrrp_instance VI_4 { interface eth2; virtual_router_id 54; virtual_ipaddress { 10.1.1.1 }
    track_script { chk weight -30 }
    track_interface { eth3 weight 5 } }
vrrp_sync_group G { group { VI_2; VI_4 }; notify_fault "/bin/false"; smtp_alert }
garp_group { interface eth1; garp_interval 0.5; gna_interval 0.25 }
SSL { certificate /etc/c.pem; key /etc/k.pem }
virtual_server_group WEB { 10.0.0.1-3 80; 10.0.1.0/31 80; fwmark 9 }
virtual_server group WEB { lvs_sched mh; lvs_method DR; protocol TCP; mh-port
    quorum 2; hysteresis 1; quorum_up "/bin/true up"; quorum_down /bin/true; alpha; omega; inhibit_on_failure
    sorry_server 10.0.0.99 80; sorry_server_inhibit; sorry_server_lvs_method TUN type gue port 6080 remcsum; persistence_timeout 100; persistence_granularity 255.255.255.0
    retry 4; delay_before_retry 2.5; warmup 0; virtualhost www.example.org
    real_server 10.0.2.1 80 { weight 3
        HTTP_GET { http_protocol 1.1
            url { path /a; digest 640205b7b0fc66c1ea91c463fac6334d }
            url { path /b?c; status_code 200-201 302; virtualhost b.example.org; regex "ok|fine"; regex_options caseless } }
        notify_up /bin/true }
    real_server 10.0.2.2 80 { inhibit_on_failure off; uthreshold 100; lthreshold 50
        SSL_GET { enable_sni; connect_port 443; connect_timeout 2; url { path / } } }
    real_server 10.0.2.3 80 { SMTP_CHECK { helo_name me; connect_port 2525 }
        DNS_CHECK { name example.org; type MX }
        DNS_CHECK { connect_port 53 } } }
virtual_server 2001:db8::80 53 { lb_algo wrr; lb_kind TUN type gue port 6080 csum; protocol UDP; ops; ha_suspend; delay_loop 2
    sorry_server 2001:db8::99; sorry_server_lvs_method TUN type gre csum
    real_server 10.0.2.9 53 { UDP_CHECK { payload 00ff; require_reply 01x2; min_reply_length 2; max_reply_length 400 }
        PING_CHECK { alpha off; bindto 10.0.0.5; bind_if eth0; fwmark 16 } }
    real_server 2001:db8::9 53 { lvs_method DR
        MISC_CHECK { misc_path "/bin/check -H 2001:db8::9"; misc_timeout 3; misc_dynamic; user nobody }
        FILE_CHECK { track_file drain; weight 3 }
        BFD_CHECK { name b1 }
        smtp_alert off } }
virtual_server fwmark 3 { lb_algo sed; lb_kind NAT; ip_family inet; persistence_timeout
    real_server 10.0.3.1 8080 { TCP_CHECK { connect_timeout 3 } } }
bfd_instance b1 { neighbor_ip 10.0.0.9; source_ip 10.0.0.8; min_rx 50.5; min_tx 20; idle_tx 2000; multiplier 3; passive; ttl 9; max_hops 2; multihop; checker }
"#;

/// Keywords stand in lines of their own.
fn lines(text: &str) -> String {
    text.replace("; ", "\n").replace(" { ", " {\n").replace(" }", "\n}")
}

fn file(text: &str) -> Loaded {
    let path = Path::new("/etc/keepalived/keepalived.conf");
    let files = Memory([(path.to_owned(), text.as_bytes().to_vec())].into());
    let environment = Environment { files: Box::new(files), ..Environment::default() };
    inspect(path, &environment, false).1
}

fn built(text: &str) -> Built {
    let mut loaded = file(text);
    // Who runs commands is settled there.
    of_machine(&mut loaded.built);
    comes_back(&loaded);
    loaded.built
}

fn errors(loaded: &Loaded) -> Vec<String> {
    let errors = loaded.findings.iter().filter(|finding| finding.level == Level::Error);
    errors.map(|finding| format!("{}: {}", finding.place.line, finding.message)).collect()
}

/// What was converted says the same.
fn comes_back(loaded: &Loaded) {
    let text = save_file(Path::new("/etc/keepalived/keepalived.conf"), loaded);
    let configuration = &loaded.built.configuration;
    let file = AgentFile::new(text.as_bytes()).unwrap();
    let parsed = file.vrrp(&Disk).unwrap_or_else(|faults| panic!("{faults:#?}\n{text}"));
    assert_eq!(parsed.settings, configuration.vrrp, "{text}");
    let (lines, saved) = file.checks(&NoNames).unwrap_or_else(|faults| panic!("{faults:#?}\n{text}"));
    let Table { services, timeouts, daemons } = saved.table;
    let operator = &configuration.checks.operator;
    assert_eq!((&timeouts, &daemons), (&operator.timeouts, &operator.daemons), "{text}");
    let expanded = lines.over(Table { services, ..Table::default() }, Scope::All);
    assert!(expanded.faults.is_empty() && expanded.idle.is_empty(), "{expanded:#?}");
    let wanted = pool::settings::Settings {
        operator: Table { services: operator.services.clone(), ..Table::default() },
        ..configuration.checks.clone()
    };
    assert_eq!(in_order(expanded.settings), in_order(wanted), "{text}");
    let own: Vec<(usize, &str)> = text.lines().enumerate().filter(|(_, line)| line.starts_with("set ")).collect();
    let set = set::parse(own.into_iter()).unwrap_or_else(|faults| panic!("{faults:#?}\n{text}"));
    assert_eq!(set.fifos, configuration.global.fifos, "{text}");
    let no_faults = set.mail.is_some_and(|mail| mail.no_faults);
    assert!(no_faults || !loaded.built.configuration.global.mail.no_faults, "{text}");
}

/// The order of lines means nothing.
fn in_order(mut settings: pool::settings::Settings) -> pool::settings::Settings {
    settings.checks.sort_by_cached_key(|check| format!("{check:?}"));
    settings.policies.sort_by_cached_key(|policy| format!("{policy:?}"));
    settings.servers.sort_by_cached_key(|policy| format!("{policy:?}"));
    settings
}

fn instance<'a>(built: &'a Built, name: &str) -> &'a Instance {
    built.configuration.vrrp.instances.iter().find(|instance| instance.name == name).expect(name)
}

fn checks_of<'a>(built: &'a Built, server: &str) -> Vec<&'a Check> {
    let server: IpAddr = server.parse().unwrap();
    built.configuration.checks.checks.iter().filter(|check| check.server.address == server).collect()
}

#[test]
fn the_guide_s_file_works_as_people_write_it() {
    let loaded = file(GUIDE);
    assert_eq!(errors(&loaded), [""; 0]);
    let texts: Vec<_> = loaded.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert!(texts.iter().any(|text| text.contains("lb_kind")), "a missing lb_kind is warned about: {texts:#?}");
    let built = built(GUIDE);
    let router = instance(&built, "VI_1");
    assert_eq!((router.priority.get(), router.initial, router.version), (100, Begins::Master, Version::V2));
    assert!(matches!(&router.authentication, Authentication::Pass(secret) if secret.bytes() == b"1111"));
    assert!(router.announce.arp_interval.is_zero() && router.skip_address_check && router.accept);
    let (key, entry) = built.configuration.checks.operator.services.first().unwrap();
    assert_eq!((key.to_string().as_str(), entry.servers.len()), ("TCP 192.168.182.100:80", 2));
    assert_eq!((entry.service.scheduler.as_str(), entry.service.persistence), ("rr", None));
    assert_eq!(entry.servers[0].forwarding, Forwarding::Masquerade);
    let [check] = checks_of(&built, "192.168.182.133")[..] else { panic!() };
    assert_eq!((check.schedule.retry, check.schedule.initial), (3, Initial::Up));
    assert_eq!((check.schedule.interval, check.probe.deadline), (Duration::from_secs(6), Duration::from_secs(3)));
    assert_eq!(built.configuration.global.mail.to.len(), 2);
}

#[test]
fn much_of_everything_comes_back() {
    let loaded = file(&lines(MUCH));
    assert_eq!(errors(&loaded), [""; 0]);
    let built = built(&lines(MUCH));
    let settings = &built.configuration.vrrp;
    let one = instance(&built, "VI_1");
    assert_eq!((one.interval, one.version, one.preempt), (Duration::from_millis(250), Version::V3, Preempt::Never));
    assert_eq!((one.announce.delay, one.announce.repeat, one.announce.lower_repeat), (Duration::from_secs(3), 2, 0));
    let Transport::Unicast { peers, check_source: true, .. } = &one.transport else { panic!("{:?}", one.transport) };
    assert_eq!((peers.len(), peers[1].ttl), (2, Some((250, 255))));
    let script = Track { tracker: Tracker::Script("chk".to_owned()), weight: -20, reverse: false };
    assert!(one.tracks.contains(&script) && one.tracks.len() == 5, "{:?}", one.tracks);
    assert_eq!(one.notify.master.as_ref().map(|command| command.words.len()), Some(3));
    assert!(!one.accept && !one.track_primary && one.track_source && one.down_timer_adverts == 4);
    assert_eq!(instance(&built, "VI_2").initial, Begins::Master, "the owner");
    assert!(instance(&built, "VI_3").strict && instance(&built, "VI_3").preempt == Preempt::After(Duration::ZERO));
    assert_eq!(instance(&built, "VI_4").tracks.len(), 1, "scripts with weights part the members of a group");
    assert_eq!(instance(&built, "VI_2").announce.arp_interval, Duration::from_millis(500));
    assert_eq!(settings.statics.addresses[0].device.as_deref(), Some("eth7"));
    assert_eq!((settings.statics.routes.len(), settings.statics.rules.len()), (2, 1));
    let all = &built.configuration.global.fifos[0];
    let reader = all.reader.as_ref().map(|reader| (reader.words.len(), reader.user.is_some()));
    assert_eq!((reader, all.owner.is_some()), (Some((2, true)), true));
    assert_eq!(settings.fifos, [Fifo { reader: None, ..all.clone() }], "both write to it");
    let follower = settings.sync.as_ref().unwrap();
    assert_eq!((follower.instance.as_str(), follower.daemon.sync_id, follower.daemon.ttl), ("VI_1", 7, Some(2)));

    let table = &built.configuration.checks.operator;
    assert_eq!(table.services.len(), 3 + 2 + 1 + 2, "each address of a group is a service");
    let mark = ServiceKey::Mark { mark: 9, family: crate::model::Family::V4 };
    assert_eq!(table.services[&mark].servers[0].key.port, 0);
    assert_eq!(checks_of(&built, "10.0.2.1")[0].probe.target.port(), 80, "the check has the port that is written");
    let policies = &built.configuration.checks.policies;
    let commands = policies.iter().filter(|policy| policy.quorum_up.is_some()).count();
    assert_eq!((policies.len(), commands), (8, 1), "the commands of a group run once");
    let sorry = policies.iter().filter_map(|policy| policy.sorry).map(|sorry| sorry.forwarding);
    let gue = Forwarding::Tunnel(Tunnel::Gue { port: 6080, checksum: Checksum::Remote });
    let gre = Forwarding::Tunnel(Tunnel::Gre { checksum: Checksum::Full });
    assert_eq!(sorry.collect::<Vec<_>>(), [gue, gue, gue, gue, gue, gue, gre]);
    let https = checks_of(&built, "10.0.2.2")[0];
    let Question::Http(http) = &https.probe.question else { panic!() };
    let tls = http.tls.as_ref().unwrap();
    assert_eq!(
        (tls.name.as_deref(), tls.identity.is_some(), https.schedule.initial),
        (Some("www.example.org"), true, Initial::Down)
    );
    assert_eq!(checks_of(&built, "10.0.2.3").len(), 3 * 6);
    let global = &built.configuration.global;
    assert_eq!((global.flush, global.at_stop, global.vrrp.real_time), (true, AtStop::Flush, Some(50)));
    assert_eq!(global.mail.single.len(), 3, "{:?}", global.mail.single);
}

#[test]
fn sync_daemons_without_an_instance_run_all_the_time() {
    let built = built("global_defs {\n lvs_sync_daemon eth1 id 3\n}\n");
    let daemons = &built.configuration.checks.operator.daemons;
    assert_eq!(daemons.iter().map(|daemon| daemon.role).collect::<Vec<_>>(), [DaemonRole::Master, DaemonRole::Backup]);
    assert_eq!(daemons[0].sync_id, 3);
}

#[test]
fn what_cannot_be_done_is_said() {
    let cases = [
        ("vrrp_instance A {\n interface eth0\n}\n", "virtual_router_id"),
        (
            "vrrp_instance A {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 10.0.0.1\n ::1:2\n }\n}\n",
            "family",
        ),
        (
            "vrrp_instance A {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 10.0.0.1\n }\n track_script {\n x\n }\n}\n",
            "x",
        ),
        ("virtual_server 10.0.0.1 80 {\n lb_algo rr\n lb_kind DR\n protocol TCP\n}\n", "real_server"),
        ("virtual_server group X {\n lb_algo rr\n lb_kind DR\n protocol TCP\n real_server 10.0.0.2 80 {\n }\n}\n", "X"),
        (
            "virtual_server 10.0.0.1 80 {\n lb_algo rr\n lb_kind DR\n protocol TCP\n real_server ::2 80 {\n }\n}\n",
            "family",
        ),
        (
            "virtual_server 10.0.0.1 80 {\n lb_algo rr\n lb_kind DR\n protocol TCP\n real_server 10.0.0.2 80 {\n HTTP_GET {\n }\n }\n}\n",
            "url",
        ),
    ];
    for (text, word) in cases {
        let errors = errors(&file(text));
        assert!(errors.iter().any(|error| error.contains(word)), "{text}: {errors:#?}");
    }
}
