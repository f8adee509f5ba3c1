#!/bin/sh
# SPDX-License-Identifier: MIT
# Cores with all of a process's memory, of programs whose files are deleted then: the walk, the addresses and the names
# are those with the files, which are stripped, so that names are of .dynsym either way. The C library runs from a copy that
# goes as well. With Linux's usual cores, which have no code, nothing changes for the worse.
#
# usage: memory.sh WALKBACK
set -u
export LC_ALL=C

walkback=$(realpath "$1")
ulimit -c unlimited 2>/dev/null || { echo "skipped: core dumps are not allowed here"; exit 77; }
command -v gcc >/dev/null || { echo "skipped: no gcc"; exit 77; }
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2
export GOCACHE="${GOCACHE:-${HOME:-$folder}/.cache/go-build}" GO111MODULE=off
# Neither caches by build id nor the recorded paths may bring the files back.
export HOME="$folder" XDG_CACHE_HOME="$folder"

cat >lib.c <<'EOF'
#define HIDDEN __attribute__((noinline, visibility("hidden")))
HIDDEN int inner(int (*fn)(int), int x) { volatile char room[200]; room[x & 63] = 1; return fn(x + room[3]) + 1; }
__attribute__((noinline)) int outer(int (*fn)(int), int x) { volatile char room[72]; room[x & 31] = 2; return inner(fn, x) + room[0]; }
EOF
cat >prog.c <<'EOF'
#include <stdlib.h>
int outer(int (*fn)(int), int x);
int before(const void *a, const void *b) { (void)a; (void)b; abort(); }
__attribute__((noinline)) int die(int x) { int v[2] = { x, 2 }; qsort(v, 2, sizeof(v[0]), before); return v[0]; }
int main(int argc, char **argv) { (void)argv; return outer(die, argc) + 1; }
EOF

failed=0 count=0
# What there is to compare: addresses, functions, how each frame was found, and the end.
frames_of() { # CORE
    "$walkback" stacks -q -f json "$1" | awk '
        {
            while (match($0, /"pc":"0x[0-9a-f]*"|"how":"[a-z-]*"|"image_pc":"0x[0-9a-f]*"|"function":"[^"]*"|"stop":"[a-z-]*"|"module":"[^"]*"|"build_id":"[^"]*"/)) {
                print substr($0, RSTART, RLENGTH)
                $0 = substr($0, RSTART + RLENGTH)
            }
        }'
}

crash() { # FILTER
    rm -f core core.*
    sh -c "echo $1 >/proc/self/coredump_filter && exec ./ld.so --library-path . ./prog" >/dev/null 2>&1
    [ -f core ] || mv core.* core 2>/dev/null
    [ -f core ]
}

# check NAME COMPILER FLAGS...: the files there and gone
check() {
    name=$1 cc=$2
    shift 2
    rm -rf run gone
    mkdir run gone
    cp "$loader" run/ld.so
    cp "$libc" run/libc.so.6
    $cc -O2 -fomit-frame-pointer -s -shared -fPIC "$@" -o run/libd.so lib.c 2>/dev/null &&
        $cc -O2 -fomit-frame-pointer -s -rdynamic "$@" -o run/prog prog.c -Lrun -ld 2>/dev/null || { echo "$name: cannot be linked here"; return; }
    cd run || exit 2
    crash 0xff || { cd .. || exit 2; echo "$name: no core"; return; }
    frames_of core >../with
    mv libd.so prog libc.so.6 ld.so ../gone
    frames_of core >../without
    "$walkback" stacks -q core >../text
    "$walkback" info -q --missing -f json core >../missing
    "$walkback" info -q core >../info
    # A folder cut out of the core has that memory, too.
    rm -rf ../snapshot
    "$walkback" snapshot -q -o ../snapshot core && frames_of ../snapshot >../cut
    cd .. || exit 2
    if ! cmp -s without cut; then
        echo "$name: frames of the core (<) are not those of a snapshot of it (>)"
        diff without cut | head -20
        failed=1
    fi
    if ! cmp -s with without; then
        echo "$name: frames with the files (<) are not those without (>)"
        diff with without | head -20
        failed=1
    fi
    # The stack is a complete one, through all four modules; those that it is in are said to be read from memory, and stay missing.
    for word in before qsort outer die main __libc_start_main; do
        grep -q "\"function\":\"_*$word" without || { echo "$name: no $word"; failed=1; }
    done
    grep -q '^  complete' text || { echo "$name: not complete"; failed=1; }
    for module in prog libd.so libc.so.6; do
        # A debug file of the C library's makes up for it.
        [ $module = libc.so.6 ] && grep -q 'debug file  matched' info && continue
        grep -q "/$module: missing, read from memory, build id [0-9a-f]*$" text || { echo "$name: $module is not said to be from memory"; failed=1; }
        grep -q "\"role\":\"executable\",\"path\":\"[^\"]*/$module\",\"build_id\":\"[0-9a-f]*\",\"verdict\":\"missing\",\"frames\":[1-9]" missing ||
            { echo "$name: $module is not said to be missing"; failed=1; }
        [ "$(grep -c "^  [^ ]*/$module$" info)" -eq 1 ] || { echo "$name: info does not list $module once"; failed=1; }
    done
    [ "$(grep -c 'memory serves instead' info)" -eq 3 ] || { echo "$name: info does not say what is from memory"; failed=1; }
    count=$((count + 1))
}

