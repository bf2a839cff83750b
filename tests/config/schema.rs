//! The table knows every keyword that keepalived's parser knows.

use lvsadm::config::schema::{Inside, ROOT, find, places_of, synopsis};

/// All keywords of keepalived, by the group of its blocks.
const KNOWN: &[&str] = &[
    "bfd_instance source_ip neighbor_ip neighbour_ip min_rx min_tx idle_tx multiplier passive ttl hoplimit max_hops multihop \
     weight vrrp checker",
    "connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark retry delay_before_retry warmup delay_loop alpha \
     log_all_failures BFD_CHECK name DNS_CHECK type FILE_CHECK track_file nb_get_retry virtualhost http_protocol enable_sni \
     sni_name fast_recovery tls_compliant url path digest status_code regex regex_no_match regex_options regex_min_offset \
     regex_max_offset regex_stack MISC_CHECK misc_path misc_timeout misc_dynamic user PING_CHECK SMTP_CHECK helo_name host \
     TCP_CHECK UDP_CHECK payload require_reply min_reply_length max_reply_length HTTP_GET SSL_GET",
    "SSL password ca certificate key virtual_server_group virtual_server ip_family inhibit_on_failure lb_algo lvs_sched hashed \
     ops flag-1 flag-2 flag-3 sh-port sh-fallback mh-port mh-fallback lb_kind lvs_method persistence_engine \
     persistence_timeout persistence_granularity protocol ha_suspend smtp_alert snmp_name omega quorum_up quorum_down quorum \
     hysteresis sorry_server sorry_server_inhibit sorry_server_lvs_method real_server uthreshold lthreshold notify_up \
     notify_down",
    "linkbeat_use_polling net_namespace net_namespace_ipvs namespace_with_ipsets use_pid_dir instance child_wait_time \
     global_defs process_names process_name vrrp_process_name checker_process_name lvs_process_name bfd_process_name \
     use_symlink_paths set_supplementary_groups router_id notification_email_from smtp_server smtp_helo_name \
     smtp_connect_timeout notification_email startup_script startup_script_timeout shutdown_script shutdown_script_timeout \
     max_auto_priority min_auto_priority_delay smtp_alert_vrrp smtp_alert_checker checker_log_all_failures dynamic_interfaces \
     no_email_faults default_interface disable_local_igmp v3_checksum_as_v2 lvs_timeouts lvs_flush lvs_flush_on_stop \
     lvs_flush_onstop lvs_sync_daemon vrrp_mcast_group4 vrrp_mcast_group6 vrrp_garp_master_delay vrrp_garp_master_repeat \
     vrrp_garp_master_refresh vrrp_garp_master_refresh_repeat vrrp_garp_lower_prio_delay vrrp_garp_lower_prio_repeat \
     vrrp_down_timer_adverts vrrp_garp_interval vrrp_gna_interval vrrp_min_garp vrrp_garp_extra_if vrrp_vmac_garp_intvl \
     vrrp_lower_prio_no_advert vrrp_higher_prio_send_advert vrrp_version vrrp_iptables vrrp_ipsets nftables \
     nftables_priority nftables_ifindex vrrp_check_unicast_src vrrp_skip_check_adv_addr vrrp_strict vrrp_priority \
     vrrp_no_swap vrrp_rt_priority vrrp_cpu_affinity vrrp_rlimit_rttime vrrp_rlimit_rtime nftables_ipvs \
     nftables_ipvs_priority nftables_ipvs_start_fwmark nftables_counters notify_fifo notify_fifo_script vrrp_notify_fifo \
     vrrp_notify_fifo_script vrrp_notify_priority_changes fifo_write_vrrp_states_on_reload lvs_notify_fifo \
     lvs_notify_fifo_script checker_priority checker_no_swap checker_rt_priority checker_cpu_affinity checker_rlimit_rttime \
     checker_rlimit_rtime bfd_priority bfd_no_swap bfd_rt_priority bfd_cpu_affinity bfd_rlimit_rttime bfd_rlimit_rtime \
     snmp_socket enable_traps enable_snmp_vrrp enable_snmp_keepalived enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 \
     enable_snmp_checker snmp_vs_stats_update_interval snmp_rs_stats_update_interval enable_dbus dbus_service_name \
     dbus_no_interface_name script_user enable_script_security vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force \
     vrrp_netlink_monitor_rcv_bufs vrrp_netlink_monitor_rcv_bufs_force process_monitor_rcv_bufs \
     process_monitor_rcv_bufs_force lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs \
     lvs_netlink_monitor_rcv_bufs_force rs_init_notifies no_checker_emails vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier \
     vrrp_startup_delay vrrp_delay_after_boot log_unknown_vrids vrrp_owner_ignore_adverts vmac_prefix vmac_addr_prefix umask \
     random_seed reload_check_config reload_time_file reload_repeat reload_file include_check config_save_dir \
     tmp_config_directory data_use_instance json_version iproute_usr_dir iproute_etc_dir state_dump_file stats_dump_file \
     json_dump_file",
    "file init_file vrrp_track_file track_group group static_ipaddress static_routes static_rules vrrp_sync_group \
     track_interface track_script track_process track_bfd notify_backup notify_master notify_fault notify_stop notify \
     global_tracking sync_group_tracking_weight notify_priority_changes garp_group garp_interval gna_interval interface \
     interfaces linkbeat_interfaces vrrp_instance use_vmac use_vmac_addr vmac_xmit_base use_ipvlan unicast_peer \
     unicast_fault_no_peer check_unicast_src old_unicast_checksum native_ipv6 state vrf dont_track_primary mcast_src_ip \
     unicast_src_ip mcast_dst_ip track_src_ip virtual_router_id unicast_ttl version priority advert_int virtual_ipaddress \
     virtual_ipaddress_excluded no_virtual_ipaddress promote_secondaries virtual_routes virtual_rules accept no_accept \
     skip_check_adv_addr strict_mode preempt nopreempt preempt_delay debug notify_deleted notify_master_rx_lower_pri \
     lvs_sync_daemon_interface garp_master_delay garp_master_refresh garp_master_repeat garp_master_refresh_repeat \
     garp_lower_prio_delay garp_lower_prio_repeat down_timer_adverts timer_expired_backup thread_timer_expired garp_extra_if \
     vmac_garp_intvl lower_prio_no_advert higher_prio_send_advert owner_ignore_adverts kernel_rx_buf_size authentication \
     auth_type auth_pass auth_hmac active_key time_window anti_replay mode vrrp_script script interval timeout rise fall \
     init_fail vrrp_track_process process param_match quorum_max delay terminate_delay fork_delay full_command \
     interface_up_down_delays",
];

