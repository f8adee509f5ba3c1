#!/bin/sh
# SPDX-License-Identifier: MIT
# Compares rows by Windows' unwind codes (and by the instructions of epilogues) with the call frame information that GCC writes for the same
# code, at each instruction of a program built by MinGW.
#
# usage: windows.sh WALKBACK TESTS-FOLDER
#
# Left out: padding between functions; vector registers that only one side names (where they were restored, both are right). In an epilogue that takes
# the stack pointer from the frame register, GCC goes on counting from the frame register, so offsets are compared by their differences. At a ret, where
# GCC's rows are wrong after such epilogues, the row has to be what a ret needs: the CFA is rsp + 8.
set -u
export LC_ALL=C
walkback=$1 tests=$2

skip() {
    echo "skip: $1"
    exit 77
}
for tool in x86_64-w64-mingw32-gcc x86_64-w64-mingw32-objdump; do
    command -v "$tool" >/dev/null 2>&1 || skip "no $tool"
done
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
failed=0

for options in -O0 -O1 -O2 -O3 "-O2 -fno-omit-frame-pointer"; do
    # shellcheck disable=SC2086
    x86_64-w64-mingw32-gcc $options -gdwarf-4 -o "$tmp/windows.exe" "$tests/make/windows.c" || skip "MinGW cannot link"
    x86_64-w64-mingw32-objdump -d --no-show-raw-insn "$tmp/windows.exe" | awk '
        /^[0-9a-f]+ <(leaf|small|big|dynamic|floating|many|main|__tmainCRTStartup|_pei386_runtime_relocator)>:/ { on = 1; next }
        /^$/ { on = 0 }
        on && !/nop|xchg +%ax,%ax|data16|cs nop/ { sub(":", "", $1); print "0x" $1, $2 }' >"$tmp/instructions"
    cut -d' ' -f1 "$tmp/instructions" >"$tmp/addresses"
    [ "$(wc -l <"$tmp/addresses")" -gt 200 ] || { echo "$options: too few instructions"; failed=1; }
    # shellcheck disable=SC2046
    "$walkback" rows "$tmp/windows.exe" $(cat "$tmp/addresses") >"$tmp/rows" || failed=1
    awk -v name="$options" -f "$tests/oracle/windows.awk" "$tmp/instructions" "$tmp/rows" || failed=1
done
exit $failed
