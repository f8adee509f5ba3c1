#!/bin/sh
# SPDX-License-Identifier: MIT
# Asks `walkback symbolize` and llvm-symbolizer about the same addresses of a program with debug information, and compares every inlined
# call, function, file and line.
#
# usage: symbolize.sh WALKBACK OBJECT [COUNT]
#
# Left out of the comparison, because the two differ by design:
#  - the outermost function's name: llvm-symbolizer takes the symbol's, walkback the source's (see walkback/symbolize.h);
#  - discriminators; a line of 0, which one prints as 0 and the other as ?; a file that is known from a FILE symbol only;
#  - a folder that LLVM 14 prints twice ("./x/./x/y.c").
set -u
walkback=$1
object=$2
count=${3-400}

skip() {
    echo "skip: $1"
    exit 77
}

peer=
for name in llvm-symbolizer llvm-symbolizer-14 llvm-symbolizer-15 llvm-symbolizer-16 llvm-symbolizer-19; do
    [ -z "$peer" ] && command -v "$name" >/dev/null 2>&1 && peer=$name
done
[ -n "$peer" ] || skip "no llvm-symbolizer"
command -v readelf >/dev/null 2>&1 || skip "no readelf"
readelf -SW "$object" | grep -q '\.debug_info' || skip "$object has no debug information"
"$walkback" --version | grep -q -- '+libdwarf\| libdwarf' || skip "libdwarf is not in this build"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The same addresses each time, all over .text: a step that shares no factor with its size visits it evenly.
set -- $(readelf -SW "$object" | sed -n 's/.* \.text  *PROGBITS  *\([0-9a-f]*\) [0-9a-f]* \([0-9a-f]*\) .*/\1 \2/p')
start=$(printf '%d' "0x$1")
size=$(printf '%d' "0x$2")
i=0
while [ "$i" -lt "$count" ]; do
    printf '0x%x\n' $((start + i * 7919 * 31 % size))
    i=$((i + 1))
done >"$tmp/addresses"

# One line a call: address, name (- for the outermost), place.
flatten() {
    awk '
    function flush(   i) {
        for (i = 1; i <= n; i++)
            print address, (i < n ? names[i] : "-"), places[i]
        n = 0
    }
    /^0x[0-9a-f]+$/ { flush(); address = $0; sub(/^0x0*/, "0x", address); is_place = 0; next }
    NF == 0 { next }
    !is_place { names[n + 1] = $0; is_place = 1; next }
    { sub(/ \(discriminator [0-9]+\)$/, ""); sub(/:0$/, ":?"); places[++n] = $0; is_place = 0 }
    END { flush() }' |
        sed -E -e 's, (\./[^ ]*)/\1/, \1/,' -e 's, [^/ ]+:\?$, ??:?,'
}

"$walkback" symbolize -e "$object" -a -f -i <"$tmp/addresses" | flatten >"$tmp/ours" || exit 1
"$peer" --no-demangle --output-style=GNU -a -f -i -e "$object" <"$tmp/addresses" | flatten >"$tmp/theirs" || exit 1
[ -s "$tmp/ours" ] || {
    echo "no output"
    exit 1
}
if ! diff "$tmp/theirs" "$tmp/ours" >"$tmp/difference"; then
    head -40 "$tmp/difference"
    echo "$(grep -c '^[<>]' "$tmp/difference") lines differ of $(wc -l <"$tmp/ours")"
    exit 1
fi
echo "$(wc -l <"$tmp/ours") calls at $count addresses agree with $peer"
