#!/bin/sh
# SPDX-License-Identifier: MIT
# Cores of other architectures, made on the spot by qemu: every death in foreign.c, in static programs whose
# stacks are compared with gdb's, and in ordinary ones, whose functions are known. What this machine has no
# compiler or emulator for is left out.
#
# usage: foreign.sh WALKBACK SOURCE-DIR
set -u
export LC_ALL=C

walkback=$(realpath "$1")
source=$(realpath "$2")
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2
. "$source/frames.sh"

ulimit -c unlimited 2>/dev/null || { echo "skipped: core dumps are not allowed here"; exit 77; }
gdb=
for candidate in gdb-multiarch gdb; do
    command -v $candidate >/dev/null && gdb=$candidate && break
done

named=0

# The functions of the program itself that each stack must have, in this order; others are the C library's. A frame of
# a signal is "-". The crashed thread is the first.
expected() { # DEATH
    case $1 in
    callback) echo 'write_null descend descend descend descend descend_dynamic compare die_callback main' ;;
    signal) echo 'write_null descend descend descend handle - raise_and_wait die_signal main' ;;
    other-stack) echo 'write_null descend descend handle_info - raise_and_wait die_other_stack main' ;;
    thread) echo 'write_null descend descend descend run_thread die_thread main' ;;
    call-null) echo 'die_call_null main' ;;
    abort) echo 'die_abort main' ;;
    esac
}
functions() { # OPTION... CORE
    "$walkback" stacks -q "$@" | awk '
        /^modules:/ { exit }
        /, signal\]$/ { print "-" }
        /^  #/ { sub(/\+0x.*/, "", $3); if ($3 ~ /^(write_null|descend|descend_dynamic|compare|handle|handle_info|run_thread|raise_and_wait|die_.*|main)$/) print $3 }' |
        tr '\n' ' ' | sed 's/ $//'
}

# A core in ./core of a program that dies under qemu.
crash() { # QEMU LIBRARIES PROGRAM DEATH
    rm -f core core.* ./*.core
    { (timeout 60 "$1" -L "$2" "./$3" "$4") >/dev/null 2>&1; } 2>/dev/null
    # The emulator's own core is Linux's; that of the program has a name of qemu's.
    rm -f core core.*
    mv ./qemu_*.core core 2>/dev/null
}

# Stacks that end early: functions of the C library that have no unwind information there, or are marked as not to be unwound.
is_early() { # ARCH DEATH
    case $1-$2 in arm-abort | arm-thread | riscv64-abort) return 0 ;; esac
    return 1
}

check_names() { # ARCH DEATH OPTION...
    what="$1 $2" death=$2 more=
    # What comes before the end is right all the same.
    is_early "$1" "$2" && more='*'
    shift 2
    names=$(functions "$@" core)
    # shellcheck disable=SC2254
    case $(expected "$death") in
    "$names"$more) named=$((named + 1)) ;;
    *)
        printf '%s: expected\n%s\nbut it is\n%s\n' "$what" "$(expected "$death")" "$names"
        failed=1 ;;
    esac
}

deaths='callback signal other-stack thread call-null abort'

of_arch() { # ARCH COMPILER-PREFIX
    arch=$1 libraries=/usr/$2
    command -v "$2-gcc" >/dev/null && command -v "qemu-$arch" >/dev/null || return
    "$2-gcc" -g -O1 -o "dynamic" "$source/foreign.c" -pthread 2>/dev/null || return
    "$2-gcc" -g -O1 -static -o "static" "$source/foreign.c" -pthread 2>/dev/null || return
    for death in $deaths; do
        # qemu 7 itself dies of it.
        [ "$arch-$death" = i386-thread ] && continue
        crash "qemu-$arch" "$libraries" dynamic "$death"
        [ -s core ] && check_names "$arch" "$death" --exe dynamic --sysroot "$libraries"
        crash "qemu-$arch" "$libraries" static "$death"
        [ -s core ] || continue
        check_names "$arch" "$death" --exe static
        rm -f frames
        [ "$gdb" ] && ! excused "$arch" "$death" && timeout 60 "$gdb" -nx -batch -ex 'set debuginfod enabled off' -ex 'set backtrace past-main on' \
            -ex 'file static' -ex 'core-file core' -ex 'python out = "frames"' -ex "source $source/frames.py" >/dev/null 2>&1
        [ "$gdb" ] && against_gdb "$arch" "$death" frames --exe static core
    done
}

# qemu 7 writes no cores of RISC-V: gdb, which it lets look at the program, has the registers and the memory for one.
of_riscv64() {
    [ "$gdb" ] && command -v riscv64-linux-gnu-gcc >/dev/null && command -v qemu-riscv64 >/dev/null || return
    riscv64-linux-gnu-gcc -g -O1 -static -o static "$source/foreign.c" -pthread 2>/dev/null || return
    for death in callback signal other-stack call-null abort; do
        rm -f core frames
        # A socket in this folder instead of a port: others may be at the same.
        { timeout 60 qemu-riscv64 -g "$folder/socket" ./static $death & } >/dev/null 2>&1
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            [ -S socket ] && break
            sleep 0.2
        done
        timeout 60 "$gdb" -nx -batch -ex 'set debuginfod enabled off' -ex 'set backtrace past-main on' -ex 'file static' \
            -ex 'target remote socket' -ex 'handle SIGUSR1 nostop noprint pass' -ex continue -ex 'python core = "core"; out = "frames"' \
            -ex "source $source/stub_core.py" -ex "source $source/frames.py" >/dev/null 2>&1
        rm -f socket
        if [ ! -s core ]; then
            echo "riscv64 $death: left out, gdb made no core"
            continue
        fi
        check_names riscv64 $death --exe static
        against_gdb riscv64 $death frames --exe static core
    done
    wait
}

of_arch aarch64 aarch64-linux-gnu
of_arch arm arm-linux-gnueabihf

of_arch i386 i686-linux-gnu
of_arch ppc64le powerpc64le-linux-gnu
of_arch s390x s390x-linux-gnu
of_riscv64

[ $((named + same + listed + failed)) -gt 0 ] || { echo "skipped: no compiler and emulator of another architecture"; exit 77; }
echo "$named stacks with the functions expected, $same as gdb's, $listed that gdb.txt tells of"
exit $failed
