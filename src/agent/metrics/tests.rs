//! The text for made-up sources; `tests/native` has promtool judge it.

use std::collections::HashSet;

use super::*;
use crate::{
    agent::supervisor::status::ProcessStatus,
    bfd::{
        packet::State,
        status::{Measured, Negotiated, SessionStatus},
    },
    check::durations::BOUNDS_US,
    model::{
        Family, Forwarding, RealServer, ServerKey, ServiceKey, SnapshotServer, SnapshotService, Stats, Thresholds,
        VirtualService, Weight,
    },
    pool::status::{CheckStatus, DurationsStatus, ServerStatus, ServiceStatus},
};

fn sources(per: Per) -> Sources {
    let server = |last: u8| SnapshotServer {
        server: RealServer {
            key: ServerKey { address: [10, 0, 0, last].into(), port: 80 },
            forwarding: Forwarding::Route,
            weight: Weight::default(),
            thresholds: Thresholds::default(),
        },
        status: crate::model::ServerStatus {
            active: 3,
            stats: Some(Stats { connections: 5, ..Stats::default() }),
            ..Default::default()
        },
    };
    let service = |mark| SnapshotService {
        service: VirtualService::new(ServiceKey::Mark { mark, family: Family::V4 }),
        stats: Some(Stats { connections: 10, in_bytes: u64::MAX, ..Stats::default() }),
        servers: vec![server(5), server(6)],
    };
    let check = |probe: &str| CheckStatus {
        probe: probe.to_owned(),
        through_vip: false,
        state: "up".to_owned(),
        since_ms: 0,
        last: None,
        latency: None,
        durations: Some(DurationsStatus { counts: vec![1; BOUNDS_US.len() + 1], sum_us: 1_500_000 }),
        failures: Vec::new(),
        probes: 12,
        failed: 2,
        unknown: 1,
        next_ms: None,
    };
    let checked = |server: &str, state: &str| -> ServerStatus {
        serde_json::from_value(serde_json::json!({
            "server": server, "state": state, "since_ms": 5000, "operator_weight": 1, "weight": 1,
            "checks": [check("tcp \"x\""), check("http")],
        }))
        .expect("a server")
    };
    let pool: ServiceStatus = serde_json::from_value(serde_json::json!({
        "service": "FWM 1", "quorum": true, "since_ms": 0, "weight": 2, "needed": 1, "hysteresis": 0, "sorry": "10.0.0.9:80",
        "sorry_active": false, "suspended": false,
        "servers": [checked("10.0.0.5:80", "up"), checked("10.0.0.6:80", "down"), checked("10.0.0.7:80", "untested")],
    }))
    .expect("a service");
    let process = |name: &str| ProcessStatus {
        name: name.to_owned(),
        state: "ready".to_owned(),
        pid: Some(5),
        since_ms: Some(1),
        restarts: 2,
        starts_in_ms: None,
        last_end: None,
    };
    let vrrp = serde_json::json!({
        "instances": [{
            "name": "VI_1", "interface": "eth0", "vrid": 1, "version": 2, "family": "ipv4", "state": "master", "since_ms": 99_000,
            "transitions": [], "base_priority": 100, "priority": 120, "interval_ms": 1000, "source": null, "group": null,
            "order": null, "addresses": [], "peers": [], "timer_ms": null, "waits_for": [],
            "counters": {
                "sent": 9, "received": 8, "became_master": 1, "released_master": 0, "zero_sent": 0, "zero_received": 0,
                "lower_received": 0, "paused": 0, "addresses_differ": 0, "rejected": { "checksum": 4 },
            },
        }],
        "groups": [],
        "trackers": [{ "tracker": "file x", "observation": { "value": -3 }, "since_ms": 0, "users": [] }],
        "lateness": { "timers": 10, "worst_us": 2000, "total_us": 5000, "over": [3, 1, 0, 0] },
    });
    Sources {
        kernel: Some(Snapshot { services: vec![service(1), service(2)] }),
        check: Some(pool::status::Status { services: vec![pool], ..Default::default() }),
        vrrp: Some(serde_json::from_value(vrrp).expect("a VRRP process")),
        bfd: Some(bfd::status::Status {
            sessions: vec![
                SessionStatus {
                    name: "gw".to_owned(),
                    state: State::Up,
                    changes: 3,
                    negotiated: Some(Negotiated { transmit_us: 50_000, detection_us: 150_000 }),
                    measured: Some(Measured::default()),
                    ..SessionStatus::default()
                },
                SessionStatus { name: "far".to_owned(), ..SessionStatus::default() },
            ],
            ..Default::default()
        }),
        agent: Some(Status {
            pid: 1,
            version: "1".to_owned(),
            phase: "running".to_owned(),
            since_ms: 5000,
            run_dir: String::new(),
            file: String::new(),
            revision: 7,
            saved: true,
            autosave: false,
            processes: vec![process("vrrp"), process("check")],
        }),
        told: Some(Told { mail: Some(MailStatus::default()), fifo_lines_lost: Some(1), ..Told::default() }),
        per,
    }
}

