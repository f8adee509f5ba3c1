#!/bin/sh
# SPDX-License-Identifier: MIT
# Sourced: our frames in the form of frames.py, by the program $walkback, and whether they are gdb's. Counts in `same` and `listed`.

failed=0 same=0 listed=0

of_walkback() { # OPTION... CORE
    "$walkback" stacks -q --max-frames 2000 "$@" |
        awk '/^[^ ].* [0-9]+\/[0-9]+/ { match($0, /[0-9]+\/[0-9]+/); split(substr($0, RSTART, RLENGTH), id, "/") }
             /^modules:/ { exit }
             /^  #/ && !/ \(inlined\)/ { sub(/^0+/, "", $2); print id[2], (/, signal\]/ ? "signal" : $2 == "" ? "0" : $2) }' | sort -s -n -k 1,1
}

# Which deaths gdb is known to be wrong about, by gdb.txt in $source: "DEATH KIND-PATTERN REASON...".
excused() { # KIND DEATH
    while read -r of_death of_kind _; do
        # shellcheck disable=SC2254
        case $2:$1 in $of_death:$of_kind) return 0 ;; esac
    done <"$source/gdb.txt"
    return 1
}

# Ours against those that gdb wrote for the core.
against_gdb() { # KIND DEATH FRAMES OPTION... CORE
    what="$1 $2" frames=$3 is_listed=
    excused "$1" "$2" && is_listed=yes
    shift 3
    of_walkback "$@" >ours
    if [ -s "$frames" ] && cmp -s "$frames" ours; then
        same=$((same + 1))
    elif [ "$is_listed" ]; then
        listed=$((listed + 1))
    else
        echo "$what: gdb's frames (<) are not ours (>)"
        diff "$frames" ours | head -20
        failed=1
    fi
}
