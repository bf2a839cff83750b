//! HTTP and HTTPS: asks for pages and judges the answers: status, digest, pattern.
//!
//! Requests have keepalived's bytes, unless they are told otherwise. hyper reads the answers, which may be anything; this
//! module bounds them: head, number of headers, bytes in all. Redirects are answers like others, nobody follows them.

mod body;
mod request;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    collections::HashMap,
    error::Error as _,
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper::{
    Request, StatusCode,
    body::{Body as _, Bytes, Incoming},
    client::conn::http1::{Builder, SendRequest},
    header::{LOCATION, TRANSFER_ENCODING},
};
use regex::bytes::Regex;
use socket2::SockRef;
use tokio::time::timeout;

use super::{
    answer::{EVIDENCE, Failure, FailureKind, Phase, Success, Verdict, quoted},
    connect,
    facts::{PageFacts, hex},
    pattern,
    probe::Phases,
    settings::{Http, HttpVersion, Page, Probe},
    tls,
};
use body::Body;
use wire::{Stream, Wire};

/// Largest head of an answer, in bytes.
const LARGEST_HEAD: usize = 64 * 1024;

/// How long the body of an answer with a wrong status is waited for. It only serves as evidence.
const GRACE: Duration = Duration::from_millis(100);

/// What HTTP probes of a process share: what takes long to make.
#[derive(Debug, Default)]
pub(super) struct Shared {
    tls: tls::Clients,
    patterns: Mutex<HashMap<String, Regex>>,
}

impl Shared {
    /// More patterns than a process has in use are not kept.
    const MOST_PATTERNS: usize = 1000;

    /// Returns a page's pattern, ready for use, and whether it must match.
    fn pattern(&self, page: &Page) -> Result<Option<(Regex, bool)>, String> {
        let Some((text, wanted)) = &page.pattern else { return Ok(None) };
        let mut patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = patterns.get(text) {
            return Ok(Some((known.clone(), *wanted)));
        }
        let new =
            pattern::compile(text).map_err(|fault| format!("the pattern {text} is no regular expression: {fault}"))?;
        if patterns.len() >= Self::MOST_PATTERNS {
            patterns.clear();
        }
        patterns.insert(text.clone(), new.clone());
        Ok(Some((new, *wanted)))
    }
}

/// Asks for the pages, one after the other, until one is not as it should be.
pub(super) async fn ask(http: &Http, probe: &Probe, shared: &Shared, clock: &mut Phases) -> Verdict {
    let mut summaries = Vec::new();
    let mut warning = None;
    for page in &http.pages {
        match ask_page(page, http, probe, shared, clock).await {
            Ok((summary, warned)) => {
                summaries.push(summary);
                warning = warning.or(warned);
            }
            Err(verdict) => return verdict,
        }
    }
    clock.reached(Phase::Complete);
    let summary = match summaries.as_slice() {
        [one] => one.clone(),
        many => format!("{} pages: {}", many.len(), many.join("; ")),
    };
    Verdict::Good(Success { summary, warning, ..Success::default() })
}

/// Asks for one page. Returns the answer in a few words, and what a person should know although it is good.
async fn ask_page(
    page: &Page,
    http: &Http,
    probe: &Probe,
    shared: &Shared,
    clock: &mut Phases,
) -> Result<(String, Option<String>), Verdict> {
    let target = probe.target;
    let request = request::build(page, http.version, target).map_err(Verdict::Unknown)?;
    let pattern = shared.pattern(page).map_err(Verdict::Unknown)?;
    let mut body = Body::new(page.digest.is_some() || clock.in_detail(), pattern.is_some());

    let stream = connect::tcp(target, &probe.connection, clock.until()).await?;
    clock.reached(Phase::Connect);
    // Ends by a reset: a connection that we close first would keep its port for a minute.
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    let (stream, warning) = match &http.tls {
        None => (Stream::Plain(stream), None),
        Some(tls) => {
            let (stream, warning) = tls::connect(stream, tls, target, &shared.tls, clock).await?;
            (Stream::Secure(Box::new(stream)), warning)
        }
    };
    clock.awaits("the whole answer");
    let wire = Wire::new(stream, http.largest, body.wants_digest(), clock);
    let (head, wire) = exchange(wire, request, page, &mut body)
        .await
        .map_err(|error| Verdict::Unknown(format!("cannot ask over HTTP: {error}")))?;
    let head = head.map_err(|error| broken(&error, &wire, http, target, &body))?;

    let digest = body.digest();
    let chunked_digest = wire.digest().filter(|_| head.chunked && digest.is_some());
    clock.facts().pages.push(PageFacts {
        path: page.path.clone(),
        status: head.status.as_u16(),
        bytes: body.bytes(),
        digest,
        chunked_digest,
    });
    let words = format!("{} {}", head.status.as_u16(), head.status.canonical_reason().unwrap_or("(no known status)"));
    let fail = |kind, what: String| {
        Err(Verdict::Bad(Failure::new(kind, &format!("{} {}: {what}", page.method, page.path), body.start())))
    };
    if !accepts(page, head.status) {
        return fail(FailureKind::Status, wrong_status(&words, &head, page, http.version));
    }
    if let Some(wanted) = page.digest
        && digest != Some(wanted)
        && chunked_digest != Some(wanted)
    {
        let got = digest.map(hex).unwrap_or_default();
        return fail(
            FailureKind::Digest,
            format!("digest {got}, where {} is wanted; {}", hex(wanted), size(body.bytes())),
        );
    }
    if let Some((pattern, wanted)) = pattern {
        match (pattern.find(body.text()), wanted) {
            (None, true) => {
                return fail(FailureKind::Pattern, format!("{pattern} matches nothing in {}", size(body.bytes())));
            }
            (Some(found), false) => {
                return fail(
                    FailureKind::Pattern,
                    format!("{pattern} must not match, but matches {}", quoted(found.as_bytes())),
                );
            }
            _ => {}
        }
    }
    Ok((format!("{words}, {}", size(body.bytes())), warning))
}

