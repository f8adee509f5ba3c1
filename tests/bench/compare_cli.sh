#!/bin/sh
# SPDX-License-Identifier: MIT
# Times the commands on one perf.data file: walkback stacks, perf script, samply import. CPU seconds
# (user + system, best of N runs) and peak memory, output to a file that is thrown away.
#
# usage: compare_cli.sh [-n RUNS] BUILD CAPTURE
#   BUILD    a build folder (optimized) with tools/walkback
#   PERFS    in the environment: perf commands to compare with, a list (default: perf)
#   SAMPLY   in the environment: samply's command (default: samply)
set -u
export LC_ALL=C

runs=3
if [ "${1-}" = -n ]; then
    runs=$2
    shift 2
fi
if [ $# != 2 ]; then
    sed -n 's/^# \{0,1\}//; 3,9p' "$0" >&2
    exit 2
fi
walkback=$1/tools/walkback
capture=$2
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
if [ ! -x /usr/bin/time ]; then
    echo "compare_cli.sh: needs /usr/bin/time (package time)" >&2
    exit 1
fi

# measure NAME COMMAND...: adds a line "NAME<tab>CPU seconds<tab>MB" unless the command is missing.
measure() {
    name=$1
    shift
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "skipped: $1 is not there"
        return
    fi
    : >"$tmp/times"
    i=0
    while [ $i -lt "$runs" ]; do
        if ! /usr/bin/time -q -a -o "$tmp/times" -f '%U %S %M' "$@" >"$tmp/out" 2>"$tmp/err"; then
            echo "failed: $name"
            tail -n 3 "$tmp/err"
            return
        fi
        i=$((i + 1))
    done
    awk -v name="$name" '
        { cpu = $1 + $2; if (NR == 1 || cpu < best) best = cpu; if ($3 > peak) peak = $3 }
        END { printf "%s\t%.3f\t%.1f\n", name, best, peak / 1024 }' "$tmp/times" >>"$tmp/table"
}

: >"$tmp/table"
measure "walkback stacks -f folded --no-inline -j 1" "$walkback" stacks -f folded --no-inline -j 1 "$capture"
measure "walkback stacks -f folded -j 1" "$walkback" stacks -f folded -j 1 "$capture"
for perf in ${PERFS-perf}; do
    measure "$("$perf" --version 2>/dev/null || echo "$perf") script --no-inline" "$perf" script --no-inline -i "$capture"
done
measure "samply import --save-only" "${SAMPLY-samply}" import "$capture" --save-only -o "$tmp/profile.json"

awk -F '\t' '
    NR == 1 { cpu = $2; mb = $3; printf "%-46s %8s %9s %7s %7s\n", "command", "CPU s", "peak MB", "x CPU", "x MB" }
    { printf "%-46s %8.3f %9.1f %7.2f %7.2f\n", $1, $2, $3, (cpu ? $2 / cpu : 0), (mb ? $3 / mb : 0) }' "$tmp/table"
