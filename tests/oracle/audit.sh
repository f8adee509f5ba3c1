#!/bin/sh
# SPDX-License-Identifier: MIT
# walkback audit and annotate: on the corpus' programs that clobber frame pointers, and on one that is made now, whose
# stacks are captured after the fact. What must be said was worked out from their sources, and addresses with go tool objdump.
#
# usage: audit.sh WALKBACK SOURCE-ROOT clobber|live|std
set -u
export LC_ALL=C

walkback=$(realpath "$1") source=$(realpath "$2") part=$3
corpus=${WALKBACK_CORPUS:-$source/../shared/corpus}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0

expect() { # WHAT EXPECTED ACTUAL
    [ "$2" = "$3" ] && return
    printf '%s: expected\n%s\nbut it is\n%s\n' "$1" "$2" "$3"
    failed=1
}
has() { # WHAT TEXT FILE
    grep -q -F -e "$2" "$3" && return
    printf '%s: no "%s" in\n' "$1" "$2"
    cat "$3"
    failed=1
}

clobber() {
    [ -d "$corpus/go/clobber" ] || { echo "skipped: no corpus"; exit 77; }
    command -v zstd >/dev/null || { echo "skipped: no zstd"; exit 77; }
    for arch in amd64 arm64; do
        zstd -dq "$corpus/go/clobber/1.24-clob-$arch.zst" -o "$work/$arch" || exit 2
        "$walkback" audit "$work/$arch" >"$work/$arch.txt"
        expect "status, $arch" 3 $?
    done

    # MOVQ AX, BP at 12 and MOVQ $817650473, BP at 15 of main.clob; main.work calls its wrapper, or the linker made that the same.
    expect amd64 'main.clob+0x0 (clob_amd64.s:5) of example.com/a@(devel)
  0x491bac main.clob+0xc (clob_amd64.s:10): writes the frame pointer, which it never saved
  0x491baf main.clob+0xf (clob_amd64.s:11): writes 0x30bc5b29 to the frame pointer, which it never saved
  called at 0x491ad2 by main.work+0x12 (main.go:8)' "$(cat "$work/amd64.txt")"
    # A crash tells the address behind the frame pointer, or that itself.
    for value in 0x30bc5b31 30bc5b29; do
        "$walkback" audit --bad-value $value "$work/amd64" >"$work/value"
        has "bad value $value" '0x30bc5b29 is written to the frame pointer at 0x491baf main.clob+0xf (clob_amd64.s:11)' "$work/value"
        has "bad value $value, module" 'of example.com/a@(devel)' "$work/value"
        has "bad value $value, caller" 'called at 0x491ad2 by main.work+0x12 (main.go:8)' "$work/value"
    done
    expect json '{"type":"finding","kind":"frame-pointer","image_pc":"0x491baf","start":"0x491ba0","end":"0x491bc0","value":"0x30bc5b29","module":"example.com/a@(devel)","function":"main.clob","offset":15,"file":"example.com/a/clob_amd64.s","line":11}' \
        "$("$walkback" audit -f json --bad-value 0x30bc5b31 "$work/amd64")"
    "$walkback" audit --bad-value 0x123456789 "$work/amd64" >"$work/value"
    has 'a value that nothing writes' '0x123456789 and 0x123456781: no instruction puts them into a register; functions that break walks:' "$work/value"

    # stp x29,x30,[sp,#-16]! at 4: x30 goes over the caller's frame pointer, and SP moves though the table says 0.
    has arm64 '0x9fe24 main.clob+0x4 (clob_arm64.s:6): stores x30 over the frame pointer that its caller saved below SP' "$work/arm64.txt"
    has 'arm64, table' '0x9fe28 main.clob+0x8 (clob_arm64.s:7): its unwind table has the CFA at SP+0, its instructions have it at SP+16' "$work/arm64.txt"
    # What is left in the slot is clob's return address, behind the call at 0x9fd7c.
    "$walkback" audit --bad-value 0x9fd80 "$work/arm64" >"$work/value"
    has 'arm64, bad value' 'is a return address, stored over a saved frame pointer at 0x9fe24 main.clob+0x4' "$work/value"
    # Of Go itself: epilogues of frames of 4096 bytes and more move SP twice, and tables know it once (Go issue 73259, fixed in 1.25).
    expect 'arm64, others' 'runtime.call1048576 runtime.call131072 runtime.call2097152 runtime.call262144 runtime.call4194304 runtime.call524288 runtime.call65536 runtime.call8388608' \
        "$(grep -v '^ ' "$work/arm64.txt" | sed 's/+.*//' | grep -v main.clob | sort | tr '\n' ' ' | sed 's/ $//')"

    # No false alarm in the corpus' other programs of these architectures.
    for name in 1.15-linux-amd64-strip 1.19-linux-amd64-strip 1.21-linux-amd64-strip 1.24-cgo-pie 1.24-windows-amd64-exe 1.26-cgo-pie \
        1.27-darwin-arm64-exe 1.27-linux-amd64-strip 1.27-linux-arm64-pie; do
        zstd -dqf "$corpus/go/binaries/$name.zst" -o "$work/program" || exit 2
        "$walkback" audit -q "$work/program" >"$work/none" 2>/dev/null
        expect "$name" '0:' "$?:$(cat "$work/none")"
    done

    # A core of Go: no chain breaks, and pclntab agrees with .debug_frame everywhere.
    zstd -dq "$corpus/go/amd64-1.24/exe.zst" -o "$work/exe" && zstd -dq "$corpus/go/amd64-1.24/core.zst" -o "$work/core" || exit 2
    "$walkback" audit -q --exe "$work/exe" "$work/core" >"$work/text" 2>/dev/null
    expect 'core, status' 0 $?
    has core '4 samples, 34 frames compared, 0 samples with a broken chain of frame pointers' "$work/text"
    # Go packs its .debug_frame.
    case " $("$walkback" --version | tr '\n' ' ') " in
    *' zlib '* | *' libdeflate '* | *' isal '*)
        has 'core, cfi' 'cfi                   0 taken       33 agree        0 disagree        0 broken' "$work/text" ;;
    esac
    # traceback.txt: dieFromSignal has sp 0xc00004d9a0 (that is the CFA of raise) and fp 0xc00004d9c0, sigfwdgo fp 0xc00004d9f0.
    "$walkback" annotate -q --exe "$work/exe" "$work/core" >"$work/text" 2>/dev/null
    has annotate ' sp --> 0x000000c00004d998 +0x0000  0x000000000044da25  return address of #0 to runtime.dieFromSignal+0x45 (signal_unix.go:967)' "$work/text"
    has 'annotate, bp' ' bp --> 0x000000c00004d9b0 +0x0018  0x000000c00004d9e0  saved frame pointer of runtime.sigfwdgo+0x126' "$work/text"
    expect 'annotate, suspicious' 0 "$(grep -c suspicious "$work/text")"
}

