#!/bin/sh
# SPDX-License-Identifier: MIT
# What takes too long for every change: every form of tests/run.sh, the long set of the stepper, and
# the fuzzers, each for some minutes. Goes on after a failure. What it says is in build-long/.
#
# usage: sh tests/long.sh [FUZZ-MINUTES]    10 for each target, if not given; 0: no fuzzing
set -u

cd "$(dirname "$0")/.." || exit 1
. tools/packages.sh

minutes=${1-10}
logs=$PWD/build-long
mkdir -p "$logs"
status=0

# part NAME COMMAND...: a line for each, and its last words.
part() {
    name=$1
    shift
    if "$@" </dev/null >"$logs/$name.log" 2>&1; then
        echo "ok      $name: $(tail -n 1 "$logs/$name.log")"
    else
        echo "FAILED  $name: $(tail -n 1 "$logs/$name.log") (see $logs/$name.log)"
        status=1
    fi
}

# fuzz NAME: new inputs stay in build-long/corpus; a finding is in build-long/crashes.
fuzz() {
    target=$1
    base=${target%_twin}
    mkdir -p "$logs/corpus/$target" "$logs/crashes/$target"
    set -- "$logs/corpus/$target" "fuzz/corpus/$base"
    [ ! -f "fuzz/dict/$base.dict" ] || set -- "-dict=fuzz/dict/$base.dict" "$@"
    "build-fuzz/fuzz/fuzz_$target" -max_total_time="$((minutes * 60))" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=1024 \
        -max_len=65536 -print_final_stats=1 -artifact_prefix="$logs/crashes/$target/" "$@" 2>&1
    fuzzed=$?
    echo "status $fuzzed"
    return $fuzzed
}

# Executions and coverage of a target, from libFuzzer's own report.
fuzz_part() {
    part "fuzz-$1" fuzz "$1"
    awk '/cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
         /stat::number_of_executed_units/ { runs = $2 }
         END { printf "        %d executions, %d edges\n", runs, edges }' "$logs/fuzz-$1.log"
}

# What the stepper executes by emulation; without it that is skipped.
need_header libunicorn-dev unicorn/unicorn.h
need_command aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
need_command aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
(install_missing) >"$logs/packages.log" 2>&1
missing=

for form in '' --minimal --sanitize --threads --clang --m32 --big-endian --musl --locale --valgrind; do
    part "tests$form" sh tests/run.sh $form
done
part truth sh tests/truth/run.sh --machine native,x86_64,aarch64 --long --chains build/tests/truth/truth

if [ "$minutes" -gt 0 ]; then
    need_command clang clang
    install_missing
    export CC=clang CXX=clang++
    configure build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false >"$logs/fuzz-build.log" 2>&1 &&
        ninja -C build-fuzz >>"$logs/fuzz-build.log" 2>&1 || fail "fuzzers not built, see $logs/fuzz-build.log"
    for target in fuzz/fuzz_*.c; do
        target=${target##*/fuzz_}
        fuzz_part "${target%.c}"
    done
fi
exit $status
