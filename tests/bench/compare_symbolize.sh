#!/bin/sh
# SPDX-License-Identifier: MIT
# Symbolizes the same addresses of one object with every tool that is there, functions and inlined calls, addresses on
# standard input: CPU seconds (user + system) and elapsed seconds, best of N runs, and peak memory; then one address alone.
#
# usage: compare_symbolize.sh [-n RUNS] [-s SLOW] BUILD OBJECT ADDRESSES
#   BUILD      a build folder (optimized), configured with -Dbench=true
#   ADDRESSES  a file of hexadecimal addresses, one a line
#   SLOW       how many of them the slow tools get, GNU's and elfutils' (default: 0, they are left out)
#   LLVM       in the environment: llvm-symbolizers to compare with, a list (default: llvm-symbolizer)
#   GIMLI      in the environment: gimli's addr2line (default: none, the name is GNU's as well)
set -u
export LC_ALL=C

usage() {
    sed -n 's/^# \{0,1\}//; 3,11p' "$0" >&2
    exit 2
}

runs=5
slow=0
while getopts n:s: option; do
    case $option in
    n) runs=$OPTARG ;;
    s) slow=$OPTARG ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# = 3 ] || usage
walkback=$1/tools/walkback
bench_run=$1/tests/bench/bench_run
object=$2
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cp "$3" "$tmp/all" && sed -n 1p "$3" >"$tmp/one" && head -n "$slow" "$3" >"$tmp/slow" || exit 1

# measure ADDRESSES NAME COMMAND...: adds "NAME<tab>CPU<tab>elapsed<tab>MB" to the table unless the command is missing.
measure() {
    addresses=$tmp/$1
    name=$2
    shift 2
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "skipped: $1 is not there"
    elif line=$("$bench_run" -i "$addresses" "$runs" "$@"); then
        printf '%s\t%s\n' "$name" "$line" >>"$tmp/table"
    else
        echo "failed: $*"
    fi
}

# measure_all ADDRESSES: ours first, what the others are compared with.
measure_all() {
    : >"$tmp/table"
    measure "$1" walkback "$walkback" symbolize -f -i -e "$object"
    for llvm in ${LLVM-llvm-symbolizer}; do
        measure "$1" "llvm-symbolizer $("$llvm" --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p')" \
            "$llvm" --no-demangle -f -i -e "$object"
    done
    [ -z "${GIMLI-}" ] || measure "$1" "gimli addr2line" "$GIMLI" -f -i -e "$object"
}

show() {
    printf '%s, %s: %s\n' "$(basename "$object")" "$1" "best of $runs runs"
    awk -F '\t' '
        NR == 1 { cpu = $2; mb = $4; printf "  %-28s %8s %9s %8s %6s %6s\n", "", "CPU s", "elapsed s", "peak MB", "x CPU", "x MB" }
        { printf "  %-28s %8.3f %9.3f %8.1f %6.2f %6.2f\n", $1, $2, $3, $4, (cpu ? $2 / cpu : 0), (mb ? $4 / mb : 0) }' "$tmp/table"
}

measure_all all
measure all "walkback --threads 2" "$walkback" symbolize -f -i --threads 2 -e "$object"
show "$(wc -l <"$tmp/all") addresses"

if [ "$slow" -gt 0 ]; then
    : >"$tmp/table"
    measure slow walkback "$walkback" symbolize -f -i -e "$object"
    measure slow "GNU addr2line" addr2line -f -i -e "$object"
    measure slow eu-addr2line eu-addr2line -f -i -e "$object"
    show "$slow addresses"
fi

measure_all one
if [ "$slow" -gt 0 ]; then
    measure one "GNU addr2line" addr2line -f -i -e "$object"
    measure one eu-addr2line eu-addr2line -f -i -e "$object"
fi
show "one address"
