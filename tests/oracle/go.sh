#!/bin/sh
# SPDX-License-Identifier: MIT
# A Go program that is made now: what our tables say of it against what its runtime says of itself, and against its DWARF.
#
# usage: go.sh TEST_GO_CALLERS TEST_GO_TABLES GO_CALLERS.go
set -u
export LC_ALL=C GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod CGO_ENABLED=0

command -v go >/dev/null || { echo "no go"; exit 77; }
# The addresses that it prints are those of its file, so it must not move.
case $(go env GOOS GOARCH | tr '\n' ' ') in
'linux amd64 '*) ;;
*) echo "go makes no program for Linux on x86-64 here"; exit 77 ;;
esac
# MESON_EXE_WRAPPER: the emulator's command line, where the tests are for another machine.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
callers=$(realpath "$1") tables=$(realpath "$2")
cp "$3" "$work/main.go" || exit 1
cd "$work" || exit 1
printf 'module callers\n\ngo 1.20\n' >go.mod
# Debug information that every build can read.
go build -ldflags=-compressdwarf=false -o program . || exit 77
go build -ldflags='-s -w' -o stripped . || exit 1
status=0
for program in program stripped; do
    "./$program" sweep >output || exit 1
    ${MESON_EXE_WRAPPER-} "$callers" "./$program" output || status=1
done
${MESON_EXE_WRAPPER-} "$tables" ./program || status=1
for arch in riscv64; do
    GOARCH=$arch go build -ldflags=-compressdwarf=false -o $arch . || continue
    ${MESON_EXE_WRAPPER-} "$tables" ./$arch || status=1
done
exit $status
