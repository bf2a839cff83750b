//! Carries mails to the server: connection, TLS, time limits.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    message::{Headers, Message},
    smtp::{Action, Client, Fault, Script},
};
use crate::{
    check::{secure, settings::Tls},
    host::hostname,
    state::{
        set::{MailSettings, Security},
        vrrp::{Disk, Files as _},
    },
};

/// How long the whole of one conversation may take, in steps.
const STEPS: u32 = 10;

/// A connection, secure or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Knows the way to the server.
#[derive(Debug)]
pub(super) struct Courier {
    settings: MailSettings,
    helo: String,
    tag: String,
    /// How many mails were made.
    count: AtomicU64,
}

impl Courier {
    pub(super) fn new(settings: MailSettings) -> Self {
        let host = hostname();
        let helo = settings.helo.clone().unwrap_or_else(|| host.clone());
        let short = || host.split('.').next().unwrap_or_default().to_owned();
        let tag = settings.tag.clone().unwrap_or_else(short);
        Self { settings, helo, tag, count: AtomicU64::new(0) }
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// The server does not have it.
    pub(super) async fn send(&self, message: &Message) -> Result<(), Fault> {
        let MailSettings { server, port, timeout: step, .. } = &self.settings;
        let late = |_| for_now(format!("{server}:{port} takes longer than {} seconds", (*step * STEPS).as_secs()));
        timeout(*step * STEPS, self.converse(message)).await.map_err(late)?
    }

    async fn converse(&self, message: &Message) -> Result<(), Fault> {
        let MailSettings { server, port, security, .. } = &self.settings;
        let script = self.script(message)?;
        let connected = self.within("a connection", TcpStream::connect((server.as_str(), *port))).await?;
        let at_once = *security == Security::Tls;
        let mut stream = if at_once { self.secure(connected).await? } else { Connection::Plain(connected) };
        let mut client = Client::new(script, at_once);
        let mut buffer = [0; 1024];
        loop {
            let read = self.within(client.awaits(), stream.get().read(&mut buffer)).await?;
            if read == 0 {
                return Err(for_now(format!("{server}:{port} hung up before it answered {}", client.awaits())));
            }
            let action = match client.take(buffer.get(..read).unwrap_or_default())? {
                Some(Action::Secure) => {
                    stream = match stream {
                        Connection::Plain(plain) => self.secure(plain).await?,
                        secure @ Connection::Secure(_) => secure,
                    };
                    client.is_secure()
                }
                Some(action) => action,
                None => continue,
            };
            match action {
                Action::Send(bytes) => {
                    self.within(client.awaits(), stream.get().write_all(&bytes)).await?;
                    self.within(client.awaits(), stream.get().flush()).await?;
                }
                Action::Done(farewell) => {
                    for refused in client.refused() {
                        log::warn!("mail is not taken for {refused}");
                    }
                    // It has the mail; that it hears the farewell is manners.
                    let _ = self.within("QUIT", stream.get().write_all(&farewell)).await;
                    let _ = self.within("QUIT", stream.get().shutdown()).await;
                    return Ok(());
                }
                Action::Secure => {}
            }
        }
    }

    fn script(&self, message: &Message) -> Result<Script, Fault> {
        let MailSettings { from, to, security, auth_file, .. } = &self.settings;
        let auth = auth_file.as_deref().map(credentials).transpose();
        let auth = auth.map_err(|text| Fault { text, is_final: false })?;
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let id = format!(
            "{}.{}.{count}.{:x}@{}",
            message.time.as_millis(),
            std::process::id(),
            fastrand::u64(..),
            self.helo
        );
        let headers =
            Headers { from: &from.shown, to: to.iter().map(|to| to.shown.as_str()).collect(), tag: &self.tag, id };
        Ok(Script {
            helo: self.helo.clone(),
            starttls: *security == Security::StartTls,
            auth,
            from: from.address.clone(),
            to: to.iter().map(|to| to.address.clone()).collect(),
            text: message.text(&headers),
        })
    }

    async fn secure(&self, stream: TcpStream) -> Result<Connection, Fault> {
        let MailSettings { server, port, verify, authorities, timeout: step, .. } = &self.settings;
        let tls =
            Tls { name: Some(server.clone()), verify: *verify, authorities: authorities.clone(), ..Tls::default() };
        let failed = |text: String| for_now(format!("no secure connection to {server}:{port}: {text}"));
        match timeout(*step, secure(stream, &tls)).await {
            Ok(Ok(stream)) => Ok(Connection::Secure(Box::new(stream))),
            Ok(Err(text)) => Err(failed(text)),
            Err(_) => Err(failed(format!("it takes longer than {} seconds", step.as_secs()))),
        }
    }

    /// Waits for something no longer than a step may take.
    async fn within<T>(&self, what: &str, work: impl Future<Output = io::Result<T>>) -> Result<T, Fault> {
        let MailSettings { server, port, timeout: step, .. } = &self.settings;
        match timeout(*step, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(for_now(format!("{server}:{port}, {what}: {error}"))),
            Err(_) => Err(for_now(format!("{server}:{port}, {what}: no answer within {} seconds", step.as_secs()))),
        }
    }
}

/// A connection to the server.
enum Connection {
    Plain(TcpStream),
    Secure(Box<dyn Stream>),
}

impl Connection {
    fn get(&mut self) -> &mut dyn Stream {
        match self {
            Self::Plain(stream) => stream,
            Self::Secure(stream) => stream,
        }
    }
}

/// Returns a fault that may be gone the next time.
fn for_now(text: String) -> Fault {
    Fault { text, is_final: false }
}

/// Reads user name and password, a line each, from a file that not everybody may read.
fn credentials(path: &Path) -> Result<(String, String), String> {
    let shown = path.display();
    let content = Disk.read(path).map_err(|why| format!("{shown}: {why}"))?;
    let text = String::from_utf8(content).map_err(|_| format!("{shown} is no text"))?;
    match text.lines().collect::<Vec<_>>().as_slice() {
        [user, password] if !user.is_empty() => Ok(((*user).to_owned(), (*password).to_owned())),
        _ => Err(format!("{shown} needs two lines: user name and password")),
    }
}
