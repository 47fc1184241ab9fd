#!/usr/bin/env bash
# Two hosts on this machine: network namespaces with names and addresses of their own, and a cable.
#
#   tests/cluster/hosts.sh up                   # make them (root; Debian: iproute2, util-linux)
#   tests/cluster/hosts.sh run HOST COMMAND…    # on segkit-a or segkit-b
#   tests/cluster/hosts.sh cut                  # pull the cable out
#   tests/cluster/hosts.sh mend                 # and plug it in again
#   tests/cluster/hosts.sh down                 # remove them
#
# They share this machine's disks, but not its network: neither reaches anything but the other.
set -euo pipefail

A=segkit-a B=segkit-b
NET=10.99.18 # 10.99.18.1 and .2, which nothing outside ever sees

up() {
    down
    ip link add "$A-if" type veth peer name "$B-if"
    local host number=1
    for host in "$A" "$B"; do
        ip netns add "$host"
        ip link set "$host-if" netns "$host"
        ip -n "$host" link set "$host-if" name eth0
        ip -n "$host" address add "$NET.$number/24" dev eth0
        ip -n "$host" link set lo up
        ip -n "$host" link set eth0 up
        # By default TCP waits a quarter of an hour for an answer, and torchrun with it.
        ip netns exec "$host" sysctl --quiet --write net.ipv4.tcp_retries2=5
        # `ip netns exec` lays what is in this folder over /etc.
        mkdir -p "/etc/netns/$host"
        printf '127.0.0.1 localhost\n%s.1 %s\n%s.2 %s\n' "$NET" "$A" "$NET" "$B" \
            >"/etc/netns/$host/hosts"
        number=$((number + 1))
    done
}

run() {
    local host=$1
    shift
    # A mount namespace of its own comes with it: what the command mounts, the other does not see.
    exec ip netns exec "$host" unshare --uts \
        sh -c 'hostname "$0" && exec "$@"' "$host" "$@"
}

down() {
    local host
    for host in "$A" "$B"; do
        if [ -e "/run/netns/$host" ]; then ip netns delete "$host"; fi
        rm -rf "/etc/netns/$host"
    done
}

case "${1:-}" in
up) up ;;
run) run "${@:2}" ;;
cut) ip -n "$A" link set eth0 down ;;
mend) ip -n "$A" link set eth0 up ;;
down) down ;;
*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
    exit 2
    ;;
esac