/// Passes if each family is there once, with its samples below its head, and no series twice.
fn check(text: &str) {
    let (mut families, mut series, mut family) = (HashSet::new(), HashSet::new(), "");
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("# HELP ").and_then(|rest| rest.split(' ').next()) {
            assert!(families.insert(name), "{name} is there twice");
            family = name;
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').expect("a sample");
            assert!(name.starts_with(family), "{name} below {family}");
            assert!(series.insert(name), "{name} is there twice");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    assert!(text.ends_with('\n') && families.len() > 20);
}

#[test]
fn each_choice_is_sound_and_smaller_than_the_finer_one() {
    let [fine, coarse, sums] = [Per::Server, Per::Service, Per::Nothing].map(|per| text(&sources(per)));
    for text in [&fine, &coarse, &sums] {
        check(text);
    }
    for line in [
        "lvsadm_service_connections_total{service=\"FWM 2\"} 10",
        "lvsadm_service_in_bytes_total{service=\"FWM 1\"} 18446744073709551615",
        "lvsadm_server_active_connections{service=\"FWM 1\",server=\"10.0.0.6:80\"} 3",
        "lvsadm_server_up{service=\"FWM 1\",server=\"10.0.0.6:80\"} 0",
        "lvsadm_check_duration_seconds_count{service=\"FWM 1\",server=\"10.0.0.5:80\",check=\"tcp \\\"x\\\"\"} 12",
        "lvsadm_checked_servers{service=\"FWM 1\",state=\"untested\"} 1",
        "lvsadm_vrrp_state{instance=\"VI_1\",state=\"master\"} 1",
        "lvsadm_vrrp_state{instance=\"VI_1\",state=\"backup\"} 0",
        "lvsadm_vrrp_adverts_rejected_total{instance=\"VI_1\",reason=\"checksum\"} 4",
        "lvsadm_bfd_state{session=\"gw\",state=\"up\"} 1",
        "lvsadm_bfd_state{session=\"far\",state=\"up\"} 0",
        "lvsadm_bfd_changes_total{session=\"gw\"} 3",
        "lvsadm_bfd_detection_time_seconds{session=\"gw\"} 0.15",
        "lvsadm_vrrp_tracker{tracker=\"file x\"} -3",
        "lvsadm_vrrp_timer_lateness_seconds_bucket{le=\"0.01\"} 9",
        "lvsadm_process_restarts_total{process=\"check\"} 2",
        "lvsadm_source_up{source=\"kernel\"} 1",
    ] {
        assert!(fine.lines().any(|other| other == line), "{line} is missing in\n{fine}");
    }
    assert!(
        !fine.lines().any(|line| line.starts_with("lvsadm_server_up") && line.contains("10.0.0.7")),
        "nobody knows"
    );
    assert!(!coarse.contains("server=") && coarse.contains("lvsadm_service_active_connections{service=\"FWM 1\"} 6"));
    assert!(coarse.contains("lvsadm_check_duration_seconds_count{service=\"FWM 1\"} 72"));
    assert!(!sums.contains("service=") && sums.contains("lvsadm_all_servers_active_connections 12"));
    assert!(sums.contains("lvsadm_check_answers_total 72\n"));
    assert!(fine.len() > coarse.len() && coarse.len() > sums.len());
}

#[test]
fn what_is_not_known_is_not_said() {
    let nothing = text(&Sources::default());
    assert!(nothing.contains("lvsadm_source_up{source=\"check\"} 0"));
    assert!(!nothing.contains("lvsadm_services"));
}
