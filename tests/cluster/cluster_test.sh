#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The throw-away cluster behaves as a real one: MPI over PMIx, accounting of GPUs, requeue, preemption,
# a node that fails, a controller that starts again; and it leaves nothing behind.
set -euo pipefail
PATH=$PATH:/usr/sbin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$(id -u)" != 0 ] || ! command -v slurmctld mpicc >/dev/null; then
    echo "skipped: takes root and the packages of scripts/packages.txt"
    exit 77
fi
work=$(mktemp -d /tmp/r1-cluster-test.XXXXXX)
cluster=$work/cluster
trap '[ ! -d "$cluster" ] || "$here/cluster" down "$cluster"; rm -rf "$work"' EXIT
cd "$work"

say() {
    echo "$SECONDS s: $*"
}

fail() {
    trap - ERR
    echo "FAILED: $*" >&2
    squeue -a -o "%i %j %P %T %r %N" >&2 || true
    tail -n 30 "$cluster/log/slurmctld.log" >&2 || true
    exit 1
}

# until_is SECONDS WANT COMMAND…: until its output contains WANT.
until_is() {
    local end=$((SECONDS + $1)) want=$2 got=""
    shift 2
    until got=$("$@" 2>&1) && [[ $got == *$want* ]]; do
        [ "$SECONDS" -lt "$end" ] || fail "'$*' says '$got', not '$want'"
        sleep 0.2
    done
}

trap 'echo "line $LINENO failed" >&2' ERR

# A reader of the pipe waits for all who hold its writing end: up must leave none.
output=$("$here/cluster" up "$cluster" --until-exit $$)
[ -z "$output" ] || fail "up printed: $output"
eval "$("$here/cluster" env "$cluster")"

say "up"
[ "$(sinfo -h -p gpu -t idle -o %D)" = 4 ] || fail "sinfo: $(sinfo)"

mpicc -o allreduce "$here/allreduce.c"

cat >mpi.sh <<END
#!/bin/bash
export OMPI_MCA_btl=tcp,self OMPI_MCA_btl_tcp_if_include=lo
srun --mpi=pmix --kill-on-bad-exit=1 ./allreduce
END
submit_mpi() {
    sbatch --parsable --wait -t 2 -N4 --ntasks-per-node=2 --gpus-per-node=h800:8 -o mpi.out mpi.sh
}
# Open MPI 4's TCP transport has been seen to crash in MPI_Init where all nodes are one loopback device.
job=$(submit_mpi) || job=$(submit_mpi) || fail "the MPI job: $(cat mpi.out)"
grep -qx "8 ranks, sum 28" mpi.out || fail "the MPI job says: $(cat mpi.out)"
until_is 10 gres/gpu:h800=32 sacct -nXPj "$job" -o AllocTRES
until_is 10 "COMPLETED" sacct -nXPj "$job" -o State
say "8 ranks on 4 nodes"

# A node loses its power; Slurm needs a while to see it.
job=$(sbatch --parsable -N1 -w node2 -o fail.out --wrap 'setsid sleep 1234 & srun sleep 1234')
until_is 10 RUNNING squeue -hj "$job" -o %T
until_is 10 "$job.0" squeue -hs -o %i
"$here/cluster" fail-node "$cluster" node2
failed=$job

# Meanwhile, on the other nodes: requeue by hand.
# shellcheck disable=SC2016  # the dollars are the job's
job=$(sbatch --parsable -N1 -x node2 -o requeue.out --open-mode=append --wrap 'echo ${SLURM_RESTART_COUNT:-0}; sleep 30')
until_is 10 RUNNING squeue -hj "$job" -o %T
sleep 1
scontrol requeue "$job"
until_is 40 1 grep -x 1 requeue.out
until_is 10 REQUEUED sacct -nXPDj "$job" -o State
until_is 10 RUNNING sacct -nXPDj "$job" -o State
scancel "$job"
say "a requeued job runs again"

# Preemption: no grace time in low0.
job=$(sbatch --parsable -p low0 -N3 -x node2 --exclusive -o low.out --wrap 'sleep 1234')
until_is 20 RUNNING squeue -hj "$job" -o %T
high=$(sbatch --parsable -p high -N3 -x node2 --exclusive -o high.out --wrap 'sleep 1')
until_is 20 PENDING squeue -hj "$job" -o %T
until_is 20 COMPLETED sacct -nXPj "$high" -o State
until_is 10 PREEMPTED sacct -nXPDj "$job" -o State
until_is 40 RUNNING squeue -hj "$job" -o %T
scancel "$job"
say "a preempted job runs again"

until_is 40 down sinfo -h -n node2 -o %t
until_is 10 NODE_FAIL sacct -nXPDj "$failed" -o State
[ -z "$(pgrep -f 'sleep 1234' || true)" ] || fail "a process of the failed node lives on"
"$here/cluster" start-node "$cluster" node2
until_is 40 RUNNING squeue -hj "$failed" -o %T
scancel "$failed"
say "the job of a failed node runs again"

# A controller that is killed knows the jobs it had saved: it saves every 5 s, and forgets the rest.
job=$(sbatch --parsable -N1 -o controller.out --wrap 'sleep 9')
until_is 10 RUNNING squeue -hj "$job" -o %T
sleep 6
"$here/cluster" restart-controller "$cluster" --kill
until_is 30 COMPLETED sacct -nXPj "$job" -o State
say "the controller started again"

sbatch -N4 -o left.out --wrap 'setsid sleep 1234 & srun sleep 1234' >/dev/null
until_is 20 sleep pgrep -l -f 'sleep 1234'
"$here/cluster" down "$cluster"
[ ! -e "$cluster" ] || fail "the folder is still there"
# Services carry the configuration in their environment or on their command line.
while read -r pid; do
    if [ "$pid" = $$ ] || [ "$(ps -o ppid= -p "$pid" | tr -d ' ')" = $$ ] || ! kill -0 "$pid" 2>/dev/null; then
        continue
    fi
    fail "left behind: $(ps -o pid,args -p "$pid")"
done < <(grep -lzF -e "$cluster/" /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3 | sort -u)
say "down"
