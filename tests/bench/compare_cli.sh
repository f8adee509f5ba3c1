#!/bin/sh
# SPDX-License-Identifier: MIT
# Times the commands on one perf.data file: walkback stacks, perf script, samply import, and llvm-symbolizer on
# the addresses that names are wanted for, each once. CPU seconds (user + system) and elapsed seconds, best of N
# runs, and peak memory, output to a temporary file.
#
# usage: compare_cli.sh [-n RUNS] BUILD CAPTURE
#   BUILD    a build folder (optimized), configured with -Dbench=true
#   PERFS    in the environment: perf commands to compare with, a list (default: perf)
#   SAMPLY   in the environment: samply's command (default: samply)
#   LLVM     in the environment: llvm-symbolizers, a list (default: llvm-symbolizer)
set -u
export LC_ALL=C

runs=5
if [ "${1-}" = -n ]; then
    runs=$2
    shift 2
fi
if [ $# != 2 ]; then
    sed -n 's/^# \{0,1\}//; 3,11p' "$0" >&2
    exit 2
fi
walkback=$1/tools/walkback
bench_run=$1/tests/bench/bench_run
capture=$2
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# The files and addresses of all frames, each once, as llvm-symbolizer wants them.
"$walkback" stacks -f json --raw "$capture" 2>/dev/null |
    grep -o '"module":"/[^"]*"[^{}]*"image_pc":"0x[0-9a-f]*"' |
    sed 's/"module":"\([^"]*\)".*"image_pc":"\(.*\)"/"\1" \2/' | sort -u >"$tmp/addresses"
input=/dev/null

# measure NAME COMMAND...: adds "NAME<tab>CPU<tab>elapsed<tab>MB" unless the command is missing.
measure() {
    name=$1
    shift
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "skipped: $1 is not there"
    elif line=$("$bench_run" -i "$input" "$runs" "$@"); then
        printf '%s\t%s\n' "$name" "$line" >>"$tmp/table"
    else
        echo "failed: $*"
    fi
}

: >"$tmp/table"
measure "walkback stacks -f folded --raw -j 1" "$walkback" stacks -f folded --raw -j 1 "$capture"
measure "walkback stacks -f folded --no-inline -j 1" "$walkback" stacks -f folded --no-inline -j 1 "$capture"
measure "walkback stacks -f folded --no-inline" "$walkback" stacks -f folded --no-inline "$capture"
measure "walkback stacks -f folded -j 1" "$walkback" stacks -f folded -j 1 "$capture"
for perf in ${PERFS-perf}; do
    measure "$("$perf" --version 2>/dev/null || echo "$perf") script --no-inline" "$perf" script --no-inline -i "$capture"
    measure "$("$perf" --version 2>/dev/null || echo "$perf") script" "$perf" script -i "$capture"
done
measure "samply import --save-only" "${SAMPLY-samply}" import "$capture" --save-only -o "$tmp/profile.json"
input=$tmp/addresses
for llvm in ${LLVM-llvm-symbolizer}; do
    measure "llvm-symbolizer $("$llvm" --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p'), $(wc -l <"$input") addresses" "$llvm" -f -i
done

awk -F '\t' '
    NR == 1 { cpu = $2; mb = $4; printf "%-44s %8s %9s %8s %6s %6s\n", "command", "CPU s", "elapsed s", "peak MB", "x CPU", "x MB" }
    { printf "%-44s %8.3f %9.3f %8.1f %6.2f %6.2f\n", $1, $2, $3, $4, (cpu ? $2 / cpu : 0), (mb ? $4 / mb : 0) }' "$tmp/table"
