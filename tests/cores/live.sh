#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes cores on the spot, of every death in crash.cc and of five ways to link it, and compares the stacks
# with gdb's: the same program counters, in every thread. Where gdb stops early or goes on into nonsense,
# gdb.txt says so, with the reason.
#
# usage: live.sh WALKBACK SOURCE-DIR [-a] (all deaths of all kinds of programs: a hundred cores)
set -u
export LC_ALL=C

walkback=$(realpath "$1")
source=$(realpath "$2")
every=${3-}

for tool in gdb g++ awk; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
ulimit -c unlimited 2>/dev/null || { echo "skipped: core dumps are not allowed here"; exit 77; }
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2

build() { # NAME FLAGS...
    name=$1
    shift
    g++ -O2 -fno-omit-frame-pointer "$@" -o "$name" "$source/crash.cc" -pthread 2>/dev/null
}
build pie || { echo "skipped: g++ makes no programs here"; exit 77; }
# One source, five kinds of program. What this machine cannot link is left out.
kinds=pie
build nopie -no-pie && kinds="$kinds nopie"
build static -static && kinds="$kinds static"
build staticpie -static-pie && kinds="$kinds staticpie"
build stripped -s -fomit-frame-pointer && kinds="$kinds stripped"

# Linux writes "core" or "core.PID" where the program runs, if nobody asked for something else.
crash() { # KIND DEATH
    rm -f core core.*
    "./$1" "$2" >/dev/null 2>&1
    [ -f core ] || mv core.* core 2>/dev/null
    [ -f core ]
}
(crash pie null) 2>/dev/null || { echo "skipped: no core is written here"; exit 77; }

# One gdb for all cores of a program: what it learns of libraries serves them all.
of_gdb() { # KIND CORE...: writes CORE.gdb
    printf 'set debuginfod enabled off\nset backtrace past-main on\nfile ./%s\n' "$1" >commands
    shift
    for core; do
        printf 'core-file %s\npython out = "%s.gdb"\nsource %s/frames.py\n' "$core" "$core" "$source" >>commands
    done
    gdb -nx -batch -x commands >/dev/null 2>&1
}
. "$source/frames.sh"

# compare WHAT CORE OPTION...: ours with what gdb had for the core
compare() {
    what=$1 core=$2
    shift 2
    against_gdb "${what% *}" "${what#* }" "$core.gdb" "$@" "$core"
}

some='call-zero throw other-stack threads'
all='null divide illegal call-zero call-wild call-heap abort throw noexcept destructor non-canonical
    free-twice bus write-code kill overflow smash handler other-stack threads'
for kind in $kinds; do
    # All deaths of one kind of program; of the others, those that its making makes a difference to.
    deaths=$all
    [ "$kind" = pie ] || [ "$every" ] || deaths=$some
    cores=
    for death in $deaths; do
        if (crash "$kind" "$death") 2>/dev/null; then
            mv core "$kind-$death"
            cores="$cores $kind-$death"
        else
            echo "$kind $death: no core"
            failed=1
        fi
    done
    # shellcheck disable=SC2086
    of_gdb "$kind" $cores
    for core in $cores; do
        compare "$kind ${core#*-}" "$core"
        # The reason is the first that is said, the crashed thread the first that is shown.
        if ! "$walkback" stacks -q "$core" | awk '/^crash: +SIG/ { reason = NR } / \(crashed\):$/ { crashed = NR }
                                              / [0-9]+\/[0-9]+:$/ && !other { other = NR }
                                              END { exit !(reason && reason < crashed && (!other || crashed < other)) }'; then
            echo "$core: no reason, or the crashed thread is not first"
            failed=1
        fi
        rm -f "$core"
    done
done

# A debugger's core of a process that it stopped: no crash.
rm -f core
./pie wait >/dev/null 2>&1 &
waiting=$!
sleep 0.3
gdb -nx -batch -p $waiting -ex 'generate-core-file core' >/dev/null 2>&1
kill $waiting 2>/dev/null
if [ -f core ]; then
    of_gdb pie core
    compare gcore core
    "$walkback" stacks -q core | grep '^crash: *none' >/dev/null || { echo "gcore: a crash is said"; failed=1; }
fi

# The program was renamed, and another build has taken its place: refused, with the reason; found by its build id,
# wherever it is said to be; and what to bring is said.
if (crash pie handler) 2>/dev/null; then
    of_gdb pie core
    mv pie renamed
    compare renamed core --exe renamed
    build pie -O1
    [ "$("$walkback" stacks -q core | grep -c '^ *not .*/pie: build id [0-9a-f]*, wanted [0-9a-f]*$')" -eq 1 ] ||
        { echo "renamed: not refused with the reason"; failed=1; }
    compare "renamed, refused" core --exe renamed
    rm pie
    # By frame pointers, each of which could have been named.
    lost=$("$walkback" stacks -q core | grep -c '^  #.* (pie) ')
    "$walkback" info -q --missing -f json core | grep -q '"role":"executable","path":"[^"]*/pie","build_id":"[0-9a-f]*","verdict":"missing","frames":'"$lost}" ||
        { echo "deleted: what to bring is not said"; failed=1; }
    mkdir -p root/lib
    mv renamed root/pie
    "$walkback" stacks -q --sysroot root core >moved
    grep -q 'null_write' moved && grep -q '^  complete:' moved || { echo "moved: not found below --sysroot"; failed=1; }
fi

# qemu's cores have no list of files, and nothing of the files themselves.
if command -v qemu-aarch64 >/dev/null && command -v aarch64-linux-gnu-gcc >/dev/null; then
    echo 'void die(volatile int *p) { *p = 1; } int main(int c, char **v) { (void)v; die((int *)(long)(c - 1)); return 0; }' >small.c
    if aarch64-linux-gnu-gcc -O0 -o small small.c 2>/dev/null; then
        { (qemu-aarch64 -L /usr/aarch64-linux-gnu ./small); } >/dev/null 2>&1
        if ls qemu_small_*.core >/dev/null 2>&1; then
            names=$("$walkback" stacks -q --exe small --sysroot /usr/aarch64-linux-gnu qemu_small_*.core |
                awk '/^  #/ { sub(/\+0x.*/, "", $3); printf "%s ", $3 } /^  complete/ { print "complete" }')
            case $names in
            'die main '*' _start complete') same=$((same + 1)) ;;
            *) echo "qemu: $names"; failed=1 ;;
            esac
        fi
    fi
fi
echo "$same stacks of cores as expected, $listed that gdb.txt tells of"
exit $failed
