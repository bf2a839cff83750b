//! Servers as people run them (nginx, Apache, Postfix, BIND), from private directories, for tests that check them.
//!
//! They listen on all addresses of the namespace of the calling thread, in the foreground, and write only below their own directory. Nothing
//! here knows what a check should say of them.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

/// How long a server may take to start, and to end.
const LIMIT: Duration = Duration::from_secs(20);

/// A server, until this is dropped.
pub(crate) struct Daemon {
    child: Child,
    directory: TempDir,
}

impl Daemon {
    /// Writes files into a directory and starts a program. `{dir}` in files and arguments is that directory.
    fn start(program: &str, arguments: &[&str], files: &[(&str, &str)]) -> Self {
        let directory = TempDir::with_prefix("lvsadm-lab-").expect("a temporary directory");
        // Servers become other users.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        let here = directory.path().display().to_string();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().expect("below the directory")).expect("a directory");
            fs::write(&path, text.replace("{dir}", &here)).expect("a file");
        }
        let log = fs::File::create(directory.path().join("log")).expect("a log");
        let child = Command::new(program)
            .args(arguments.iter().map(|argument| argument.replace("{dir}", &here)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a descriptor"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
        Self { child, directory }
    }

    /// nginx as one process, with these lines in its `http` section and these files below `www`.
    pub(crate) fn nginx(http: &str, pages: &[(&str, &str)]) -> Self {
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {{dir}}/tmp;\n"))
            .concat();
        let configuration = format!(
            "daemon off;\nmaster_process off;\npid {{dir}}/pid;\nevents {{ worker_connections 4096; }}\n\
             http {{\naccess_log off;\nroot {{dir}}/www;\n{temporary}{http}\n}}\n"
        );
        let names: Vec<_> = pages.iter().map(|(name, _)| format!("www/{name}")).collect();
        let mut files = vec![("nginx.conf", configuration.as_str())];
        files.extend(names.iter().zip(pages).map(|(name, (_, text))| (name.as_str(), *text)));
        Self::start("nginx", &["-p", "{dir}", "-e", "{dir}/error.log", "-c", "{dir}/nginx.conf"], &files)
    }

    /// Apache with these pages, on this port.
    pub(crate) fn apache(port: u16, pages: &[(&str, &str)]) -> Self {
        let modules: String = ["mpm_event", "authz_core", "dir", "alias"]
            .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
            .concat();
        let configuration = format!(
            "ServerRoot {{dir}}\nServerName www.example\nPidFile {{dir}}/pid\nDefaultRuntimeDir {{dir}}\nMutex file:{{dir}}\n\
             Listen 0.0.0.0:{port}\n{modules}User www-data\nGroup www-data\nErrorLog {{dir}}/error.log\nDocumentRoot {{dir}}/www\n\
             StartServers 1\nMinSpareThreads 5\nThreadsPerChild 5\nMaxRequestWorkers 20\nRedirect 301 /moved /index.html\n"
        );
        let names: Vec<_> = pages.iter().map(|(name, _)| format!("www/{name}")).collect();
        let mut files = vec![("conf", configuration.as_str())];
        files.extend(names.iter().zip(pages).map(|(name, (_, text))| (name.as_str(), *text)));
        Self::start("apache2", &["-f", "{dir}/conf", "-DFOREGROUND"], &files)
    }

    /// Postfix, which takes mail on port 25 and keeps it; on port 2525 its gatekeeper (postscreen) greets with a line
    /// `220-`, and a second later with the last line.
    pub(crate) fn postfix() -> Self {
        Self::mail_server(POSTFIX_MAIN, &[])
    }

    // The tests in namespaces use these two.

    /// The same, which can make connections secure: it is the one who is called this in a certificate of
    /// [`certificate`], whose PEM files these are.
    #[allow(dead_code)]
    pub(crate) fn postfix_with_tls(key: &str, certificate: &str) -> Self {
        let main =
            format!("{POSTFIX_MAIN}smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {{dir}}/etc/chain.pem\n");
        Self::mail_server(&main, &[("etc/chain.pem", &format!("{key}{certificate}"))])
    }

    /// The mails that it has taken and kept, as they are in its queue: records, of which some are lines.
    #[allow(dead_code)]
    pub(crate) fn mails(&self) -> Vec<String> {
        let queue = fs::read_dir(self.directory.path().join("spool/incoming")).into_iter().flatten();
        let mail = |entry: std::io::Result<fs::DirEntry>| fs::read(entry.ok()?.path()).ok();
        queue.filter_map(mail).map(|mail| String::from_utf8_lossy(&mail).into_owned()).collect()
    }

    fn mail_server(main: &str, more: &[(&str, &str)]) -> Self {
        Self::start(
            "sh",
            &[
                "-c",
                // `postfix start-fg` is more processes than one, of which the first is not the one to stop, and takes seconds
                // in a slow guest to look at directories that only mail would need.
                "cd {dir} && mkdir -p spool/pid spool/private spool/public spool/incoming data &&
                 chown postfix spool/private spool/public spool/incoming data &&
                 exec setsid /usr/lib/postfix/sbin/master -c {dir}/etc -d",
            ],
            &[&[("etc/main.cf", main), ("etc/master.cf", POSTFIX_MASTER)], more].concat(),
        )
    }

    /// BIND, with authority over `example`, where `www` is, and over nothing else.
    pub(crate) fn named() -> Self {
        Self::start("named", &["-g", "-n", "1", "-c", "{dir}/named.conf"], &[("named.conf", NAMED), ("zone", ZONE)])
    }

    /// Waits until a TCP port takes connections.
    #[track_caller]
    pub(crate) fn listening(self, port: u16) -> Self {
        let (address, end) = (SocketAddr::from(([127, 0, 0, 1], port)), Instant::now() + LIMIT);
        while let Err(error) = TcpStream::connect(address) {
            let log = || fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < end, "nobody listens on port {port}: {error}\n{}", log());
            thread::sleep(Duration::from_millis(20));
        }
        self
    }

