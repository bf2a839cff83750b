//! The options of an HTTP check → its question.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::Args;

use super::{
    Faults, Kind, Url,
    fault::Wrong,
    url::page_path,
    values::{digest, one_line, size, statuses, time},
};
use crate::{
    check::{
        pattern,
        settings::{Http, HttpVersion, Page, Question, Tls},
    },
    state::words,
};

/// Largest answer if nothing is said.
pub(super) const LARGEST: u64 = 1 << 20;

/// Answers are held in memory while a pattern is looked for.
const MOST_LARGEST: u64 = 1 << 30;

/// A month is longer than anybody takes to renew a certificate; ten years are longer than any is valid.
const MOST_EXPIRY: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Options of HTTP checks.
#[derive(Clone, Debug, Default, Args)]
pub struct HttpArgs {
    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    answer: AnswerArgs,
    #[command(flatten)]
    tls: TlsArgs,
}

/// What is asked.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Request")]
pub struct RequestArgs {
    /// Path and query [default: /]
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Host header [default: the server's address and port]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Method [default: GET]
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Further header; may be repeated
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Version of HTTP: 1.0, 1.0c (with Connection: close), 1.1 [default: 1.0]
    #[arg(long, value_name = "VERSION")]
    http_version: Option<String>,
}

/// What makes an answer good.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Answer")]
struct AnswerArgs {
    /// Accepted statuses: 200-299,301 [default: 200-299]
    #[arg(long, value_name = "LIST")]
    status: Option<String>,
    /// MD5 that the body must have, as `lvsadm check digest` prints it
    ///
    /// That of the page, or if it comes in chunks, that of the chunks as they are sent, which is what genhash prints.
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
    /// Regular expression that must match the body
    #[arg(long = "match", value_name = "RE")]
    pattern: Option<String>,
    /// Regular expression that must not match it
    #[arg(long, value_name = "RE")]
    no_match: Option<String>,
    /// Most bytes of an answer, with k, m or g [default: 1m]
    #[arg(long, value_name = "SIZE")]
    largest: Option<String>,
    /// A further page, asked for after the first; may be repeated
    ///
    /// Its path, and behind it in the same word what else it has, quoted as in a shell:
    /// 'PATH host=NAME method=METHOD header=NAME:VALUE status=LIST digest=HEX match=RE no-match=RE'.
    #[arg(long = "page", value_name = "PATH …")]
    more: Vec<String>,
}

/// TLS.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// HTTPS
    #[arg(long)]
    tls: bool,
    /// Name that is asked for, and verified [default: --host, if that is a name]
    #[arg(long, value_name = "NAME")]
    sni: Option<String>,
    /// Ask for no name
    #[arg(long, conflicts_with = "sni")]
    no_sni: bool,
    /// Verify the certificate; without it any will do
    #[arg(long)]
    verify: bool,
    /// Certificates of authorities (PEM) [default: the system's]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Our certificate (PEM), for servers that want one
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Warn if the server's certificate ends within so much: 14d
    #[arg(long, value_name = "TIME")]
    warn_expiry: Option<String>,
}

impl HttpArgs {
    /// Asks for a page whatever it may be: any status will do, up to the largest answer.
    pub fn any_page(request: RequestArgs, tls: TlsArgs) -> Self {
        let answer = AnswerArgs {
            status: Some("100-599".to_owned()),
            largest: Some(MOST_LARGEST.to_string()),
            ..AnswerArgs::default()
        };
        Self { request, answer, tls }
    }

    /// Adds what a URL says: TLS, path, and the host if it is a name. What options say goes before.
    #[must_use]
    pub fn at(mut self, url: &Url, faults: &mut Faults) -> Self {
        self.tls.tls |= url.tls;
        if url.host.parse::<IpAddr>().is_err() && self.request.host.is_none() {
            let port = url.port.map(|port| format!(":{port}")).unwrap_or_default();
            self.request.host = Some(format!("{}{port}", url.host));
        }
        if let (Some(path), Some(_)) = (&self.request.path, &url.path) {
            faults.add("--path", path, Wrong::new("there is a path in the URL already"));
        }
        self.request.path = self.request.path.or_else(|| url.path.clone());
        self
    }

