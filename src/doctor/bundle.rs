//! The support archive: what rules looked at and what other tools say, in a tar file that can be given away. Secrets are masked.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use regex::bytes::{Captures, Regex};

/// More than this of one command or file is cut.
const MOST: usize = 4 << 20;

/// What is asked of other tools. None of them waits for anything.
const COMMANDS: [&[&str]; 17] = [
    &["uname", "-a"],
    &["ip", "-details", "link"],
    &["ip", "-details", "address"],
    &["ip", "route", "show", "table", "all"],
    &["ip", "-6", "route", "show", "table", "all"],
    &["ip", "rule"],
    &["ip", "-6", "rule"],
    &["ip", "neighbour"],
    &["ip", "-s", "link"],
    &["ip", "fou", "show"],
    &["ip", "maddress"],
    &["nft", "list", "ruleset"],
    &["sysctl", "-a", "--pattern", "^net\\."],
    &["lsmod"],
    &["ss", "-lntup"],
    &["journalctl", "--no-pager", "-n", "2000", "-u", "lvsadm", "-u", "keepalived"],
    &["dmesg"],
];

/// Files that are put in as they are, but for secrets.
const FILES: [&str; 9] = [
    "/proc/thread-self/net/ip_vs",
    "/proc/thread-self/net/ip_vs_stats",
    "/proc/thread-self/net/ip_vs_ext",
    "/proc/version",
    "/proc/loadavg",
    "/etc/os-release",
    "/etc/sysconfig/ipvsadm",
    "/etc/sysconfig/lvsadm",
    "/etc/keepalived/keepalived.conf",
];

/// A directory entry of a tar file is a block.
const BLOCK: usize = 512;

/// Writes the archive: `own` is what this program itself has to say, by name. The file must not be there yet; only root can read it.
/// A name that ends in `.gz` is compressed, by gzip.
///
/// # Errors
/// It cannot be written. What cannot be read is said in the archive.
pub fn write(path: &Path, own: &[(&str, String)]) -> io::Result<()> {
    let mut archive = Archive::default();
    for (name, content) in own {
        archive.add(name, &mask(content));
    }
    for words in COMMANDS {
        archive.add(&format!("commands/{}.txt", name(&words.join(" "))), &mask(&output(words)));
    }
    for file in FILES {
        let content = match fs::read(file) {
            Ok(content) => String::from_utf8_lossy(content.get(..MOST).unwrap_or(&content)).into_owned(),
            Err(error) => format!("(cannot be read: {error})\n"),
        };
        archive.add(&format!("files/{}.txt", name(file)), &mask(&content));
    }
    let bytes = archive.finish();
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = if path.extension().is_some_and(|extension| extension == "gz") {
        compress(&bytes, file)
    } else {
        let mut file = file;
        file.write_all(&bytes).and_then(|()| file.sync_all())
    };
    if written.is_err() {
        // Half an archive helps nobody; the first error is the one to report.
        let _ = fs::remove_file(path);
    }
    written
}

fn compress(bytes: &[u8], file: fs::File) -> io::Result<()> {
    let mut gzip = Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(file).spawn()?;
    let sent = gzip.stdin.take().map_or(Ok(()), |mut input| input.write_all(bytes));
    let status = gzip.wait()?;
    sent?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("gzip failed: {status}"))) }
}

fn output(words: &[&str]) -> String {
    // A journal of gigabytes must not hold up the rest.
    let mut command = Command::new("timeout");
    match command.arg("10").args(words).stdin(Stdio::null()).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            String::from_utf8_lossy(said.get(..MOST).unwrap_or(&said)).into_owned()
        }
        Err(error) => format!("(cannot be run: {error})\n"),
    }
}

/// Returns a name for a member of the archive.
fn name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
    text.trim_start_matches('/').chars().map(plain).collect::<String>().trim_matches('-').to_owned()
}

