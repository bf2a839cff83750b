//! `global_defs`.

use super::{
    COMMAND,
    Inside::Words,
    Keyword,
    Kind::{Address, Group, Link, Multicast, Number, Of, OneOf, Path, Port, User, Word},
    LONGEST, MOST, MOST_SIGNED, SECOND,
    Slot::{Any, Around, Many, Maybe, One, Options},
    TIME, Thing, USER, flag, keyword, switch,
};

const SNMP: &str = "lvsadm speaks no SNMP; see lvsadm metrics";
const DBUS: &str = "lvsadm speaks no D-Bus; its control socket and lvsadm agent events tell the same";
const FIREWALL: &str = "addresses that take no packets are in an nftables table of lvsadm's own";
const BUFFERS: &str = "sockets have buffers for what is to be expected; what is lost is read again";
const DUMPS: &str = "nothing is dumped into files; see lvsadm agent status, vrrp show and check list, each with --json";
const PROCESS_NAME: &str = "processes are called lvsadm; their arguments tell them apart";
const PROCESS: &str = "only the process of virtual routers has such settings";
const OLD_LIMIT: &str = "write vrrp_rlimit_rttime and the like";

/// `NAME VALUE` pairs of `lvs_sync_daemon`.
const SYNC_DAEMON: &[Keyword] = &[
    keyword(&["inst"], &[One(Of(Thing::Instance))], "Runs by the state of this instance"),
    keyword(&["id"], &[One(Number(0, 255))], "Sync id"),
    keyword(&["maxlen"], &[One(Number(1, 65507))], "Longest packet"),
    keyword(&["port"], &[One(Port(false))], "UDP port"),
    keyword(&["ttl"], &[One(Number(1, 255))], "TTL of packets"),
    keyword(&["group"], &[One(Address)], "Multicast group"),
];

const TIMEOUTS: &[Keyword] = &[
    keyword(&["tcp"], &[One(Number(0, 2_678_400))], "Seconds of a TCP connection"),
    keyword(&["tcpfin"], &[One(Number(0, 2_678_400))], "Seconds of one that is being closed"),
    keyword(&["udp"], &[One(Number(0, 2_678_400))], "Seconds of UDP"),
];

