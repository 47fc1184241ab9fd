#!/usr/bin/env bash
# Real parts of a cluster on this machine, each by its own script beside this one:
#   tests/cluster/start.sh FOLDER [PART …]         start them; prints what to export
#   tests/cluster/start.sh FOLDER stop [PART …]    stop them
# Parts: slurm, postgres, hosts; without any, all whose packages are installed. All that they write
# lies in FOLDER. On Debian: apt-get install slurmctld slurmd munge slurm-client postgresql iproute2
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
for part in "${@:-slurm postgres hosts}"; do
    for name in $part; do
        [ -x "$here/$name.sh" ] || continue
        "$here/$name.sh" "$folder/$name" "$action" || {
            code=$?
            # 69: its packages are missing, which it has said; of all parts that is no error.
            [ "$code" = 69 ] && [ "$part" != "$name" ] || exit "$code"
        }
    done
done
