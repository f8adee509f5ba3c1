#!/bin/sh
# SPDX-License-Identifier: MIT
# Asks `walkback symbolize` and llvm-symbolizer about the same addresses, and compares their JSON field by field, and their text line by line.
#
# usage: llvm.sh WALKBACK TESTS-FOLDER
#
# Left out: Discriminator, StartFileName and StartLine, which are not known here; StartAddress of inlined calls; bytes between functions,
# where llvm-symbolizer may know a line but no function; names of functions that have several; how the two demanglers write a lambda.
set -u
export LC_ALL=C
walkback=$1 tests=$2

skip() {
    echo "skip: $1"
    exit 77
}
peer=
for name in llvm-symbolizer llvm-symbolizer-14 llvm-symbolizer-15 llvm-symbolizer-16 llvm-symbolizer-19; do
    [ -z "$peer" ] && command -v "$name" >/dev/null 2>&1 && peer=$name
done
[ -n "$peer" ] || skip "no llvm-symbolizer"
for tool in cc nm strip; do
    command -v "$tool" >/dev/null 2>&1 || skip "no $tool"
done
case " $("$walkback" --version | tr '\n' ' ') " in
*' libiberty '*) ;;
*) skip "libiberty is not in this build" ;;
esac

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
failed=0 compared=0

# One site a line; a site's line starts with its column, so that those of inlined calls (all but the last of an answer) can be told.
fields() {
    sed -E -e 's/"(Discriminator|StartLine)":[0-9]+/"\1":0/g' -e 's/"StartFileName":"[^"]*"/"StartFileName":""/g' \
        -e 's/"StartAddress":"[^"]*"([^}]*\},)/"StartAddress":""\1/g' -e 's/\{"Column"/\n&/g'
}

compare() { # NAME
    compared=$((compared + 1))
    sed "s/'lambda'(int)/{lambda(int)#1}/g" "$tmp/theirs" >"$tmp/expected"
    cmp -s "$tmp/ours" "$tmp/expected" && [ -s "$tmp/ours" ] && return
    failed=$((failed + 1))
    echo "$1:"
    diff "$tmp/expected" "$tmp/ours" | head -6
}

# With --basenames, LLVM 14 leaves the folder at some addresses, and not the same in every run.
basenames() { # OPTIONS
    case $1 in
    *s) sed -E 's,(^| at )/.*/,\1,' ;;
    *) cat ;;
    esac
}

compare_program() { # COMMAND SOURCE
    $1 -w -o "$tmp/program" "$tests/make/$2" 2>/dev/null || {
        echo "not here: $1"
        return
    }
    # For llvm-symbolizer, labels are functions.
    strip -w -N 'at_*' "$tmp/program"
    nm -S "$tmp/program" | awk 'NF == 4 && tolower($3) == "t" && $4 !~ /^renamed/ { print $1, $2 }' | sort -u | while read -r start size; do
        i=0
        while [ "$i" -lt "$((0x$size))" ]; do
            printf '0x%x\n' $((0x$start + i))
            i=$((i + 1))
        done
    done >"$tmp/addresses"
    "$walkback" symbolize --format json -e "$tmp/program" <"$tmp/addresses" | fields >"$tmp/ours"
    "$peer" --output-style=JSON -e "$tmp/program" <"$tmp/addresses" | fields >"$tmp/theirs"
    compare "$1 $2 json"
    # shellcheck disable=SC2046 # words on purpose
    set -- "$1" "$2" $(head -40 "$tmp/addresses")
    (
        shift 2
        "$walkback" symbolize --output-style=JSON --obj="$tmp/program" "$@" | fields >"$tmp/ours"
        "$peer" --output-style=JSON --obj="$tmp/program" "$@" | fields >"$tmp/theirs"
    )
    compare "$1 $2 json, operands"
    for options in '' -a -p -ap -s -aps --no-demangle; do
        # shellcheck disable=SC2086 # words on purpose
        "$walkback" symbolize --format llvm $options -e "$tmp/program" <"$tmp/addresses" >"$tmp/ours"
        # shellcheck disable=SC2086
        "$peer" $options -e "$tmp/program" <"$tmp/addresses" | basenames "$options" >"$tmp/theirs"
        compare "$1 $2 text $options"
    done
}

compare_program 'cc -O2 -gdwarf-5' inlines.c
compare_program 'cc -O0 -gdwarf-4' inlines.c
compare_program 'c++ -O2 -gdwarf-4' inlines.cc
compare_program 'clang -O2 -gdwarf-5' inlines.c
compare_program 'clang++ -O2 -gdwarf-5' inlines.cc

# What is no address: an error in JSON, the line itself in text.
printf 'zz"y\nzz\n' >"$tmp/addresses"
"$walkback" symbolize --format json -e "$tmp/program" <"$tmp/addresses" >"$tmp/ours"
"$peer" --output-style=JSON -e "$tmp/program" <"$tmp/addresses" >"$tmp/theirs"
compare 'no address, json'

echo "$compared comparisons, $failed differ"
[ "$failed" = 0 ]
