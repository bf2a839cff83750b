//! What the kernel does with a packet, one step a line.

use super::{Labels, clean_line, duration, forwarding_word, server_label, service_label, words::tunnel_words};
use crate::{
    cli::explain::{Candidate, Decision, Explanation, Known, matching::Why, way::Way},
    host::lookup::Neighbour,
    ipvs::predict::Choice,
    model::{Forwarding, Protocol, ServerKey},
};

/// Returns the steps.
pub(in crate::cli) fn explanation(it: &Explanation, labels: &dyn Labels) -> String {
    let mut page = Page { text: String::new(), labels, protocol: Some(it.question.protocol) };
    page.packet(it);
    page.connection(it);
    page.service(it);
    page.decision(it);
    for candidate in &it.candidates {
        page.candidate(candidate, it.candidates.len() > 1);
    }
    page.text
}

struct Page<'a> {
    text: String,
    labels: &'a dyn Labels,
    protocol: Option<Protocol>,
}

impl Page<'_> {
    fn say(&mut self, step: &str, what: impl std::fmt::Display) {
        self.text += &format!("{step:<12}{what}\n");
    }

    fn server(&self, key: &ServerKey) -> String {
        server_label(key, self.protocol, self.labels)
    }

    fn packet(&mut self, it: &Explanation) {
        let question = &it.question;
        let client = match question.client_port {
            Some(port) => server_label(&ServerKey { address: question.client, port }, self.protocol, self.labels),
            None => clean_line(&self.labels.address(question.client)),
        };
        let to = self.server(&ServerKey { address: question.to.ip(), port: question.to.port() });
        self.say("packet", format_args!("{} {client} to {to}", question.protocol));
        match &it.link {
            Some(link) => self.say("address", format_args!("{} is on {}", question.to.ip(), clean_line(link))),
            None => self.say(
                "address",
                format_args!(
                    "{} is not on this host: packets for it come here only if they are routed here",
                    question.to.ip()
                ),
            ),
        }
        if it.mark_is_said {
            self.say("mark", question.mark);
        } else if let Some(rules) = &it.rules {
            self.say("mark", "none, unless a rule of the firewall sets one: --mark says which");
            for rule in &rules.found {
                self.say("", rule);
            }
            if rules.more > 0 {
                self.say("", format_args!("and {} more rules", rules.more));
            }
            if rules.asked.is_empty() {
                self.say("", "neither nft nor iptables-save could be asked for rules");
            } else if rules.found.is_empty() {
                self.say("", format_args!("{} show no rule that sets a mark", rules.asked.join(", ")));
            }
        }
    }

    fn connection(&mut self, it: &Explanation) {
        let known = |each: &Known| {
            let left = duration(each.expires.into());
            format!("{} to {}, {}, forgotten in {left}", each.client, each.server, clean_line(&each.state))
        };
        match (it.connections.as_slice(), it.question.client_port) {
            ([], _) => self.say("connection", "none is known"),
            (some, port) => {
                for (number, each) in some.iter().take(3).enumerate() {
                    self.say(if number == 0 { "connection" } else { "" }, known(each));
                }
                if some.len() > 3 {
                    self.say("", format_args!("and {} more", some.len() - 3));
                }
                if port.is_none() {
                    self.say("", "these go on; what follows is about a new one");
                }
            }
        }
    }

    fn service(&mut self, it: &Explanation) {
        let Some((service, why)) = &it.service else {
            self.say("service", "none takes the packet, so IPVS leaves it alone");
            if !it.others.is_empty() {
                let others: Vec<_> = it.others.iter().take(5).map(|key| service_label(key, self.labels)).collect();
                let more = if it.others.len() > 5 { " …" } else { "" };
                self.say("", format_args!("this address has {}{more}", others.join(", ")));
            }
            return;
        };
        let why = match (why, service.service.key) {
            (Why::Mark, _) => "by the packet's mark, before any address",
            (Why::Exact, _) => "by address and port",
            (Why::Ftp, _) => "as data of FTP: no service has this port, and the address has one for port 21",
            (Why::AllPorts, _) => "by address: port 0 takes all ports that have no service of their own",
        };
        self.say("service", format_args!("{}, {why}", service_label(&service.service.key, self.labels)));
        if let Some(persistence) = service.service.persistence {
            let time = duration(persistence.timeout.into());
            let mask = if persistence.netmask.is_host() {
                String::new()
            } else {
                format!(", by mask {}", persistence.netmask)
            };
            match (&it.template, it.template_is_void) {
                (None, _) => self.say("remembered", format_args!("nothing of this client (persistence {time}{mask})")),
                (Some(template), false) => {
                    let left = duration(template.expires.into());
                    self.say(
                        "remembered",
                        format_args!("server {}, for {left} (persistence {time}{mask})", template.server),
                    );
                }
                (Some(template), true) => self.say(
                    "remembered",
                    format_args!(
                        "server {}, which takes no clients any more (persistence {time}{mask})",
                        template.server
                    ),
                ),
            }
        }
    }

    fn decision(&mut self, it: &Explanation) {
        let Some((service, _)) = &it.service else {
            if let Decision::Connection(key) = &it.decision {
                let server = self.server(key);
                self.say("server", format_args!("{server}: the connection goes on without its service"));
            }
            return;
        };
        let mut scheduler = clean_line(service.service.scheduler.as_str());
        if service.service.flags.any() {
            let flags = crate::state::print::flag_names(service.service.flags, &scheduler);
            scheduler += &format!(" ({flags})");
        }
        match &it.decision {
            Decision::NotTaken => {}
            Decision::Connection(key) => {
                let server = self.server(key);
                self.say("server", format_args!("{server}: the connection stays where it is"));
            }
            Decision::Template(key) => {
                let server = self.server(key);
                self.say("server", format_args!("{server}: where the client was before; {scheduler} is not asked"));
            }
            Decision::Engine(engine) => {
                let engine = clean_line(engine);
                self.say("server", format_args!("what {engine} finds in the packet decides, which is not known here"));
            }
            Decision::Scheduler(choice) => self.choice(it, choice, &scheduler, service.servers.len()),
        }
    }

    fn choice(&mut self, it: &Explanation, choice: &Choice, scheduler: &str, servers: usize) {
        match choice {
            Choice::Hashed(key) => {
                let server = self.server(key);
                self.say("server", format_args!("{server}: {scheduler} hashes it there, time and again"));
            }
            Choice::Now(key) => {
                let server = self.server(key);
                self.say("server", format_args!("{server}: {scheduler}, by weights and connections of this moment"));
            }
            Choice::Shared(shares) => {
                let count = shares.len();
                self.say(
                    "server",
                    format_args!("one of {count}: {scheduler} goes on from where it stands, which is not seen"),
                );
            }
            Choice::Closed(key) => {
                let server = self.server(key);
                self.say(
                    "server",
                    format_args!(
                        "none: {scheduler} hashes it to {server}, which takes no new connections, and there is no fallback: \
                         the packet is dropped"
                    ),
                );
            }
            Choice::Nobody if servers == 0 => {
                self.say("server", "none: the service has no servers; the packet is dropped");
            }
            Choice::Nobody => self.say(
                "server",
                "none takes new connections: weights of 0, or upper thresholds that are reached; the packet is dropped",
            ),
            Choice::NeedsPort => {
                self.say("server", format_args!("{scheduler} hashes the client's port, too: name it, CLIENT:PORT"));
            }
        }
        if let Some(first) = it.unknown_weights.first() {
            let first = self.server(first);
            self.say(
                "doubtful",
                format_args!("mh goes by the last weight above 0 that {first} had, if any, which is not known here"),
            );
        }
        if let Some(fallback) = &it.fallback {
            let who = |page: &Self, choice: &Choice| match choice {
                Choice::Hashed(key) => page.server(key),
                _ => "nobody: new connections of this client are dropped".to_owned(),
            };
            let (drained, deleted) = (who(self, &fallback.drained), who(self, &fallback.deleted));
            if !matches!(choice, Choice::Closed(_)) {
                self.say("", format_args!("with its weight at 0: {drained}"));
            }
            self.say("", format_args!("with it deleted: {deleted}"));
        }
    }

    fn candidate(&mut self, candidate: &Candidate, several: bool) {
        let server = &candidate.server;
        let label = self.server(&server.key);
        if several {
            let share = candidate.share.map(|share| format!(", {}.{} %", share / 10, share % 10)).unwrap_or_default();
            self.say("", format_args!("{label}, weight {}{share}", server.weight));
        }
        let mut method = forwarding_word(server.forwarding).to_owned();
        if let Forwarding::Tunnel(tunnel) = server.forwarding {
            method += &tunnel_words(tunnel).map(|words| format!(", {words}")).unwrap_or_default();
        }
        let step = |name| if several { "" } else { name };
        let Some(way) = &candidate.way else { return };
        self.say(step("forwarding"), format_args!("{}{method}", if several { "  " } else { "" }));
        let indent = if several { "  " } else { "" };
        match way {
            Way::None(why) => {
                self.say(step("route"), format_args!("{indent}none: {}; packets are dropped", clean_line(why)));
            }
            Way::Local => self.say(step("route"), format_args!("{indent}this host itself")),
            Way::Link { link, gateway, source, neighbour, mtu, overhead } => {
                let link = clean_line(link);
                let via = gateway.map(|gateway| format!("{gateway} on ")).unwrap_or_default();
                let from = source.map(|source| format!(", from {source}")).unwrap_or_default();
                self.say(step("route"), format_args!("{indent}by {via}{link}{from}"));
                self.say(step("neighbour"), format_args!("{indent}{}", neighbour_words(neighbour.as_ref())));
                let fits = mtu.saturating_sub(*overhead);
                let why = if *overhead > 0 {
                    format!(
                        ": {mtu} of the link, less {overhead} for the tunnel; larger ones are answered with \"too big\""
                    )
                } else {
                    String::new()
                };
                self.say(step("packets"), format_args!("{indent}up to {fits} bytes{why}"));
            }
        }
        for doubt in way.doubts(server) {
            self.say(step("doubtful"), format_args!("{indent}{}", clean_line(&doubt)));
        }
    }
}

fn neighbour_words(neighbour: Option<&Neighbour>) -> String {
    let Some(neighbour) = neighbour else { return "not known yet; asked for with the first packet".to_owned() };
    match &neighbour.address {
        Some(address) => {
            let bytes: Vec<_> = address.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{}, {}", bytes.join(":"), neighbour.state.word())
        }
        None => neighbour.state.word().to_owned(),
    }
}
