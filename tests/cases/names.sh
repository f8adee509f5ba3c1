#!/bin/sh
# SPDX-License-Identifier: MIT
# Case 30 of the README: names of symbols are bytes that a hostile file chose. Whatever they are, an answer keeps its number of lines, a terminal
# gets no commands, and JSON stays JSON (RFC 8259, section 7; RFC 3629 for what is UTF-8).
#
# usage: names.sh WALKBACK TESTS-FOLDER
set -u
export LC_ALL=C
walkback=$1 tests=$2

for tool in cc objcopy nm; do
    command -v "$tool" >/dev/null 2>&1 || {
        echo "skip: no $tool"
        exit 77
    }
done
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
failed=0

expect() { # NAME EXPECTED: $tmp/out
    printf '%s\n' "$2" >"$tmp/expected"
    cmp -s "$tmp/out" "$tmp/expected" && return
    echo "$1:"
    diff "$tmp/expected" "$tmp/out"
    failed=$((failed + 1))
}

cc -w -O1 -o "$tmp/program" "$tests/make/names.c" || {
    echo "skip: cc does not work here"
    exit 77
}
start=$(nm "$tmp/program" | awk '$3 == "main" { print $1 }')
address=$(printf '0x%x' "0x$start")

named() { # NAME, as printf takes it: main is called so
    # shellcheck disable=SC2059 # the format is ours
    objcopy --redefine-sym "main=$(printf "$1.")" "$tmp/program" "$tmp/named" && "$walkback" symbolize -f -e "$tmp/named" "$start" >"$tmp/out"
}

named 'two\nlines' && expect 'end of line' 'two?lines.
??:?'
"$walkback" symbolize --format llvm -e "$tmp/named" "$start" >"$tmp/out"
expect 'end of line, llvm' 'two?lines.
??:0:0
'
"$walkback" symbolize --format json -e "$tmp/named" "$start" | sed 's/.*"FunctionName":\("[^"]*"\).*/\1/' >"$tmp/out"
expect 'end of line, json' '"two\u000alines."'

named '\033[2J\177\r' && expect 'commands for a terminal' '?[2J??.
??:?'
# A quote and a backslash; a lone continuation byte, a cut sequence, an overlong one, a surrogate; and a good one of each length.
named 'q"b\\' && "$walkback" symbolize --format json -e "$tmp/named" "$start" | sed 's/.*"FunctionName":\(.*\),"Line".*/\1/' >"$tmp/out"
expect 'quotes, json' '"q\"b\\."'
named '\200 \342\202 \300\257 \355\240\200 \303\244 \342\202\254 \360\237\230\200' &&
    "$walkback" symbolize --format json -e "$tmp/named" "$start" | sed 's/.*"FunctionName":\(.*\),"Line".*/\1/' >"$tmp/out"
bad=$(printf '\357\277\275')
expect 'UTF-8, json' "\"$bad $bad$bad $bad$bad $bad$bad$bad $(printf '\303\244 \342\202\254 \360\237\230\200').\""

# rustc-demangle#47: a name that refers to itself without end. It stays as it is.
objcopy --redefine-sym main=_RNvB_1a "$tmp/program" "$tmp/named" && "$walkback" symbolize -fC -e "$tmp/named" "$start" >"$tmp/out"
expect 'endless Rust' '_RNvB_1a
??:?'
# Pointers to pointers, 60,000 deep.
deep=$(printf '%060000d' 0 | tr 0 P)
objcopy --redefine-sym "main=_Z1f${deep}i" "$tmp/program" "$tmp/named" && "$walkback" symbolize -fC -e "$tmp/named" "$address" >"$tmp/out"
expect 'deep C++' "_Z1f${deep}i
??:?"

[ "$failed" = 0 ] && echo 'all names keep to their lines'
[ "$failed" = 0 ]
