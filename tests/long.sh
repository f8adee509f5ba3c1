#!/bin/sh
# SPDX-License-Identifier: MIT
# What takes too long for every change: every form of tests/run.sh, the long set of the stepper, and
# the fuzzers, each for some minutes. Goes on after a failure. What it says is in build-long/.
#
# usage: sh tests/long.sh [--minutes N] [PART...]
#   --minutes  for each fuzzer; 10 if not given
#   PART       plain, a form of tests/run.sh without its dashes, truth-MACHINE, fuzz, fuzz-TARGET; all if none is given,
#              which takes an hour and a half, and nearly five hours of fuzzing
set -u

cd "$(dirname "$0")/.." || exit 1
. tools/packages.sh

minutes=10
if [ "${1-}" = --minutes ]; then
    minutes=$2
    shift 2
fi
[ "$minutes" -gt 0 ] || fail "--minutes: a number of minutes"
logs=$PWD/build-long
mkdir -p "$logs"
status=0

# part NAME COMMAND...: a line for each, and its last words.
part() {
    name=$1
    shift
    "$@" </dev/null >"$logs/$name.log" 2>&1
    case $? in
    0) echo "ok      $name: $(tail -n 1 "$logs/$name.log")" ;;
    77) echo "skipped $name: $(tail -n 1 "$logs/$name.log")" ;;
    *)
        echo "FAILED  $name: $(tail -n 1 "$logs/$name.log") (see $logs/$name.log)"
        status=1 ;;
    esac
}

# truth MACHINE: the stepper of the plain build. Ends with what was executed.
truth() {
    need_header libunicorn-dev unicorn/unicorn.h
    case $1 in
    aarch64)
        need_command aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
        need_command aarch64-linux-gnu-g++ g++-aarch64-linux-gnu ;;
    esac
    need_build_packages
    (install_missing) || return
    configure build -Dwerror=false && ninja -C build tests/truth/truth || return
    sh tests/truth/run.sh --machine "$1" --long --chains build/tests/truth/truth >"$logs/truth-$1.report" 2>&1
    stepped=$?
    cat "$logs/truth-$1.report"
    [ $stepped = 77 ] || grep 'instructions executed' "$logs/truth-$1.report"
    return $stepped
}

build_fuzzers() (
    need_command clang clang
    need_build_packages
    install_missing
    export CC=clang CXX=clang++
    configure build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false && ninja -C build-fuzz
)

# fuzz TARGET: new inputs stay in build-long/corpus; a finding is in build-long/crashes. Ends with what it came to, from libFuzzer's own
# report and, for the processor's time, the second line of `times`.
fuzz() (
    target=$1
    base=${target%_twin}
    mkdir -p "$logs/corpus/$target" "$logs/crashes/$target"
    set -- "$logs/corpus/$target" "fuzz/corpus/$base"
    [ ! -f "fuzz/dict/$base.dict" ] || set -- "-dict=fuzz/dict/$base.dict" "$@"
    "build-fuzz/fuzz/fuzz_$target" -max_total_time="$((minutes * 60))" -timeout=60 -rss_limit_mb=1024 -malloc_limit_mb=512 \
        -max_len=8192 -print_final_stats=1 -artifact_prefix="$logs/crashes/$target/" "$@" >"$logs/fuzz-$target.out" 2>&1
    fuzzed=$?
    times >>"$logs/fuzz-$target.out"
    cat "$logs/fuzz-$target.out"
    awk -v status=$fuzzed '
        /cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
        /stat::number_of_executed_units/ { runs = $2 }
        { split($1, user, "m"); split($2, kernel, "m") }
        END { printf "%d executions, %d edges, %.1f minutes of the processor, status %d\n", runs, edges,
                     user[1] + kernel[1] + (user[2] + kernel[2]) / 60, status }' "$logs/fuzz-$target.out"
    return $fuzzed
)

# fuzz_all TARGET...
fuzz_all() {
    if ! build_fuzzers >"$logs/fuzz-build.log" 2>&1; then
        echo "FAILED  fuzz: not built (see $logs/fuzz-build.log)"
        status=1
        return
    fi
    for fuzzer in "$@"; do
        part "fuzz-$fuzzer" fuzz "$fuzzer"
    done
}

# shellcheck disable=SC2046 # a list of words on purpose
[ $# -gt 0 ] || set -- plain minimal sanitize threads clang m32 big-endian musl locale valgrind \
    truth-native truth-x86_64 truth-aarch64 truth-macho-x86_64 truth-macho-arm64 fuzz
for name in "$@"; do
    case $name in
    plain) part plain sh tests/run.sh ;;
    truth-*) part "$name" truth "${name#truth-}" ;;
    fuzz) fuzz_all $(ls fuzz/fuzz_*.c | sed 's|.*/fuzz_||; s|\.c$||') ;;
    fuzz-*) fuzz_all "${name#fuzz-}" ;;
    *) part "$name" sh tests/run.sh "--$name" ;;
    esac
done
exit $status
