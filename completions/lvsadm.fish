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
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "drain" -d 'Take work from real servers gently'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "undrain" -d 'Give drained real servers their work back'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "top" -d 'Show what services and servers do now'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "explain" -d 'Explain which real server a client gets, and why'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "clear" -d 'Remove all virtual services'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "zero" -d 'Set counters to zero'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "timeouts" -d 'Show or set the connection timeouts'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "sync" -d 'Copy connections to another director'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "save" -d 'Write the table as a save file that loses nothing'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "restore" -d 'Make the table what a save file says'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "diff" -d 'Show how two tables differ'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "vrrp" -d 'Move virtual addresses between directors (VRRP)'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "bfd" -d 'See failures of the path to a neighbour in milliseconds (BFD)'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "check" -d 'Keep dead servers out of the table; ask servers whether they work'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "agent" -d 'Run virtual routers and health checks in the background'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "config" -d 'Look at a keepalived.conf, or turn it into a save file'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "set" -d 'Change settings of the agent itself: mail and FIFOs'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "metrics" -d 'Print metrics: the kernel\'s counters, checks, virtual routers, the agent; as Prometheus reads them'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "doctor" -d 'Find out why a service does not work'
complete -c lvsadm -n "__fish_lvsadm_needs_command" -f -a "prepare" -d 'Set a director or a real server up, and put everything back'
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
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-service" -l kernel -d 'Change the kernel\'s table itself, past a running agent: to that it is somebody else\'s change'
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
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-service" -l kernel -d 'Change the kernel\'s table itself, past a running agent: to that it is somebody else\'s change'
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
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-service" -l kernel -d 'Change the kernel\'s table itself, past a running agent: to that it is somebody else\'s change'
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
complete -c lvsadm -n "__fish_lvsadm_using_subcommand add-real" -l kernel -d 'Change the kernel\'s table itself, past a running agent: to that it is somebody else\'s change'
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
complete -c lvsadm -n "__fish_lvsadm_using_subcommand edit-real" -l kernel -d 'Change the kernel\'s table itself, past a running agent: to that it is somebody else\'s change'
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
complete -c lvsadm -n "__fish_lvsadm_using_subcommand delete-real" -l kernel -d 'Change the kernel\'s table itself, past a running agent: to that it is somebody else\'s change'
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
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -s r -l real-server -d 'The server; without a port: all of its ports. May be repeated' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -s t -l tcp-service -d 'This TCP service; without a port: all of the address. May be repeated, as all of these' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -s u -l udp-service -d 'This UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -l sctp-service -l sctp -d 'This SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -s f -l fwmark-service -d 'This firewall mark, in both families unless -6 is given' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -l timeout -d 'Wait no longer than this: 90, 10m, 8h. The servers go on draining [default: no end]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -l then -d 'What to do with a server that has nothing left' -r -f -a "keep\t'It stays in the table with weight 0'
delete\t'It is removed from the service'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -l ignore -d 'Do not wait for these. May be repeated' -r -f -a "udp\t'Flows of UDP services'
templates\t'Clients that a persistent service remembers'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -l on-interrupt -d 'What Ctrl-C does to the weights; without a terminal to ask on, they are left' -r -f -a "ask\t'Asks'
restore\t'They are given back'
leave\t'They stay 0'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -s 6 -l ipv6 -d 'Only IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -l no-wait -d 'Do not wait'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -l list -d 'Show what is drained, by whom and since when, instead of draining something'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -l resolve -d 'Look host and service names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -l json -d 'JSON, one line for each change, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand drain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -s r -l real-server -d 'The server; without a port: all of its ports. May be repeated' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -s t -l tcp-service -d 'This TCP service; without a port: all of the address. May be repeated, as all of these' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -s u -l udp-service -d 'This UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -l sctp-service -l sctp -d 'This SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -s f -l fwmark-service -d 'This firewall mark, in both families unless -6 is given' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -s w -l weight -d 'The weight to give, instead of the one before' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -l ramp -d 'Time until they have their whole weight: 90, 60s, 5m' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -l all -d 'All servers that are drained'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -s 6 -l ipv6 -d 'Only IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -l resolve -d 'Look host and service names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand undrain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -s t -l tcp-service -d 'This TCP service; without a port: all of the address. May be repeated, as all of these' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -s u -l udp-service -d 'This UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -l sctp-service -l sctp -d 'This SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -s f -l fwmark-service -d 'This firewall mark, in both families unless -6 is given' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -s r -l real-server -d 'Only this server; without a port: all of its ports. May be repeated' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -l sort -d 'Order, the greatest first' -r -f -a "connections\t'New connections a second'
packets\t'Packets a second, both ways'
bytes\t'Bytes a second, both ways'
active\t'Active connections'
all\t'Active and inactive connections'
weight\t'Weight'
name\t'Address'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -l filter -d 'Only names with this in them' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -l interval -d 'Seconds between two readings; the kernel brings its counters up to date every two seconds, so that shorter ones show bursts' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -s 6 -l ipv6 -d 'Only IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -l by-server -d 'Servers with their services below them, instead of services with their servers; with -r anyway'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -l once -d 'Print one page, after one interval, and end'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -l json -d 'JSON, one line for each reading, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -l resolve -d 'Look host and service names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand top" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand explain" -l mark -d 'The firewall mark that the packet has when it gets to IPVS' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand explain" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand explain" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand explain" -l resolve -d 'Look host and service names up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand explain" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand clear" -l kernel -d 'Clear the kernel\'s table itself, past a running agent'
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
complete -c lvsadm -n "__fish_lvsadm_using_subcommand save" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand save" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand save" -l system -d 'Write the system\'s save file, /etc/sysconfig/ipvsadm'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand save" -l kernel -d 'Save the kernel\'s table itself, whatever a running agent was asked for'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand save" -l json -d 'Print the table as JSON'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand save" -l all -d 'Write everything: virtual routers, checks and the table, as the agent runs them; to its save file if none is named'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand save" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -l system -d 'Read the system\'s save file, /etc/sysconfig/ipvsadm'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -s n -l dry-run -d 'Print the changes, in ipvsadm\'s words, and make none'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -l keep -d 'Delete nothing: what is not in the file stays'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -l flush -d 'Empty the table first, as ipvsadm-restore does: counters start anew, connections may be cut'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -l kernel -d 'Change the kernel\'s table itself, past a running agent: to that it is somebody else\'s change'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -l json -d 'Print the changes as JSON'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand diff" -l json -d 'Print the differences as JSON'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "add" -d 'Add an instance: addresses that move together'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "edit" -d 'Change what is named of an instance'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "delete" -d 'Delete instances'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "list" -d 'Show instances, one a line'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "show" -d 'Show everything about instances'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "run" -d 'Run virtual routers in the foreground, until a signal ends them'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "promote" -d 'Make an instance master, whatever its priority'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "demote" -d 'Let an instance give up mastership; its priority stays'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "add-group" -d 'Add a sync group: instances that are master and backup together'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "edit-group" -d 'Change what is named of a sync group'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "delete-group" -d 'Delete sync groups'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "add-script" -d 'Add a script that is run time and again'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "edit-script" -d 'Change what is named of a script'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "delete-script" -d 'Delete scripts'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "add-process" -d 'Add processes that should run'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "edit-process" -d 'Change what is named of processes that should run'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "delete-process" -d 'Delete processes that should run'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "add-file" -d 'Add a file whose number bears on priorities'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "edit-file" -d 'Change what is named of a file'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "delete-file" -d 'Delete files'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and not __fish_seen_subcommand_from add edit delete list show run promote demote add-group edit-group delete-group add-script edit-script delete-script add-process edit-process delete-process add-file edit-file delete-file set" -f -a "set" -d 'Change settings of the whole process'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l interface -d 'Interface that adverts are sent and received on' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l vrid -d 'Virtual router identifier, 1 to 255, the same on all directors' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l version -d 'Version of VRRP [default: 2 for IPv4, 3 for IPv6]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l priority -d '1 to 255; the highest becomes master, 255 owns the addresses [default: 100]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l interval -d 'Time between adverts: 1s, 100ms; version 2 whole seconds [default: 1s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l initial -d 'How long to listen at first: one interval, or until the master is silent' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l preempt-delay -d 'Wait so long before a master of lower priority is displaced' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l address -d 'Virtual address: \'ADDR[/LEN] [dev IF] [label L] …\', as ip takes it' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l exclude -d 'Address that moves along and is not in adverts' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l route -d 'Route of the master: \'10.1.0.0/16 via 10.9.9.1\', as ip takes it' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l rule -d 'Rule of the master: \'from 10.9.9.100 lookup 100 preference 500\'' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l family -d 'Family of an election without addresses' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l auth -d 'Password in each advert, or authentication header: version 2 only' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l secret-file -d 'File with the secret, of at most 8 bytes' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l secret -d 'The secret itself, or hex:…; others see it in ps and in the save file' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l hmac-key -d 'Key of keepalived\'s HMAC: ID:file:PATH, ID:hex:…, or 32 to 64 letters' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l hmac-active -d 'Key that signs what is sent [default: the first]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l hmac-mode -d 'enforce, permissive, receive-only [default: enforce]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l hmac-window -d 'How far clocks may differ, or none [default: 3 intervals, at least 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l unicast-peer -d 'Speak with this peer instead of the multicast group: ADDR[,ttl=1-5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l source -d 'Source address of adverts [default: the interface\'s first]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l ttl -d 'TTL of adverts to peers [default: 255]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l group -d 'Multicast group [default: 224.0.0.18, ff02::12]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l vmac -d 'Virtual MAC address, on a macvlan of this name [default: vrrp.VRID]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l track-interface -d 'Fault while it is down; or WEIGHT[:reverse] for the priority' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l track-script -d 'The same for a script (add-script)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l track-process -d 'The same for a process (add-process)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l track-file -d 'A file\'s number times WEIGHT (add-file)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l track-bfd -d 'A BFD session' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l track-service -d 'Servers of a service: tcp/ADDR:PORT[:WEIGHT][,quorum=N]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l notify -d 'On each transition, with kind, name, state and priority as further arguments' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l notify-master -d 'On becoming master' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l notify-backup -d 'On becoming backup' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l notify-fault -d 'On a fault' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l notify-stop -d 'When the process ends' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l notify-deleted -d 'When it is deleted while it runs [default: that of a fault]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l notify-lower-priority -d 'When a master hears an advert of lower priority' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l garp-repeat -d 'How often each address is announced on becoming master [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l garp-delay -d 'When they are announced a second time; 0 = never [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l garp-refresh -d 'Announce again so often while master; 0 = never [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l garp-refresh-repeat -d 'How many times each refresh [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l garp-lower-repeat -d 'The same after a master of lower priority was heard [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l garp-lower-delay -d 'When a second time; 0 = never [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l garp-other-links -d 'Announce addresses on other interfaces so often; 0 = never [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l garp-interval -d 'Pause between two gratuitous ARPs on an interface [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l na-interval -d 'Pause between two neighbour advertisements on an interface [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l down-timer-adverts -d 'How many adverts are missed before the master is dead [default: 3]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l vmac-mac -d 'MAC address of the macvlan [default: 00:00:5e:00:01:VRID]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l nopreempt -d 'Leave a master of lower priority alone'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l check-source -d 'Reject adverts of others than the peers'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l notify-priority-changes -d 'Changes of priority go to the FIFO, too'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l strict -d 'Refuse what the RFC forbids (see lvsadm-vrrp(7))'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l accept -d 'Take packets to the addresses; the default unless --strict'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l no-accept -d 'Take no packets to the addresses unless their owner: they are routed to, not pinged'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l no-answer-lower -d 'Do not answer adverts of lower priority at once'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l answer-higher -d 'Answer an advert of higher priority before giving way'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l owner-ignores-adverts -d 'As owner (priority 255), ignore all adverts'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l skip-address-check -d 'Do not compare the addresses of a known master again'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l promote-secondaries -d 'Other addresses of a network stay when its first one goes (IPv4)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l no-track-primary -d 'A fault of the own interface is none of the instance'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l track-source -d 'The absence of the address of --source is a fault'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l no-pseudo-header -d 'Version 3 over IPv4: checksum without pseudo-header, as RFC 9568 has it'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l vmac-transmit-base -d 'Send adverts by the interface below, with its MAC address'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l vmac-other-links -d 'Macvlans for addresses on other interfaces, too'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -l or-edit -d 'If it is there already, change what is named'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l interface -d 'Interface that adverts are sent and received on' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l vrid -d 'Virtual router identifier, 1 to 255, the same on all directors' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l version -d 'Version of VRRP [default: 2 for IPv4, 3 for IPv6]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l priority -d '1 to 255; the highest becomes master, 255 owns the addresses [default: 100]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l interval -d 'Time between adverts: 1s, 100ms; version 2 whole seconds [default: 1s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l initial -d 'How long to listen at first: one interval, or until the master is silent' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l preempt-delay -d 'Wait so long before a master of lower priority is displaced' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l address -d 'Virtual address: \'ADDR[/LEN] [dev IF] [label L] …\', as ip takes it' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l exclude -d 'Address that moves along and is not in adverts' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l route -d 'Route of the master: \'10.1.0.0/16 via 10.9.9.1\', as ip takes it' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l rule -d 'Rule of the master: \'from 10.9.9.100 lookup 100 preference 500\'' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l family -d 'Family of an election without addresses' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l auth -d 'Password in each advert, or authentication header: version 2 only' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l secret-file -d 'File with the secret, of at most 8 bytes' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l secret -d 'The secret itself, or hex:…; others see it in ps and in the save file' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l hmac-key -d 'Key of keepalived\'s HMAC: ID:file:PATH, ID:hex:…, or 32 to 64 letters' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l hmac-active -d 'Key that signs what is sent [default: the first]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l hmac-mode -d 'enforce, permissive, receive-only [default: enforce]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l hmac-window -d 'How far clocks may differ, or none [default: 3 intervals, at least 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l unicast-peer -d 'Speak with this peer instead of the multicast group: ADDR[,ttl=1-5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l source -d 'Source address of adverts [default: the interface\'s first]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l ttl -d 'TTL of adverts to peers [default: 255]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l group -d 'Multicast group [default: 224.0.0.18, ff02::12]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l vmac -d 'Virtual MAC address, on a macvlan of this name [default: vrrp.VRID]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l track-interface -d 'Fault while it is down; or WEIGHT[:reverse] for the priority' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l track-script -d 'The same for a script (add-script)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l track-process -d 'The same for a process (add-process)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l track-file -d 'A file\'s number times WEIGHT (add-file)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l track-bfd -d 'A BFD session' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l track-service -d 'Servers of a service: tcp/ADDR:PORT[:WEIGHT][,quorum=N]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l notify -d 'On each transition, with kind, name, state and priority as further arguments' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l notify-master -d 'On becoming master' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l notify-backup -d 'On becoming backup' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l notify-fault -d 'On a fault' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l notify-stop -d 'When the process ends' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l notify-deleted -d 'When it is deleted while it runs [default: that of a fault]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l notify-lower-priority -d 'When a master hears an advert of lower priority' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l garp-repeat -d 'How often each address is announced on becoming master [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l garp-delay -d 'When they are announced a second time; 0 = never [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l garp-refresh -d 'Announce again so often while master; 0 = never [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l garp-refresh-repeat -d 'How many times each refresh [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l garp-lower-repeat -d 'The same after a master of lower priority was heard [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l garp-lower-delay -d 'When a second time; 0 = never [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l garp-other-links -d 'Announce addresses on other interfaces so often; 0 = never [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l garp-interval -d 'Pause between two gratuitous ARPs on an interface [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l na-interval -d 'Pause between two neighbour advertisements on an interface [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l down-timer-adverts -d 'How many adverts are missed before the master is dead [default: 3]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l vmac-mac -d 'MAC address of the macvlan [default: 00:00:5e:00:01:VRID]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l unset -d 'Back to the default: an option, or OPTION=WORD of one that may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l nopreempt -d 'Leave a master of lower priority alone'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l check-source -d 'Reject adverts of others than the peers'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l notify-priority-changes -d 'Changes of priority go to the FIFO, too'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l strict -d 'Refuse what the RFC forbids (see lvsadm-vrrp(7))'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l accept -d 'Take packets to the addresses; the default unless --strict'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l no-accept -d 'Take no packets to the addresses unless their owner: they are routed to, not pinged'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l no-answer-lower -d 'Do not answer adverts of lower priority at once'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l answer-higher -d 'Answer an advert of higher priority before giving way'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l owner-ignores-adverts -d 'As owner (priority 255), ignore all adverts'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l skip-address-check -d 'Do not compare the addresses of a known master again'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l promote-secondaries -d 'Other addresses of a network stay when its first one goes (IPv4)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l no-track-primary -d 'A fault of the own interface is none of the instance'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l track-source -d 'The absence of the address of --source is a fault'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l no-pseudo-header -d 'Version 3 over IPv4: checksum without pseudo-header, as RFC 9568 has it'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l vmac-transmit-base -d 'Send adverts by the interface below, with its MAC address'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -l vmac-other-links -d 'Macvlans for addresses on other interfaces, too'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete" -l if-exists -d 'What is not there is no failure'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from list" -l watch -d 'Repeat every so many seconds until interrupted; with --json: one line of JSON each time [default: 2]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from list" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from list" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from list" -l json -d 'JSON, described in lvsadm-vrrp(7)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from show" -l watch -d 'Repeat every so many seconds until interrupted; with --json: one line of JSON each time [default: 2]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from show" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from show" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from show" -l json -d 'JSON, described in lvsadm-vrrp(7)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l interface -d 'Interface that adverts are sent and received on' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l vrid -d 'Virtual router identifier, 1 to 255, the same on all directors' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l version -d 'Version of VRRP [default: 2 for IPv4, 3 for IPv6]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l priority -d '1 to 255; the highest becomes master, 255 owns the addresses [default: 100]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l interval -d 'Time between adverts: 1s, 100ms; version 2 whole seconds [default: 1s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l initial -d 'How long to listen at first: one interval, or until the master is silent' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l preempt-delay -d 'Wait so long before a master of lower priority is displaced' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l address -d 'Virtual address: \'ADDR[/LEN] [dev IF] [label L] …\', as ip takes it' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l exclude -d 'Address that moves along and is not in adverts' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l route -d 'Route of the master: \'10.1.0.0/16 via 10.9.9.1\', as ip takes it' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l rule -d 'Rule of the master: \'from 10.9.9.100 lookup 100 preference 500\'' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l family -d 'Family of an election without addresses' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l auth -d 'Password in each advert, or authentication header: version 2 only' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l secret-file -d 'File with the secret, of at most 8 bytes' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l secret -d 'The secret itself, or hex:…; others see it in ps and in the save file' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l hmac-key -d 'Key of keepalived\'s HMAC: ID:file:PATH, ID:hex:…, or 32 to 64 letters' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l hmac-active -d 'Key that signs what is sent [default: the first]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l hmac-mode -d 'enforce, permissive, receive-only [default: enforce]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l hmac-window -d 'How far clocks may differ, or none [default: 3 intervals, at least 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l unicast-peer -d 'Speak with this peer instead of the multicast group: ADDR[,ttl=1-5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l source -d 'Source address of adverts [default: the interface\'s first]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l ttl -d 'TTL of adverts to peers [default: 255]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l group -d 'Multicast group [default: 224.0.0.18, ff02::12]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l vmac -d 'Virtual MAC address, on a macvlan of this name [default: vrrp.VRID]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l track-interface -d 'Fault while it is down; or WEIGHT[:reverse] for the priority' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l track-script -d 'The same for a script (add-script)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l track-process -d 'The same for a process (add-process)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l track-file -d 'A file\'s number times WEIGHT (add-file)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l track-bfd -d 'A BFD session' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l track-service -d 'Servers of a service: tcp/ADDR:PORT[:WEIGHT][,quorum=N]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l notify -d 'On each transition, with kind, name, state and priority as further arguments' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l notify-master -d 'On becoming master' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l notify-backup -d 'On becoming backup' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l notify-fault -d 'On a fault' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l notify-stop -d 'When the process ends' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l notify-deleted -d 'When it is deleted while it runs [default: that of a fault]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l notify-lower-priority -d 'When a master hears an advert of lower priority' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l garp-repeat -d 'How often each address is announced on becoming master [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l garp-delay -d 'When they are announced a second time; 0 = never [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l garp-refresh -d 'Announce again so often while master; 0 = never [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l garp-refresh-repeat -d 'How many times each refresh [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l garp-lower-repeat -d 'The same after a master of lower priority was heard [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l garp-lower-delay -d 'When a second time; 0 = never [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l garp-other-links -d 'Announce addresses on other interfaces so often; 0 = never [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l garp-interval -d 'Pause between two gratuitous ARPs on an interface [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l na-interval -d 'Pause between two neighbour advertisements on an interface [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l down-timer-adverts -d 'How many adverts are missed before the master is dead [default: 3]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l vmac-mac -d 'MAC address of the macvlan [default: 00:00:5e:00:01:VRID]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l rt-priority -d 'Real-time priority of virtual routers and BFD sessions' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l nice -d 'Niceness of virtual routers and BFD sessions' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l cpu -d 'Run them on this CPU only; may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l log-to -d 'Where it is said what happens: stderr, syslog, or syslog:FACILITY (daemon, user, local0 to local7)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l log-level -d 'What is said: error, warn, info or debug' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l nopreempt -d 'Leave a master of lower priority alone'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l check-source -d 'Reject adverts of others than the peers'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l notify-priority-changes -d 'Changes of priority go to the FIFO, too'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l strict -d 'Refuse what the RFC forbids (see lvsadm-vrrp(7))'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l accept -d 'Take packets to the addresses; the default unless --strict'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l no-accept -d 'Take no packets to the addresses unless their owner: they are routed to, not pinged'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l no-answer-lower -d 'Do not answer adverts of lower priority at once'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l answer-higher -d 'Answer an advert of higher priority before giving way'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l owner-ignores-adverts -d 'As owner (priority 255), ignore all adverts'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l skip-address-check -d 'Do not compare the addresses of a known master again'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l promote-secondaries -d 'Other addresses of a network stay when its first one goes (IPv4)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l no-track-primary -d 'A fault of the own interface is none of the instance'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l track-source -d 'The absence of the address of --source is a fault'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l no-pseudo-header -d 'Version 3 over IPv4: checksum without pseudo-header, as RFC 9568 has it'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l vmac-transmit-base -d 'Send adverts by the interface below, with its MAC address'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l vmac-other-links -d 'Macvlans for addresses on other interfaces, too'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l no-swap -d 'Lock their memory, so that they never wait for a disk'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -l child -d 'The agent reads events from standard output, and holds standard input for as long as it lives'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from promote" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from promote" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from promote" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from demote" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from demote" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from demote" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l member -d 'Instance that is master and backup together with the others' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l track-interface -d 'Fault while it is down; or WEIGHT[:reverse] for the priority' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l track-script -d 'The same for a script (add-script)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l track-process -d 'The same for a process (add-process)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l track-file -d 'A file\'s number times WEIGHT (add-file)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l track-bfd -d 'A BFD session' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l track-service -d 'Servers of a service: tcp/ADDR:PORT[:WEIGHT][,quorum=N]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l notify -d 'On each transition, with kind, name, state and priority as further arguments' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l notify-master -d 'On becoming master' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l notify-backup -d 'On becoming backup' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l notify-fault -d 'On a fault' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l notify-stop -d 'When the process ends' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l notify-deleted -d 'When it is deleted while it runs [default: that of a fault]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l notify-lower-priority -d 'When a master hears an advert of lower priority' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l weights -d 'Members may have trackers with weights'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l notify-priority-changes -d 'Changes of priority go to the FIFO, too'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -l or-edit -d 'If it is there already, change what is named'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-group" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l member -d 'Instance that is master and backup together with the others' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l track-interface -d 'Fault while it is down; or WEIGHT[:reverse] for the priority' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l track-script -d 'The same for a script (add-script)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l track-process -d 'The same for a process (add-process)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l track-file -d 'A file\'s number times WEIGHT (add-file)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l track-bfd -d 'A BFD session' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l track-service -d 'Servers of a service: tcp/ADDR:PORT[:WEIGHT][,quorum=N]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l notify -d 'On each transition, with kind, name, state and priority as further arguments' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l notify-master -d 'On becoming master' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l notify-backup -d 'On becoming backup' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l notify-fault -d 'On a fault' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l notify-stop -d 'When the process ends' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l notify-deleted -d 'When it is deleted while it runs [default: that of a fault]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l notify-lower-priority -d 'When a master hears an advert of lower priority' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l unset -d 'Back to the default: an option, or OPTION=WORD of one that may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l weights -d 'Members may have trackers with weights'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -l notify-priority-changes -d 'Changes of priority go to the FIFO, too'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-group" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-group" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-group" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-group" -l if-exists -d 'What is not there is no failure'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-group" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-script" -l command -d '[USER[:GROUP]@]PROGRAM ARGUMENTS; exit status 0 is success' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-script" -l interval -d 'From one start to the next [default: 1s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-script" -l timeout -d 'Counts as failed after this time [default: the interval]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-script" -l weight -d 'For trackers that say none: 0 = fault, else added or taken away [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-script" -l rise -d 'Successes in a row until it works again [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-script" -l fall -d 'Failures in a row until it fails [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-script" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-script" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-script" -l init-fail -d 'Failed until it ran'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-script" -l or-edit -d 'If it is there already, change what is named'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-script" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-script" -l command -d '[USER[:GROUP]@]PROGRAM ARGUMENTS; exit status 0 is success' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-script" -l interval -d 'From one start to the next [default: 1s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-script" -l timeout -d 'Counts as failed after this time [default: the interval]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-script" -l weight -d 'For trackers that say none: 0 = fault, else added or taken away [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-script" -l rise -d 'Successes in a row until it works again [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-script" -l fall -d 'Failures in a row until it fails [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-script" -l unset -d 'Back to the default: an option, or OPTION=WORD of one that may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-script" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-script" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-script" -l init-fail -d 'Failed until it ran'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-script" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-script" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-script" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-script" -l if-exists -d 'What is not there is no failure'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-script" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l program -d 'Name of the program, as ps -o comm shows it; or its path with --full-command or --arguments' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l arguments -d 'Arguments that it must have, quoted as in a shell' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l match -d 'How arguments are compared: exact, initial, partial [default: exact]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l weight -d 'For trackers that say none: 0 = fault, else added or taken away [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l quorum -d 'Least number that must run [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l quorum-max -d 'Most that may run; 0 = it must not run' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l terminate-delay -d 'How long a missing process may stay away [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l fork-delay -d 'How long a new process must have run [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l full-command -d 'Compare the whole command line'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -l or-edit -d 'If it is there already, change what is named'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-process" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l program -d 'Name of the program, as ps -o comm shows it; or its path with --full-command or --arguments' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l arguments -d 'Arguments that it must have, quoted as in a shell' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l match -d 'How arguments are compared: exact, initial, partial [default: exact]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l weight -d 'For trackers that say none: 0 = fault, else added or taken away [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l quorum -d 'Least number that must run [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l quorum-max -d 'Most that may run; 0 = it must not run' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l terminate-delay -d 'How long a missing process may stay away [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l fork-delay -d 'How long a new process must have run [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l unset -d 'Back to the default: an option, or OPTION=WORD of one that may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -l full-command -d 'Compare the whole command line'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-process" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-process" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-process" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-process" -l if-exists -d 'What is not there is no failure'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-process" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-file" -l path -d 'The file; the first line is a number' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-file" -l weight -d 'What the number is multiplied by; 0 = fault unless it is 0 [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-file" -l initial -d 'Written at start if there is no file; NUMBER:overwrite = always' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-file" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-file" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-file" -l or-edit -d 'If it is there already, change what is named'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from add-file" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-file" -l path -d 'The file; the first line is a number' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-file" -l weight -d 'What the number is multiplied by; 0 = fault unless it is 0 [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-file" -l initial -d 'Written at start if there is no file; NUMBER:overwrite = always' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-file" -l unset -d 'Back to the default: an option, or OPTION=WORD of one that may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-file" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-file" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from edit-file" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-file" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-file" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-file" -l if-exists -d 'What is not there is no failure'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from delete-file" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -l startup-delay -d 'No elections so long after the start [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -l script-user -d 'Who runs commands without a user [default: lvsadm_script, keepalived_script, nobody]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -l fifo -d 'Named pipe for transitions: \'PATH [owner USER[:GROUP]] [reader COMMAND]\'' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -l static-address -d 'Address that is there whoever is master: \'ADDR/LENGTH dev IF …\'' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -l static-route -d 'Route that is there whoever is master, as `ip route` takes it' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -l static-rule -d 'Rule that is there whoever is master, as `ip rule` takes it' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -l sync-daemon -d 'Sync daemon that follows an instance: \'IF inst NAME [id N] [maxlen N] [port N] [ttl N] [group ADDR]\'' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -l unset -d 'Back to the default: an option, or OPTION=WORD of one that may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -l missing-interfaces -d 'Interfaces may be missing, and come and go'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand vrrp; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and not __fish_seen_subcommand_from add edit delete list show run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and not __fish_seen_subcommand_from add edit delete list show run" -f -a "add" -d 'Add a session with a neighbour'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and not __fish_seen_subcommand_from add edit delete list show run" -f -a "edit" -d 'Change what is named of a session; new times are negotiated while it stays up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and not __fish_seen_subcommand_from add edit delete list show run" -f -a "delete" -d 'Delete sessions; their neighbours are told'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and not __fish_seen_subcommand_from add edit delete list show run" -f -a "list" -d 'Show sessions, one a line'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and not __fish_seen_subcommand_from add edit delete list show run" -f -a "show" -d 'Show everything about sessions'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and not __fish_seen_subcommand_from add edit delete list show run" -f -a "run" -d 'Run sessions in the foreground, without virtual routers, until a signal ends them'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l neighbour -d 'Address of the other end' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l source -d 'Our address [default: as the route says]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l interface -d 'Interface that packets leave and come in by; link-local addresses need one' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l min-rx -d 'Least time between packets of the neighbour that we can take [default: 10ms]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l min-tx -d 'Least time between our packets [default: 10ms]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l idle-tx -d 'Time between our packets while the session is not up, 1s or more [default: 1s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l multiplier -d 'How many packets are missed before the path has failed, 1 to 255 [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l auth -d 'simple, md5, meticulous-md5, sha1, meticulous-sha1; the same at both ends' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l key-id -d 'Number of the key, 0 to 255, the same at both ends [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l secret-file -d 'File with the key, of at most 16 bytes (SHA1: 20)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l secret -d 'The key itself, or hex:…; others see it in ps and in the save file' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l ttl -d 'TTL or hop limit of our packets [default: 255]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l max-hops -d 'How much lower than --ttl that of the neighbour\'s packets may be [default: 0; with --multihop: any]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l multihop -d 'The neighbour is beyond routers (RFC 5883, port 4784)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l passive -d 'Say nothing before the neighbour does'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l admin-down -d 'Hold the session down, and tell the neighbour so'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -l or-edit -d 'If it is there already, change what is named'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l neighbour -d 'Address of the other end' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l source -d 'Our address [default: as the route says]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l interface -d 'Interface that packets leave and come in by; link-local addresses need one' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l min-rx -d 'Least time between packets of the neighbour that we can take [default: 10ms]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l min-tx -d 'Least time between our packets [default: 10ms]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l idle-tx -d 'Time between our packets while the session is not up, 1s or more [default: 1s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l multiplier -d 'How many packets are missed before the path has failed, 1 to 255 [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l auth -d 'simple, md5, meticulous-md5, sha1, meticulous-sha1; the same at both ends' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l key-id -d 'Number of the key, 0 to 255, the same at both ends [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l secret-file -d 'File with the key, of at most 16 bytes (SHA1: 20)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l secret -d 'The key itself, or hex:…; others see it in ps and in the save file' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l ttl -d 'TTL or hop limit of our packets [default: 255]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l max-hops -d 'How much lower than --ttl that of the neighbour\'s packets may be [default: 0; with --multihop: any]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l unset -d 'Back to the default: an option, or OPTION=WORD of one that may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l multihop -d 'The neighbour is beyond routers (RFC 5883, port 4784)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l passive -d 'Say nothing before the neighbour does'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -l admin-down -d 'Hold the session down, and tell the neighbour so'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from delete" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from delete" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from delete" -l if-exists -d 'What is not there is no failure'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from list" -l watch -d 'Repeat every so many seconds until interrupted; with --json: one line of JSON each time [default: 2]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from list" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from list" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from list" -l json -d 'JSON, described in lvsadm-bfd(7)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from show" -l watch -d 'Repeat every so many seconds until interrupted; with --json: one line of JSON each time [default: 2]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from show" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from show" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from show" -l json -d 'JSON, described in lvsadm-bfd(7)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l neighbour -d 'Address of the other end' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l source -d 'Our address [default: as the route says]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l interface -d 'Interface that packets leave and come in by; link-local addresses need one' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l min-rx -d 'Least time between packets of the neighbour that we can take [default: 10ms]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l min-tx -d 'Least time between our packets [default: 10ms]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l idle-tx -d 'Time between our packets while the session is not up, 1s or more [default: 1s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l multiplier -d 'How many packets are missed before the path has failed, 1 to 255 [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l auth -d 'simple, md5, meticulous-md5, sha1, meticulous-sha1; the same at both ends' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l key-id -d 'Number of the key, 0 to 255, the same at both ends [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l secret-file -d 'File with the key, of at most 16 bytes (SHA1: 20)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l secret -d 'The key itself, or hex:…; others see it in ps and in the save file' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l ttl -d 'TTL or hop limit of our packets [default: 255]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l max-hops -d 'How much lower than --ttl that of the neighbour\'s packets may be [default: 0; with --multihop: any]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l rt-priority -d 'Real-time priority of virtual routers and BFD sessions' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l nice -d 'Niceness of virtual routers and BFD sessions' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l cpu -d 'Run them on this CPU only; may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l log-to -d 'Where it is said what happens: stderr, syslog, or syslog:FACILITY (daemon, user, local0 to local7)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l log-level -d 'What is said: error, warn, info or debug' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l multihop -d 'The neighbour is beyond routers (RFC 5883, port 4784)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l passive -d 'Say nothing before the neighbour does'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l admin-down -d 'Hold the session down, and tell the neighbour so'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l no-swap -d 'Lock their memory, so that they never wait for a disk'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -l child -d 'The agent reads events from standard output, and holds standard input for as long as it lives'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand bfd; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from add edit delete set list run try digest" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from add edit delete set list run try digest" -f -a "add" -d 'Add a check: of one server, or of all servers of a service'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from add edit delete set list run try digest" -f -a "edit" -d 'Change what is named of a check'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from add edit delete set list run try digest" -f -a "delete" -d 'Delete checks'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from add edit delete set list run try digest" -f -a "set" -d 'Say how the servers of a service make up its pool: quorum, sorry server, commands, bounds of weights'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from add edit delete set list run try digest" -f -a "list" -d 'Show checks: state, since when, last answer, latency, failures, next probe'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from add edit delete set list run try digest" -f -a "run" -d 'Run the checks of the save file in the foreground, until a signal ends them'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from add edit delete set list run try digest" -f -a "try" -d 'Probe a server once, and show what came of it'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and not __fish_seen_subcommand_from add edit delete set list run try digest" -f -a "digest" -d 'Print the MD5 digest of a page'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -s t -l tcp-service -d 'TCP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -s u -l udp-service -d 'UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l sctp-service -l sctp -d 'SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -s f -l fwmark-service -d 'All packets with this firewall mark' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -s r -l real-server -d 'This server of it; without a port: the service\'s port [default: all servers of the service]' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l as -d 'Tells several checks of one kind and server apart' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l connect -d 'Probe this address or port instead of the server\'s' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l source -d 'Source address' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l source-port -d 'Source port' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l interface -d 'Link to go out by' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l mark -d 'Firewall mark of the packets' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l connect-timeout -d 'Time for the connection alone' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l timeout -d 'Time for the whole probe [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l interval -d 'From one probe to the next [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l jitter -d 'Each interval is longer or shorter by up to so much, at random [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l retry -d 'So many failed probes of a working server are forgiven [default: 1; dns 3; script, file, agent 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l fall -d 'So many failed probes in a row are a failure: --retry and one more' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l retry-delay -d 'Pause before the probe that follows a failed one [default: 1s; http 3s; dns the interval]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l rise -d 'So many good probes in a row bring a failed server back [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l warmup -d 'The first probe is made within so much of the start, at random [default: the interval]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l initial -d 'What counts before the first probe [default: check-first]' -r -f -a "check-first\t'The server is added or removed by the first probe'
up\t'The server works until it fails'
down\t'The server has failed until it works'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -s 6 -l ipv6 -d 'The packets that -f takes are IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l through-vip -d 'The probe goes to the virtual address, by the kernel\'s own forwarding to that server'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l log-all-failures -d 'Report each failed probe, not only those that change something'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -l or-edit -d 'If it is there already, change what is named'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -f -a "tcp" -d 'Whether it takes a TCP connection'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -f -a "http" -d 'Whether pages are as they should be'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -f -a "smtp" -d 'Whether a mail server greets'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -f -a "dns" -d 'Whether a name server answers'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -f -a "udp" -d 'Whether a UDP service answers, or at least does not refuse'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -f -a "ping" -d 'Whether a host answers echo requests'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -f -a "agent" -d 'What an agent on the server says, as HAProxy\'s agent-check does'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -f -a "script" -d 'What a script says'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -f -a "file" -d 'What the number in a file says'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from add" -f -a "bfd" -d 'Whether a BFD session is up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -s t -l tcp-service -d 'TCP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -s u -l udp-service -d 'UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l sctp-service -l sctp -d 'SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -s f -l fwmark-service -d 'All packets with this firewall mark' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -s r -l real-server -d 'This server of it; without a port: the service\'s port [default: all servers of the service]' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l as -d 'Tells several checks of one kind and server apart' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l connect -d 'Probe this address or port instead of the server\'s' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l source -d 'Source address' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l source-port -d 'Source port' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l interface -d 'Link to go out by' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l mark -d 'Firewall mark of the packets' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l connect-timeout -d 'Time for the connection alone' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l timeout -d 'Time for the whole probe [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l interval -d 'From one probe to the next [default: 5s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l jitter -d 'Each interval is longer or shorter by up to so much, at random [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l retry -d 'So many failed probes of a working server are forgiven [default: 1; dns 3; script, file, agent 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l fall -d 'So many failed probes in a row are a failure: --retry and one more' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l retry-delay -d 'Pause before the probe that follows a failed one [default: 1s; http 3s; dns the interval]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l rise -d 'So many good probes in a row bring a failed server back [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l warmup -d 'The first probe is made within so much of the start, at random [default: the interval]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l initial -d 'What counts before the first probe [default: check-first]' -r -f -a "check-first\t'The server is added or removed by the first probe'
up\t'The server works until it fails'
down\t'The server has failed until it works'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l unset -d 'Back to the default: an option' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -s 6 -l ipv6 -d 'The packets that -f takes are IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l through-vip -d 'The probe goes to the virtual address, by the kernel\'s own forwarding to that server'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -l log-all-failures -d 'Report each failed probe, not only those that change something'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -f -a "tcp" -d 'Whether it takes a TCP connection'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -f -a "http" -d 'Whether pages are as they should be'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -f -a "smtp" -d 'Whether a mail server greets'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -f -a "dns" -d 'Whether a name server answers'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -f -a "udp" -d 'Whether a UDP service answers, or at least does not refuse'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -f -a "ping" -d 'Whether a host answers echo requests'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -f -a "agent" -d 'What an agent on the server says, as HAProxy\'s agent-check does'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -f -a "script" -d 'What a script says'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -f -a "file" -d 'What the number in a file says'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from edit" -f -a "bfd" -d 'Whether a BFD session is up'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from delete" -s t -l tcp-service -d 'TCP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from delete" -s u -l udp-service -d 'UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from delete" -l sctp-service -l sctp -d 'SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from delete" -s f -l fwmark-service -d 'All packets with this firewall mark' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from delete" -s r -l real-server -d 'This server of it; without a port: the service\'s port [default: all servers of the service]' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from delete" -l as -d 'Only the one with this name' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from delete" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from delete" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from delete" -s 6 -l ipv6 -d 'The packets that -f takes are IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from delete" -l if-exists -d 'What is not there is no failure'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -s t -l tcp-service -d 'TCP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -s u -l udp-service -d 'UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l sctp-service -l sctp -d 'SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -s f -l fwmark-service -d 'All packets with this firewall mark' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -s r -l real-server -d 'This server of it; without a port: the service\'s port [default: all servers of the service]' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l quorum -d 'Least sum of weights of working servers [default: 1]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l hysteresis -d 'How much more it takes to gain the quorum, and how much less to lose it [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l quorum-up -d 'Run when the quorum is gained: [USER[:GROUP]@]PROGRAM ARGUMENTS' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l quorum-down -d 'Run when the quorum is lost' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l sorry-server -d 'Takes over while there is no quorum' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l tun-type -d 'Kind of that tunnel: ipip, gue, gre [default: ipip]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l tun-port -d 'UDP port of a gue tunnel' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l suspend-without -d 'Checks sleep while this address is not on this host' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l foreign -d 'What becomes of others\' changes to the service in the kernel\'s table: adopt, restore, ignore [default: adopt]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l at-start -d 'What is told, as if it had just come up, of what works when the service begins: nothing, quorum, servers (and the quorum) [default: nothing]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l notify-up -d 'Run when a server comes back: [USER[:GROUP]@]PROGRAM ARGUMENTS' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l notify-down -d 'Run when a server fails' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l weight-min -d 'Least weight that checks can give a working server [default: 0]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l weight-max -d 'Greatest weight that checks can give it [default: 2147483647]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l unset -d 'Back to the default: an option' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -s 6 -l ipv6 -d 'The packets that -f takes are IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -s g -l gatewaying -d 'Direct routing to the sorry server (default)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -s i -l ipip -d 'A tunnel to the sorry server'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -s m -l masquerading -d 'NAT to the sorry server'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l tun-csum -d 'Packets of a gue or gre tunnel have checksums'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l tun-remcsum -d 'Packets of a gue tunnel have remote checksums'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l sorry-inhibit -d 'The sorry server stays in the table with weight 0 while it is not needed'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l omega -d 'What ends, with the process or before it, is told of as down, and its commands run'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l inhibit -d 'Failed servers stay in the table with weight 0'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -l no-inhibit -d 'Failed servers are removed; with -r, whatever is said of the service (default)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from list" -l watch -d 'Repeat every so many seconds until interrupted; with --json: one line of JSON each time [default: 2]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from list" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from list" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from list" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l run-dir -d 'Directory of the control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l foreign -d 'What becomes of others\' changes to services of which `check set --foreign` says nothing else [default: adopt]' -r -f -a "adopt\t'They are the operator\'s wish from now on'
restore\t'They are undone'
ignore\t'They are said once, and stay until something of ours changes the service'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l compare -d 'The kernel\'s table is compared within this time, in seconds [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l first-mark -d 'First firewall mark for --through-vip, 0x4c560000 to 0x4c56ffff [default: 0x4c560000]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l script-user -d 'Who runs scripts and commands of checks that name nobody [default: lvsadm_script, keepalived_script or nobody, the first that there is]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l at-end -d 'What is removed at the end' -r -f -a "remove\t'The services of the file'
flush\t'Everything'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l log-to -d 'Where it is said what happens: stderr, syslog, or syslog:FACILITY (daemon, user, local0 to local7)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l log-level -d 'What is said: error, warn, info or debug' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l restore-table -d 'Put all servers back with the operator\'s weight at the end'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l resume -d 'Servers that are out stay out until they pass, whatever --initial says: after a process that died'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l whole-file -d 'keepalived\'s rules: the file is the whole table, and nothing of it stays at the end'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l flush-at-start -d 'Empty the kernel\'s table at the start'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -l child -d 'The agent reads events from standard output, and holds standard input for as long as it lives'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand check; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
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
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and not __fish_seen_subcommand_from run start stop reload status events why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and not __fish_seen_subcommand_from run start stop reload status events why" -f -a "run" -d 'Run the agent in the foreground, until a signal ends it'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and not __fish_seen_subcommand_from run start stop reload status events why" -f -a "start" -d 'Start the agent in the background, and wait until it is ready'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and not __fish_seen_subcommand_from run start stop reload status events why" -f -a "stop" -d 'End the agent, and wait until it has ended'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and not __fish_seen_subcommand_from run start stop reload status events why" -f -a "reload" -d 'Let the agent read its save file again'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and not __fish_seen_subcommand_from run start stop reload status events why" -f -a "status" -d 'Show the agent\'s processes, and whether what runs is saved'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and not __fish_seen_subcommand_from run start stop reload status events why" -f -a "events" -d 'Show what happened: transitions, changes of others, restarts; with their reasons'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and not __fish_seen_subcommand_from run start stop reload status events why" -f -a "why" -d 'Why a server is down, or an instance is not master: the last transitions, with what was seen'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l config -d 'Run a keepalived.conf instead of a save file [without a name: /etc/keepalived/keepalived.conf]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l pid-file -d 'File for the process number [default: none; with `start` agent.pid in the run directory]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l log-file -d 'Append what is said to this file' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l log-to -d 'Where it is said what happens: stderr, syslog, or syslog:FACILITY (daemon, user, local0 to local7)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l log-level -d 'What is said: error, warn, info or debug' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l metrics -d 'Metrics for Prometheus are to be had at this port: http://ADDRESS:PORT/metrics' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l metrics-per -d 'How fine they are' -r -f -a "server\t'A series for each server of each service'
service\t'One for each service'
none\t'Only sums'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l stop-limit -d 'The end may take so many seconds; then processes are killed [default: 10]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l hang-limit -d 'A process that was silent for so many seconds hangs: it is killed, and started again; ten times as long at its start [default: 30]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l rt-priority -d 'Real-time priority of virtual routers and BFD sessions' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l nice -d 'Niceness of virtual routers and BFD sessions' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l cpu -d 'Run them on this CPU only; may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l foreign -d 'What becomes of others\' changes to services of which `check set --foreign` says nothing else [default: adopt]' -r -f -a "adopt\t'They are the operator\'s wish from now on'
restore\t'They are undone'
ignore\t'They are said once, and stay until something of ours changes the service'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l compare -d 'The kernel\'s table is compared within this time, in seconds [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l first-mark -d 'First firewall mark for --through-vip, 0x4c560000 to 0x4c56ffff [default: 0x4c560000]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l script-user -d 'Who runs scripts and commands of checks that name nobody [default: lvsadm_script, keepalived_script or nobody, the first that there is]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l fresh -d 'Begin with the save file, although an agent that was killed has left what it ran'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l autosave -d 'Write each change to the save file'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l metrics-open -d 'The address may be one that others can reach'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l no-swap -d 'Lock their memory, so that they never wait for a disk'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l restore-table -d 'Put all servers back with the operator\'s weight at the end'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -l background -d 'Somebody waits on standard output for the word that it runs'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l config -d 'Run a keepalived.conf instead of a save file [without a name: /etc/keepalived/keepalived.conf]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l pid-file -d 'File for the process number [default: none; with `start` agent.pid in the run directory]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l log-file -d 'Append what is said to this file' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l log-to -d 'Where it is said what happens: stderr, syslog, or syslog:FACILITY (daemon, user, local0 to local7)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l log-level -d 'What is said: error, warn, info or debug' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l metrics -d 'Metrics for Prometheus are to be had at this port: http://ADDRESS:PORT/metrics' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l metrics-per -d 'How fine they are' -r -f -a "server\t'A series for each server of each service'
service\t'One for each service'
none\t'Only sums'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l stop-limit -d 'The end may take so many seconds; then processes are killed [default: 10]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l hang-limit -d 'A process that was silent for so many seconds hangs: it is killed, and started again; ten times as long at its start [default: 30]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l rt-priority -d 'Real-time priority of virtual routers and BFD sessions' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l nice -d 'Niceness of virtual routers and BFD sessions' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l cpu -d 'Run them on this CPU only; may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l foreign -d 'What becomes of others\' changes to services of which `check set --foreign` says nothing else [default: adopt]' -r -f -a "adopt\t'They are the operator\'s wish from now on'
restore\t'They are undone'
ignore\t'They are said once, and stay until something of ours changes the service'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l compare -d 'The kernel\'s table is compared within this time, in seconds [default: 5]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l first-mark -d 'First firewall mark for --through-vip, 0x4c560000 to 0x4c56ffff [default: 0x4c560000]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l script-user -d 'Who runs scripts and commands of checks that name nobody [default: lvsadm_script, keepalived_script or nobody, the first that there is]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l fresh -d 'Begin with the save file, although an agent that was killed has left what it ran'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l autosave -d 'Write each change to the save file'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l metrics-open -d 'The address may be one that others can reach'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l no-swap -d 'Lock their memory, so that they never wait for a disk'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -l restore-table -d 'Put all servers back with the operator\'s weight at the end'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from stop" -l run-dir -d 'Directory of the agent\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from reload" -l run-dir -d 'Directory of the agent\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from reload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from status" -l run-dir -d 'Directory of the agent\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from status" -l json -d 'JSON, described in lvsadm-control(7)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from events" -l since -d 'Only those of the last seconds, minutes, hours, days: 90, 10m, 2h, 1d' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from events" -l run-dir -d 'Directory of the agent\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from events" -s f -l follow -d 'Go on with what happens, until interrupted'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from events" -l json -d 'One line of JSON for each event, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from events" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from why" -s t -l tcp-service -d 'TCP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from why" -s u -l udp-service -d 'UDP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from why" -l sctp-service -l sctp -d 'SCTP service' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from why" -s f -l fwmark-service -d 'All packets with this firewall mark' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from why" -s r -l real-server -d 'Only this server of the service; without a port: the service\'s port' -x -a "(__lvsadm_live)"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from why" -s n -l number -d 'Show so many events of each [default: 10]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from why" -l run-dir -d 'Directory of the agent\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from why" -s 6 -l ipv6 -d 'The packets that -f takes are IPv6'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from why" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand agent; and __fish_seen_subcommand_from why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand config; and not __fish_seen_subcommand_from convert lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand config; and not __fish_seen_subcommand_from convert lint" -f -a "convert" -d 'Print a keepalived.conf as a save file that does the same'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand config; and not __fish_seen_subcommand_from convert lint" -f -a "lint" -d 'Say what is wrong with a keepalived.conf'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand config; and __fish_seen_subcommand_from convert" -s o -l output -d 'Write this file, whole and readable for its owner only, instead of standard output' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand config; and __fish_seen_subcommand_from convert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand config; and __fish_seen_subcommand_from lint" -s i -l config-id -d 'What lines that begin with @ID are compared with [default: this machine\'s name]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand config; and __fish_seen_subcommand_from lint" -l strict -d 'Give keepalived\'s own verdict: what it refuses, corrects or ignores with a message'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand config; and __fish_seen_subcommand_from lint" -l elsewhere -d 'The file is for another machine: do not look for its users, scripts and links here'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand config; and __fish_seen_subcommand_from lint" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand config; and __fish_seen_subcommand_from lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and not __fish_seen_subcommand_from mail notify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and not __fish_seen_subcommand_from mail notify" -f -a "mail" -d 'Say who gets mail about what, and how it is sent'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and not __fish_seen_subcommand_from mail notify" -f -a "notify" -d 'Say which FIFOs are told of servers and services that come and go'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l server -d 'Server that takes the mail [default port: 25; with --tls 465]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l from -d 'Who sends' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l to -d 'Who gets it; once for each' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l about -d 'servers, services, instances, groups, sessions, agent; once for each [default: all but groups]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l also -d 'And about this instance, group, session or service (TCP 10.0.0.1:80)' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l not -d 'But not about this one' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l tag -d 'What stands in brackets before each subject [default: the name of this host]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l helo -d 'How this host calls itself [default: its name]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l timeout -d 'How long each step of the conversation may take [default: 30s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l auth-file -d 'User name and password, a line each; nobody but root may read it' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l authorities -d 'Certificates of authorities [default: the system\'s]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l unset -d 'Back to the default: an option, or OPTION=WORD of one that may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l no-faults -d 'And not of instances and groups that go into fault'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l starttls -d 'Make the connection secure before anything is said; else no mail'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l tls -d 'A secure connection from the first byte on'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l no-verify -d 'The server need not prove who it is'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l delete -d 'Nobody is told any more'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -l test -d 'Send a mail now'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from mail" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from notify" -l fifo -d 'Named pipe for transitions: \'PATH [owner USER[:GROUP]] [reader COMMAND]\'' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from notify" -l unset -d 'Back to the default: an option, or OPTION=WORD of one that may be repeated' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from notify" -l state -d 'Save file [default: $LVSADM_STATE, or /etc/sysconfig/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from notify" -l run-dir -d 'Directory of the running process\'s control socket [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from notify" -l delete -d 'Nobody is told any more'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand set; and __fish_seen_subcommand_from notify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand metrics" -l per -d 'How fine' -r -f -a "server\t'A series for each server of each service'
service\t'One for each service'
none\t'Only sums'"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand metrics" -l run-dir -d 'Directory of the control sockets [default: /run/lvsadm]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand metrics" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l mode -d 'How the director hands this server packets' -r -f -a "dr\t''
nat\t''
tun\t''"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l vip -d 'Virtual address; may be repeated. Modes dr and tun' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l gateway -d 'The director\'s address on this server\'s network. Mode nat' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l client -d 'Only answers to these clients go by the director; may be repeated. Mode nat' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l tun-type -d 'How packets are wrapped. Mode tun' -r -f -a "ipip\t''
gue\t''
gre\t''"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l tun-port -d 'UDP port of GUE' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l over -d 'What the wrapped packets travel over [default: the family of the virtual address]' -r -f -a "ipv4\t''
ipv6\t''"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l port -d 'TCP port of the services, for the rules of the firewall' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l bundle -d 'Write an archive for those who help; it must not exist yet. `.gz` is compressed' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l file -d 'Save file of the table' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l run-dir -d 'Directory of the agent\'s sockets [default: that of this network namespace]' -r -F
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l real-server -d 'This host is a real server'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l fix -d 'Do what is safe and can be undone, after showing it, and look again'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l dry-run -d 'With --fix: only show what would be done'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l passive -d 'Send no packets, and do not listen for any'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l all -d 'Show rules without findings, too'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and not __fish_seen_subcommand_from director real-server undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and not __fish_seen_subcommand_from director real-server undo" -f -a "director" -d 'The host on which IPVS runs'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and not __fish_seen_subcommand_from director real-server undo" -f -a "real-server" -d 'A server to which a director hands packets'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and not __fish_seen_subcommand_from director real-server undo" -f -a "undo" -d 'Put back what `prepare` and `doctor --fix` changed'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from director" -l mode -d 'How it hands packets to servers' -r -f -a "dr\t''
nat\t''
tun\t''"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from director" -l vip -d 'Virtual address that it gets; may be repeated. None where VRRP puts them on a link' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from director" -l dev -d 'Link for them [default: the one that leads there]' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from director" -s 6 -l ipv6 -d 'Without --vip: services are IPv6, too'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from director" -l persist -d 'Also after a reboot: files in sysctl.d and modules-load.d, and a unit of systemd'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from director" -l dry-run -d 'Only show what would be done'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from director" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from director" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from real-server" -l mode -d 'How the director hands it packets' -r -f -a "dr\t''
nat\t''
tun\t''"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from real-server" -l vip -d 'Virtual address; may be repeated. Modes dr and tun' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from real-server" -l gateway -d 'The director\'s address on this server\'s network. Mode nat' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from real-server" -l client -d 'Only answers to these clients go by the director; may be repeated. Mode nat' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from real-server" -l tun-type -d 'How packets are wrapped. Mode tun' -r -f -a "ipip\t''
gue\t''
gre\t''"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from real-server" -l tun-port -d 'UDP port of GUE' -r
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from real-server" -l over -d 'What the wrapped packets travel over [default: the family of the virtual address]' -r -f -a "ipv4\t''
ipv6\t''"
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from real-server" -l persist -d 'Also after a reboot: files in sysctl.d and modules-load.d, and a unit of systemd'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from real-server" -l dry-run -d 'Only show what would be done'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from real-server" -l json -d 'JSON, described in lvsadm(8)'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from real-server" -s h -l help -d 'Print help'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from undo" -l dry-run -d 'Only show what would be put back'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from undo" -l json -d 'Print what was undone as JSON'
complete -c lvsadm -n "__fish_lvsadm_using_subcommand prepare; and __fish_seen_subcommand_from undo" -s h -l help -d 'Print help (see more with \'--help\')'
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