# A program that clobbers and stays in the function that called the culprit; gdb takes its core.
live() {
    command -v go >/dev/null && command -v gcore >/dev/null || { echo "skipped: no go, or no gdb"; exit 77; }
    export GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod CGO_ENABLED=0
    case $(go env GOOS GOARCH | tr '\n' ' ') in
    'linux amd64 '*) ;;
    *) echo "skipped: go makes no program for Linux on x86-64 here"; exit 77 ;;
    esac
    cd "$work" || exit 2
    printf 'module example.com/app\n\ngo 1.20\n\nrequire example.com/fast v1.2.3\n\nreplace example.com/fast => ./fast\n' >go.mod
    mkdir fast && printf 'module example.com/fast\n\ngo 1.20\n' >fast/go.mod
    printf 'package fast\n\nfunc sum(x uint64) uint64\n\n// Sum is inlined into its callers.\nfunc Sum(x uint64) uint64 { return sum(x) + 1 }\n' >fast/fast.go
    printf '#include "textflag.h"\n\nTEXT ·sum(SB), NOSPLIT, $0-16\n\tMOVQ x+0(FP), AX\n\tMOVQ $0x5bd1e995, BP\n\tIMULQ BP, AX\n\tMOVQ AX, ret+8(FP)\n\tRET\n' >fast/fast_amd64.s
    cat >main.go <<'EOF'
package main

import (
	"fmt"
	"os"
	"time"

	"example.com/fast"
)

var sink uint64

//go:noinline
func work(x uint64) uint64 {
	y := fast.Sum(x)
	wait()
	return y
}

//go:noinline
func wait() {
	fmt.Println(os.Getpid())
	for {
		sink += uint64(time.Now().Nanosecond())
	}
}

func main() { sink = work(uint64(len(os.Args))) }
EOF
    go build -trimpath -o app . || exit 77
    "$walkback" audit app >text
    expect 'live, status' 3 $?
    has 'live, module' 'of example.com/fast@v1.2.3 => ./fast' text
    has 'live, caller' 'by main.work+' text
    has 'live, inlined caller' 'inlined example.com/fast.Sum' text
    ./app >pid &
    app=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do [ -s pid ] && break; sleep 0.3; done
    gcore -o core $app >/dev/null 2>&1
    kill $app
    [ -s core.$app ] || { echo "skipped: gdb writes no core here"; exit 77; }
    "$walkback" audit -q --trust-paths --exe app core.$app >text 2>/dev/null
    expect 'live, core, status' 3 $?
    has 'live, where the chain breaks' 'the chain of frame pointers breaks with 0x5bd1e995 in main.work+' text
    has 'live, by whom' '0x5bd1e995 is written to the frame pointer at' text
    has 'live, by whose' 'of example.com/fast@v1.2.3' text
}

# No false alarm in the standard library: the tests of what has assembly, for both architectures.
std() {
    command -v go >/dev/null || { echo "skipped: no go"; exit 77; }
    export GOTOOLCHAIN=local GOPROXY=off CGO_ENABLED=0 GOOS=linux
    cd "$(go env GOROOT)/src" || exit 2
    for arch in amd64 arm64; do
        for package in crypto/sha1 crypto/tls hash/crc32 math/big runtime; do
            GOARCH=$arch go test -c -vet=off -o "$work/test" $package || exit 77
            "$walkback" audit -q "$work/test" >"$work/text" 2>/dev/null
            # Where Go is older than 1.25, its own bug in large frames shows; see above.
            expect "$arch $package" '' "$(grep -v '^ ' "$work/text" | grep -v '^runtime.call[0-9]*+0x0')"
        done
    done
}

$part
exit $failed
