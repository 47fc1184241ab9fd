#!/usr/bin/env bash
# Real parts of a cluster on this machine, each by its own script beside this one:
#   tests/cluster/start.sh FOLDER [PART …]         start them; prints what to export
#   tests/cluster/start.sh FOLDER stop [PART …]    stop them
# Parts: slurm, postgres, hosts (root alone); without any, all whose packages are installed. On Debian:
#   apt-get install slurmctld slurmd munge slurm-client postgresql iproute2
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
action=start
if [ "${1-}" = stop ]; then
    action=stop
    shift
fi
named=$#
[ "$named" -gt 0 ] || set -- slurm postgres hosts

part() {
    if [ "$1" = hosts ]; then
        if [ "$(id -u)" != 0 ] || ! command -v ip >/dev/null; then
            echo "hosts: needs root, and Debian's iproute2" >&2
            return 69
        fi
        if [ "$action" = start ]; then "$here/hosts.sh" up; else "$here/hosts.sh" down; fi
    else
        "$here/$1.sh" "$folder/$1" "$action"
    fi
}

for name in "$@"; do
    code=0
    part "$name" || code=$?
    # 69: its packages are missing, which it has said; an error where it was asked for by name.
    [ "$code" = 0 ] || { [ "$code" = 69 ] && [ "$named" = 0 ]; } || exit "$code"
done
