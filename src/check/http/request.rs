//! Requests, with keepalived's bytes: `GET / HTTP/1.0`, `User-Agent: KeepAliveClient`, `Host: …`, in this order, and
//! nothing else. Servers and their logs are tuned to it.

use std::net::{IpAddr, SocketAddr};

use hyper::{
    Method, Request, Uri, Version,
    header::{CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT},
};

use crate::check::settings::{HttpVersion, Page};

/// What we call ourselves.
const AGENT: HeaderValue = HeaderValue::from_static("KeepAliveClient");

/// Returns the request for a page.
///
/// # Errors
/// Part of it cannot be sent: which. Settings that were checked have no such part.
pub(super) fn build(page: &Page, version: HttpVersion, target: SocketAddr) -> Result<Request<String>, String> {
    let unfit = |what: &str, text: &str| format!("{text} cannot be sent as {what} of an HTTP request");
    let mut request = Request::new(String::new());
    *request.method_mut() =
        Method::from_bytes(page.method.as_bytes()).map_err(|_| unfit("the method", &page.method))?;
    // Without the slash it would be a host name.
    let path = page.path.starts_with('/').then(|| page.path.parse::<Uri>().ok()).flatten();
    *request.uri_mut() = path.ok_or_else(|| unfit("the path", &page.path))?;
    *request.version_mut() = match version {
        HttpVersion::V1_0 | HttpVersion::V1_0Close => Version::HTTP_10,
        HttpVersion::V1_1 => Version::HTTP_11,
    };

    let own: Vec<(HeaderName, HeaderValue)> = page
        .headers
        .iter()
        .map(|(name, value)| {
            let header = name.parse().ok().zip(value.parse().ok());
            header.ok_or_else(|| unfit("a header", &format!("{name}: {value}")))
        })
        .collect::<Result<_, _>>()?;
    let host = page.host.clone().unwrap_or_else(|| own_host(target));
    let host = host.parse().map_err(|_| unfit("the host", &host))?;
    let close = (version != HttpVersion::V1_0).then(|| (CONNECTION, HeaderValue::from_static("close")));
    let ours = [Some((USER_AGENT, AGENT)), close, Some((HOST, host))];
    let headers = request.headers_mut();
    for (name, value) in ours.into_iter().flatten() {
        // What a page brings along takes the place of ours.
        if !own.iter().any(|(given, _)| *given == name) {
            headers.append(name, value);
        }
    }
    headers.extend(own);
    Ok(request)
}

/// `10.0.0.5:80`, `[2001:db8::5]:80`; without the link of a link-local address, which means nothing to the server.
fn own_host(target: SocketAddr) -> String {
    match target.ip() {
        IpAddr::V4(address) => format!("{address}:{}", target.port()),
        IpAddr::V6(address) => format!("[{address}]:{}", target.port()),
    }
}