    fn tls(&self, host: Option<&str>, faults: &mut Faults) -> Option<Tls> {
        let given = &self.tls;
        if !given.tls {
            let options = [
                ("--sni", given.sni.is_some()),
                ("--no-sni", given.no_sni),
                ("--verify", given.verify),
                ("--ca", given.ca.is_some()),
                ("--cert", given.cert.is_some()),
                ("--key", given.key.is_some()),
                ("--warn-expiry", given.warn_expiry.is_some()),
            ];
            for (option, _) in options.iter().filter(|(_, given)| *given) {
                faults.add(option, "", Wrong::new("this is about TLS").hint("--tls, or an https URL"));
            }
            return None;
        }
        let identity = match (&given.cert, &given.key) {
            (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
            (Some(_), None) => {
                faults.add(
                    "--cert",
                    "",
                    Wrong::new("a certificate is of no use without its key")
                        .hint("--key FILE; it may be the same file"),
                );
                None
            }
            (None, Some(_)) => {
                faults.add(
                    "--key",
                    "",
                    Wrong::new("a key is of no use without its certificate")
                        .hint("--cert FILE; it may be the same file"),
                );
                None
            }
            (None, None) => None,
        };
        if given.ca.is_some() && !given.verify {
            faults.add("--ca", "", Wrong::new("nothing is verified").hint("--verify"));
        }
        let name = faults.read("--sni", given.sni.as_ref(), dns_name);
        Some(Tls {
            name: name.or_else(|| default_name(host)).filter(|_| !given.no_sni),
            verify: given.verify,
            authorities: given.ca.clone(),
            identity,
            warn_expiry: faults
                .read("--warn-expiry", given.warn_expiry.as_ref(), |text| time(text, Duration::ZERO..=MOST_EXPIRY)),
        })
    }

    fn first_page(&self, faults: &mut Faults) -> Page {
        let (given, wanted) = (&self.request, &self.answer);
        let mut draft = Draft {
            path: faults.read("--path", given.path.as_ref(), page_path),
            host: faults.read("--host", given.host.as_ref(), host),
            method: faults.read("--method", given.method.as_ref(), method),
            headers: faults.read_all("--header", &given.header, header),
            statuses: faults.read("--status", wanted.status.as_ref(), statuses),
            digest: faults.read("--digest", wanted.digest.as_ref(), digest),
            pattern: faults.read("--match", wanted.pattern.as_ref(), |text| expression(text, true)),
        };
        if let Some(pattern) = faults.read("--no-match", wanted.no_match.as_ref(), |text| expression(text, false))
            && draft.pattern.replace(pattern).is_some()
        {
            faults.add("--no-match", "", Wrong::new("a page has one pattern, and --match is one already"));
        }
        draft.page()
    }
}

impl Kind for HttpArgs {
    const WORD: &'static str = "http";
    const RETRY_DELAY: Option<u64> = Some(3);

