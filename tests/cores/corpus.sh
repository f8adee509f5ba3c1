#!/bin/sh
# SPDX-License-Identifier: MIT
# Cores of the corpus, with the answers that their makers give and the defects of other tools that they
# were seen to show: frames twice where there is no unwind information, mapping symbols for names, the
# bytes of segments that have none, silence about what was cut.
#
# usage: corpus.sh WALKBACK SOURCE-ROOT
set -u
export LC_ALL=C

walkback=$1
corpus=${WALKBACK_CORPUS:-$2/../shared/corpus}/cores
[ -d "$corpus" ] || { echo "skipped: no corpus"; exit 77; }
command -v bunzip2 >/dev/null || { echo "skipped: no bunzip2"; exit 77; }
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
failed=0

# The functions of each thread in a line, and how its walk ended.
functions() { # OPTION... CORE
    "$walkback" stacks -q "$@" | awk '
        /^[^ ].* [0-9]+\/[0-9]+/ { sub(/:$/, "", $2); printf "%s:", $2 }
        /^  #/ { sub(/\+0x.*/, "", $3); printf " %s", $3 }
        /^  (complete|cut|stopped):/ { print " " $1 }'
}
expect() { # WHAT EXPECTED ACTUAL
    [ "$2" = "$3" ] && return
    printf '%s: expected\n%s\nbut it is\n%s\n' "$1" "$2" "$3"
    failed=1
}

# tests/backtrace-subr.sh of elfutils: the thread that gave the signal to itself is raise, sigusr2, stdarg, backtracegen, start;
# gdb loses the -fp one behind stdarg and has main of aarch64 twice, eu-stack has _start of aarch64 twice and calls it $x.
for arch in x86_64 i386 aarch64 x86_64.fp; do
    bunzip2 -c "$corpus/backtrace.$arch.core.bz2" >"$folder/core"
    bunzip2 -c "$corpus/backtrace.$arch.exec.bz2" >"$folder/exec"
    kernel=
    case $arch in
    x86_64) ids='23096/23097 23096/23096' ;;
    i386) ids='23100/23101 23100/23100' kernel=' __kernel_vsyscall' ;;
    aarch64) ids='24043/24044 24043/24043' ;;
    x86_64.fp) ids='28871/28872 28871/28871' ;;
    esac
    # shellcheck disable=SC2086
    set -- $ids
    expect "$arch" "$1:$kernel raise sigusr2 stdarg backtracegen start start_thread __clone complete:
$2:$kernel pthread_join main __libc_start_main _start complete:" "$(functions --exe "$folder/exec" "$folder/core")"
done

# Registers are those of readelf's and gdb's: a kernel call of the thread that was interrupted.
expect registers '  eax   0000000000000000  eip   00000000f77f7430  esp   00000000f77f6198' "$(bunzip2 -c "$corpus/backtrace.i386.core.bz2" >"$folder/core" &&
    "$walkback" stacks -q --registers "$folder/core" | awk '/eip/ && !n++')"

# A core that was cut: what was cut off is said, and why each walk ends, never a frame from nowhere.
for percent in 10 25 50 75; do
    bunzip2 -c "$corpus/backtrace.x86_64.core.bz2" | head -c $((8740864 * percent / 100)) >"$folder/core"
    bunzip2 -c "$corpus/backtrace.x86_64.exec.bz2" >"$folder/exec"
    "$walkback" stacks --exe "$folder/exec" "$folder/core" >"$folder/out" 2>"$folder/err"
    grep -q '^cut: ' "$folder/out" && grep -q 'the core was cut here' "$folder/err" &&
        [ "$(grep -c 'cut: bytes at 0x[0-9a-f]* are not in the capture' "$folder/out")" -eq 2 ] &&
        [ "$(grep -c '^  #' "$folder/out")" -eq 2 ] && continue
    echo "cut to $percent %:"
    cat "$folder/err" "$folder/out"
    failed=1
done

# LLDB's TestLinuxCore.py: exactly three frames, with their lines; not a fourth at 0x1, which is argc.
for arch in x86_64 i386; do
    expect "lldb $arch" 'bar main.c:4 foo main.c:10 _start main.c:16' "$("$walkback" stacks -q --exe "$corpus/lldb/linux-$arch.out" \
        "$corpus/lldb/linux-$arch.core" | awk '/^  #/ { sub(/\+0x.*/, "", $3); n = split($5, part, "/"); printf "%s%s %s", s, $3, part[n]; s = " " }')"
done

# Its thread_crash: the thread that crashed is not the process's first; and a segment of which nothing is in the file has no bytes.
expect 'lldb thread_crash' 'SIGILL 5222/5250 5222/5222 5222/5249' "$("$walkback" stacks -q "$corpus/lldb/thread_crash/linux-x86_64.core" |
    awk '/^crash:/ { printf "%s", $2 } /^[^ ].* [0-9]+\/[0-9]+/ { printf " %s", $2 }' | tr -d :)"

[ $failed -eq 0 ] && echo "all as expected"
exit $failed
