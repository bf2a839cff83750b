//! Virtual services and their servers.

use std::{collections::HashMap, net::IpAddr};

use super::{Rules, all, last, number, value};
use crate::config::tree::{Finding, Level, Statement, Verdict};

impl Rules {
    pub(super) fn services(&mut self, statements: &[Statement]) {
        let mut services: HashMap<(String, String), u32> = HashMap::new();
        for service in all(statements, "virtual_server") {
            let protocol = value(service, &["protocol"]).map(|word| word.text.to_ascii_uppercase()).unwrap_or_default();
            let name = service.values.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" ");
            if let Some(line) = services.insert((name, protocol), service.keyword.place.line) {
                let message = format!("this virtual_server is in line {line} already");
                self.find(service, Finding::error(&service.keyword.place, message).keepalived(Verdict::Accepts));
            }
            self.service(service);
            self.pool(service);
        }
    }

    fn service(&mut self, service: &Statement) {
        let place = &service.keyword.place;
        let kind = service.values.first().map(|word| &*word.text).unwrap_or_default();
        let protocol = value(service, &["protocol"]);
        if last(service, &["lb_kind", "lvs_method"]).is_none() {
            let finding = Finding::warning(place, "lb_kind is missing, so it is NAT").keepalived(Verdict::Corrects);
            self.find(service, finding.hint("write lb_kind NAT, DR or TUN"));
        }
        if last(service, &["lb_algo", "lvs_sched"]).is_none() {
            let finding = Finding::warning(place, "lb_algo is missing, so it is wlc").keepalived(Verdict::Corrects);
            self.find(service, finding.hint("write lb_algo wlc"));
        }
        match protocol {
            None if kind != "fwmark" => {
                let finding = Finding::error(place, "protocol is missing").keepalived(Verdict::Corrects);
                self.find(service, finding.hint("keepalived takes UDP then; write protocol TCP, UDP or SCTP"));
            }
            Some(word) if kind == "fwmark" => {
                let finding =
                    Finding::warning(&word.place, "a firewall mark has no protocol").keepalived(Verdict::Ignores);
                self.find(service, finding.hint("leave it out"));
            }
            _ => {}
        }
        let persistent =
            last(service, &["persistence_timeout"]).filter(|p| p.values.first().is_none_or(|word| &*word.text != "0"));
        let persistent = persistent.or_else(|| last(service, &["persistence_granularity"]));
        let port = service.values.get(1).is_some_and(|word| &*word.text != "0");
        if kind.parse::<IpAddr>().is_ok() && !port && persistent.is_none() {
            let finding = Finding::error(place, "the port is missing, and the service is not persistent")
                .keepalived(Verdict::Ignores);
            self.find(service, finding.hint("write the port, or persistence_timeout for a service of all ports"));
        }
        if let Some(zero) = value(service, &["persistence_timeout"]).filter(|word| self.strict && &*word.text == "0") {
            let message = "keepalived takes no persistence_timeout of 0, which lvsadm takes for off";
            self.find(service, Finding::warning(&zero.place, message).keepalived(Verdict::Corrects));
        }
        self.scheduler(service);
        if let (Some(ops), Some(word)) =
            (last(service, &["ops"]), protocol.filter(|word| !word.text.eq_ignore_ascii_case("UDP")))
        {
            let message = format!("ops is for UDP, not for {}", word.text);
            self.find(service, Finding::error(&ops.keyword.place, message).keepalived(Verdict::Ignores));
        }
        if let Some(suspend) = last(service, &["ha_suspend"]).filter(|_| kind == "fwmark" || kind == "group") {
            let message = format!("ha_suspend is of no use with {kind}, which has no address");
            self.find(service, Finding::warning(&suspend.keyword.place, message).keepalived(Verdict::Ignores));
        }
    }

    /// Flags belong to a scheduler, and a sorry server stands before what is said of it.
    fn scheduler(&mut self, service: &Statement) {
        let scheduler = value(service, &["lb_algo", "lvs_sched"]).map(|word| &*word.text).unwrap_or_default();
        for flag in service.block.as_deref().unwrap_or_default() {
            let name = &*flag.keyword.text;
            let of = match name {
                "sh-port" | "sh-fallback" => "sh",
                "mh-port" | "mh-fallback" => "mh",
                _ => continue,
            };
            if scheduler != of {
                let message = format!("{name} is of no use with the scheduler {scheduler}");
                self.find(service, Finding::error(&flag.keyword.place, message).keepalived(Verdict::Ignores));
            }
        }
        for of in ["sorry_server_inhibit", "sorry_server_lvs_method"] {
            if let (Some(option), None) = (last(service, &[of]), last(service, &["sorry_server"])) {
                let message = format!("{of} without sorry_server");
                self.find(service, Finding::error(&option.keyword.place, message).keepalived(Verdict::Ignores));
            }
        }
    }

    /// The servers of a service.
    fn pool(&mut self, service: &Statement) {
        let kind = value(service, &["lb_kind", "lvs_method"]).map(|word| &*word.text).unwrap_or("NAT");
        let family =
            service.values.first().and_then(|word| word.text.parse::<IpAddr>().ok()).map(|address| address.is_ipv6());
        let port = service.values.get(1).map(|word| &*word.text).unwrap_or("0");
        let usual = number(service, &["weight"]).unwrap_or(1);
        let mut servers: HashMap<(IpAddr, &str), u32> = HashMap::new();
        let mut sum = 0_i64;
        for server in all(service.block.as_deref().unwrap_or_default(), "real_server") {
            sum += number(server, &["weight"]).unwrap_or(usual);
            let Some((word, address)) =
                server.values.first().and_then(|word| Some((word, word.text.parse::<IpAddr>().ok()?)))
            else {
                continue;
            };
            let own = server.values.get(1).map(|word| &*word.text).unwrap_or(port);
            if let Some(line) = servers.insert((address, own), word.place.line) {
                let message = format!("{} is in line {line} already", server.title());
                self.find(service, Finding::error(&word.place, message).keepalived(Verdict::Ignores));
            }
            let method = value(server, &["lvs_method"]).map_or(kind, |word| &*word.text);
            if family.is_some_and(|six| six != address.is_ipv6()) && method != "TUN" {
                let message = format!("{address} is of another family than the service, which needs lb_kind TUN");
                self.find(service, Finding::error(&word.place, message).keepalived(Verdict::Ignores));
            }
            if let Some(word) = server.values.get(1).filter(|_| method != "NAT" && family.is_some() && own != port) {
                let message = format!("with {method}, packets reach a server on the port of the service, {port}");
                self.find(server, Finding::warning(&word.place, message).keepalived(Verdict::Corrects));
            }
            self.checks(server);
        }
        self.quorum(service, sum);
    }

    fn quorum(&mut self, service: &Statement, sum: i64) {
        let quorum = number(service, &["quorum"]).unwrap_or(1);
        if let Some(word) = value(service, &["quorum"]).filter(|_| quorum > sum) {
            let message = format!("a quorum of {quorum} is more than all servers weigh together, {sum}");
            self.find(
                service,
                Finding { level: Level::Error, ..Finding::error(&word.place, message) }.keepalived(Verdict::Corrects),
            );
        }
        if let Some(word) = value(service, &["hysteresis"])
            && number(service, &["hysteresis"]).is_some_and(|hysteresis| hysteresis >= quorum)
        {
            let message = format!("hysteresis must be less than the quorum, {quorum}");
            self.find(service, Finding::error(&word.place, message).keepalived(Verdict::Corrects));
        }
    }

    fn checks(&mut self, server: &Statement) {
        for check in server.block.as_deref().unwrap_or_default().iter().filter(|statement| statement.block.is_some()) {
            let pages = matches!(&*check.keyword.text, "HTTP_GET" | "SSL_GET");
            if let Some(retry) = last(check, &["nb_get_retry"]).filter(|_| self.strict && !pages) {
                let message =
                    format!("keepalived knows no nb_get_retry in {}, which lvsadm takes for retry", check.keyword.text);
                self.find(check, Finding::error(&retry.keyword.place, message).keepalived(Verdict::Ignores));
            }
            for url in all(check.block.as_deref().unwrap_or_default(), "url").filter(|_| pages) {
                if let (Some(not), None) = (last(url, &["regex_no_match"]), last(url, &["regex"])) {
                    let message = "regex_no_match without regex";
                    self.find(url, Finding::error(&not.keyword.place, message).keepalived(Verdict::Ignores));
                }
            }
        }
    }
}
