//! genhash: the program of keepalived that prints the MD5 of a page, for `digest` in its configuration.
//!
//! Behaves as genhash 2.2.7: options, output byte for byte, messages, and exit status 0 also where there is no page.
//! `lvsadm check digest` is the better one for people.

use std::{
    ffi::OsString,
    io::{self, BufWriter, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use crate::check::{
    facts::hex,
    raw::{self, End, Exchange, Piece},
    settings::Tls,
};

const USAGE: &str = "\
Usage: genhash COMMAND [OPTIONS]
Commands:
   -s server-address -p port -u url
   -S -s server-address -p port -u url
   -h

Options:
Either long or short options are allowed.
   --use-ssl         -S       Use SSL connection to remote server.
   --use-sni         -I       Use SNI during SSL handshake (uses virtualhost setting; see -V).
   --server          -s       Use the specified remote server address.
   --port            -p       Use the specified remote server port.
   --url             -u       Use the specified remote server url.
   --use-virtualhost -V       Use the specified virtualhost in GET query.
   --verbose         -v       Use verbose mode output.
   --help            -h       Display this short inlined help screen.
   --fwmark          -m       Use the specified FW mark.
   --protocol        -P       Use the specified HTTP protocol - '1.0', 1.0c', '1.1'.
                                1.0c means 1.0 with 'Connection: close'
   --timeout         -t       Timeout in seconds
";

/// Letters and names of the options, and whether they take a value.
const OPTIONS: [(char, &str, bool); 11] = [
    ('S', "use-ssl", false),
    ('I', "use-sni", false),
    ('s', "server", true),
    ('p', "port", true),
    ('u', "url", true),
    ('V', "use-virtualhost", true),
    ('v', "verbose", false),
    ('h', "help", false),
    ('m', "fwmark", true),
    ('P', "protocol", true),
    ('t', "timeout", true),
];

/// Stands for an address that is missing; then nothing is asked.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The timeout if nothing is said, in seconds.
const TIMEOUT: u64 = 5;

/// Runs genhash's command line, without the program's name, and returns the exit status.
pub fn run(args: &[OsString]) -> u8 {
    let words: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let request = match parse(&words) {
        Ok(request) => request,
        Err(messages) => {
            // Standard error is the last resort: when it cannot be written there is nobody left to tell.
            let _ = io::stderr().write_all((messages + USAGE).as_bytes());
            return 1;
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(io::stderr(), "genhash: cannot start: {error}");
            return 1;
        }
    };
    let begin = Instant::now();
    let mut out = BufWriter::new(io::stdout());
    let mut written = Ok(());
    let end = runtime.block_on(raw::fetch(&request.exchange(), |piece| {
        if request.verbose && written.is_ok() {
            written = show(&mut out, piece);
        }
    }));
    if end == End::NoHead {
        let _ = writeln!(io::stderr(), "no data received from remote webserver");
    }
    let written = written.and_then(|()| conclude(&mut out, end, request.verbose)).and_then(|()| {
        if request.verbose {
            writeln!(out, "\nGlobal response time for [{}] = {} usecs", request.url, begin.elapsed().as_micros())?;
        }
        out.flush()
    });
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "genhash: cannot write to standard output: {error}");
            1
        }
        _ => 0,
    }
}

/// What the command line asks for.
#[derive(Debug, Default)]
struct Request {
    server: Option<IpAddr>,
    port: Option<u16>,
    url: String,
    host: Option<String>,
    tls: bool,
    sni: bool,
    mark: u32,
    version: Version,
    timeout: u64,
    verbose: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Version {
    #[default]
    V1_0,
    V1_0Close,
    V1_1,
}

impl Request {
    fn exchange(&self) -> Exchange {
        let target = SocketAddr::new(self.server.unwrap_or(NOWHERE), self.port.unwrap_or(0));
        let version = if self.version == Version::V1_1 { "1.1" } else { "1.0" };
        let close = if self.version == Version::V1_0 { "" } else { "Connection: close\r\n" };
        // An address and its port as they stand in a URL.
        let host = self.host.clone().unwrap_or_else(|| target.to_string());
        let url = &self.url;
        Exchange {
            target,
            mark: self.mark,
            tls: self.tls.then(|| Tls { name: self.host.clone().filter(|_| self.sni), ..Tls::default() }),
            request: format!("GET {url} HTTP/{version}\r\nUser-Agent: KeepAliveClient\r\n{close}Host: {host}\r\n\r\n"),
            timeout: Duration::from_secs(self.timeout),
        }
    }

