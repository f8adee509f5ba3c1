#!/bin/sh
# SPDX-License-Identifier: MIT
# walkback annotate's arguments and variables, on cores of programs that are made now and stop with known values: a word that is called by a name must
# hold what the program stored under that name. gdb must have them at the same addresses.
#
# usage: variables.sh WALKBACK FOLDER c|go|rust|gdb
set -u
export LC_ALL=C

walkback=$(realpath "$1") folder=$(realpath "$2") part=$3
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0
cd "$work" || exit 2

skip() {
    echo "skipped: $1"
    exit 77
}

# leave_core PROGRAM [ARGUMENT]...: runs it to its end; its core is then in `core`.
leave_core() {
    rm -f core*
    (ulimit -c unlimited && GOTRACEBACK=crash exec "$@" >out 2>err) 2>/dev/null
    set -- core*
    [ -s "$1" ] || skip "no core was left"
    [ "$1" = core ] || mv "$1" core
}

# annotate: a line "NAME VALUE ADDRESS" for each name of a word in the file `names`, such as "argument n of count 0x3 0x7ffc...". Of a variable
# that begins in the middle of its word that part.
annotate() {
    "$walkback" annotate -q --trust-paths core >text 2>err || { cat err; exit 1; }
    awk '
        match($0, /0x[0-9a-f]+ [+-]0x[0-9a-f]+  0x[0-9a-f]+  /) {
            split(substr($0, RSTART, RLENGTH), column, / +/)
            count = split(substr($0, RSTART + RLENGTH), part, /; /)
            for (i = 1; i <= count; i++) {
                value = column[3]
                address = column[1]
                if (part[i] ~ /^at \+4: /) {
                    value = substr(value, 1, 10)
                    address = substr(address, 1, length(address) - 1) (address ~ /0$/ ? 4 : "c")
                }
                sub(/^at \+[0-9]+: /, "", part[i])
                if (part[i] !~ /^(argument|variable|result) /)
                    continue
                sub(/^0x0+/, "0x", value)
                if (value == "0x")
                    value = "0x0"
                print part[i], value, address
            }
        }' text >names
}

# check WHAT REQUIRED: the file `known` has lines "NAME VALUE"; names in it may have no other values, and all that match REQUIRED, a regular expression,
# must be there.
check() {
    awk -v what="$1" -v required="$2" '
        function name(count,    text, i) {
            text = $1
            for (i = 2; i <= count; i++)
                text = text " " $i
            return text
        }
        FNR == NR { known[name(NF - 1)] = known[name(NF - 1)] " " $NF " "; wanted[name(NF)] = name(NF - 1) ~ required; next }
        {
            text = name(NF - 2)
            value = $(NF - 1)
            if (text in known && !index(known[text], " " value " "))
                bad = bad "\n" text " is said to be " value ", and is" known[text]
            delete wanted[text " " value]
        }
        END {
            for (text in wanted)
                if (wanted[text])
                    bad = bad "\nmissing: " text
            if (bad != "") {
                print what ":" bad
                exit 1
            }
        }' known names || { cat text; failed=1; }
}

# ---- C ----

known_outer() {
    cat <<'END'
argument a of outer 0x4141
argument b of outer 0x4142
argument c of outer 0x4143
argument d of outer 0x4144
argument e of outer 0x4145
argument f of outer 0x4146
argument g of outer 0x4147
argument h of outer 0x4148
variable triple of outer 0x6160
variable triple+8 of outer 0x6161
variable triple+16 of outer 0x6162
variable array of outer 0x7170
variable array+8 of outer 0x7171
variable array+16 of outer 0x7172
variable block of outer 0x8180
argument n of count 0x0
argument n of count 0x1
argument n of count 0x2
argument n of count 0x3
argument in_call of count 0x0
END
}

known_inner() {
    cat <<'END'
argument given of inner 0x5150
variable local of inner 0x5151
argument a of around 0x5150
argument g of around 0x4147
variable triple of around 0x6160
variable triple+8 of around 0x5152
variable triple+16 of around 0x6162
argument n of count 0x0
argument n of count 0x1
argument n of count 0x2
argument n of count 0x3
argument in_call of count 0x1
END
}

