#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the programs in several ways, steps through each with `truth`, and prints the table. Fails if a walk by `auto`
# was not exact, or one by `cfi` alone was wrong, at a place that known.txt does not name.
#
# usage: run.sh [--machine NAME,...] [--long] [--chains] [--keep DIR] [--work DIR] [-j N] [--only REGEX] TRUTH
#   --machine  native (by ptrace, the default), x86_64, aarch64 (emulated), macho-x86_64, macho-arm64 (Mach-O files, emulated)
#   --long     all compilers, levels, forms; else a choice that takes less than a minute
#   --chains   walk at each pc once in each call chain, not at two visits
#   --keep     a snapshot folder for the first of each class of faults
#   --only     runs whose label (machine/program/compiler-level-...) matches
set -u
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd) || exit 1
machines=native long=no chains='' keep='' work='' jobs=2 only=.
while [ $# -gt 1 ]; do
    case $1 in
    --machine) machines=$(echo "$2" | tr , ' '); shift ;;
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

# The cross compiler's prefix, and where the libraries of its programs are.
cross=aarch64-linux-gnu
root=/usr/$cross

# The linker of Mach-O files: LLVM 14's leaves .eh_frame unrelocated.
macho_linker=
for version in 15 16 17 18 19 20 21 22; do
    [ -x /usr/lib/llvm-$version/bin/ld64.lld ] && macho_linker=/usr/lib/llvm-$version/bin/ld64.lld
done

# compilers MACHINE: those that are there
compilers() {
    case $1 in
    macho-*)
        for compiler in clang clang-19; do
            [ -n "$macho_linker" ] && command -v "$compiler" >/dev/null && echo "$compiler"
        done
        return ;;
    esac
    # Since LLVM 15, call frame information for 64-bit Arm describes epilogues, too.
    newer=''
    [ "$1" = aarch64 ] && newer=clang-19
    for compiler in gcc clang $newer; do
        if [ "$1" = aarch64 ]; then
            # clang takes the libraries and the linker from gcc's.
            command -v $cross-gcc >/dev/null || continue
        fi
        command -v "$compiler" >/dev/null && echo "$compiler"
    done
}

# compile MACHINE COMPILER LANGUAGE ARGUMENT...
compile() {
    machine=$1 tool=$2
    [ "$3" = c++ ] && tool=$(echo "$2" | sed 's/gcc/g++/; s/clang/clang++/')
    shift 3
    case $machine-$tool in
    macho-*) "$tool" "--target=${machine#macho-}-apple-macos11" "$@" ;;
    aarch64-g*) "$cross-$tool" "$@" ;;
    aarch64-*) "$tool" "--target=$cross" "$@" ;;
    *) "$tool" "$@" ;;
    esac
}

# Programs that have no libraries, and how they are compiled.
bare_flags='-ffreestanding -fno-builtin -fno-stack-protector'
is_bare() {
    case $1 in chain|spills|objects) return 0 ;; *) return 1 ;; esac
}

# sources MACHINE PROGRAM
sources() {
    case $2 in
    exceptions|objects) echo "$2.cc" ;;
    assembly) case $1 in *aarch64|*arm64) echo 'assembly.c assembly_aarch64.S' ;; *) echo 'assembly.c assembly_x86_64.S' ;; esac ;;
    lazy) echo 'lazy.c library.c -lm' ;;
    *) echo "$2.c" ;;
    esac
}

# build_macho DIR MACHINE PROGRAM COMPILER FLAG...
build_macho() {
    dir=$1 machine=$2 program=$3 tool=$4 objects=''
    shift 4
    for source in $(sources "$machine" "$program"); do
        language=c object=$dir/${source%.*}.o
        case $source in *.cc) language=c++ ;; esac
        # shellcheck disable=SC2086
        compile "$machine" "$tool" $language "$@" $bare_flags -c -o "$object" "$source" || return 1
        objects="$objects $object"
    done
    # shellcheck disable=SC2086
    "$macho_linker" -arch "${machine#macho-}" -platform_version macos 11.0 11.0 -e _begin -o "$dir/$program" $objects && cp "$dir/$program" "$dir/full"
}

# flags MACHINE PROGRAM LEVEL FRAME
flags() {
    # Signed return addresses, with both keys; libraries have none.
    case $1-$3 in
    aarch64-O1|macho-arm64-O1) signing=-mbranch-protection=pac-ret+leaf+b-key ;;
    aarch64-O2|aarch64-O3|macho-arm64-O3) signing=-mbranch-protection=standard ;;
    *) signing='' ;;
    esac
    [ "$4" = fp ] && frame=-fno-omit-frame-pointer || frame=-fomit-frame-pointer
    case $1-$3 in
    # Apple's compilers describe bodies alone, and look before they take a large frame.
    macho-*-Os|macho-*-O2) tables='-funwind-tables -fstack-check' ;;
    macho-*) tables=-fasynchronous-unwind-tables ;;
    *) is_bare "$2" && tables=-fasynchronous-unwind-tables || tables='' ;;
    esac
    case $2 in objects) tables="$tables -fno-rtti -fno-threadsafe-statics -nostdinc++" ;; esac
    echo "-$3 -g $signing $frame $tables"
}