#[test]
fn no_keyword_is_missing() {
    let names: std::collections::BTreeSet<_> = KNOWN.iter().flat_map(|group| group.split_whitespace()).collect();
    let missing: Vec<_> = names.iter().filter(|name| places_of(name).is_empty()).collect();
    assert_eq!(missing, [&""; 0]);
    assert!(names.len() >= 355, "{}", names.len());
}

/// A name means one thing in a block, and every keyword says what it is.
#[test]
fn tables_are_sound() {
    let mut blocks = vec![ROOT];
    while let Some(block) = blocks.pop() {
        let mut names: Vec<_> = block.iter().flat_map(|keyword| keyword.names).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "{names:?}");
        for keyword in block {
            assert!(!keyword.meaning.is_empty() && !keyword.meaning.ends_with('.'), "{}", keyword.name());
            if let Inside::Keywords(inside) = keyword.inside {
                blocks.push(inside);
            }
        }
    }
}

#[test]
fn the_manual_calls_them_so() {
    let synopsis = |name: &str| find(ROOT, name).map(synopsis).unwrap_or_default();
    assert_eq!(synopsis("vrrp_instance"), "vrrp_instance NAME { ... }");
    assert_eq!(
        synopsis("virtual_server"),
        "virtual_server ADDRESS [PORT] | fwmark N [inet|inet6] | group NAME { ... }"
    );
}