# What is always in memory; without optimization all is.
always='^variable (array|block|local)|^argument [gh] of outer|^variable triple.* of around'

check_c() { # COMPILER OPTION...
    "$@" -g -o program "$folder/variables.c" 2>err || { echo "no $*"; return; }
    compiled=$((compiled + 1))
    case " $* " in
    *' -O0 '*) required=. ;;
    *) required=$always ;;
    esac
    leave_core ./program
    known_outer >known
    annotate
    check "$*, outer" "$required"
    leave_core ./program call
    known_inner >known
    annotate
    check "$*, inner" "$required"
}

on_x86_64() {
    [ "$(uname -sm)" = 'Linux x86_64' ] || skip "not Linux on x86-64"
}

# The same from a package of its split units.
check_package() { # COMPILER PACKER
    command -v "$2" >/dev/null || return
    for version in 4 5; do
        rm -f ./*.dwo ./*.dwp
        "$1" -O2 -gdwarf-$version -gsplit-dwarf -g -o program "$folder/variables.c" 2>err || return
        "$2" -e program -o program.dwp 2>err || { echo "$2 packs nothing"; return; }
        rm -f ./*.dwo
        leave_core ./program
        known_outer >known
        annotate
        check "$1 -gdwarf-$version, $2" "$always"
        rm -f program.dwp
        compiled=$((compiled + 1))
    done
}

c() {
    on_x86_64
    compiled=0
    for compiler in gcc clang; do
        command -v $compiler >/dev/null || continue
        for version in 2 3 4 5; do
            for level in 0 1 2; do
                check_c $compiler -gdwarf-$version -O$level
                [ $version -ge 4 ] && check_c $compiler -gdwarf-$version -O$level -gsplit-dwarf
            done
        done
    done
    check_package gcc dwp
    check_package clang llvm-dwp
    check_package clang dwp
    [ $compiled -gt 0 ] || skip "no compiler"
    echo "$compiled programs"
}

# ---- Go ----

go_program() {
    printf 'module example.com/app\n\ngo 1.18\n' >go.mod
    cat >main.go <<'END'
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

type point struct{ x, y, z uint64 }

//go:noinline
func fib(n, tag uint64, name string) (got uint64, err error) {
	if n < 2 {
		stop(name)
		return n, nil
	}
	a, _ := fib(n-1, tag, name)
	return a + n + tag, nil
}

// The signal goes to the thread that the goroutine is on, so that the core has both together.
//
//go:noinline
func stop(name string) {
	fmt.Fprintln(os.Stderr, name)
	runtime.LockOSThread()
	syscall.Tgkill(syscall.Getpid(), syscall.Gettid(), syscall.SIGABRT)
	for {
	}
}

//go:noinline
func area(p point, scale uint64) uint64 {
	var local [4]uint64
	for i := range local {
		local[i] = 0x5150 + uint64(i)
	}
	r, _ := fib(4, 0x7a67, "walk")
	return r*scale + p.x*p.y + p.z + local[scale&3]
}

func main() { fmt.Println(area(point{0x1111, 0x2222, 0x3333}, 0x4444)) }
END
    cat >known <<'END'
argument n of main.fib 0x1
argument n of main.fib 0x2
argument n of main.fib 0x3
argument n of main.fib 0x4
argument tag of main.fib 0x7a67
argument name+8 of main.fib 0x4
result got of main.fib 0x0
result err of main.fib 0x0
argument name+8 of main.stop 0x4
argument p of main.area 0x1111
argument p+8 of main.area 0x2222
argument p+16 of main.area 0x3333
argument scale of main.area 0x4444
variable local of main.area 0x5150
variable local+8 of main.area 0x5151
variable local+16 of main.area 0x5152
variable local+24 of main.area 0x5153
END
}

go() {
    on_x86_64
    command -v go >/dev/null || skip "no go"
    export GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod CGO_ENABLED=0
    go_program
    # The build that is tested may have no codec.
    command go build -trimpath -ldflags=-compressdwarf=false -o optimized . 2>err || skip "go builds nothing here"
    command go build -trimpath -ldflags=-compressdwarf=false -gcflags='all=-N -l' -o plain . || exit 1
    leave_core ./plain
    annotate
    check 'go, plain' .
    leave_core ./optimized
    annotate
    check 'go, optimized' '^argument (n|scale|p|p.8|p.16) of|^variable local'
}

# ---- Rust ----

rust() {
    on_x86_64
    command -v rustc >/dev/null || skip "no rustc"
    cat >app.rs <<'END'
use std::hint::black_box;

struct Pair { first: u64, second: u64 }

#[inline(never)]
fn stop(at: *const u64) {
    black_box(at);
    std::process::abort()
}

#[inline(always)]
fn inner(given: u64, pair: &mut Pair) -> u64 {
    let here = black_box([given, given + 1]);
    pair.first = here[1];
    stop(here.as_ptr());
    here[0]
}

#[inline(never)]
fn outer(count: u64) -> u64 {
    let mut pair = Pair { first: 0x1111, second: 0x2222 };
    black_box(&mut pair);
    let got = inner(count + 0x10, &mut pair);
    black_box(&mut pair);
    got + pair.first + count
}

fn main() {
    println!("{}", outer(black_box(0x4321)));
}
END
    cat >known <<'END'
argument count of app::outer 0x4321
variable pair of app::outer 0x4332
variable pair+8 of app::outer 0x2222
argument given of app::inner 0x4331
variable here of app::inner 0x4331
variable here+8 of app::inner 0x4332
END
    for level in 0 2; do
        rustc -g -C opt-level=$level -o app app.rs 2>err || skip "rustc builds nothing here"
        leave_core ./app
        annotate
        ! grep -q ' of _ZN3app' names || skip "no demangler in this build"
        case $level in
        0) check 'rust' . ;;
        *) check 'rust, optimized' '^variable (pair|here)' ;;
        esac
    done
}

# ---- Addresses by gdb ----

# gdb_addresses FUNCTION FROM UP VARIABLE...: lines "VARIABLE FUNCTION ADDRESS" for those that have an address in the function's frame, which is as far up
# from the innermost one of another (gdb finds functions by the innermost call that is inlined into them).
gdb_addresses() {
    function=$1 from=$2 up=$3
    shift 3
    for variable; do
        set -- "$@" -ex "printf \"$variable $function 0x%016lx\\n\", (unsigned long)&$variable"
        shift
    done
    command gdb -nx -batch -ex "frame function $from" -ex "up $up" "$@" program core 2>err | grep -E '^[a-z_]+ [a-z]+ 0x[0-9a-f]{16}$'
}

gdb() {
    on_x86_64
    command -v gdb >/dev/null || skip "no gdb"
    compared=0
    for compiler in gcc clang; do
        for level in 0 1 2; do
            $compiler -g -O$level -o program "$folder/variables.c" 2>err || continue
            leave_core ./program
            annotate
            gdb_addresses outer outer 0 a b c d e f g h triple array block sum >addresses
            gdb_addresses count outer 2 n in_call got >>addresses
            compare "$compiler -O$level, outer"
            leave_core ./program call
            annotate
            gdb_addresses inner inner 0 given into local >addresses
            gdb_addresses around inner 1 a g triple >>addresses
            compare "$compiler -O$level, inner"
        done
    done
    [ $compared -gt 0 ] || skip "gdb tells no addresses here"
    echo "$compared addresses"
}

compare() {
    compared=$((compared + $(wc -l <addresses)))
    awk -v what="$1" '
        FNR == NR { ours[$2 " " $4 " " $NF]; next }
        !($0 in ours) { print what ": gdb has " $0; bad = 1 }
        END { exit bad }' names addresses || { cat text; failed=1; }
}

$part
exit $failed