loader=$(gcc -print-file-name=ld-linux-x86-64.so.2)
[ -f "$loader" ] || loader=$(gcc -print-file-name=ld-linux-aarch64.so.1)
libc=$(gcc -print-file-name=libc.so.6)
[ -f "$loader" ] && [ -f "$libc" ] || { echo "skipped: no dynamic C library of glibc's"; exit 77; }

check "as usual" gcc
[ "$count" -gt 0 ] || { echo "skipped: no core is written here"; exit 77; }
check "code apart" gcc -Wl,-z,separate-code
check "code with the rest" gcc -Wl,-z,noseparate-code
check "relocated packed" gcc -Wl,-z,pack-relative-relocs
check "one hash table" gcc -Wl,--hash-style=sysv
# lld's first segment is read-only, and later ones have addresses that are not their offsets.
command -v ld.lld >/dev/null && check "lld" gcc -fuse-ld=lld
command -v ld.lld >/dev/null && check "lld, as for Android" gcc -fuse-ld=lld -Wl,-z,max-page-size=16384 -Wl,--rosegment -Wl,-z,separate-loadable-segments

# A Go program has all that its stacks need in memory: tables, names and lines, and the runtime's goroutines.
cat >go.go <<'EOF'
package main

import "time"

//go:noinline
func inner(p *int) { *p = 1 }

//go:noinline
func outer(p *int) { inner(p) }

func main() { go time.Sleep(time.Hour); time.Sleep(10 * time.Millisecond); outer(nil) }
EOF
rm -rf gorun
mkdir gorun
if command -v go >/dev/null && go build -ldflags='-s -w' -o gorun/prog go.go 2>/dev/null; then
    cd gorun || exit 2
    sh -c 'echo 0xff >/proc/self/coredump_filter && GOTRACEBACK=crash exec ./prog' >/dev/null 2>&1
    [ -f core ] || mv core.* core 2>/dev/null
    if [ -f core ]; then
        "$walkback" stacks -q --goroutines --trust-paths core | sed '/^modules:/,$d' >../with
        rm prog
        "$walkback" stacks -q --goroutines core | sed '/^modules:/,$d' >../without
        grep -q 'main.inner.* at .*go.go:6' ../without && grep -q 'goroutine 2 ' ../without && cmp -s ../with ../without && count=$((count + 1)) || {
            echo "Go: stacks with the file (<) are not those without (>)"
            diff ../with ../without | head -20
            failed=1
        }
    fi
    cd .. || exit 2
fi

# Linux's usual cores have the first page of a file, and what was written.
check "once more" gcc
mv gone/ld.so gone/libc.so.6 gone/libd.so gone/prog run/
if (cd run && crash 0x33 && mv prog libd.so ../gone); then
    (cd run && "$walkback" stacks -q core) >text
    grep -q 'prog: missing, build id' text && ! grep -q 'read from memory' text || { echo "a usual core: a page of headers is taken for an image"; failed=1; }
else
    echo "a usual core: none"
fi
echo "$count programs walked by their memory as by their files"
exit $failed
