#!/bin/sh
# SPDX-License-Identifier: MIT
# Steps through a goroutine. Fails if a walk by `auto` is not exact anywhere but on the stacks that the runtime's assembly leaves the goroutine's for, for
# good: what leads back from there is in no register.
#
# usage: go.sh TRUTH PROGRAM.go
set -u
export LC_ALL=C GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod CGO_ENABLED=0

command -v go >/dev/null || { echo "no go"; exit 77; }
[ "$(go env GOOS)/$(go env GOARCH)" = linux/amd64 ] || { echo "go makes no program for Linux on x86-64 here"; exit 77; }
truth=$(realpath "$1")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cp "$2" "$work/main.go" || exit 1
cd "$work" || exit 1
printf 'module goroutine\n\ngo 1.20\n' >go.mod
go build -o goroutine . || exit 77
address=$(go tool nm goroutine | awk '$3 == "main.stepped" { print "0x" $1 }')
# Threads of the runtime's own would run into breakpoints: nothing runs at full speed.
"$truth" --hot 0 --label go --goroutine "$address" goroutine >output
status=$?
[ $status -eq 0 ] || exit $status
grep -E '^(tally|total)' output
awk -F '\t' '
    $1 == "group" && $3 == "auto" {
        known = $5 == "short" && $7 ~ /^goroutine (runtime\.morestack|runtime\.mcall|gogo)(\.abi0)?\+/
        print (known ? "known" : "open") "\t" $0
        open += !known
    }
    $1 == "tally" { steps += $5 }
    END { exit open > 0 || steps < 1000 }' output
