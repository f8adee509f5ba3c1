#!/bin/sh
# SPDX-License-Identifier: MIT
# Walks the same samples with every engine that is there and prints one table: nanoseconds of CPU
# per frame, first and second pass, best of three runs, and how many times walkback's cost that is.
#
# usage: compare.sh [-i] [-n DISTINCT] BUILD INPUT
#   BUILD  a build folder, configured with -Dbench=true
#   INPUT  a flat file, or a capture, of which the process with the most samples is taken
#   -i     also count walkback's instructions per frame, with valgrind's callgrind (slow)
#   -n     walk the first DISTINCT samples again and again: every engine's caches hold everything
set -u
export LC_ALL=C

usage() {
    sed -n 's/^# \{0,1\}//; 3,11p' "$0" >&2
    exit 2
}

instructions=
distinct=1000000000
while getopts in: option; do
    case $option in
    i) instructions=yes ;;
    n) distinct=$OPTARG ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# = 2 ] || usage
here=$(dirname "$0")
build=$1
bench=$build/tests/bench
input=$2
runs=3
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

if [ "$(head -c 7 "$input")" = WBFLAT1 ]; then
    flat=$input
else
    flat=$tmp/flat
    "$bench/bench_dump" "$input" "$flat" || exit 1
fi

# framehop is a cargo project of its own, so that nothing of it comes near the product's build.
framehop=$bench/framehop/release/bench_walk_framehop
if command -v cargo >/dev/null 2>&1; then
    CARGO_TARGET_DIR=$bench/framehop cargo build --quiet --release --locked \
        --manifest-path "$here/framehop/Cargo.toml" >"$tmp/cargo" 2>&1 || cat "$tmp/cargo" >&2
fi

# The engines take turns, so that a noisy minute does not fall on one of them alone.
i=0
while [ $i -lt $runs ]; do
    "$bench/bench_walk_walkback" -1 -n "$distinct" "$flat" >>"$tmp/lines" || exit 1
    for program in "$bench/bench_walk_walkback" "$bench/bench_walk_libdwfl" \
        "$bench/bench_walk_libunwind" "$framehop"; do
        if [ -x "$program" ]; then
            "$program" -n "$distinct" "$flat" >>"$tmp/lines" || exit 1
        elif [ $i = 0 ]; then
            echo "skipped: $(basename "$program") is not built"
        fi
    done
    i=$((i + 1))
done

awk -v runs=$runs '
    {
        split("", v)
        for (i = 2; i <= NF; i++) { split($i, pair, "="); v[pair[1]] = pair[2] }
        if (!($1 in seen)) { seen[$1] = 1; order[++n] = $1 }
        key = $1 SUBSEP v["pass"]
        if (!(key in ns) || v["ns_per_frame"] + 0 < ns[key]) ns[key] = v["ns_per_frame"] + 0
        samples = v["samples"]; frames[$1] = v["frames"]; complete[$1] = v["complete"]
    }
    END {
        printf "%d samples, best of %d runs, CPU time\n", samples, runs
        printf "%-10s %10s %10s %12s %12s %8s\n", "engine", "frames", "complete", "cold ns/fr", "warm ns/fr", "ratio"
        base = ns["walkback", 2]
        for (i = 1; i <= n; i++) {
            e = order[i]
            printf "%-10s %10d %10d %12.1f %12.1f %8s\n", e, frames[e], complete[e], ns[e, 1], ns[e, 2],
                (base ? sprintf("%.2f", ns[e, 2] / base) : "-")
        }
    }' "$tmp/lines"

[ -n "$instructions" ] || exit 0
if ! command -v valgrind >/dev/null 2>&1; then
    echo "skipped: instructions per frame (valgrind is not installed)"
    exit 0
fi

# collected ARGUMENT...: instructions inside wb_walk, what it calls included.
collected() {
    valgrind --tool=callgrind --toggle-collect=wb_walk --callgrind-out-file=/dev/null \
        "$bench/bench_walk_walkback" -1 -n "$distinct" "$@" "$flat" 2>&1 >"$tmp/walk" |
        awk '/Collected/ { print $NF }'
}

# A second pass costs what two passes cost more than one does.
one=$(collected -p 1)
two=$(collected -p 2)
dropped=$(collected -p 2 -f)
awk -v one="$one" -v two="$two" -v dropped="$dropped" '
    /pass=2/ { for (i = 2; i <= NF; i++) if (split($i, pair, "=") == 2 && pair[1] == "frames") frames = pair[2] }
    END {
        printf "instructions per frame inside wb_walk (%d frames):\n", frames
        printf "  first pass                              %8.1f\n", one / frames
        printf "  second pass                             %8.1f\n", (two - one) / frames
        printf "  second pass, rows dropped per sample    %8.1f\n", (dropped - one) / frames
    }' "$tmp/walk"