/// Masks passwords, keys and communities, as save files, keepalived.conf and URLs have them. Bytes, because words that matter here are
/// ASCII, and tables of all of Unicode would make the program larger.
pub fn mask(text: &str) -> String {
    const PATTERNS: [&str; 4] = [
        // keepalived.conf: auth_pass 1111; mail and SNMP have theirs, too.
        r#"(?im-u)^(\s*(?:auth_pass|password|smtp_password|community|key|secret)\s+)("[^"]*"|\S+)"#,
        // Options and assignments: --secret X, --password=X, "auth_pass": "X".
        r#"(?i-u)([-_"']?(?:auth[-_]?pass(?:word)?|auth[-_]?key|hmac[-_]?key|api[-_]?key|password|passwd|secret|token|private[-_]?key)["']?\s*(?:[ =:])\s*)("[^"]*"|'[^']*'|[^\s,}]+)"#,
        // Credentials in URLs, and headers that carry some.
        r"(?i-u)(://[^\s/:@]*:)([^\s/@]+)(@)",
        r#"(?i-u)(authorization:\s*(?:basic|bearer)?\s*)([^\s"']+)"#,
    ];
    let mut masked = text.as_bytes().to_vec();
    for pattern in PATTERNS {
        // Rather nothing than a secret.
        let Ok(pattern) = Regex::new(pattern) else {
            return "(left out: it cannot be searched for secrets)\n".to_owned();
        };
        let replaced = pattern.replace_all(&masked, |found: &Captures<'_>| {
            let part = |at: usize| found.get(at).map_or(&b""[..], |part| part.as_bytes());
            [part(1), b"********", part(3)].concat()
        });
        masked = replaced.into_owned();
    }
    String::from_utf8_lossy(&masked).into_owned()
}

/// A tar file in the making (POSIX ustar).
#[derive(Default)]
struct Archive(Vec<u8>);

impl Archive {
    fn add(&mut self, name: &str, content: &str) {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut header = [0_u8; BLOCK];
        let mut put = |at: usize, text: &str| {
            header.iter_mut().skip(at).zip(text.bytes()).for_each(|(place, byte)| *place = byte);
        };
        // Name, mode, owner, group, size, time, kind, magic: octal numbers, each with an end of its own.
        put(0, &format!("lvsadm-bundle/{}", name.chars().take(80).collect::<String>()));
        put(100, "0000600");
        put(108, "0000000");
        put(116, "0000000");
        put(124, &format!("{:011o}", content.len()));
        put(136, &format!("{seconds:011o}"));
        // The sum is made as if its own place were blank.
        put(148, "        ");
        put(156, "0");
        put(257, "ustar\u{0}00");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        let digits = format!("{sum:06o}\0 ");
        header.iter_mut().skip(148).zip(digits.bytes()).for_each(|(place, byte)| *place = byte);
        self.0.extend(header);
        self.0.extend(content.bytes());
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * BLOCK, 0);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        for (text, masked) in [
            ("    auth_pass 1111\n", "    auth_pass ********\n"),
            ("vrrp add VI_1 --auth-pass hunter2 --vrid 5", "vrrp add VI_1 --auth-pass ******** --vrid 5"),
            ("vrrp add VI_1 --secret hunter2 --secret-file /x", "vrrp add VI_1 --secret ******** --secret-file /x"),
            ("--hmac-key 1:abcdef --hmac-active 1", "--hmac-key ******** --hmac-active 1"),
            ("--auth-pass='a b' x", "--auth-pass=******** x"),
            (r#"{"password": "abc", "x": 1}"#, r#"{"password": ********, "x": 1}"#),
            ("http://user:geheim@10.0.0.1/", "http://user:********@10.0.0.1/"),
            ("Authorization: Basic abcd==", "Authorization: Basic ********"),
            ("-A -t 10.0.0.1:80 -s rr", "-A -t 10.0.0.1:80 -s rr"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn tar_reads_the_archive() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.tar");
        write(&path, &[("report.txt", "all is well\n--auth-pass hunter2\n".to_owned())]).expect("written");
        let list = |words: &[&str]| {
            let output = Command::new("tar").args(words).arg("-f").arg(&path).output().expect("tar");
            assert!(output.status.success(), "{output:?}");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let names = list(&["-t"]);
        assert!(names.starts_with("lvsadm-bundle/report.txt\n"), "{names}");
        assert!(names.contains("lvsadm-bundle/commands/uname--a.txt"), "{names}");
        assert_eq!(list(&["-x", "-O", "--wildcards", "*/report.txt"]), "all is well\n--auth-pass ********\n");
        assert!(write(&path, &[]).is_err(), "what is there is not overwritten");
    }
}