    /// Sends a signal to it: `SIGSTOP` makes a server that takes connections and says nothing.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it runs");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Gently, so that it takes its own children down; it may have ended by itself, or be stopped.
        let pid = Pid::from_raw(self.child.id().cast_signed());
        let _ = kill(pid, Signal::SIGTERM);
        let _ = kill(pid, Signal::SIGCONT);
        let end = Instant::now() + LIMIT;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > end {
                let _ = self.child.kill();
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Makes a self-signed certificate for a name: `NAME.pem` and `NAME.key` in this directory.
pub(crate) fn certificate(directory: &Path, name: &str) {
    let output = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "30"])
        .args(["-subj", &format!("/CN={name}"), "-addext", &format!("subjectAltName=DNS:{name}")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")])
        .current_dir(directory)
        .output()
        .expect("openssl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

const POSTFIX_MAIN: &str = "\
compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
multi_instance_name = lvsadm
myhostname = mail.example
mydestination = example
inet_interfaces = all
inet_protocols = ipv4
mynetworks = 192.0.2.1/32
alias_maps =
alias_database =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
smtpd_banner = mail.example ESMTP, at your service
maillog_file = {dir}/mail.log
maillog_file_prefixes = {dir}
postscreen_access_list =
postscreen_cache_map =
postscreen_greet_wait = 1s
postscreen_greet_banner = mail.example looks at you
";

const POSTFIX_MASTER: &str = "\
25 inet n - n - - smtpd
2525 inet n - n - 1 postscreen
smtpd pass - - n - - smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
";

const NAMED: &str = "\
options {
    directory \"{dir}\";
    pid-file none;
    session-keyfile \"{dir}/session.key\";
    listen-on { any; };
    listen-on-v6 { none; };
    recursion no;
    dnssec-validation no;
    empty-zones-enable no;
};
controls { };
zone \"example\" { type primary; file \"zone\"; };
";

const ZONE: &str = "\
$TTL 60
@ SOA ns.example. root.example. 1 60 60 60 60
@ NS ns
ns A 127.0.0.1
www A 10.0.0.1
";
