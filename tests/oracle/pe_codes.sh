#!/bin/sh
# SPDX-License-Identifier: MIT
# Compares rows by Windows' unwind codes with those that llvm-readobj lists, behind each step of each prologue, of programs by clang and
# lld-link.
#
# usage: pe_codes.sh WALKBACK ORACLE-FOLDER
set -u
export LC_ALL=C
walkback=$1 oracle=$2

skip() {
    echo "skip: $1"
    exit 77
}
for tool in clang lld-link llvm-readobj; do
    command -v "$tool" >/dev/null 2>&1 || skip "no $tool"
done
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
failed=0 total=0

for options in -O0 -O1 -O2 -Os "-O2 -fno-omit-frame-pointer"; do
    # shellcheck disable=SC2086
    clang --target=x86_64-pc-windows-msvc $options -c -o "$tmp/codes.obj" "$oracle/pe_codes.c" 2>/dev/null || skip "clang makes no code for Windows"
    # A base that awk's numbers have room for.
    lld-link /nologo /entry:entry /nodefaultlib /subsystem:console /base:0x10000000 /out:"$tmp/codes.exe" "$tmp/codes.obj" || skip "lld-link does not link"
    llvm-readobj --unwind "$tmp/codes.exe" | awk -f "$oracle/pe_codes.awk" | sort >"$tmp/expected"
    # shellcheck disable=SC2046
    "$walkback" rows "$tmp/codes.exe" $(cut -d' ' -f1 "$tmp/expected") | awk '
        /^  0x/ {
            address = $1
            sub(/-.*/, "", address)
            count = split($0, column, /  +/)
            n = split(column[count], rule, " ")
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && rule[j] < rule[j - 1]; j--) {
                    swap = rule[j]; rule[j] = rule[j - 1]; rule[j - 1] = swap
                }
            text = rule[1]
            for (i = 2; i <= n; i++)
                text = text " " rule[i]
            print address, text
        }' | sort >"$tmp/ours"
    steps=$(wc -l <"$tmp/expected")
    [ "$steps" -gt 10 ] || { echo "$options: only $steps steps"; failed=1; }
    total=$((total + steps))
    if ! cmp -s "$tmp/expected" "$tmp/ours"; then
        echo "$options: rows by llvm-readobj (<) and ours (>)"
        diff "$tmp/expected" "$tmp/ours" | head -20
        failed=1
    fi
done
echo "$total rows"
exit $failed
