#!/bin/sh
# SPDX-License-Identifier: MIT
# The same as go_core.sh on other architectures, under qemu, as far as there are a Go and emulators.
#
# usage: go_qemu.sh TEST_GO_TRACEBACK FOLDER
set -u
export LC_ALL=C GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod GOTRACEBACK=crash CGO_ENABLED=0 GOOS=linux

command -v go >/dev/null || { echo "no go"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
test=$(realpath "$1")
cp "$2"/go_core*.go "$work" || exit 1
cd "$work" || exit 1
printf 'module cores\n\ngo 1.20\n' >go.mod
ulimit -c unlimited || { echo "no cores"; exit 77; }
status=0 compared=0

# compare ARCH QEMU [parked]: what of handlers is on arm is only known to their code, so running goroutines end there.
compare() {
    arch=$1 qemu=$2
    shift 2
    command -v "$qemu" >/dev/null || { echo "no $qemu"; return; }
    GOARCH=$arch go build -o "$arch" . || return
    for way in panic fault throw; do
        rm -f core* ./*.core
        (exec timeout 60 "$qemu" "./$arch" $way 2>traceback) 2>/dev/null
        rm -f core core.*
        # qemu knows to write cores of some architectures.
        mv ./qemu_*.core core 2>/dev/null || { echo "$arch: no core was left"; return; }
        echo "$arch $way"
        ${MESON_EXE_WRAPPER-} "$test" "./$arch" core traceback "$@" || status=1
        compared=$((compared + 1))
    done
}

compare arm64 qemu-aarch64
compare ppc64le qemu-ppc64le
compare s390x qemu-s390x
compare arm qemu-arm parked
[ $compared -gt 0 ] || exit 77
exit $status
