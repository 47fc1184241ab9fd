#!/usr/bin/env bash
# Slurm with one or more nodes on this machine, as the user that calls it:
#   tests/cluster/slurm.sh FOLDER start|stop
# NODES=2 is how many: node1, node2 …, which claim CPUS=8 and MEMORY=32000 MB each, whatever is
# there. start prints what a shell must export for srun and sbatch to find it; munge is its own, too.
# The path of FOLDER has no blanks, and is short (of a socket: 108 characters).
set -euo pipefail
[ $# = 2 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
nodes=${NODES:-2} cpus=${CPUS:-8} memory=${MEMORY:-32000}
groups=/sys/fs/cgroup/memory
export PATH=$PATH:/usr/sbin SLURM_CONF=$folder/slurm.conf

say() { echo "slurm: $*" >&2; }

stop() {
    for file in "$folder"/*.pid; do
        [ -e "$file" ] || continue
        pid=$(cat "$file")
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
        rm -f "$file"
    done
}

if [ "$2" = stop ]; then
    # What still runs would outlive its slurmd.
    [ ! -e "$SLURM_CONF" ] || timeout 20 scancel --user="$(id -un)" 2>/dev/null || true
    for _ in $(seq 20); do
        [ -n "$(timeout 5 squeue --noheader 2>/dev/null || true)" ] || break
        sleep 0.5
    done
    stop
    if [ -e "$folder/cgroup.conf" ] && ! pgrep -x slurmd >/dev/null; then
        find "$groups"/slurm_node* -depth -type d -exec rmdir {} + 2>/dev/null || true
    fi
    exit 0
fi

for program in munged slurmctld slurmd sbatch; do
    command -v "$program" >/dev/null || {
        say "no $program here: apt-get install slurmctld slurmd munge slurm-client"
        exit 69
    }
done
stop
mkdir -p "$folder"/{state,spool,munge,log}
chmod 755 "$folder" "$folder/munge"

[ -s "$folder/munge.key" ] || (umask 077 && head -c 128 /dev/urandom >"$folder/munge.key")
# A process of this user is all that speaks to it: the folders above may be anyone's.
munged --force --socket="$folder/munge/socket" --key-file="$folder/munge.key" \
    --pid-file="$folder/munged.pid" --log-file="$folder/log/munged" \
    --seed-file="$folder/munge.seed"

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# A job's memory is limited by the kernel where this user may ask it to (control groups of version 1),
# else by slurmd, which looks each second.
limits="JobAcctGatherParams=OverMemoryKill"
if [ -w "$groups/cgroup.procs" ]; then
    printf '%s\n' CgroupPlugin=cgroup/v1 CgroupAutomount=no ConstrainRAMSpace=yes >"$folder/cgroup.conf"
    limits="TaskPlugin=task/cgroup"
fi

{
    cat <<CONF
ClusterName=segkit
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$(free_port)
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/%n
MailProg=/bin/true
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
# Requeued jobs start again soon, and what is killed dies soon.
KillWait=10
MinJobAge=600
ReturnToService=2
SlurmdParameters=config_overrides
DefMemPerNode=4000
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
ProctrackType=proctrack/linuxproc
$limits
CONF
    for number in $(seq "$nodes"); do
        echo "NodeName=node$number NodeHostname=$(hostname -s) NodeAddr=127.0.0.1" \
            "Port=$(free_port) CPUs=$cpus RealMemory=$memory"
    done
    echo "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP"
} >"$SLURM_CONF"

slurmctld -c
for number in $(seq "$nodes"); do
    slurmd -N "node$number"
done
for _ in $(seq 60); do
    [ "$(sinfo --noheader --states=idle --format=%D 2>/dev/null || true)" = "$nodes" ] && break
    sleep 0.5
done
[ "$(sinfo --noheader --states=idle --format=%D)" = "$nodes" ] || {
    say "the nodes did not come up: see $folder/log"
    tail -n 5 "$folder"/log/* >&2
    stop
    exit 1
}
say "$nodes nodes are up"
echo "export SLURM_CONF=$SLURM_CONF"
