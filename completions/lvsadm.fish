# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lvsadm_global_optspecs
    string join \n h/help V/version
end

function __fish_lvsadm_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lvsadm_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lvsadm_using_subcommand
    set -l cmd (__fish_lvsadm_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lvsadm -n "__fish_lvsadm_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -s V -l version -d 'Print version'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "add-service" -d 'Add a virtual service'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "edit-service" -d 'Change what is named of a virtual service'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "delete-service" -d 'Remove a virtual service with its servers'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "add-real" -d 'Add real servers to a service'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "edit-real" -d 'Change what is named of real servers'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "delete-real" -d 'Remove real servers from a service'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "list" -d 'Show services and servers'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "connections" -d 'Show or count connections'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "clear" -d 'Remove all virtual services'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "zero" -d 'Set counters to zero'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "timeouts" -d 'Show or set the connection timeouts'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "sync" -d 'Copy connections to another director'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "save" -d 'Write the table as a save file that loses nothing'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "restore" -d 'Make the table what a save file says'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "diff" -d 'Show how two tables differ'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "check" -d 'Ask real servers whether they work'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "completions" -d 'Print the completions of a shell'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -s t -l tcp-service -d 'TCP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -s u -l udp-service -d 'UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -l sctp-service -l sctp -d 'SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -s f -l fwmark-service -d 'All packets with this firewall mark' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -s s -l scheduler -d 'Scheduler: rr, wrr, lc, wlc, sh, mh … [when new: wlc]' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -s p -l persistent -d 'Keep clients with their server: seconds, or 5m, 1h [when new: 360]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -s M -l netmask -d 'Granularity of persistence: 24 or 255.255.255.0, for IPv6 64' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -l pe -d 'Persistence engine: sip' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -s b -l sched-flags -d 'Flags of the scheduler by comma: sh-port, mh-fallback, flag-1 …, or none' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -s 6 -l ipv6 -d 'The packets that -f takes are IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -l resolve -d 'Look host and service names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -s o -l ops -d 'One-packet scheduling: each datagram by itself'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -l or-edit -d 'If the service exists, change what is named here instead'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -s t -l tcp-service -d 'TCP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -s u -l udp-service -d 'UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -l sctp-service -l sctp -d 'SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -s f -l fwmark-service -d 'All packets with this firewall mark' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -s s -l scheduler -d 'Scheduler: rr, wrr, lc, wlc, sh, mh … [when new: wlc]' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -s p -l persistent -d 'Keep clients with their server: seconds, or 5m, 1h [when new: 360]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -s M -l netmask -d 'Granularity of persistence: 24 or 255.255.255.0, for IPv6 64' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -l pe -d 'Persistence engine: sip' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -s b -l sched-flags -d 'Flags of the scheduler by comma: sh-port, mh-fallback, flag-1 …, or none' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -s 6 -l ipv6 -d 'The packets that -f takes are IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -l resolve -d 'Look host and service names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -s o -l ops -d 'One-packet scheduling: each datagram by itself'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -l no-persistent -d 'Switch persistence off'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -l no-pe -d 'Take the persistence engine away'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -l no-ops -d 'Switch one-packet scheduling off'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-service" -s t -l tcp-service -d 'TCP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-service" -s u -l udp-service -d 'UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-service" -l sctp-service -l sctp -d 'SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-service" -s f -l fwmark-service -d 'All packets with this firewall mark' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-service" -s 6 -l ipv6 -d 'The packets that -f takes are IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-service" -l resolve -d 'Look host and service names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-service" -l if-exists -d 'It is no failure if there is no such service'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-service" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s t -l tcp-service -d 'TCP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s u -l udp-service -d 'UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -l sctp-service -l sctp -d 'SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s f -l fwmark-service -d 'All packets with this firewall mark' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s r -l real-server -d 'The server; without a port: the service\'s port. Several -r are one batch' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s w -l weight -d 'Share of new connections; 0 = no new ones [when new: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s x -l u-threshold -d 'No new connections from this many on; 0 = no limit' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s y -l l-threshold -d 'New connections again below this many' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -l tun-type -d 'Encapsulation of a tunnel [when new: ipip]' -r -f -a "ipip\t''
gue\t''
gre\t''"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -l tun-port -d 'UDP port of a GUE tunnel' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s 6 -l ipv6 -d 'The packets that -f takes are IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -l resolve -d 'Look host and service names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s g -l gatewaying -d 'Direct routing: only the link-layer address changes [when new]'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s i -l ipip -d 'Tunnel'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s m -l masquerading -d 'Masquerading (NAT)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -l tun-nocsum -d 'No outer checksum [when new]'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -l tun-csum -d 'Outer checksum'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -l tun-remcsum -d 'Remote checksum offload (GUE)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -l or-edit -d 'Of servers that exist, change what is named here instead'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s t -l tcp-service -d 'TCP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s u -l udp-service -d 'UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -l sctp-service -l sctp -d 'SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s f -l fwmark-service -d 'All packets with this firewall mark' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s r -l real-server -d 'The server; without a port: the service\'s port. Several -r are one batch' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s w -l weight -d 'Share of new connections; 0 = no new ones [when new: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s x -l u-threshold -d 'No new connections from this many on; 0 = no limit' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s y -l l-threshold -d 'New connections again below this many' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -l tun-type -d 'Encapsulation of a tunnel [when new: ipip]' -r -f -a "ipip\t''
gue\t''
gre\t''"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -l tun-port -d 'UDP port of a GUE tunnel' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s 6 -l ipv6 -d 'The packets that -f takes are IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -l resolve -d 'Look host and service names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s g -l gatewaying -d 'Direct routing: only the link-layer address changes [when new]'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s i -l ipip -d 'Tunnel'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s m -l masquerading -d 'Masquerading (NAT)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -l tun-nocsum -d 'No outer checksum [when new]'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -l tun-csum -d 'Outer checksum'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -l tun-remcsum -d 'Remote checksum offload (GUE)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-real" -s t -l tcp-service -d 'TCP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-real" -s u -l udp-service -d 'UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-real" -l sctp-service -l sctp -d 'SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-real" -s f -l fwmark-service -d 'All packets with this firewall mark' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-real" -s r -l real-server -d 'The server; without a port: the service\'s port. Several -r are one batch' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-real" -s 6 -l ipv6 -d 'The packets that -f takes are IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-real" -l resolve -d 'Look host and service names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-real" -l if-exists -d 'It is no failure if there is no such server, or no such service'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-real" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -s t -l tcp-service -d 'This TCP service; without a port: all of the address. May be repeated, as all of these' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -s u -l udp-service -d 'This UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -l sctp-service -l sctp -d 'This SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -s f -l fwmark-service -d 'This firewall mark, in both families unless -6 is given' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -s r -l real-server -d 'Only this server; without a port: all of its ports. May be repeated' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -l sort -d 'Order of services, and of servers within a service' -r -f -a "address\t'Marks behind addresses, IPv4 before IPv6'
weight\t'Weight'
active\t'Active connections'
inactive\t'Inactive connections'
connections\t'All connections'
rate\t'New connections a second'
none\t'The kernel\'s own order'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -l format -d 'Layout' -r -f -a "table\t'For people'
ipvsadm\t'As ipvsadm -ln prints it'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -l watch -d 'Repeat every so many seconds until interrupted; with --json: one line of JSON each time [default: 2]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -s 6 -l ipv6 -d 'Only IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -l stats -d 'Counters since creation or the last zero'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -l rates -l rate -d 'Connections, packets and bytes a second'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -l persistent-conn -d 'Persistent clients of each server'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -s X -l exact -d 'Numbers in full: 12345678 instead of 12.3M'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -l resolve -d 'Show names instead of addresses and ports, and look names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -s t -l tcp-service -d 'This TCP service; without a port: all of the address. May be repeated, as all of these' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -s u -l udp-service -d 'This UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -l sctp-service -l sctp -d 'This SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -s f -l fwmark-service -d 'This firewall mark, in both families unless -6 is given' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -s r -l real-server -l server -d 'Only to this server; without a port: all of its ports. May be repeated, as all of these' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -l client -d 'Only from this address or network' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -l state -d 'Only in this state: ESTABLISHED, SYN_RECV, FIN_WAIT, UDP …' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -l count-by -d 'Count them instead' -r -f -a "client\t'Address of the client'
server\t'Server with its port'
service\t'Virtual address with its port'
state\t'State'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -l limit -d 'At most so many lines' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -s 6 -l ipv6 -d 'Only IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -l resolve -d 'Show names instead of addresses and ports, and look names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand connections" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand clear" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand zero" -s t -l tcp-service -d 'This TCP service; without a port: all of the address. May be repeated, as all of these' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand zero" -s u -l udp-service -d 'This UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand zero" -l sctp-service -l sctp -d 'This SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand zero" -s f -l fwmark-service -d 'This firewall mark, in both families unless -6 is given' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand zero" -s 6 -l ipv6 -d 'Only IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand zero" -l resolve -d 'Look host and service names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand zero" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand timeouts" -l tcp -d 'Established TCP connections: seconds, or 15m, 2h' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand timeouts" -l tcp-fin -d 'TCP connections after a FIN' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand timeouts" -l udp -d 'UDP flows' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand timeouts" -l json -d 'Show them as JSON'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand timeouts" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and not __fish_seen_subcommand_from start stop show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and not __fish_seen_subcommand_from start stop show" -f -a "start" -d 'Start a daemon'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and not __fish_seen_subcommand_from start stop show" -f -a "stop" -d 'Stop a daemon'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and not __fish_seen_subcommand_from start stop show" -f -a "show" -d 'Show which daemons run'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and __fish_seen_subcommand_from start" -l mcast-interface -d 'Interface for the multicast' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and __fish_seen_subcommand_from start" -l syncid -d 'Number of the cluster, the same on all its directors' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and __fish_seen_subcommand_from start" -l sync-maxlen -d 'Longest message in bytes [default: the kernel\'s choice]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and __fish_seen_subcommand_from start" -l mcast-group -d 'Multicast group [kernel\'s default: 224.0.0.81]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and __fish_seen_subcommand_from start" -l mcast-port -d 'UDP port [kernel\'s default: 8848]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and __fish_seen_subcommand_from start" -l mcast-ttl -d 'How many routers the multicast may pass [kernel\'s default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and __fish_seen_subcommand_from show" -l json -d 'As JSON'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand sync; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand save" -l system -d 'Write the system\'s save file, /etc/sysconfig/ipvsadm'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand save" -l json -d 'Print the table as JSON'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand save" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -l system -d 'Read the system\'s save file, /etc/sysconfig/ipvsadm'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -s n -l dry-run -d 'Print the changes, in ipvsadm\'s words, and make none'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -l keep -d 'Delete nothing: what is not in the file stays'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -l flush -d 'Empty the table first, as ipvsadm-restore does: counters start anew, connections may be cut'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -l json -d 'Print the changes as JSON'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand diff" -l json -d 'Print the differences as JSON'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from try digest" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from try digest" -f -a "try" -d 'Probe a server once, and show what came of it'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from try digest" -f -a "digest" -d 'Print the MD5 digest of a page'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -l connect -d 'Probe this address or port instead of the server\'s' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -l source -d 'Source address' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -l source-port -d 'Source port' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -l interface -d 'Link to go out by' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -l mark -d 'Firewall mark of the packets' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -l connect-timeout -d 'Time for the connection alone' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -l timeout -d 'Time for the whole probe [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -l resolve -d 'Look names of hosts up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -f -a "tcp" -d 'Whether it takes a TCP connection'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -f -a "http" -d 'Whether a page is as it should be'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -f -a "smtp" -d 'Whether a mail server greets'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -f -a "dns" -d 'Whether a name server answers'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -f -a "udp" -d 'Whether a UDP service answers, or at least does not refuse'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -f -a "ping" -d 'Whether a host answers echo requests'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -f -a "agent" -d 'What an agent on the server says, as HAProxy\'s agent-check does'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -f -a "script" -d 'What a script says'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from try" -f -a "file" -d 'What the number in a file says'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l path -d 'Path and query [default: /]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l host -d 'Host header [default: the server\'s address and port]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l method -d 'Method [default: GET]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l header -d 'Further header; may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l http-version -d 'Version of HTTP: 1.0, 1.0c (with Connection: close), 1.1 [default: 1.0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l sni -d 'Name that is asked for, and verified [default: --host, if that is a name]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l ca -d 'Certificates of authorities (PEM) [default: the system\'s]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l cert -d 'Our certificate (PEM), for servers that want one' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l key -d 'Its private key (PEM)' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l warn-expiry -d 'Warn if the server\'s certificate ends within so much: 14d' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l connect -d 'Probe this address or port instead of the server\'s' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l source -d 'Source address' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l source-port -d 'Source port' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l interface -d 'Link to go out by' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l mark -d 'Firewall mark of the packets' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l connect-timeout -d 'Time for the connection alone' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l timeout -d 'Time for the whole probe [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l tls -d 'HTTPS'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l no-sni -d 'Ask for no name'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l verify -d 'Verify the certificate; without it any will do'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l resolve -d 'Look names of hosts up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from digest" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'

# Live values, for the verbs and for ipvsadm's options.
function __lvsadm_live
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete $words[2..-1] 2>/dev/null
end
function __lvsadm_has_live
    set -l live (__lvsadm_live)
    test (count $live) -gt 0
end
complete -c lvsadm -n __lvsadm_has_live -f -k -a "(__lvsadm_live)"

# ipvsadm's options, where the line begins with one.
function __lvsadm_as_ipvsadm
    set -l words (commandline -opc) (commandline -ct)
    string match -q -- '-*' $words[2]
end
complete -c lvsadm -n __lvsadm_as_ipvsadm -s A -l add-service
complete -c lvsadm -n __lvsadm_as_ipvsadm -s E -l edit-service
complete -c lvsadm -n __lvsadm_as_ipvsadm -s D -l delete-service
complete -c lvsadm -n __lvsadm_as_ipvsadm -s C -l clear
complete -c lvsadm -n __lvsadm_as_ipvsadm -s L -l list
complete -c lvsadm -n __lvsadm_as_ipvsadm -s a -l add-server
complete -c lvsadm -n __lvsadm_as_ipvsadm -s e -l edit-server
complete -c lvsadm -n __lvsadm_as_ipvsadm -s d -l delete-server
complete -c lvsadm -n __lvsadm_as_ipvsadm -s S -l save
complete -c lvsadm -n __lvsadm_as_ipvsadm -s R -l restore
complete -c lvsadm -n __lvsadm_as_ipvsadm -s Z -l zero
complete -c lvsadm -n __lvsadm_as_ipvsadm -l set
complete -c lvsadm -n __lvsadm_as_ipvsadm -l start-daemon
complete -c lvsadm -n __lvsadm_as_ipvsadm -l stop-daemon
complete -c lvsadm -n __lvsadm_as_ipvsadm -s t -l tcp-service
complete -c lvsadm -n __lvsadm_as_ipvsadm -s u -l udp-service
complete -c lvsadm -n __lvsadm_as_ipvsadm -l sctp-service
complete -c lvsadm -n __lvsadm_as_ipvsadm -s f -l fwmark-service
complete -c lvsadm -n __lvsadm_as_ipvsadm -s 6 -l ipv6
complete -c lvsadm -n __lvsadm_as_ipvsadm -s r -l real-server
complete -c lvsadm -n __lvsadm_as_ipvsadm -s s -l scheduler
complete -c lvsadm -n __lvsadm_as_ipvsadm -s p -l persistent
complete -c lvsadm -n __lvsadm_as_ipvsadm -s M -l netmask
complete -c lvsadm -n __lvsadm_as_ipvsadm -s b -l sched-flags
complete -c lvsadm -n __lvsadm_as_ipvsadm -l pe
complete -c lvsadm -n __lvsadm_as_ipvsadm -s o -l ops
complete -c lvsadm -n __lvsadm_as_ipvsadm -s g -l gatewaying
complete -c lvsadm -n __lvsadm_as_ipvsadm -s i -l ipip
complete -c lvsadm -n __lvsadm_as_ipvsadm -s m -l masquerading
complete -c lvsadm -n __lvsadm_as_ipvsadm -s w -l weight
complete -c lvsadm -n __lvsadm_as_ipvsadm -s x -l u-threshold
complete -c lvsadm -n __lvsadm_as_ipvsadm -s y -l l-threshold
complete -c lvsadm -n __lvsadm_as_ipvsadm -l tun-type
complete -c lvsadm -n __lvsadm_as_ipvsadm -l tun-port
complete -c lvsadm -n __lvsadm_as_ipvsadm -l tun-nocsum
complete -c lvsadm -n __lvsadm_as_ipvsadm -l tun-csum
complete -c lvsadm -n __lvsadm_as_ipvsadm -l tun-remcsum
complete -c lvsadm -n __lvsadm_as_ipvsadm -s n -l numeric
complete -c lvsadm -n __lvsadm_as_ipvsadm -s c -l connection
complete -c lvsadm -n __lvsadm_as_ipvsadm -s X -l exact
complete -c lvsadm -n __lvsadm_as_ipvsadm -l stats
complete -c lvsadm -n __lvsadm_as_ipvsadm -l rate
complete -c lvsadm -n __lvsadm_as_ipvsadm -l thresholds
complete -c lvsadm -n __lvsadm_as_ipvsadm -l persistent-conn
complete -c lvsadm -n __lvsadm_as_ipvsadm -l tun-info
complete -c lvsadm -n __lvsadm_as_ipvsadm -l timeout
complete -c lvsadm -n __lvsadm_as_ipvsadm -l daemon
complete -c lvsadm -n __lvsadm_as_ipvsadm -l sort
complete -c lvsadm -n __lvsadm_as_ipvsadm -l nosort
complete -c lvsadm -n __lvsadm_as_ipvsadm -l mcast-interface
complete -c lvsadm -n __lvsadm_as_ipvsadm -l mcast-group
complete -c lvsadm -n __lvsadm_as_ipvsadm -l mcast-port
complete -c lvsadm -n __lvsadm_as_ipvsadm -l mcast-ttl
complete -c lvsadm -n __lvsadm_as_ipvsadm -l syncid
complete -c lvsadm -n __lvsadm_as_ipvsadm -l sync-maxlen
