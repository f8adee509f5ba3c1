#!/bin/sh
# SPDX-License-Identifier: MIT
# A Go program that dies now, in several ways: the goroutines of its core against what its runtime printed of them.
#
# usage: go_core.sh TEST_GO_TRACEBACK FOLDER
# MESON_EXE_WRAPPER: the emulator's command line, where the test is for another machine.
set -u
export LC_ALL=C GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod GOTRACEBACK=crash

command -v go >/dev/null || { echo "no go"; exit 77; }
case $(go env GOOS GOARCH | tr '\n' ' ') in
'linux amd64 '*) ;;
*) echo "go makes no program for Linux on x86-64 here"; exit 77 ;;
esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
test=$(realpath "$1")
cp "$2"/go_core*.go "$work" || exit 1
cd "$work" || exit 1
printf 'module cores\n\ngo 1.20\n' >go.mod
ulimit -c unlimited || { echo "no cores"; exit 77; }
CGO_ENABLED=0 go build -o plain . || exit 77
CGO_ENABLED=0 go build -ldflags='-s -w' -o stripped . || exit 1
CGO_ENABLED=1 go build -o cgo . || cp plain cgo || exit 1
CGO_ENABLED=0 GOARCH=386 go build -o 32bit . || exit 1
status=0
for program in plain stripped cgo 32bit; do
    for way in panic fault abort throw overflow callback; do
        rm -f core*
        (exec "./$program" $way 2>traceback) 2>/dev/null
        # The name is the system's affair (core(5)); it may be none of a file.
        core=$(ls core* 2>/dev/null | head -n 1)
        [ -n "$core" ] || { echo "no core was left"; exit 77; }
        echo "$program $way"
        ${MESON_EXE_WRAPPER-} "$test" "./$program" "$core" traceback || status=1
    done
done
exit $status
