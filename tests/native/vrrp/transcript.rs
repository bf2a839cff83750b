//! What scripts and FIFOs are told by a real process, beside what stock keepalived told them of the same events.

use std::{fmt::Write as _, fs, io::Read as _, os::unix::fs::OpenOptionsExt, path::Path, thread, time::Duration};

use nix::libc;

use super::site::{Site, until};

const LIMIT: Duration = Duration::from_secs(12);

/// What came since the last call.
struct Ears {
    fifo: fs::File,
    calls: std::path::PathBuf,
    transcript: String,
}

impl Ears {
    /// Waits for as much as keepalived said of this event.
    fn event(&mut self, name: &str) {
        let golden = include_str!("../../golden/notify.txt");
        let of_event = golden.split("event ").find_map(|event| event.strip_prefix(&format!("{name}\n")));
        let expected = of_event.unwrap_or_else(|| panic!("no event {name}"));
        let count = |kind: &str| expected.lines().filter(|line| line.starts_with(kind)).count();
        let (mut lines, mut calls) = (String::new(), Vec::new());
        until(&format!("all is told of: {name}"), LIMIT, || {
            let mut bytes = [0; 4096];
            if let Ok(len) = self.fifo.read(&mut bytes) {
                lines += &String::from_utf8_lossy(&bytes[..len]);
            }
            let text = fs::read_to_string(&self.calls).unwrap_or_default();
            calls = text.lines().map(str::to_owned).collect();
            lines.lines().count() >= count("fifo") && calls.len() >= count("call")
        });
        // keepalived's come in any order.
        calls.sort();
        let _ = fs::remove_file(&self.calls);
        let _ = writeln!(self.transcript, "event {name}");
        for line in lines.lines() {
            let _ = writeln!(self.transcript, "fifo {line}");
        }
        for call in calls {
            let _ = writeln!(self.transcript, "{call}");
        }
    }
}

fn script(directory: &Path, body: &str) -> String {
    crate::script(directory, "tell", body).display().to_string()
}

#[test]
fn the_transcript_is_keepaliveds() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let directory = crate::directory();
    let directory = directory.path();
    let tell = script(directory, &format!("echo \"call $*\" >> {}/calls", directory.display()));
    let (fifo, weight) = (directory.join("fifo"), directory.join("weight"));
    fs::write(&weight, "7\n").expect("a file");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let open = fs::OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&fifo);
    let mut ears = Ears { fifo: open.expect("our FIFO"), calls: directory.join("calls"), transcript: String::new() };
    let lines = format!(
        "vrrp set --script-user root --fifo '{fifo}'\n\
         vrrp add-file weight --path {weight} --weight 1\n\
         vrrp add-group G --member V1 --weights --notify '{tell} any-G' --notify-master '{tell} master-G'\n\
         vrrp add V1 --interface eth0 --vrid 51 --version 2 --priority 100 --interval 1s --address 10.9.9.100/24 \
         --track-file weight --notify-priority-changes --notify '{tell} any-V1' --notify-master '{tell} master-V1 with words' \
         --notify-backup '{tell} backup-V1' --notify-fault '{tell} fault-V1' --notify-stop '{tell} stop-V1'\n",
        fifo = fifo.display(),
        weight = weight.display(),
    );
    let mut daemon = host.vrrp_file(&lines);
    ears.event("start");
    ears.event("nothing is heard");
    fs::write(&weight, "0\n").expect("a file");
    ears.event("file 7 to 0");
    host.run("ip link set eth0 down").ok();
    ears.event("link down");
    fs::write(&weight, "3\n").expect("a file");
    ears.event("file 0 to 3");
    host.run("ip link set eth0 up").ok();
    let _ = host.run("ip address add 10.9.9.1/24 dev eth0");
    ears.event("link up");
    daemon.stop();
    ears.event("stop");
    let golden = include_str!("../../golden/notify.txt");
    assert_eq!(ears.transcript, golden, "{}", daemon.log());
}

#[test]
fn a_stop_script_that_hangs_holds_the_end_up_for_a_second_only() {
    let site = Site::new(1);
    let host = &site.hosts[0];
    let directory = crate::directory();
    let tell = script(directory.path(), "sleep 60");
    let mut daemon = host.vrrp_file(&format!(
        "vrrp set --script-user root\nvrrp add V1 --interface eth0 --vrid 51 --version 3 --interval 100ms \
         --address 10.9.9.100/24 --notify-stop {tell}\n"
    ));
    until("it is master", LIMIT, || host.has("10.9.9.100"));
    thread::scope(|scope| {
        let gone = scope.spawn(|| until("the address is gone", LIMIT, || !host.has("10.9.9.100")));
        let (took, status) = daemon.stop();
        assert_eq!(status, Some(0));
        assert!(took > Duration::from_millis(500) && took < Duration::from_millis(2500), "{took:?}");
        assert!(gone.join().expect("no panic") < Duration::from_millis(500));
    });
}