    fn question(&self, faults: &mut Faults) -> Option<Question> {
        let first = self.first_page(faults);
        let tls = self.tls(first.host.as_deref(), faults);
        let mut pages = vec![first];
        pages.extend(faults.read_all("--page", &self.answer.more, further_page));
        let version =
            faults.read("--http-version", self.request.http_version.as_ref(), version).unwrap_or(HttpVersion::V1_0);
        let largest = faults
            .read("--largest", self.answer.largest.as_ref(), |text| size(text, 1..=MOST_LARGEST))
            .unwrap_or(LARGEST);
        Some(Question::Http(Box::new(Http { tls, version, pages, largest })))
    }
}

/// A page as far as it was described.
#[derive(Debug, Default)]
struct Draft {
    path: Option<String>,
    host: Option<String>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    statuses: Option<Vec<(u16, u16)>>,
    digest: Option<[u8; 16]>,
    pattern: Option<(String, bool)>,
}

impl Draft {
    fn page(self) -> Page {
        Page {
            path: self.path.unwrap_or_else(|| "/".to_owned()),
            host: self.host,
            method: self.method.unwrap_or_else(|| "GET".to_owned()),
            headers: self.headers,
            statuses: self.statuses.unwrap_or_else(|| vec![(200, 299)]),
            digest: self.digest,
            pattern: self.pattern,
        }
    }
}

/// Reads the word of a `--page`.
fn further_page(text: &str) -> Result<Page, Wrong> {
    let words =
        words::split(text).map_err(|unsplit| Wrong::new(format_args!("{unsplit} (character {})", unsplit.column())))?;
    let (path, rest) = words.split_first().ok_or_else(|| Wrong::new("the path is missing"))?;
    let mut draft = Draft { path: Some(page_path(&path.text)?), ..Draft::default() };
    for word in rest {
        let (name, value) = word.text.split_once('=').unwrap_or((&word.text, ""));
        let wrong = |wrong: Wrong| Wrong { why: format!("{name}={value}: {}", wrong.why), ..wrong };
        let again = match name {
            "host" => draft.host.replace(host(value).map_err(wrong)?).is_some(),
            "method" => draft.method.replace(method(value).map_err(wrong)?).is_some(),
            "status" => draft.statuses.replace(statuses(value).map_err(wrong)?).is_some(),
            "digest" => draft.digest.replace(digest(value).map_err(wrong)?).is_some(),
            "match" => draft.pattern.replace(expression(value, true).map_err(wrong)?).is_some(),
            "no-match" => draft.pattern.replace(expression(value, false).map_err(wrong)?).is_some(),
            "header" => {
                draft.headers.push(header(value).map_err(wrong)?);
                false
            }
            _ => {
                return Err(Wrong::new(format_args!("a page has no {name}")).hint(
                    "known are host, method, header, status, digest, match and no-match, each with = and its value",
                ));
            }
        };
        if again {
            return Err(Wrong::new(format_args!("{name} contradicts what stands before it")));
        }
    }
    Ok(draft.page())
}

fn version(text: &str) -> Result<HttpVersion, Wrong> {
    match text {
        "1.0" => Ok(HttpVersion::V1_0),
        "1.0c" | "1.0C" => Ok(HttpVersion::V1_0Close),
        "1.1" => Ok(HttpVersion::V1_1),
        _ => Err(Wrong::new("a check speaks HTTP 1.0, 1.0c (with Connection: close) or 1.1")),
    }
}

/// Reads a regular expression; it is compiled to see that it can be.
fn expression(text: &str, wanted: bool) -> Result<(String, bool), Wrong> {
    match pattern::compile(text) {
        Ok(_) => Ok((text.to_owned(), wanted)),
        Err(fault) => Err(Wrong::new(format_args!("this regular expression does not compile: {fault}"))),
    }
}

/// A method is a token (RFC 9110, section 9.1). CONNECT is no question.
fn method(text: &str) -> Result<String, Wrong> {
    if !is_token(text) {
        return Err(Wrong::new("this is no HTTP method").hint("GET, HEAD, OPTIONS, POST …; methods are in capitals"));
    }
    if text.eq_ignore_ascii_case("CONNECT") {
        return Err(Wrong::new("CONNECT asks for no page"));
    }
    Ok(text.to_owned())
}

fn header(text: &str) -> Result<(String, String), Wrong> {
    let hint = "a name, a colon and a value: 'X-Probe: lvsadm'";
    let (name, value) = text.split_once(':').ok_or_else(|| Wrong::new("the colon is missing").hint(hint))?;
    let value = value.trim();
    if !is_token(name) {
        return Err(Wrong::new(format_args!("{name} is no name of a header")).hint(hint));
    }
    // They say where the request ends, which is ours to know.
    if ["content-length", "transfer-encoding", "upgrade"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Err(Wrong::new(format_args!("{name} would change where the request ends")));
    }
    if value.contains(|c: char| c.is_control() || !c.is_ascii()) {
        return Err(Wrong::new("a header's value is printable ASCII"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn host(text: &str) -> Result<String, Wrong> {
    let text = one_line(text)?;
    if text.contains(|c: char| c.is_whitespace() || c == '/' || !c.is_ascii()) {
        return Err(Wrong::new("this is no name of a host")
            .hint("a name like www.example.org, with a port behind a colon if need be"));
    }
    Ok(text)
}

fn without_port(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// Returns the name that TLS asks for if nothing is said: that of the first page's host.
pub fn default_name(host: Option<&str>) -> Option<String> {
    host.map(without_port).and_then(|host| dns_name(host).ok())
}

/// Names that TLS can ask for: of a host, not an address (RFC 6066, section 3).
fn dns_name(text: &str) -> Result<String, Wrong> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if text.parse::<IpAddr>().is_ok() || text.len() > 253 || !text.trim_end_matches('.').split('.').all(label) {
        return Err(Wrong::new("this is no name of a host")
            .hint("a name like www.example.org; addresses are not asked for in TLS"));
    }
    Ok(text.trim_end_matches('.').to_owned())
}