/// Everything in `global_defs`.
pub(super) static GLOBAL: &[Keyword] = &[
    keyword(&["router_id"], &[One(Word("NAME"))], "What notices call this host").default("the host's name"),
    keyword(&["notification_email"], &[], "Who gets mail").block(Words(Word("ADDRESS"))).many(),
    keyword(&["notification_email_from"], &[One(Word("ADDRESS"))], "Whom mail comes from").default("USER@HOST"),
    keyword(&["smtp_server"], &[One(Word("HOST")), Maybe(Port(false))], "Mail server; without one there is no mail")
        .default("port 25"),
    keyword(&["smtp_helo_name"], &[One(Word("NAME"))], "Name in HELO").default("the host's name"),
    keyword(&["smtp_connect_timeout"], &[One(Number(1, MOST))], "Seconds to reach the mail server").default("30"),
    switch(&["smtp_alert"], "Whether there is mail of what says nothing itself").default("RS on, rest off"),
    switch(&["smtp_alert_vrrp"], "The same of virtual routers").default("smtp_alert"),
    switch(&["smtp_alert_checker"], "The same of servers").default("smtp_alert"),
    flag(&["no_email_faults"], "No mail of the state FAULT"),
    switch(&["no_checker_emails"], "Mail only when a server enters or leaves the table")
        .not_done("mail is of transitions only, in any case"),
    switch(&["checker_log_all_failures"], "Each failed probe is logged"),
    switch(&["rs_init_notifies"], "notify_up runs for servers that are up at the start"),
    keyword(&["dynamic_interfaces"], &[Maybe(OneOf(&["allow_if_changes"]))], "Links may be missing, come and go"),
    keyword(&["default_interface"], &[One(Link)], "Link of static addresses that name none").default("eth0"),
    keyword(
        &["lvs_sync_daemon"],
        &[One(Link), Around(SYNC_DAEMON, &[Number(0, 255), Of(Thing::Instance)])],
        "Connections are told to the other director",
    ),
    keyword(&["lvs_timeouts"], &[Options(TIMEOUTS)], "How long the kernel remembers connections"),
    flag(&["lvs_flush"], "The kernel's table is emptied at the start"),
    keyword(
        &["lvs_flush_on_stop", "lvs_flush_onstop"],
        &[Maybe(OneOf(&["VS"]))],
        "It is emptied at the end; VS = of what is in this file",
    ),
    keyword(&["vrrp_mcast_group4"], &[One(Multicast(false))], "Multicast group of IPv4 adverts").default("224.0.0.18"),
    keyword(&["vrrp_mcast_group6"], &[One(Multicast(true))], "Multicast group of IPv6 adverts").default("ff02::12"),
    keyword(
        &["vrrp_garp_master_delay"],
        &[One(Number(0, MOST))],
        "Seconds until a master announces its addresses again; 0 = not",
    )
    .default("5"),
    keyword(&["vrrp_garp_master_repeat"], &[One(Number(1, MOST))], "How often each address is announced at once")
        .default("5"),
    keyword(
        &["vrrp_garp_lower_prio_delay"],
        &[One(Number(0, MOST))],
        "The same delay after an advert of lower priority",
    )
    .default("vrrp_garp_master_delay"),
    keyword(
        &["vrrp_garp_lower_prio_repeat"],
        &[One(Number(0, MOST_SIGNED))],
        "The same repeat after an advert of lower priority",
    )
    .default("vrrp_garp_master_repeat"),
    keyword(
        &["vrrp_garp_master_refresh"],
        &[One(Number(0, MOST))],
        "Seconds between announcements of a master; 0 = none",
    )
    .default("0"),
    keyword(&["vrrp_garp_master_refresh_repeat"], &[One(Number(1, MOST))], "How often each address is announced then")
        .default("1"),
    keyword(&["vrrp_garp_interval"], &[One(TIME)], "Seconds between two gratuitous ARPs on a link; 0 = none")
        .default("0"),
    keyword(&["vrrp_gna_interval"], &[One(TIME)], "Seconds between two neighbour advertisements on a link; 0 = none")
        .default("0"),
    switch(&["vrrp_min_garp"], "Each address is announced once, and not again"),
    keyword(
        &["vrrp_garp_extra_if", "vrrp_vmac_garp_intvl"],
        &[Maybe(OneOf(&["all"])), One(Number(1, 86_400))],
        "Seconds between announcements on links without adverts",
    )
    .default("0"),
    keyword(&["vrrp_down_timer_adverts"], &[One(Number(1, 100))], "Adverts that are missed before the master is dead")
        .default("3"),
    switch(&["vrrp_lower_prio_no_advert"], "A master does not answer an advert of lower priority"),
    switch(&["vrrp_higher_prio_send_advert"], "A master answers an advert of higher priority before it gives way"),
    keyword(&["vrrp_version"], &[One(Number(2, 3))], "Version of VRRP").default("2, IPv6: 3"),
    flag(&["v3_checksum_as_v2"], "Version 3 over IPv4 without pseudo-header (RFC 9568, Cisco, Juniper)"),
    keyword(&["vrrp_iptables"], &[Any(Word("CHAIN"))], "Chains of iptables").default("INPUT OUTPUT").not_done(FIREWALL),
    keyword(&["vrrp_ipsets"], &[Any(Word("SET"))], "Names of ipsets").default("keepalived ...").not_done(FIREWALL),
    keyword(&["nftables"], &[Maybe(Word("TABLE"))], "Table of nftables").default("keepalived").not_done(FIREWALL),
    keyword(&["nftables_priority"], &[One(Number(-MOST_SIGNED - 1, MOST_SIGNED))], "Priority of its chains")
        .default("-1")
        .not_done(FIREWALL),
    flag(&["nftables_ifindex"], "Rules name links by number").not_done(FIREWALL),
    flag(&["nftables_counters"], "Rules count").not_done(FIREWALL),
    keyword(&["nftables_ipvs"], &[Maybe(Word("TABLE"))], "Groups of servers are marked by nftables")
        .default("keepalived_ipvs")
        .not_done("each address of a group is a service of its own in the kernel's table"),
    keyword(&["nftables_ipvs_priority"], &[One(Number(-MOST_SIGNED - 1, MOST_SIGNED))], "Priority of its chains")
        .default("-1")
        .not_done("see nftables_ipvs"),
    keyword(&["nftables_ipvs_start_fwmark"], &[One(Number(1, MOST))], "First mark")
        .default("1000")
        .not_done("see nftables_ipvs"),
    flag(&["disable_local_igmp"], "No IGMP reports for groups of the link")
        .not_done("the switch net.ipv4.igmp_link_local_mcast_reports stays as the host has it"),
    flag(&["vrrp_check_unicast_src"], "Adverts of others than the peers are rejected"),
    switch(&["vrrp_skip_check_adv_addr"], "Addresses of the master heard last are not compared again"),
    switch(&["vrrp_strict"], "What the RFC forbids is refused; addresses do not answer to ping"),
    switch(&["vrrp_owner_ignore_adverts"], "Priority 255 ignores adverts"),
    switch(&["vrrp_notify_priority_changes"], "Changes of priority go to the FIFO"),
    flag(&["log_unknown_vrids"], "Adverts of unknown virtual routers are logged")
        .not_done("they are counted; see lvsadm vrrp show"),
    keyword(
        &["vrrp_startup_delay"],
        &[One(super::Kind::Seconds(1000, LONGEST))],
        "Seconds in which adverts are ignored after the start",
    )
    .default("0"),
    keyword(&["vrrp_delay_after_boot"], &[One(TIME)], "The same, counted from the boot of the host").default("0"),
    keyword(&["vrrp_rx_bufs_policy"], &[One(Word("MTU|ADVERT|BYTES"))], "Size of receive buffers").not_done(BUFFERS),
    keyword(&["vrrp_rx_bufs_multiplier"], &[One(Number(1, MOST))], "How many packets fit in them")
        .default("3")
        .not_done(BUFFERS),
    keyword(&["vmac_prefix"], &[One(Word("NAME"))], "What names of macvlans begin with").default("vrrp"),
    keyword(&["vmac_addr_prefix"], &[One(Word("NAME"))], "The same for macvlans of use_vmac_addr")
        .default("vmac_prefix")
        .not_done("all names begin with vmac_prefix"),
    keyword(&["vrrp_priority"], &[One(Number(-20, 19))], "Nice value of the process of virtual routers").default("0"),
    keyword(&["checker_priority"], &[One(Number(-20, 19))], "The same of the process of checks")
        .default("0")
        .not_done(PROCESS),
    keyword(&["bfd_priority"], &[One(Number(-20, 19))], "The same of BFD")
        .default("0")
        .not_done("BFD runs with the virtual routers"),
    flag(&["vrrp_no_swap"], "The memory of that process is never swapped out"),
    flag(&["checker_no_swap"], "The same of checks").not_done(PROCESS),
    flag(&["bfd_no_swap"], "The same of BFD").not_done("BFD runs with the virtual routers"),
    keyword(&["vrrp_rt_priority"], &[One(Number(1, 99))], "Real-time priority of that process").default("none"),
    keyword(&["checker_rt_priority"], &[One(Number(1, 99))], "The same of checks").default("none").not_done(PROCESS),
    keyword(&["bfd_rt_priority"], &[One(Number(1, 99))], "The same of BFD")
        .default("none")
        .not_done("BFD runs with the virtual routers"),
    keyword(&["vrrp_cpu_affinity"], &[Many(Number(0, 8191))], "Processors it runs on").default("all"),
    keyword(&["checker_cpu_affinity"], &[Many(Number(0, 8191))], "The same of checks").default("all").not_done(PROCESS),
    keyword(&["bfd_cpu_affinity"], &[Many(Number(0, 8191))], "The same of BFD")
        .default("all")
        .not_done("BFD runs with the virtual routers"),
    keyword(
        &["vrrp_rlimit_rttime"],
        &[One(Number(2, MOST))],
        "Microseconds that a real-time process may run without a pause",
    )
    .default("10000")
    .not_done("lvsadm has a limit of its own"),
    keyword(&["checker_rlimit_rttime"], &[One(Number(2, MOST))], "The same of checks")
        .default("10000")
        .not_done(PROCESS),
    keyword(&["bfd_rlimit_rttime"], &[One(Number(2, MOST))], "The same of BFD")
        .default("10000")
        .not_done("lvsadm has a limit of its own"),
    keyword(&["vrrp_rlimit_rtime"], &[One(Number(2, MOST))], "Old name").obsolete(OLD_LIMIT),
    keyword(&["checker_rlimit_rtime"], &[One(Number(2, MOST))], "Old name").obsolete(OLD_LIMIT),
    keyword(&["bfd_rlimit_rtime"], &[One(Number(2, MOST))], "Old name").obsolete(OLD_LIMIT),
    keyword(&["max_auto_priority"], &[Maybe(Number(-1, 99))], "Real-time priority that a late process takes by itself")
        .default("0")
        .not_done("a process that was late listens before it believes that it is master"),
    keyword(&["min_auto_priority_delay"], &[One(Number(1, 10_000_000))], "Microseconds late before it does")
        .default("1000000")
        .not_done("see max_auto_priority"),
    flag(&["process_names"], "Processes have names of their own").not_done(PROCESS_NAME),
    keyword(&["process_name"], &[One(Word("NAME"))], "Name of the parent").not_done(PROCESS_NAME),
    keyword(&["vrrp_process_name"], &[One(Word("NAME"))], "Name of the process of virtual routers")
        .not_done(PROCESS_NAME),
    keyword(&["checker_process_name", "lvs_process_name"], &[One(Word("NAME"))], "Name of the process of checks")
        .not_done(PROCESS_NAME),
    keyword(&["bfd_process_name"], &[One(Word("NAME"))], "Name of the process of BFD").not_done(PROCESS_NAME),
    keyword(&["script_user"], USER, "Who runs commands that name nobody").default("keepalived_script, else root"),
    flag(&["enable_script_security"], "Commands of root that others could change are not run")
        .default("always so for root"),
    switch(&["set_supplementary_groups"], "Commands have all groups of their user")
        .not_done("commands always have the groups of their user"),
    switch(&["use_symlink_paths"], "Commands are called by the path as written")
        .not_done("commands are always called by the path as written"),
    keyword(&["startup_script"], COMMAND, "Run once before everything")
        .not_done("write ExecStartPre= in the unit of systemd"),
    keyword(&["startup_script_timeout"], &[One(Number(1, 1000))], "Its seconds")
        .default("10")
        .not_done("see startup_script"),
    keyword(&["shutdown_script"], COMMAND, "Run once after everything")
        .not_done("write ExecStopPost= in the unit of systemd"),
    keyword(&["shutdown_script_timeout"], &[One(Number(1, 1000))], "Its seconds")
        .default("10")
        .not_done("see shutdown_script"),
    keyword(&["notify_fifo"], &[One(Path), Maybe(User), Maybe(Group)], "All transitions are written to this FIFO")
        .first(),
    keyword(&["notify_fifo_script"], COMMAND, "Reads it").first(),
    keyword(
        &["vrrp_notify_fifo"],
        &[One(Path), Maybe(User), Maybe(Group)],
        "Transitions of virtual routers are written to this FIFO",
    )
    .first(),
    keyword(&["vrrp_notify_fifo_script"], COMMAND, "Reads it").first(),
    keyword(
        &["lvs_notify_fifo"],
        &[One(Path), Maybe(User), Maybe(Group)],
        "Transitions of servers are written to this FIFO",
    )
    .first(),
    keyword(&["lvs_notify_fifo_script"], COMMAND, "Reads it").first(),
    flag(&["fifo_write_vrrp_states_on_reload"], "States are written again after a reload")
        .not_done("a FIFO stays open over a reload, and nothing in it is lost"),
    keyword(&["snmp_socket"], &[One(Word("SOCKET"))], "Where the SNMP agent listens").not_done(SNMP),
    flag(&["enable_traps"], "SNMP traps").not_done(SNMP),
    flag(&["enable_snmp_vrrp", "enable_snmp_keepalived"], "Virtual routers by SNMP").not_done(SNMP),
    flag(&["enable_snmp_rfc"], "Virtual routers by SNMP as in both RFCs").not_done(SNMP),
    flag(&["enable_snmp_rfcv2"], "Virtual routers by SNMP as in RFC 2787").not_done(SNMP),
    flag(&["enable_snmp_rfcv3"], "Virtual routers by SNMP as in RFC 6527").not_done(SNMP),
    flag(&["enable_snmp_checker"], "Services and servers by SNMP").not_done(SNMP),
    keyword(
        &["snmp_vs_stats_update_interval"],
        &[One(super::Kind::Seconds(1000, 30 * SECOND))],
        "Age of counters of services",
    )
    .default("5")
    .not_done(SNMP),
    keyword(
        &["snmp_rs_stats_update_interval"],
        &[One(super::Kind::Seconds(1000, 30 * SECOND))],
        "Age of counters of servers",
    )
    .default("0")
    .not_done(SNMP),
    flag(&["enable_dbus"], "Virtual routers by D-Bus").not_done(DBUS),
    keyword(&["dbus_service_name"], &[One(Word("NAME"))], "Name there").default("org.keepalived.Vrrp1").not_done(DBUS),
    keyword(&["dbus_no_interface_name"], &[One(Word("NAME"))], "Name of no link there").default("none").not_done(DBUS),
    keyword(&["vrrp_netlink_cmd_rcv_bufs"], &[One(Number(0, MOST))], "Bytes of a buffer").not_done(BUFFERS),
    switch(&["vrrp_netlink_cmd_rcv_bufs_force"], "More than the host allows").not_done(BUFFERS),
    keyword(&["vrrp_netlink_monitor_rcv_bufs"], &[One(Number(0, MOST))], "Bytes of a buffer").not_done(BUFFERS),
    switch(&["vrrp_netlink_monitor_rcv_bufs_force"], "More than the host allows").not_done(BUFFERS),
    keyword(&["process_monitor_rcv_bufs"], &[One(Number(0, MOST))], "Bytes of a buffer").not_done(BUFFERS),
    switch(&["process_monitor_rcv_bufs_force"], "More than the host allows").not_done(BUFFERS),
    keyword(&["lvs_netlink_cmd_rcv_bufs"], &[One(Number(0, MOST))], "Bytes of a buffer").not_done(BUFFERS),
    switch(&["lvs_netlink_cmd_rcv_bufs_force"], "More than the host allows").not_done(BUFFERS),
    keyword(&["lvs_netlink_monitor_rcv_bufs"], &[One(Number(0, MOST))], "Bytes of a buffer").not_done(BUFFERS),
    switch(&["lvs_netlink_monitor_rcv_bufs_force"], "More than the host allows").not_done(BUFFERS),
    keyword(&["umask"], &[One(Word("BITS"))], "Bits that new files do not have")
        .default("0177")
        .not_done("files and sockets of lvsadm are for root only"),
    keyword(&["random_seed"], &[One(Number(0, MOST))], "What ${_RANDOM} begins with").default("the time"),
    keyword(&["reload_check_config"], &[Maybe(Path)], "The file is checked before it is loaded again")
        .default("off")
        .not_done("lvsadm always does"),
    keyword(&["reload_time_file"], &[One(Path)], "When the file is loaded again")
        .not_done("write a timer of systemd that runs lvsadm agent reload"),
    flag(&["reload_repeat"], "And again").not_done("see reload_time_file"),
    keyword(&["reload_file"], &[Maybe(Path)], "A file that is there while the configuration is read")
        .not_done("lvsadm agent reload returns when it is done"),
    keyword(
        &["include_check"],
        &[Any(Word("CHECK"))],
        "What includes must have: read, match, wildcard_match, brace_match; alone = all",
    )
    .default("nothing")
    .many(),
    keyword(&["config_save_dir"], &[One(Path)], "Copies for debugging").not_done("lvsadm agent status tells what runs"),
    keyword(&["tmp_config_directory"], &[One(Path)], "Where the file is copied to while it is read")
        .default("memory")
        .not_done("nothing is copied"),
    switch(&["data_use_instance"], "Names of dumps have the instance in them").not_done(DUMPS),
    keyword(&["state_dump_file"], &[One(Path)], "Dump of states").not_done(DUMPS),
    keyword(&["stats_dump_file"], &[One(Path)], "Dump of counters").not_done(DUMPS),
    keyword(&["json_dump_file"], &[One(Path)], "Dump as JSON").not_done(DUMPS),
    keyword(&["json_version"], &[One(Number(1, 2))], "Schema of that").default("1").not_done(DUMPS),
    keyword(&["iproute_usr_dir"], &[One(Path)], "Names of iproute2")
        .default("/usr/share/iproute2")
        .not_done("both directories are read"),
    keyword(&["iproute_etc_dir"], &[One(Path)], "Names of iproute2")
        .default("/etc/iproute2")
        .not_done("both directories are read"),
];
