#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds Walkback and runs its tests, on a Debian or Ubuntu machine; what a build needs is installed
# first where it is missing (as root or through sudo). With CI set in the environment, a warning of
# the compiler is an error; elsewhere a newer compiler's new warnings are no reason not to build.
#
# usage: sh tests/run.sh [--FORM [--quick]]; each form builds in a folder of its own, build-FORM/
#   --sanitize     with the address and undefined-behaviour sanitizers
#   --threads      with the thread sanitizer
#   --minimal      without any optional dependency
#   --clang        by the other compiler
#   --m32          with 32-bit size_t and long        } without optional
#   --big-endian   for s390x, run by qemu             } dependencies
#   --musl         with another C library             }
#   --locale       in a French locale: decimal commas, other alphabets
#   --valgrind     the unit tests under valgrind
# --quick leaves out what takes minutes: comparisons with other tools, programs executed step by step.
#
# The last line is "N passed, N failed, N skipped"; the status is 0 only when nothing failed and
# something passed.
set -u

cd "$(dirname "$0")/.." || exit 1
. tools/packages.sh

build=build${1:+-${1#--}}
quick=
[ "${2-}" != --quick ] || quick='--no-suite truth --no-suite cases --no-suite cores --no-suite oracle'
options=-Dwerror=false
without=
wrapper=
cross=
[ -z "${CI-}" ] || options=-Dwerror=true

# A machine of another kind: its own tools, no libraries but the C library, no tests of this one.
cross_build() {
    cross=tests/make/cross/$1.ini
    options="$options -Dauto_features=disabled"
    # Slower, by an emulator above all.
    without="--no-suite truth -t 3"
}

case ${1-} in
'') ;;
--sanitize)
    # b_lundef: the sanitizer's names come with the executable, not with the shared library.
    options="$options -Db_sanitize=address,undefined -Db_lundef=false"
    # A finding is a failure, not a line in a log.
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    ;;
--threads)
    options="$options -Db_sanitize=thread -Db_lundef=false"
    export TSAN_OPTIONS=halt_on_error=1
    # Has no threads, and takes minutes under this sanitizer.
    without="--no-suite truth"
    ;;
--minimal)
    options="$options -Dauto_features=disabled"
    ;;
--clang)
    need_command clang clang
    export CC=clang CXX=clang++
    ;;
--m32)
    cross_build m32
    echo 'int main(void) { return 0; }' | gcc -m32 -x c -o /dev/null - 2>/dev/null ||
        missing="$missing lib32gcc-12-dev libc6-dev-i386 lib32stdc++-12-dev"
    ;;
--big-endian)
    cross_build big-endian
    need_command s390x-linux-gnu-gcc gcc-s390x-linux-gnu
    need_command s390x-linux-gnu-g++ g++-s390x-linux-gnu
    need_command qemu-s390x qemu-user
    # Scripts run what is built directly.
    without="$without --no-suite check --no-suite fuzz"
    ;;
--musl)
    cross_build musl
    need_command musl-gcc musl-tools
    ;;
--locale)
    locale -a 2>/dev/null | grep -q fr_FR.utf8 || missing="$missing locales-all"
    # What the tests' programs set for themselves (tests/test.h), and what the command finds.
    export WALKBACK_TEST_LOCALE=fr_FR.UTF-8
    ;;
--valgrind)
    need_command valgrind valgrind
    wrapper='valgrind -q --error-exitcode=99 --leak-check=full'
    without="--suite unit -t 20"
    ;;
*)
    sed -n 's/^# \{0,1\}//; 7,18p' "$0" >&2
    exit 2
    ;;
esac

need_build_packages
need_command c++ g++
need_command nm binutils
need_command xz xz-utils
install_missing

echo "== configure $build/"
# shellcheck disable=SC2086 # a list of words on purpose
configure "$build" $options || fail "not configured"

echo "== build"
ninja -C "$build" || fail "not built"

echo "== test"
log=$build/meson-logs/testlog${wrapper:+-${wrapper%% *}}.json
rm -f "$log"
# shellcheck disable=SC2086 # a list of words on purpose
meson test -C "$build" --no-rebuild --print-errorlogs $without $quick ${wrapper:+--wrapper "$wrapper"}
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
