//! URLs of pages, as people paste them. Pure.

use super::{Faults, fault::Wrong};

/// A URL of a page: `http://HOST[:PORT][/PATH]`, `https://…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether it is HTTPS.
    pub tls: bool,
    /// The host: an address without brackets, or a name.
    pub host: String,
    /// The port, if it is written.
    pub port: Option<u16>,
    /// Path and query, if there is any.
    pub path: Option<String>,
}

const FORM: &str = "a URL like http://10.0.0.5:8080/health or https://[2001:db8::5]/";

impl Url {
    /// Reads a URL; `None` if it is none. What has no scheme is HTTP.
    pub fn parse(text: &str, faults: &mut Faults) -> Option<Self> {
        faults.read("URL", Some(&text.to_owned()), Self::read)
    }

    fn read(text: &str) -> Result<Self, Wrong> {
        let wrong = |why: String| Wrong::new(format_args!("this is no URL: {why}")).hint(FORM);
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong(format!("{scheme} is not http or https"))),
        };
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(at) => (&rest[..at], Some(&rest[at..])),
            None => (rest, None),
        };
        if authority.contains('@') {
            return Err(wrong("there is a user in it".into())
                .hint("--header 'Authorization: Basic …' sends a name and a password"));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) =
                    bracketed.split_once(']').ok_or_else(|| wrong("the closing bracket is missing".into()))?;
                if !after.is_empty() && !after.starts_with(':') {
                    return Err(wrong("a colon and a port belong behind the bracket".into()));
                }
                (host, after.strip_prefix(':'))
            }
            None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() {
            return Err(wrong("there is no host in it".into()));
        }
        if let Some(other) = host.chars().find(|c| !c.is_ascii_alphanumeric() && !"-._:%".contains(*c)) {
            return Err(wrong(format!("there cannot be {other} in a host")));
        }
        let digits = |port: &&str| port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port
            .map(|word| {
                Some(word)
                    .filter(digits)
                    .and_then(|port| port.parse().ok())
                    .filter(|port| *port > 0)
                    .ok_or_else(|| wrong(format!("{word} is no port")))
            })
            .transpose()?;
        let path = path
            .map(|path| page_path(&if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }))
            .transpose()?;
        Ok(Self { tls, host: host.to_owned(), port, path })
    }
}

/// Reads path and query of a page.
pub(super) fn page_path(text: &str) -> Result<String, Wrong> {
    if !text.starts_with('/') {
        return Err(Wrong::new("a path begins with a slash").hint(format_args!("/{text}")));
    }
    if let Some((at, bad)) = text.chars().enumerate().find(|(_, c)| c.is_control() || c.is_whitespace()) {
        let escaped: String = bad.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        return Err(Wrong::new(format_args!("character {} is not possible in a path", at + 1))
            .hint(format_args!("write {escaped} for it")));
    }
    if text.contains('#') {
        return Err(Wrong::new("what is behind # is for browsers, nobody sends it").hint("%23 is a # in a path"));
    }
    if let Some(bad) = text.chars().find(|c| "\"<>\\^`{|}".contains(*c)) {
        let escaped = u32::from(bad);
        return Err(Wrong::new(format_args!("{bad} is not possible in a path"))
            .hint(format_args!("write %{escaped:02X} for it")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls() {
        let url = |tls, host: &str, port, path: Option<&str>| Url {
            tls,
            host: host.into(),
            port,
            path: path.map(str::to_owned),
        };
        for (text, read) in [
            ("http://10.0.0.5", url(false, "10.0.0.5", None, None)),
            ("HTTPS://10.0.0.5:8443/a?b=c", url(true, "10.0.0.5", Some(8443), Some("/a?b=c"))),
            ("https://[2001:db8::5]:443/", url(true, "2001:db8::5", Some(443), Some("/"))),
            ("http://[2001:db8::5]?x", url(false, "2001:db8::5", None, Some("/?x"))),
            ("www.example/x", url(false, "www.example", None, Some("/x"))),
            ("10.0.0.5:80", url(false, "10.0.0.5", Some(80), None)),
        ] {
            assert_eq!(Url::read(text), Ok(read), "{text}");
        }
        for (text, why) in [
            ("", "there is no host in it"),
            ("ftp://10.0.0.5/", "ftp is not http or https"),
            ("http:///x", "there is no host in it"),
            ("http://me:secret@10.0.0.5/", "there is a user in it"),
            ("http://[::1/", "the closing bracket is missing"),
            ("http://[::1]80/", "a colon and a port belong behind the bracket"),
            ("http://10.0.0.5:http/", "http is no port"),
            ("http://10.0.0.5:0/", "0 is no port"),
            ("http://10.0.0.5:/", " is no port"),
            ("http://a b/", "there cannot be   in a host"),
        ] {
            assert_eq!(Url::read(text).unwrap_err().why, format!("this is no URL: {why}"), "{text}");
        }
        assert_eq!(Url::read("http://x/a b").unwrap_err().hint.as_deref(), Some("write %20 for it"));
    }

    proptest! {
        #[test]
        fn no_word_makes_it_panic(word in r"\PC{0,40}|(https?://)?[0-9a-z:/.\[\]@?#%-]{0,40}") {
            let _ = (Url::read(&word), page_path(&word));
        }
    }
}
