#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the programs in several ways, steps through each with `truth`, and prints the table. Fails if a walk by `auto`
# was not exact, or one by `cfi` alone was wrong, at a place that known.txt does not name.
#
# usage: run.sh [--long] [--chains] [--keep DIR] [--work DIR] [-j N] [--only REGEX] TRUTH
#   --long     all compilers, levels, forms; else a choice that takes less than a minute
#   --chains   walk at each pc once in each call chain, not at two visits
#   --keep     a snapshot folder for the first of each class of faults
#   --only     runs whose label (program/compiler-level-...) matches
set -u
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd) || exit 1
long=no chains='' keep='' work='' jobs=2 only=.
while [ $# -gt 1 ]; do
    case $1 in
    --long) long=yes ;;
    --chains) chains='--chains --hot 4096' ;;
    --keep) keep=$2; shift ;;
    --work) work=$2; shift ;;
    --only) only=$2; shift ;;
    -j) jobs=$2; shift ;;
    *) sed -n 's/^# usage: //p' "$0" >&2; exit 2 ;;
    esac
    shift
done
truth=$(realpath "$1") || exit 1
if [ -z "$work" ]; then
    work=$(mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work" || exit 1

compilers=
for compiler in gcc clang; do
    command -v "$compiler" >/dev/null && compilers="$compilers $compiler"
done
[ -n "$compilers" ] || { echo 'skip: no compiler'; exit 77; }

# build LABEL PROGRAM COMPILER LEVEL FRAME FORM STRIP: $work/LABEL/PROGRAM
build() {
    dir=$work/$1 program=$2 compiler=$3 level=$4
    flags="-$level -g"
    [ "$5" = fp ] && flags="$flags -fno-omit-frame-pointer" || flags="$flags -fomit-frame-pointer"
    form='-fPIE -pie -Wl,-z,lazy'
    [ "$6" = static ] && form='-static -fno-PIE -no-pie'
    mkdir -p "$dir" && cd "$here/programs" || return 1
    case $program in
    exceptions)
        [ "$compiler" = gcc ] && compiler=g++ || compiler=clang++
        # shellcheck disable=SC2086
        $compiler $flags $form -o "$dir/$program" exceptions.cc ;;
    lazy)
        library=library.c
        if [ "$6" != static ]; then
            # shellcheck disable=SC2086
            $compiler $flags -fPIC -shared -o "$dir/library.so" library.c || return 1
            library=$dir/library.so
        fi
        # shellcheck disable=SC2086
        $compiler $flags $form -o "$dir/$program" lazy.c "$library" -lm -Wl,-rpath,"$dir" ;;
    assembly)
        # shellcheck disable=SC2086
        $compiler $flags $form -o "$dir/$program" assembly.c assembly.S ;;
    *)
        # shellcheck disable=SC2086
        $compiler $flags $form -o "$dir/$program" "$program.c" ;;
    esac || return 1
    cp "$dir/$program" "$dir/full"
    if [ "$7" = stripped ]; then strip "$dir/$program"; fi
}

# one LABEL PROGRAM ...: builds and steps; the lines go to $work/LABEL/out
one() {
    dir=$work/$1
    mkdir -p "$dir"
    if ! build "$@" >"$dir/log" 2>&1; then
        printf 'failed\t%s\tnot built\n' "$1" >"$dir/out"
        return
    fi
    options=$chains
    [ "$8" = start ] && options="$options --from-start"
    [ -n "$keep" ] && options="$options --keep $keep/$(echo "$1" | tr / -)"
    arguments=
    [ "$2" = noreturn ] && [ "$3" = gcc ] && arguments=abort
    # shellcheck disable=SC2086
    "$truth" $options --pcs "$dir/pcs" --names "$dir/full" --label "$1" "$dir/$2" $arguments >"$dir/out" 2>"$dir/err"
    status=$?
    if [ $status -ne 0 ]; then printf 'failed\t%s\tstatus %s\n' "$1" $status >>"$dir/out"; fi
}

programs='recursion frames exceptions jumps signals lazy noreturn assembly'

# Every run, one a line: LABEL PROGRAM COMPILER LEVEL FRAME FORM STRIP START
list() {
    for program in $programs; do
        for compiler in $compilers; do
            if [ $long = no ]; then
                echo "$program $compiler O2 nofp pie full entry"
                echo "$program $compiler O0 fp static stripped entry"
                # The dynamic linker's own start, too, once.
                [ "$program $compiler" = 'lazy gcc' ] && echo "$program $compiler O2 nofp pie stripped start"
                continue
            fi
            for level in O0 O1 O2 O3; do
                for frame in fp nofp; do
                    echo "$program $compiler $level $frame pie full entry"
                    echo "$program $compiler $level $frame static stripped entry"
                done
            done
            echo "$program $compiler O2 nofp pie stripped start"
        done
    done | awk '{ print $1 "/" $2 "-" $3 "-" $4 "-" $5 "-" $6 "-" $7, $0 }' | grep -E "$only"
}

running=0
list >"$work/list"
while read -r label program compiler level frame form strip start; do
    one "$label" "$program" "$compiler" "$level" "$frame" "$form" "$strip" "$start" &
    running=$((running + 1))
    if [ $running -ge "$jobs" ]; then
        wait
        running=0
    fi
done <"$work/list"
wait

find "$work" -name out -exec cat {} + | sort >"$work/all"
if grep -q 'status 77' "$work/all"; then
    echo 'skip: tracing is not permitted here'
    exit 77
fi
cat "$(dirname "$0")/known.txt" 2>/dev/null >"$work/known"
find "$work" -name pcs -exec cat {} + | sort -u | wc -l >"$work/count"
awk -F '\t' -v pcs="$(cat "$work/count")" -f "$here/table.awk" "$work/known" "$work/all"