    /// Takes an option.
    ///
    /// # Errors
    /// genhash's message about the value, which ends its reading.
    fn set(&mut self, letter: char, value: &str) -> Result<(), String> {
        match letter {
            'S' => self.tls = true,
            'I' => self.sni = true,
            'v' => self.verbose = true,
            's' => {
                let server = value.parse().map_err(|_| format!("server should be an IP, not {value}\n"))?;
                self.server = Some(server);
            }
            'p' => {
                let port = number(value).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
                self.port = Some(port.ok_or_else(|| format!("invalid port number '{value}'\n"))?);
            }
            'u' => value.clone_into(&mut self.url),
            'V' => self.host = Some(value.to_owned()),
            'm' => {
                let mark = number(value).and_then(|mark| u32::try_from(mark).ok());
                self.mark = mark.ok_or_else(|| format!("invalid fwmark '{value}'\n"))?;
            }
            'P' => {
                self.version = match value {
                    "1.0" => Version::V1_0,
                    "1.0c" | "1.0C" => Version::V1_0Close,
                    "1.1" => Version::V1_1,
                    _ => return Err(format!("invalid HTTP protocol version '{value}'\n")),
                };
            }
            't' => {
                // A week is as good as for ever, and fits every clock.
                let seconds = number(value).ok_or_else(|| format!("invalid timeout '{value}'\n"))?;
                self.timeout = seconds.min(7 * 86_400);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Reads a number as `strtoul` does, and nothing behind it.
fn number(text: &str) -> Option<u64> {
    let text = text.trim_ascii_start();
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Reads a command line as `getopt_long` does: in any order, short options in clusters, long ones abbreviated.
///
/// # Errors
/// What is said before the usage; perhaps nothing.
fn parse(words: &[String]) -> Result<Request, String> {
    if words.len() < 2 {
        return Err(String::new());
    }
    let mut request = Request { timeout: TIMEOUT, ..Request::default() };
    let mut has_url = false;
    let mut said = String::new();
    let mut failed = false;
    let mut operands = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            operands.extend(rest.by_ref().cloned());
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
            match (long_option(name), value) {
                (Some((letter, true)), value) => match value.or_else(|| rest.next().cloned()) {
                    Some(value) => {
                        has_url |= letter == 'u';
                        request.set(letter, &value).map_err(|message| said.clone() + &message)?;
                    }
                    None => {
                        said += "Missing parameter for option --\n";
                        failed = true;
                    }
                },
                (Some((letter, false)), None) => {
                    failed |= letter == 'h';
                    request.set(letter, "")?;
                }
                _ => {
                    said += &format!("Unknown option {word}\n");
                    failed = true;
                }
            }
        } else if let Some(cluster) = word.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            let mut letters = cluster.chars();
            while let Some(letter) = letters.next() {
                match OPTIONS.iter().find(|(known, ..)| *known == letter) {
                    None => {
                        said += &format!("Unknown option -{letter}\n");
                        failed = true;
                    }
                    Some((_, _, false)) => {
                        failed |= letter == 'h';
                        request.set(letter, "")?;
                    }
                    Some((_, _, true)) => {
                        let attached = Some(letters.as_str()).filter(|value| !value.is_empty()).map(str::to_owned);
                        letters = "".chars();
                        match attached.or_else(|| rest.next().cloned()) {
                            Some(value) => {
                                has_url |= letter == 'u';
                                request.set(letter, &value).map_err(|message| said.clone() + &message)?;
                            }
                            None => {
                                said += &format!("Missing parameter for option -{letter}\n");
                                failed = true;
                            }
                        }
                    }
                }
            }
        } else {
            operands.push(word.clone());
        }
    }
    if failed {
        return Err(said);
    }
    if !operands.is_empty() {
        return Err(format!("Unexpected argument(s): {}\n", operands.join(" ")));
    }
    if request.server.is_none() || request.port.is_none() || !has_url {
        return Err(said);
    }
    Ok(request)
}

/// Finds a long option by its name or the begin of it, if that of no other is the same.
fn long_option(name: &str) -> Option<(char, bool)> {
    let exact = OPTIONS.iter().find(|(_, long, _)| *long == name);
    let mut begun = OPTIONS.iter().filter(|(_, long, _)| long.starts_with(name));
    let only = begun.next().filter(|_| begun.next().is_none());
    exact.or(only).map(|(letter, _, value)| (*letter, *value))
}

/// Shows a piece of the answer, as `-v` wants it.
fn show(out: &mut impl Write, piece: Piece<'_>) -> io::Result<()> {
    match piece {
        Piece::Begun => writeln!(out, "-----------------------[    HTTP Header Buffer    ]-----------------------"),
        Piece::Head(head) => {
            dump(out, head)?;
            writeln!(out, "-----------------------[ HTTP Header Ascii Buffer ]-----------------------")?;
            out.write_all(head)?;
            writeln!(out)
        }
        Piece::First(data) => {
            writeln!(out, "-----------------------[        HTML Buffer        ]-----------------------")?;
            dump(out, data)
        }
        Piece::More(data) => dump(out, data),
    }
}

/// MD5 of nothing: shown where there is no page.
const NOTHING: [u8; 16] =
    [0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e];

/// Says how it ended.
fn conclude(out: &mut impl Write, end: End, verbose: bool) -> io::Result<()> {
    let digest = match end {
        End::Digest(digest) => Some(digest),
        End::NoHead => None,
        End::NotConnected => return writeln!(out, "Connection failed"),
        End::ConnectTimeout => return writeln!(out, "Timeout connecting"),
        End::TlsFailed => return writeln!(out, "SSL handshake/communication error connecting to"),
        End::NothingInTime => return writeln!(out, "Timeout WEB read"),
        End::NoMoreInTime => return writeln!(out, "Timeout HTTP read"),
        End::Broken => return writeln!(out, "Read error with"),
    };
    if verbose {
        writeln!(out, "\n-----------------------[    HTML hash resulting    ]-----------------------")?;
        dump(out, &digest.unwrap_or(NOTHING))?;
        writeln!(out, "-----------------------[ HTML hash final resulting ]-----------------------")?;
    }
    digest.map_or(Ok(()), |digest| writeln!(out, "{}", hex(digest)))
}

/// Shows bytes, sixteen on a line: `0000  68 65 6c 6c 6f          -                           hello           `.
fn dump(out: &mut impl Write, data: &[u8]) -> io::Result<()> {
    for (line, bytes) in data.chunks(16).enumerate() {
        let mut row = format!("{:04}  ", line * 16);
        for at in 0..16 {
            if at == 8 {
                row += "- ";
            }
            row += &bytes.get(at).map_or_else(|| "   ".to_owned(), |byte| format!("{byte:02x} "));
        }
        let shown = bytes.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' });
        let shown: String = shown.chain(std::iter::repeat_n(' ', 16 - bytes.len())).collect();
        writeln!(out, "{row}  {shown}")?;
    }
    Ok(())
}
