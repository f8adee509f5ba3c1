#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the tables of the README's quality section: what the stepper found, by strategy and program, why what is not exact is not,
# and how the rows of whole libraries compare with readelf's and libdwarf's. What lacks a compiler or an emulator is left out, and said.
# The emulated x86-64 runs the long set: all compilers, levels and forms, each pc once in each call chain. It takes some ten minutes.
#
# usage: quality.sh [--short | --long] [--work DIR] BUILD-FOLDER
#   --short  the short set everywhere: a minute
#   --long   the long set on the processor itself, too, and on an emulated aarch64: half an hour more, mostly the kernel's
#   --work   keeps the programs and the stepper's whole report
set -u
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd) || exit 1
native='' emulated='--long --chains' machines='native x86_64' work=''
while [ $# -gt 1 ]; do
    case $1 in
    --short) emulated='' ;;
    --long) native='--long --chains' machines='native x86_64 aarch64' ;;
    --work) work=$2; shift ;;
    *) break ;;
    esac
    shift
done
[ $# -eq 1 ] && [ -x "$1/tests/truth/truth" ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
build=$(cd "$1" && pwd)
if [ -z "$work" ]; then
    work=$(mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work" || exit 1

status=0
reports=
for machine in $machines; do
    [ $machine = native ] && set_of=$native || set_of=$emulated
    # shellcheck disable=SC2086
    sh "$here/truth/run.sh" --machine $machine $set_of --work "$work/$machine" "$build/tests/truth/truth" >"$work/$machine.report" 2>&1
    case $? in
    0) reports="$reports $work/$machine.report" ;;
    77) sed "s/^/$machine: /" "$work/$machine.report" | tail -n 1 ;;
    *) status=1 reports="$reports $work/$machine.report" ;;
    esac
done
# shellcheck disable=SC2086
awk -f "$here/truth/quality.awk" $reports </dev/null

echo
echo 'rows of all call frame information, compared with those of readelf and of libdwarf:'
for peer in readelf libdwarf; do
    test=$build/tests/oracle/test_rows_$peer
    [ -x "$test" ] || continue
    "$test" >"$work/$peer.rows" || status=1
    sed -n "s|^/.*/\([^/:]*\): |$peer \1: |p" "$work/$peer.rows"
done
exit $status
