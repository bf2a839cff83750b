//! The support archive: what rules looked at and what other tools say, in a tar file that can be given away. Secrets are masked.

use std::{
    collections::BTreeSet,
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

/// Masks passwords, keys and communities, as save files, keepalived.conf and URLs have them: rather too much than too little. Bytes,
/// because words that matter here are ASCII, and tables of all of Unicode would make the program larger.
pub fn mask(text: &str) -> String {
    // Words of a line are quoted as a shell does it, and a quote that is never closed goes to the end of the line.
    const VALUE: &str = r#"(?:"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|\\.|[^\s"'\\])+"#;
    const NAME: &str =
        "(?:auth[-_]?pass(?:word)?|auth[-_]?key|hmac[-_]?key|api[-_]?key|password|passwd|secret|token|private[-_]?key)";
    let mut patterns = vec![
        // keepalived.conf, where a line may have several words and a block: auth_pass 1111, key 1 hex:0011.
        r"(?i-u)(\b(?:auth_pass|smtp_password|key[ \t]+[0-9]+)[ \t]+)[^\r\n]*".to_owned(),
        r"(?im-u)^([ \t#!]*(?:password|community|key|secret)[ \t]+)[^\r\n]*".to_owned(),
        // Headers; what is behind the colon has blanks and quotes of its own.
        r#"(?i-u)(\b(?:authorization|cookie)["']?[ \t]*:)[^\r\n]*"#.to_owned(),
        // An option that is in one pair of quotes with its value.
        format!(r#"(?i-u)(["'](?:--)?{NAME}=)[^\r\n]*"#),
        // Options and assignments: --secret X, --password=X, "auth_pass": "X".
        format!(r#"(?i-u)({NAME}["']?(?:[ \t]*[=:][ \t]*|[ \t]+)){VALUE}"#),
        // Credentials in URLs.
        r"(?i-u)(://[^\s/:@]*:)[^\s/@]+(@)".to_owned(),
    ];
    patterns.extend(definitions(text));
    let mut masked = text.as_bytes().to_vec();
    for pattern in patterns {
        // Rather nothing than a secret.
        let Ok(pattern) = Regex::new(&pattern) else {
            return "(left out: it cannot be searched for secrets)\n".to_owned();
        };
        let replaced = pattern.replace_all(&masked, |found: &Captures<'_>| {
            let part = |at: usize| found.get(at).map_or(&b""[..], |part| part.as_bytes());
            [part(1), b"********", part(2)].concat()
        });
        masked = replaced.into_owned();
    }
    String::from_utf8_lossy(&masked).into_owned()
}

/// Returns patterns for the definitions of keepalived.conf that secrets are made of: `$PASS=1111`, `auth_pass $PASS`.
fn definitions(text: &str) -> Vec<String> {
    let uses = Regex::new(r"(?i-u)\b(?:auth_pass|password|key[ \t]+[0-9]+)[ \t]+([^\r\n]*)");
    let names = Regex::new(r"(?-u)\$\{?([A-Za-z0-9_]+)");
    let (Ok(uses), Ok(names)) = (uses, names) else { return Vec::new() };
    let used: BTreeSet<String> = uses
        .captures_iter(text.as_bytes())
        .filter_map(|found| found.get(1))
        .flat_map(|rest| names.captures_iter(rest.as_bytes()))
        .filter_map(|found| Some(String::from_utf8_lossy(found.get(1)?.as_bytes()).into_owned()))
        .collect();
    // A definition goes on behind a backslash at the end of its line.
    let pattern = |name| format!(r"(?m-u)^([ \t]*\${name}[ \t]*=)(?:[^\n]*\\\n)*[^\r\n]*");
    used.into_iter().map(pattern).collect()
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
            (
                "authentication { auth_type PASS auth_pass 1111 }\nx",
                "authentication { auth_type PASS auth_pass ********\nx",
            ),
            ("\tauth_pass\t\"a b\" # c\n", "\tauth_pass\t********\n"),
            ("# auth_pass 1111\n", "# auth_pass ********\n"),
            ("    key 1 hex:0011 22\n    active_key 1\n", "    key ********\n    active_key 1\n"),
            ("auth_hmac { key 1 hex:0011 }", "auth_hmac { key 1 ********"),
            ("  password a b\n", "  password ********\n"),
            ("$P = ab\\\ncd\n$Q=1\nauth_pass x${P}\n", "$P =********\n$Q=1\nauth_pass ********\n"),
            ("vrrp add VI_1 --auth-pass hunter2 --vrid 5", "vrrp add VI_1 --auth-pass ******** --vrid 5"),
            ("vrrp add VI_1 --secret hunter2 --secret-file /x", "vrrp add VI_1 --secret ******** --secret-file /x"),
            ("--secret\thunter2 -x", "--secret\t******** -x"),
            ("--hmac-key 1:abcdef --hmac-active 1", "--hmac-key ******** --hmac-active 1"),
            ("--hmac-key 1:a,b{c} --hmac-active 1", "--hmac-key ******** --hmac-active 1"),
            ("--hmac-key 1:\"a \\\" b\"'c d'e\\ f -x", "--hmac-key ******** -x"),
            ("--secret 'never closed, x\n-y", "--secret ********\n-y"),
            ("'--secret=a b' x", "'--secret=********"),
            ("--auth-pass='a b' x", "--auth-pass=******** x"),
            (r#"{"password": "a, b", "x": 1}"#, r#"{"password": ******** "x": 1}"#),
            ("http://user:geheim@10.0.0.1/", "http://user:********@10.0.0.1/"),
            ("Authorization: Digest username=\"a\", response=\"b\"", "Authorization:********"),
            ("--header 'Authorization: Basic abcd==' -x\n-y", "--header 'Authorization:********\n-y"),
            ("--header 'Cookie: id=geheim' -x", "--header 'Cookie:********"),
            ("--header X-Api-Key:abc,d -x", "--header X-Api-Key:******** -x"),
            (
                "set mail --server m:587 --auth-file /etc/mail.auth",
                "set mail --server m:587 --auth-file /etc/mail.auth",
            ),
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