# build LABEL MACHINE PROGRAM COMPILER LEVEL FRAME FORM STRIP: $work/LABEL/PROGRAM
build() {
    dir=$work/$1 program=$3
    flags=$(flags "$2" "$3" "$5" "$6")
    mkdir -p "$dir" && cd "$here/programs" || return 1
    case $2 in
    macho-*)
        # shellcheck disable=SC2086
        build_macho "$dir" "$2" "$3" "$4" $flags && { [ "$8" != stripped ] || llvm-strip "$dir/$program"; }
        return ;;
    esac
    form='-fPIE -pie -Wl,-z,lazy'
    [ "$7" = static ] && form='-static -fno-PIE -no-pie'
    if is_bare "$program"; then
        # Nobody would relocate their data.
        [ "$program" = chain ] && form=$(echo "$form" | sed 's/-fPIE -pie/-fPIE -static-pie/') || form='-static -fno-PIE -no-pie'
        form="$form -nostdlib $bare_flags"
    fi
    language=c sources=$(sources "$2" "$program") strip=strip
    [ "$2" = aarch64 ] && strip=$cross-strip
    case $sources in *.cc*) language=c++ ;; esac
    if [ "$program-$7" = lazy-pie ]; then
        # shellcheck disable=SC2086
        compile "$2" "$4" c $flags -fPIC -shared -o "$dir/library.so" library.c || return 1
        sources="lazy.c $dir/library.so -lm -Wl,-rpath,$dir"
    fi
    # shellcheck disable=SC2086
    compile "$2" "$4" $language $flags $form -o "$dir/$program" $sources || return 1
    cp "$dir/$program" "$dir/full"
    if [ "$8" = stripped ]; then $strip "$dir/$program"; fi
}

# one LABEL MACHINE PROGRAM ...: builds and steps; the lines go to $work/LABEL/out
one() {
    dir=$work/$1
    mkdir -p "$dir"
    if ! build "$@" >"$dir/log" 2>&1; then
        printf 'failed\t%s\tnot built\n' "$1" >"$dir/out"
        return
    fi
    options=$chains
    case $2 in
    native) ;;
    aarch64) options="$options --emulate --root $root" ;;
    *) options="$options --emulate" ;;
    esac
    [ "$9" = start ] && options="$options --from-start"
    [ -n "$keep" ] && options="$options --keep $keep/$(echo "$1" | tr / -)"
    arguments=
    [ "$3" = noreturn ] && [ "$4" = gcc ] && arguments=abort
    # shellcheck disable=SC2086
    "$truth" $options --pcs "$dir/pcs" --names "$dir/full" --label "$1" "$dir/$3" $arguments >"$dir/out" 2>"$dir/err"
    status=$?
    if [ $status -ne 0 ]; then printf 'failed\t%s\tstatus %s\n' "$1" $status >>"$dir/out"; fi
}

programs='recursion frames exceptions jumps signals lazy noreturn assembly chain spills objects'

# Every run, one a line: LABEL MACHINE PROGRAM COMPILER LEVEL FRAME FORM STRIP START
list() {
    for machine in $machines; do
        for compiler in $(compilers "$machine"); do
            for program in $programs; do
                case $machine-$program in
                macho-*-chain|macho-*-spills|macho-*-objects|macho-*-assembly)
                    for level in O0 O1 O2 O3 Os; do
                        # Of the short set: what has prologues of all kinds, described and not, and what is signed.
                        case $long-$level-$program in no-O2-*|no-O0-spills|no-O1-spills|no-O3-chain|yes-*) ;; *) continue ;; esac
                        for frame in fp nofp; do
                            echo "$machine $program $compiler $level $frame fixed full entry"
                            # What shipped programs have: where functions start, but not what they are called.
                            [ $long = yes ] && command -v llvm-strip >/dev/null && echo "$machine $program $compiler $level $frame fixed stripped entry"
                        done
                    done
                    continue ;;
                macho-*) continue ;;
                esac
                if [ $long = no ]; then
                    # Of the third compiler, what it compiled itself.
                    case $compiler-$program in clang-19-exceptions|clang-19-chain|clang-19-spills|clang-19-objects) ;; clang-19-*) continue ;; esac
                    frame=nofp
                    is_bare "$program" && frame=fp
                    # Emulated ones are half.
                    [ "$machine-$compiler" = x86_64-clang ] || echo "$machine $program $compiler O2 $frame pie full entry"
                    [ "$machine-$compiler" = x86_64-gcc ] || echo "$machine $program $compiler O0 fp static stripped entry"
                    # The dynamic linker's own start, too, once.
                    [ "$program $compiler" = 'lazy gcc' ] && echo "$machine $program $compiler O2 nofp pie stripped start"
                    continue
                fi
                for level in O0 O1 O2 O3; do
                    for frame in fp nofp; do
                        echo "$machine $program $compiler $level $frame pie full entry"
                        echo "$machine $program $compiler $level $frame static stripped entry"
                    done
                done
                echo "$machine $program $compiler O2 nofp pie stripped start"
                echo "$machine $program $compiler O2 fp pie stripped entry"
                echo "$machine $program $compiler O2 nofp static full entry"
            done
        done
    done | awk '{ tool = $3; sub(/-/, "", tool); print $1 "/" $2 "/" tool "-" $4 "-" $5 "-" $6 "-" $7 "-" $8, $0 }' | grep -E "$only"
}

running=0
list >"$work/list"
[ -s "$work/list" ] || { echo "skip: no compiler for $machines"; exit 77; }
while read -r label machine program compiler level frame form strip start; do
    one "$label" "$machine" "$program" "$compiler" "$level" "$frame" "$form" "$strip" "$start" &
    running=$((running + 1))
    if [ $running -ge "$jobs" ]; then
        wait
        running=0
    fi
done <"$work/list"
wait

find "$work" -name out -exec cat {} + | sort >"$work/all"
if grep -q 'status 77' "$work/all"; then
    echo 'skip: tracing is not permitted here, or the build has no emulator'
    exit 77
fi
cat "$(dirname "$0")/known.txt" 2>/dev/null >"$work/known"
find "$work" -name pcs -exec cat {} + | sort -u | wc -l >"$work/count"
awk -F '\t' -v pcs="$(cat "$work/count")" -f "$here/table.awk" "$work/known" "$work/all"
