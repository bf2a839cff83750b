//! `HTTP_GET` and `SSL_GET` → pages and what they should be.

use super::{
    checker::Of,
    reading::{Reader, Reading, inside},
};
use crate::{
    check::{
        pattern,
        settings::{Http, HttpVersion, Page, Tls},
    },
    config::tree::{Statement, Verdict},
    state::check::{default_name, page_path},
};

/// Largest answer: as `check add` has it.
const LARGEST: u64 = 1 << 20;

/// Reads what is asked; nothing without a page.
pub(super) fn read(block: &Statement, own: &[&Statement], tls: bool, of: Of<'_>, r: &mut Reader) -> Option<Http> {
    let (mut version, mut host, mut sni, mut sni_name) = (HttpVersion::V1_0, None, false, None);
    for statement in own {
        match &*statement.keyword.text {
            "http_protocol" => version = r.one(statement, http_version).unwrap_or(version),
            "virtualhost" => host = r.one(statement, host_name).or(host),
            "enable_sni" => sni = r.switch(statement),
            "sni_name" => sni_name = r.one(statement, tls_name),
            _ => {}
        }
    }
    let urls: Vec<&Statement> = own.iter().copied().filter(|statement| &*statement.keyword.text == "url").collect();
    if urls.is_empty() {
        let message = format!("{} has no url", block.keyword.text);
        r.error(&block.keyword.place, Verdict::Refuses, message).hint = Some("url { path / }".to_owned());
        return None;
    }
    let outer = host.as_deref().or(of.of_server).or(of.of_service).map(str::to_owned);
    let mut pages: Vec<Page> = Vec::new();
    // The name of the first page that has one is asked for.
    let mut of_pages = None;
    for url in urls {
        let (page, own_host) = r.within(url, |r| page(url, r))?;
        of_pages = of_pages.or_else(|| own_host.clone());
        pages.push(Page { host: own_host.or_else(|| outer.clone()), ..page });
    }
    let name = sni_name.clone().or_else(|| {
        let named = of_pages.or(host).or_else(|| of.of_service.map(str::to_owned));
        // Addresses are not asked for in TLS.
        named.filter(|_| sni).and_then(|name| default_name(Some(&name)))
    });
    let tls = tls.then(|| Tls { name, identity: of.identity.cloned(), ..Tls::default() });
    Some(Http { tls, version, pages, largest: LARGEST })
}

fn http_version(text: &str) -> Reading<HttpVersion> {
    match text {
        "1.0" => Ok(HttpVersion::V1_0),
        "1.0C" | "1.0c" => Ok(HttpVersion::V1_0Close),
        "1.1" => Ok(HttpVersion::V1_1),
        _ => Err("1.0, 1.0C or 1.1 is needed".to_owned()),
    }
}

fn host_name(text: &str) -> Reading<String> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '/' || !c.is_ascii();
    if text.is_empty() || text.contains(bad) {
        Err("this is no name of a host".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn tls_name(text: &str) -> Reading<String> {
    default_name(Some(text)).ok_or_else(|| "this is no name of a host; addresses are not asked for in TLS".to_owned())
}

/// Reads a page, and the host that it names itself.
fn page(url: &Statement, r: &mut Reader) -> Option<(Page, Option<String>)> {
    let (mut path, mut host, mut digest, mut regex, mut wanted) = (None, None, None, None, true);
    let mut statuses = Vec::new();
    let mut flags = String::new();
    for statement in inside(url) {
        match &*statement.keyword.text {
            "path" => path = r.one(statement, |text| page_path(text).map_err(|(why, _)| why)),
            "virtualhost" => host = r.one(statement, host_name),
            "digest" => digest = r.one(statement, md5),
            "status_code" => {
                for word in &statement.values {
                    statuses.extend(r.word(statement, word, status));
                }
            }
            "regex" => regex = statement.values.first().map(|word| (statement, word)),
            "regex_no_match" => wanted = false,
            "regex_options" => flags.push_str(&regex_flags(statement, r)),
            "regex_min_offset" | "regex_max_offset" | "regex_stack" => {
                r.not_done(statement, "an expression is looked for in the whole page");
            }
            _ => {}
        }
    }
    if path.is_none() && !inside(url).iter().any(|statement| &*statement.keyword.text == "path") {
        r.error(&url.keyword.place, Verdict::Refuses, "url has no path").hint = Some("path /".to_owned());
    }
    let pattern = regex.and_then(|(statement, word)| {
        let text = if flags.is_empty() { word.text.to_string() } else { format!("(?{flags}){}", word.text) };
        let compiled = |text: String| match pattern::compile(&text) {
            Ok(_) => Ok((text, wanted)),
            Err(fault) => Err(format!("this regular expression does not compile here: {fault}")),
        };
        r.word(statement, word, |_| compiled(text))
    });
    let statuses = if statuses.is_empty() { vec![(200, 299)] } else { statuses };
    let page =
        Page { path: path?, host: None, method: "GET".to_owned(), headers: Vec::new(), statuses, digest, pattern };
    Some((page, host))
}

fn md5(text: &str) -> Reading<[u8; 16]> {
    let mut digest = [0; 16];
    let whole = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    for (at, byte) in digest.iter_mut().enumerate() {
        let pair = text.get(2 * at..2 * at + 2).filter(|_| whole);
        let read = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        *byte = read.ok_or_else(|| "an MD5 digest has 32 hexadecimal digits".to_owned())?;
    }
    Ok(digest)
}

fn status(text: &str) -> Reading<(u16, u16)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let one = |text: &str| text.parse::<u16>().ok().filter(|status| (100..=599).contains(status) && text.len() == 3);
    let range = one(from).zip(one(to)).filter(|(from, to)| from <= to);
    range.ok_or_else(|| "a status from 100 to 599, or a range of them, is needed".to_owned())
}

/// Options of expressions that mean something here, as flags in front of them.
fn regex_flags(statement: &Statement, r: &mut Reader) -> String {
    let mut flags = String::new();
    for word in &statement.values {
        match &*word.text {
            "caseless" => flags.push('i'),
            "multiline" => flags.push('m'),
            "dotall" => flags.push('s'),
            "extended" => flags.push('x'),
            "ungreedy" => flags.push('U'),
            // What these allow or forbid makes no difference here.
            "utf" | "ucp" | "no_auto_capture" | "dollar_endonly" | "never_utf" | "never_ucp" => {}
            other => {
                let message = format!("regex_options {other} is understood, and not done");
                r.warn(&word.place, Verdict::Accepts, message);
            }
        }
    }
    flags
}
