#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds Walkback and runs its tests, on a Debian or Ubuntu machine; what a build needs is installed
# first where it is missing (as root or through sudo). With CI set in the environment, a warning of
# the compiler is an error; elsewhere a newer compiler's new warnings are no reason not to build.
#
# usage: sh tests/run.sh [--sanitize | --threads | --minimal]
#   --sanitize   with the address and undefined-behaviour sanitizers, in build-sanitize/
#   --threads    with the thread sanitizer, in build-threads/
#   --minimal    without any optional dependency, in build-minimal/
#
# The last line is "N passed, N failed, N skipped"; the status is 0 only when nothing failed and
# something passed.
set -u

cd "$(dirname "$0")/.." || exit 1
. tools/packages.sh

build=build
options=-Dwerror=false
without=
[ -z "${CI-}" ] || options=-Dwerror=true
case ${1-} in
'') ;;
--sanitize)
    build=build-sanitize
    # b_lundef: the sanitizer's names come with the executable, not with the shared library.
    options="$options -Db_sanitize=address,undefined -Db_lundef=false"
    # A finding is a failure, not a line in a log.
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    ;;
--threads)
    build=build-threads
    options="$options -Db_sanitize=thread -Db_lundef=false"
    export TSAN_OPTIONS=halt_on_error=1
    # Has no threads, and takes minutes under this sanitizer.
    without="--no-suite truth"
    ;;
--minimal)
    build=build-minimal
    options="$options -Dauto_features=disabled"
    ;;
*)
    echo "usage: sh tests/run.sh [--sanitize | --threads | --minimal]" >&2
    exit 2
    ;;
esac

need_build_packages
need_command c++ g++
need_command nm binutils
install_missing

echo "== configure $build/"
# shellcheck disable=SC2086 # a list of words on purpose
configure "$build" $options || fail "not configured"

echo "== build"
ninja -C "$build" || fail "not built"

echo "== test"
log=$build/meson-logs/testlog.json
rm -f "$log"
# shellcheck disable=SC2086 # two words on purpose
meson test -C "$build" --no-rebuild --print-errorlogs $without
status=$?

# One line of JSON a test. An escaped quote inside a test's output cannot match these patterns.
results() {
    if [ -f "$log" ]; then grep -c -E "\"result\": \"($1)\"" "$log"; else echo 0; fi
}
passed=$(results 'OK|EXPECTEDFAIL')
skipped=$(results 'SKIP')
failed=$(results 'FAIL|ERROR|TIMEOUT|INTERRUPT|UNEXPECTEDPASS')
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
    echo "walkback: meson test ended with status $status" >&2
elif [ "$passed" = 0 ]; then
    echo "walkback: no test passed" >&2
    status=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$status" = 0 ] && [ "$failed" = 0 ]
