#!/usr/bin/env bash
# A PostgreSQL server of its own, from Debian's package postgresql; never the system's cluster.
#
#   tests/cluster/postgres.sh FOLDER          begins one, or goes on with what is in FOLDER
#   tests/cluster/postgres.sh FOLDER stop     as a planned restart does: its sessions are ended
#   tests/cluster/postgres.sh FOLDER crash    as kill -9 would
#
# The first prints its address, with a password: export SEGKIT_TEST_STORAGE=postgresql://… It is on
# 127.0.0.1 alone, at a port that stays the same. All of it lies in FOLDER, which the user postgres
# must be able to reach where root runs this.
set -euo pipefail

folder=${1:?the folder of its data}
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
[ -n "$bin" ] || { echo "no PostgreSQL here: apt-get install postgresql" >&2; exit 69; }

# The server refuses to run as root.
as=()
[ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=postgres --regid=postgres --init-groups)
server() { "${as[@]}" "$bin/pg_ctl" --pgdata="$folder/data" --silent --wait "$@" </dev/null; }

case ${2-start} in
start)
    if [ ! -e "$folder/data/PG_VERSION" ]; then
        mkdir -p "$folder/data"
        [ -e "$folder/password" ] || echo "kept-out-of-logs" >"$folder/password"
        # Below those that the kernel gives to clients.
        [ -e "$folder/port" ] || shuf -i 20000-32000 -n 1 >"$folder/port"
        [ "$(id -u)" -ne 0 ] || chown -R postgres: "$folder"
        "${as[@]}" "$bin/initdb" --pgdata="$folder/data" --username=segkit --auth=scram-sha-256 \
            --pwfile="$folder/password" --encoding=UTF8 --locale=C >"$folder/initdb.log"
    fi
    port=$(cat "$folder/port")
    # No socket, whose path might be too long; no fsync, with which it starts slowly on a busy disk.
    server start --log="$folder/server.log" \
        --options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    export PGPASSWORD
    PGPASSWORD=$(cat "$folder/password")
    "$bin/psql" -qAt -h 127.0.0.1 -p "$port" -U segkit -d postgres \
        -c "SELECT 1 FROM pg_database WHERE datname='studies'" | grep -q 1 ||
        "$bin/createdb" -h 127.0.0.1 -p "$port" -U segkit studies
    echo "export SEGKIT_TEST_STORAGE=postgresql://segkit:$PGPASSWORD@127.0.0.1:$port/studies"
    ;;
stop) [ ! -e "$folder/data/postmaster.pid" ] || server stop --mode=fast ;;
crash) server stop --mode=immediate ;;
*)
    echo "unknown: $2" >&2
    exit 2
    ;;
esac
