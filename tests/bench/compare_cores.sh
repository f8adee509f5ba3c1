#!/bin/sh
# SPDX-License-Identifier: MIT
# Times the stacks of all threads of a core: walkback, gdb and eu-stack, on a core of a hundred threads with a
# gigabyte that is nearly all holes, made on the spot, and on one without the gigabyte. CPU seconds (user +
# system) and elapsed seconds, best of N runs, and peak memory, output to a temporary file.
#
# usage: compare_cores.sh [-n RUNS] BUILD
#   BUILD    a build folder (optimized), configured with -Dbench=true
set -u
export LC_ALL=C

runs=5
if [ "${1-}" = -n ]; then
    runs=$2
    shift 2
fi
if [ $# != 1 ]; then
    sed -n 's/^# \{0,1\}//; 3,9p' "$0" >&2
    exit 2
fi
walkback=$(realpath "$1")/tools/walkback
bench_run=$(realpath "$1")/tests/bench/bench_run
source=$(realpath "$(dirname "$0")")/../cores/crash.cc
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

ulimit -c unlimited || { echo "core dumps are not allowed here"; exit 1; }
cd "$tmp" || exit 1
g++ -O2 -o crash "$source" -pthread || exit 1
# A machine whose kernel.core_pattern says something else than "core" makes none here.
for death in many sparse; do
    ./crash $death >/dev/null 2>&1
    mv core "$death" 2>/dev/null || mv core.* "$death" || exit 1
done

# measure NAME COMMAND...: adds "NAME<tab>CPU<tab>elapsed<tab>MB" unless the command is missing.
measure() {
    name=$1
    shift
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "skipped: $1 is not there"
    elif line=$("$bench_run" -i /dev/null "$runs" "$@" 2>/dev/null); then
        printf '%s\t%s\n' "$name" "$line" >>table
    else
        echo "failed: $*"
    fi
}

: >table
for core in many sparse; do
    size="$(($(stat -c %s $core) >> 20)) MB"
    measure "$size: walkback stacks -j 1, with lines and inlined calls" "$walkback" stacks -q -j 1 $core
    measure "$size: walkback stacks -j 1 -f folded --no-inline" "$walkback" stacks -q -j 1 -f folded --no-inline $core
    measure "$size: walkback stacks -j 1 --raw" "$walkback" stacks -q -j 1 --raw $core
    measure "$size: gdb -batch, thread apply all backtrace" gdb -nx -batch -ex 'thread apply all backtrace' crash $core
    measure "$size: eu-stack" eu-stack --core $core -e crash
    measure "$size: eu-stack -q" eu-stack -q --core $core -e crash
done
awk -F '\t' 'BEGIN { printf "%-66s %9s %9s %9s\n", "", "CPU s", "elapsed s", "peak MB" }
    { printf "%-66s %9s %9s %9s\n", $1, $2, $3, $4 }' table