/// What is kept of the head of an answer.
struct Head {
    status: StatusCode,
    location: Option<String>,
    chunked: bool,
}

/// Sends the request and reads the answer into `body`; gives the wire back, which knows what came over it.
///
/// # Errors
/// hyper does not even begin.
async fn exchange<'a>(
    wire: Wire<'a>,
    request: Request<String>,
    page: &Page,
    body: &mut Body,
) -> hyper::Result<(hyper::Result<Head>, Wire<'a>)> {
    let mut builder = Builder::new();
    builder.title_case_headers(true).max_header_size(LARGEST_HEAD);
    let (sender, mut connection) = builder.handshake(wire).await?;
    let mut reading = pin!(read(sender, request, page, body));
    let mut running = true;
    let head = poll_fn(|cx| {
        // The connection moves bytes; what they mean, also how it ended, comes out on the other side.
        if running && connection.poll_without_shutdown(cx).is_ready() {
            running = false;
        }
        reading.as_mut().poll(cx)
    })
    .await;
    Ok((head, connection.into_parts().io))
}

/// Sends the request and reads the answer to its end.
async fn read(
    mut sender: SendRequest<String>,
    request: Request<String>,
    page: &Page,
    body: &mut Body,
) -> hyper::Result<Head> {
    let answer = sender.send_request(request).await?;
    let header = |name| answer.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let head = Head {
        status: answer.status(),
        location: header(LOCATION),
        // HTTP knows no other coding by which a body finds its end (RFC 9112, section 6.1).
        chunked: header(TRANSFER_ENCODING).is_some(),
    };
    let mut coming = answer.into_body();
    if accepts(page, head.status) {
        while let Some(data) = next(&mut coming).await? {
            body.take(&data);
        }
        body.complete();
    } else {
        let evidence = async {
            while body.start().len() < EVIDENCE
                && let Ok(Some(data)) = next(&mut coming).await
            {
                body.take(&data);
            }
        };
        // Whatever comes, or does not: the verdict is known.
        let _ = timeout(GRACE, evidence).await;
    }
    Ok(head)
}

/// Returns the next piece of a body, decoded; `None` at its end.
async fn next(body: &mut Incoming) -> hyper::Result<Option<Bytes>> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await.transpose()?;
    // Trailers are no part of the page.
    Ok(frame.map(|frame| frame.into_data().unwrap_or_default()))
}

fn accepts(page: &Page, status: StatusCode) -> bool {
    page.statuses.iter().any(|(from, to)| (*from..=*to).contains(&status.as_u16()))
}

fn wrong_status(words: &str, head: &Head, page: &Page, version: HttpVersion) -> String {
    let accepted: Vec<String> = page.statuses.iter().map(|(from, to)| status_range(*from, *to)).collect();
    let to = match &head.location {
        Some(location) if head.status.is_redirection() => format!(" to {location} (not followed)"),
        _ => String::new(),
    };
    // 426 and 505 are about the version (RFC 9110, sections 15.5.22 and 15.6.6).
    let hint = match head.status.as_u16() {
        426 | 505 if version != HttpVersion::V1_1 => "; try HTTP version 1.1",
        _ => "",
    };
    format!("status {words}{to}, where {} is wanted{hint}", accepted.join(","))
}

/// `1 byte`, `512 bytes`
fn size(bytes: u64) -> String {
    if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") }
}

/// `200` or `200-299`
fn status_range(from: u16, to: u16) -> String {
    if from == to { from.to_string() } else { format!("{from}-{to}") }
}

/// Says why an answer did not come to its end.
fn broken(error: &hyper::Error, wire: &Wire<'_>, http: &Http, target: SocketAddr, body: &Body) -> Verdict {
    let said = wire.said();
    let fail = |kind, reason: String| Verdict::Bad(Failure::new(kind, &reason, said));
    if wire.is_full() {
        return fail(FailureKind::Protocol, format!("the answer is larger than {} bytes", http.largest));
    }
    if let Some(error) = wire.error() {
        return tls::failure(error, target, said, wire.elapsed());
    }
    // Types of TLS records: an alert, a handshake.
    if let [0x15 | 0x16, 3, ..] = said {
        return fail(FailureKind::Protocol, "the server speaks TLS on this port, not plain HTTP".to_owned());
    }
    if !said.is_empty() && !said.starts_with(&b"HTTP/"[..said.len().min(5)]) {
        return fail(FailureKind::Protocol, format!("the answer is not HTTP: {}", quoted(said)));
    }
    if wire.has_ended() {
        let when = match (said.is_empty(), body.bytes()) {
            (true, _) => "without an answer".to_owned(),
            (false, 0) => "before the answer was complete".to_owned(),
            (false, bytes) => format!("after {} of the page, before its end", size(bytes)),
        };
        return fail(FailureKind::Closed, format!("the server closed the connection {when}"));
    }
    let what = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    fail(FailureKind::Protocol, format!("the answer is not proper HTTP: {what}"))
}
