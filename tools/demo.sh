#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds Walkback and turns a capture into named stacks, on a Debian or Ubuntu machine; what a build
# needs is installed first where it is missing (as root or through sudo).
#
# usage: sh tools/demo.sh [CAPTURE]
#   CAPTURE   a perf.data file or a snapshot folder; without it, the small recording in
#             tests/golden/demo
set -u

capture=${1-}
if [ -n "$capture" ]; then
    [ -e "$capture" ] || { echo "walkback: $capture: no such file" >&2; exit 1; }
    capture=$(cd "$(dirname "$capture")" && pwd)/$(basename "$capture")
fi
cd "$(dirname "$0")/.." || exit 1
. tools/packages.sh

# quiet LOG COMMAND...: shows what the command printed only when it failed.
quiet() {
    log=$1
    shift
    "$@" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
}

need_build_packages
install_missing

out=build/demo
echo "== building walkback in build/"
[ -f build/build.ninja ] || quiet build.log configure build || fail "not configured"
rm -f build.log
mkdir -p "$out"
quiet "$out/build.log" ninja -C build tools/walkback || fail "not built"
build/tools/walkback --version

if [ -z "$capture" ]; then
    capture=tests/golden/demo/perf.data
    set -- --sysroot tests/golden/demo
else
    set --
fi

echo
echo "== walkback stacks $* $capture"
build/tools/walkback stacks "$@" -o "$out/stacks.txt" "$capture" ||
    fail "$capture: no stacks (above is why)"
build/tools/walkback stacks -f folded "$@" -o "$out/stacks.folded" "$capture" 2>/dev/null ||
    fail "$capture: no folded stacks"

echo
echo "== the first stacks, innermost frame first ($out/stacks.txt has all)"
head -n 40 "$out/stacks.txt"
echo
echo "== the most frequent stacks, outermost frame first ($out/stacks.folded has all)"
awk '{ print $NF, $0 }' "$out/stacks.folded" | sort -k1,1nr | head -n 10 | cut -d ' ' -f 2-
