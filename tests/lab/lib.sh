# Shell functions that tests/run, tests/lab/run, tests/bench and contrib/demo share. Sourced by bash; does nothing by itself.

# Debian keeps modprobe, ip, ipvsadm and nginx in sbin, which an ordinary user's PATH lacks.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# The repository, and the directory for what the lab downloads or prepares once.
lvsadm_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lab_cache=$(realpath -m "${CARGO_TARGET_DIR:-$lvsadm_root/target}")/lab

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
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

# Installs Debian packages. The package lists are fetched only if apt cannot do without: that takes longer than the rest.
apt_install() {
    apt install --no-install-recommends "$@" && return
    apt update && apt install --no-install-recommends "$@"
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
    mkdir -p "$lab_cache"
    echo "${0##*/}: installing ${missing[*]}" >&2
    logged "$lab_cache/apt.log" flock "$lab_cache/apt.lock" bash -c \
        "$(declare -f apt apt_install); apt_install \"\$@\"" apt_install "${missing[@]}" ||
        die "cannot install ${missing[*]}"
}
