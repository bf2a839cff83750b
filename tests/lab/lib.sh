# Shell functions that tests/run, tests/lab/run, tests/bench and contrib/demo share. Sourced by bash; does nothing by itself.

# Debian keeps modprobe, ip, ipvsadm and nginx in sbin, which an ordinary user's PATH lacks.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# The repository, and the directory for what the lab downloads or prepares once.
lvsadm_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lab_cache=$(realpath -m "${CARGO_TARGET_DIR:-$lvsadm_root/target}")/lab

# Programs that are taken out of packages whose services nobody wants to run.
export PATH="$PATH:$lab_cache/bin"

# Prints a message and ends the script. Status 125 is what `timeout`, `env` and `xargs` use for "could not even start it".
die() {
    echo "${0##*/}: $*" >&2
    exit 125
}

# `logged LOG COMMAND…` keeps the command's output in LOG, and shows its end only if it fails.
logged() {
    local log=$1
    shift
    "$@" >>"$log" 2>&1 </dev/null && return
    echo "${0##*/}: failed: $* (the whole output is in $log)" >&2
    tail -n 20 "$log" >&2
    return 1
}

# Runs apt-get as root, waiting for another apt-get that may be running.
apt() {
    local sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo -n)
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

# Installs Debian packages. The package lists are fetched only if apt cannot do without: that takes longer than the rest. What
# people have installed stays; a machine that is thrown away afterwards (CI) need not be so careful.
apt_install() {
    local careful=(--no-remove)
    [ -z "${CI:-}" ] || careful=()
    apt install --no-install-recommends "${careful[@]}" "$@" && return
    apt update && apt install --no-install-recommends "${careful[@]}" "$@"
}

# `need COMMAND:PACKAGE…` installs the package of each command that is missing.
need() {
    local pair missing=()
    for pair; do
        type -P "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    [ ${#missing[@]} = 0 ] && return
    type -P apt-get >/dev/null ||
        die "missing: ${missing[*]} (names of Debian packages); this machine has no apt-get, so please install them yourself"
    echo "${0##*/}: installing ${missing[*]}" >&2
    mkdir -p "$lab_cache"
    (
        flock 9
        logged "$lab_cache/apt.log" apt_install "${missing[@]}"
    ) 9>"$lab_cache/apt.lock" ||
        die "cannot install ${missing[*]} (if other packages are in the way, CI=1 lets apt remove them)"
}

# promtool judges metrics. Its package starts a server when it is installed, so only the one program is taken out of it.
need_promtool() {
    type -P promtool >/dev/null && return
    type -P apt-get >/dev/null || die "missing: promtool (part of Prometheus); please install it yourself"
    echo "${0##*/}: fetching promtool" >&2
    local here=$lab_cache/promtool
    mkdir -p "$lab_cache/bin" "$here"
    (
        flock 9
        cd "$here" || exit
        logged "$lab_cache/apt.log" apt_download prometheus &&
            dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool &&
            mv usr/bin/promtool "$lab_cache/bin/"
    ) 9>"$lab_cache/apt.lock" || die "cannot fetch promtool, of the Debian package prometheus"
    rm -rf "$here"
}

# Fetches a package into the current directory, without installing it.
apt_download() {
    apt-get -q download "$1" && return
    apt update && apt-get -q download "$1"
}

# What building, and the tests of all kinds, need beside cargo.
need_for_tests() {
    need cc:gcc ip:iproute2 sysctl:procps ipvsadm:ipvsadm nginx:nginx-light curl:curl strace:strace \
        groff:groff-base mandoc:mandoc zsh:zsh fish:fish genhash:keepalived openssl:openssl \
        nft:nftables iptables-legacy:iptables ping:iputils-ping setpriv:util-linux tcpdump:tcpdump tshark:tshark capsh:libcap2-bin /usr/lib/frr/vrrpd:frr \
        apache2:apache2-bin named:bind9 postfix:postfix systemd-analyze:systemd chrt:util-linux
    need_promtool
}

# Builds the program, unless tests/run has: it does so with the features of what tests need, which would all be built once more.
build() {
    [ -n "${LVSADM_BUILT:-}" ] || cargo build
}

# Runs cargo so that it starts what it built inside the lab.
lab_cargo() {
    cargo --config "target.'cfg(all())'.runner=['$lvsadm_root/tests/lab/run', '--']" "$@" </dev/null
}
