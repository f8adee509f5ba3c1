#!/bin/sh
# SPDX-License-Identifier: MIT
# Where debug information hides: compiles a program of two units, puts its debug information in another place with the tools that do so in the
# field, and asks about places in its code. What must come out is marked in the sources. Cases 19, 21, 23, 27 and 28 of the README.
#
# usage: hiding.sh WALKBACK TESTS-FOLDER GROUP [TEST_DWARF_TWIN]
set -u
export LC_ALL=C
absolute() {
    case $1 in
    /* | '') echo "$1" ;;
    *) echo "$PWD/$1" ;;
    esac
}
walkback=$(absolute "$1") tests=$2 group=$3 twin=$(absolute "${4-}")

need() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null 2>&1 || {
            echo "skip: no $tool"
            exit 77
        }
    done
}
need cc nm objcopy strip timeout
features=" $("$walkback" --version 2>/dev/null | tr '\n' ' ') "
[ "$features" != '  ' ] || {
    echo "skip: $walkback does not run here"
    exit 77
}

has() { # WAY-OF-COMPRESSION
    case $1 in
    zlib*) case $features in *' zlib '* | *' libdeflate '* | *' isal '*) return 0 ;; esac ;;
    *) case $features in *" $1 "*) return 0 ;; esac ;;
    esac
    echo "not in this build: $1"
    return 1
}

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
mkdir home src
cp "$tests/make/inlines.c" "$tests/make/inlines.h" "$tests/make/second.c" src/
HOME=$tmp/home
export HOME
failed=0 passed=0

line() { # NAME: where the sources mark it, as FILE:LINE
    grep -n "LINE $1 " src/*.c src/*.h | sed -n -e 's,^src/\([^:]*\):\([0-9]*\):.*,\1:\2,p'
}

# What the places are: innermost call first, each as NAME FILE:LINE.
expected() {
    printf '%s\n' \
        "at_leaf: leaf $(line at_leaf) middle $(line leaf_in_middle) outer $(line middle_in_outer)" \
        "at_outer: outer $(line at_outer)" \
        "at_header: in_header $(line at_header) outer $(line header_in_outer)" \
        "at_renamed: renamed $(line at_renamed)" \
        "at_added: added $(line at_added) second $(line added_in_second)" \
        "at_second: second $(line at_second)"
}

# One line a place, of those in $tmp/places: its name, and what walkback says about its address. OBJECT [OPTION]...
answers() {
    object=$1
    shift
    cut -d ' ' -f 1 "$tmp/places" | timeout 60 "$walkback" symbolize -a -f -i -s -C -e "$object" "$@" 2>>"$tmp/errors" |
        awk -v places="$tmp/places" '/^0x/ { if (n++) print text; getline place <places; sub(/.* /, "", place); text = place ":"; next }
            { text = text " " $0 } END { print text }'
}

# The addresses of the places, by an object that has symbols.
find_places() {
    for place in at_leaf at_outer at_header at_renamed at_added at_second; do
        nm "$1" | sed -n "s/^\([0-9a-f]*\) [tT] \($place\)\$/0x\1 \2/p"
    done >"$tmp/places"
}

check() { # NAME OBJECT WITH-SYMBOLS [OPTION]...
    name=$1 object=$2
    find_places "$3"
    shift 3
    : >"$tmp/errors"
    answers "$object" "$@" >"$tmp/out"
    if cmp -s "$tmp/expected" "$tmp/out"; then
        passed=$((passed + 1))
        [ $# -gt 0 ] || agree
        return
    fi
    failed=$((failed + 1))
    echo "$name:"
    diff "$tmp/expected" "$tmp/out"
    sort -u "$tmp/errors" | head -3
}

# Both compilers of functions make the same of $object.
agree() {
    [ -n "$twin" ] || return
    timeout 60 "$twin" "$object" >"$tmp/log" 2>&1 && return
    failed=$((failed + 1))
    echo "$name: the compilers of functions do not agree"
    head -6 "$tmp/log"
}

# NAME OBJECT WITH-SYMBOLS PATTERN [OPTION]...: answers are not all there, and standard error says why.
check_lacks() {
    name=$1 object=$2 pattern=$4
    find_places "$3"
    shift 4
    : >"$tmp/errors"
    answers "$object" "$@" >"$tmp/out"
    if ! cmp -s "$tmp/expected" "$tmp/out" && { [ -z "$pattern" ] || grep -q -- "$pattern" "$tmp/errors"; }; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "$name: names what it cannot know, or does not say why: $pattern"
    diff "$tmp/expected" "$tmp/out"
    sort -u "$tmp/errors" | head -3
}

expected >"$tmp/expected"

# NAME COMPILER [OPTION]...: an executable in a folder of its own, compiled from there.
compile() {
    mkdir -p "$1"
    (
        cd "$1" || exit 1
        shift
        compiler=$1
        shift
        "$compiler" -w -O2 -g "$@" -c ../src/inlines.c ../src/second.c && "$compiler" -o program inlines.o second.o
    ) >"$tmp/log" 2>&1 || {
        echo "skip: not here: $*"
        return 1
    }
}

# Runs $body for each compiler and version that can: its parameters are a name, the compiler, and the option for the version.
for_each() {
    body=$1
    for compiler in cc clang; do
        command -v "$compiler" >/dev/null 2>&1 || continue
        for version in 4 5; do
            "$body" "$compiler-$version" "$compiler" "-gdwarf-$version"
        done
    done
}

split() {
    compile "$1" "$2" "$3" -gsplit-dwarf || return
    check "$1: dwo" "$1/program" "$1/program"
    mkdir -p "$1/moved" "$1/away"
    mv "$1"/*.dwo "$1/away"
    cp "$1/program" "$1/moved"
    check_lacks "$1: no dwo" "$1/program" "$1/program" 'split DWARF file that is not had'
    check "$1: dwo in a debug folder" "$1/program" "$1/program" --debug-dir "$1/away"
    cp "$1"/away/*.dwo "$1/moved"
    check "$1: dwo beside the program" "$1/moved/program" "$1/program"
    # The same names, other units.
    cp "$1/away/inlines.dwo" "$1/second.dwo"
    cp "$1/away/second.dwo" "$1/inlines.dwo"
    check_lacks "$1: dwo of other units" "$1/program" "$1/program" 'split DWARF file that is not had'
    check "$1: dwo of other units, and the right ones elsewhere" "$1/program" "$1/program" --debug-dir "$1/away"
    rm "$1"/*.dwo
    # A file that is its own: no unit of the id in it.
    cp "$1/program" "$1/inlines.dwo"
    check_lacks "$1: no dwo at all" "$1/program" "$1/program" 'split DWARF file that is not had'
    rm "$1/inlines.dwo"
    for way in zlib zlib-gnu zstd; do
        has "$way" || continue
        cp "$1"/away/*.dwo "$1"
        objcopy "--compress-debug-sections=$way" "$1/inlines.dwo" 2>/dev/null && objcopy "--compress-debug-sections=$way" "$1/second.dwo" || continue
        check "$1: $way dwo" "$1/program" "$1/program"
    done
    # Skeletons in a separate debug file.
    cp "$1"/away/*.dwo "$1"
    objcopy --only-keep-debug "$1/program" "$1/program.debug"
    cp "$1/program" "$1/stripped"
    strip "$1/stripped"
    (cd "$1" && objcopy --add-gnu-debuglink=program.debug stripped)
    check "$1: dwo of a debug file" "$1/stripped" "$1/program"
}

# Link-time optimization: one file has both units. Not with GCC 12, which lets them refer to names that it puts into no file.
together() {
    mkdir "$1-lto"
    (cd "$1-lto" && "$2" -w -O2 -g "$3" -gsplit-dwarf -flto -fuse-ld=lld ../src/inlines.c ../src/second.c -o program) >/dev/null 2>&1 || {
        echo "not here: $2 -flto -fuse-ld=lld"
        return
    }
    check "$1: dwo of both units" "$1-lto/program" "$1-lto/program"
}

package() {
    compile "$1" "$2" "$3" -gsplit-dwarf || return
    mkdir -p "$1/away"
    for maker in dwp llvm-dwp llvm-dwp-14 llvm-dwp-19; do
        command -v "$maker" >/dev/null 2>&1 || continue
        # GNU's does not know DWARF 5, and LLVM 14's never ends on that of GCC.
        (cd "$1" && timeout 4 "$maker" -e program -o away/program.dwp) >/dev/null 2>&1 || continue
        packaged=$((packaged + 1))
        mkdir -p "$1/$maker/.debug"
        cp "$1/program" "$1/$maker"
        mv "$1/away/program.dwp" "$1/$maker"
        mkdir "$1/hidden"
        mv "$1"/*.dwo "$1/hidden"
        check "$1: package of $maker" "$1/$maker/program" "$1/program"
        objcopy --only-keep-debug "$1/program" "$1/$maker/.debug/program.debug"
        (cd "$1/$maker" && strip program && objcopy --add-gnu-debuglink=.debug/program.debug program)
        check "$1: package of $maker beside the stripped program" "$1/$maker/program" "$1/program"
        mkdir "$1/$maker/gathered"
        mv "$1/$maker/program.dwp" "$1/$maker/gathered"
        check "$1: package of $maker in a debug folder" "$1/$maker/program" "$1/program" --debug-dir "$1/$maker/gathered"
        mv "$1/$maker/gathered/program.dwp" "$1/$maker/.debug/program.debug.dwp"
        check "$1: package of $maker beside the debug file" "$1/$maker/program" "$1/program"
        # One that lacks a unit: its file is there.
        (cd "$1/hidden" && timeout 4 "$maker" inlines.dwo -o ../away/program.dwp) >/dev/null 2>&1 && {
            cp "$1/program" "$1/away"
            cp "$1/hidden/second.dwo" "$1"
            check "$1: package of $maker with one unit" "$1/away/program" "$1/program"
            rm "$1/away/program.dwp"
        }
        mv "$1"/hidden/*.dwo "$1"
        rmdir "$1/hidden"
    done
}

dwz_of() {
    compile "$1" "$2" "$3" || return
    for format in '' --dwarf-5; do
        rm -rf "$1/dwz"
        mkdir "$1/dwz"
        for copy in one two three; do
            cp "$1/program" "$1/dwz/$copy"
        done
        # shellcheck disable=SC2086 # none or one option
        (cd "$1/dwz" && dwz $format -m common.dwz one two three) >/dev/null 2>&1 && [ -f "$1/dwz/common.dwz" ] || continue
        packaged=$((packaged + 1))
        check "$1: dwz $format" "$1/dwz/one" "$1/program"
        way=none
        has zlib && way=zlib
        objcopy "--compress-debug-sections=$way" "$1/dwz/common.dwz" "$1/dwz/packed"
        mkdir -p "$1/dwz/debug/.dwz"
        mv "$1/dwz/packed" "$1/dwz/debug/.dwz/common.dwz"
        mv "$1/dwz/common.dwz" "$1/dwz/elsewhere"
        check_lacks "$1: dwz $format, no supplementary file" "$1/dwz/one" "$1/program" 'supplementary file common.dwz, which is missing'
        check "$1: dwz $format in a debug folder" "$1/dwz/one" "$1/program" --debug-dir "$1/dwz/debug"
        cp "$1/dwz/two" "$1/dwz/common.dwz"
        check_lacks "$1: dwz $format, another supplementary file" "$1/dwz/one" "$1/program" 'supplementary file common.dwz, which is mismatched'
        cp "$1/dwz/one" "$1/dwz/common.dwz" # of the file itself
        check_lacks "$1: dwz $format of itself" "$1/dwz/one" "$1/program" 'supplementary file common.dwz, which is mismatched'
    done
}

link() {
    compile "$1" "$2" "$3" -Wl,--build-id=none || return
    (cd "$1" && "$2" -Wl,--build-id=none -o program inlines.o second.o) || return
    mkdir -p "$1/link/.debug" "$1/global$tmp/$1/link"
    objcopy --only-keep-debug "$1/program" "$1/link/it.debug"
    strip -o "$1/link/program" "$1/program"
    (cd "$1/link" && objcopy --add-gnu-debuglink=it.debug program)
    check "$1: debug link" "$1/link/program" "$1/program"
    (cd "$1/link" && "$walkback" symbolize -f -i -s -C -e program 1 >/dev/null) || failed=$((failed + 1))
    mv "$1/link/it.debug" "$1/link/.debug"
    check "$1: debug link to .debug" "$1/link/program" "$1/program"
    mv "$1/link/.debug/it.debug" "$1/global$tmp/$1/link"
    check "$1: debug link to a debug folder" "$tmp/$1/link/program" "$1/program" --debug-dir "$1/global"
    # Another byte in it: another CRC.
    cp "$1/global$tmp/$1/link/it.debug" "$1/link"
    echo >>"$1/link/it.debug"
    check_lacks "$1: debug link with another CRC" "$1/link/program" "$1/program" ''
    # A link to itself, by name: has another CRC than the link says, since the link is part of it.
    cp "$1/program" "$1/link/self"
    objcopy --add-gnu-debuglink="$1/link/self" "$1/link/self" "$1/link/out" && mv "$1/link/out" "$1/link/self"
    check "$1: debug link to itself" "$1/link/self" "$1/program"
    # The section at any offset of the file, and compressed debug information behind it.
    for pad in 1 2 3; do
        head -c "$pad" /dev/zero >"$1/pad"
        cp "$1/global$tmp/$1/link/it.debug" "$1/link/it.debug"
        strip -o "$1/link/padded" "$1/program"
        (cd "$1/link" && objcopy --add-section .pad=../pad padded && objcopy --add-gnu-debuglink=it.debug padded)
        check "$1: debug link after $pad bytes" "$1/link/padded" "$1/program"
    done
}

build_id() {
    compile "$1" "$2" "$3" || return
    (cd "$1" && "$2" -Wl,--build-id=sha1 -o program inlines.o second.o) || return
    id=$(readelf -n "$1/program" | sed -n 's/.*Build ID: \([0-9a-f]*\).*/\1/p')
    [ -n "$id" ] || return
    packaged=$((packaged + 1))
    first=$(printf '%.2s' "$id")
    folder=$1/debug/.build-id/$first
    mkdir -p "$folder" "$1/root/usr/lib/debug/.build-id/$first" "$1/cache/$id" "$1/bin"
    strip -o "$1/bin/program" "$1/program"
    objcopy --only-keep-debug "$1/program" "$folder/${id#??}.debug"
    check "$1: build-id folder" "$1/bin/program" "$1/program" --debug-dir "$1/debug"
    cp "$folder/${id#??}.debug" "$1/root/usr/lib/debug/.build-id/$first"
    check "$1: build-id folder of a system root" "$1/bin/program" "$1/program" --sysroot "$1/root"
    cp "$folder/${id#??}.debug" "$1/cache/$id/debuginfo"
    DEBUGINFOD_CACHE_PATH=$1/cache
    export DEBUGINFOD_CACHE_PATH
    check "$1: debuginfod's cache" "$1/bin/program" "$1/program"
    : >"$1/cache/$id/debuginfo"
    check_lacks "$1: debuginfod's cache that says no" "$1/bin/program" "$1/program" ''
    unset DEBUGINFOD_CACHE_PATH
    mkdir -p home/.cache/debuginfod_client
    cp -r "$1/cache/$id" home/.cache/debuginfod_client/
    cp "$folder/${id#??}.debug" "home/.cache/debuginfod_client/$id/debuginfo"
    check "$1: debuginfod's cache at home" "$1/bin/program" "$1/program"
    rm -rf home/.cache
}

packed() {
    compile "$1" "$2" "$3" || return
    for way in zlib zlib-gnu zstd; do
        has "$way" || continue
        objcopy "--compress-debug-sections=$way" "$1/program" "$1/$way" 2>/dev/null || continue
        check "$1: $way" "$1/$way" "$1/program"
    done
}

inner() {
    compile "$1" "$2" "$3" || return
    objcopy --only-keep-debug "$1/program" "$1/mini"
    xz -k -f "$1/mini"
    strip -o "$1/stripped" "$1/program"
    objcopy --add-section ".gnu_debugdata=$1/mini.xz" "$1/stripped"
    check "$1: .gnu_debugdata" "$1/stripped" "$1/program"
    # One in the other: the inner one's is not looked at.
    strip -o "$1/outer" "$1/program"
    objcopy --add-section ".gnu_debugdata=$1/mini.xz" "$1/mini" "$1/nested"
    objcopy --strip-debug "$1/nested"
    xz -k -f "$1/nested"
    objcopy --add-section ".gnu_debugdata=$1/nested.xz" "$1/outer"
    check_lacks "$1: .gnu_debugdata in .gnu_debugdata" "$1/outer" "$1/program" ''
}

# ld -r puts sections of a name together and leaves their relocations: the sum of relocatable files is one.
relocatable() {
    for machine in '' -m32 --target=aarch64-linux-gnu --target=armv7-linux-gnueabi; do
        for more in '' -ffunction-sections -gz -gsplit-dwarf -fdebug-types-section; do
            [ "$more" != -gz ] || has zlib || continue
            # shellcheck disable=SC2086 # none or one option each
            (mkdir -p "$1" && cd "$1" && "$2" -w -O2 -g "$3" $machine $more -c ../src/inlines.c) >/dev/null 2>&1 || continue
            check_object "$1 $machine $more" "$1/inlines.o"
        done
    done
    compile "$1" "$2" "$3" || return
    (cd "$1" && ld -r -o module.ko inlines.o second.o) || return
    check_object "$1: module" "$1/module.ko"
    objcopy --only-keep-debug "$1/module.ko" "$1/module.ko.debug"
    strip -g -o "$1/stripped.ko" "$1/module.ko"
    (cd "$1" && objcopy --add-gnu-debuglink=module.ko.debug stripped.ko)
    check_object "$1: stripped module" "$1/stripped.ko"
}

# Addresses of relocatable files are offsets in sections: a symbol's value, and its section's number.
check_object() { # NAME OBJECT
    sed '/at_added/d; /at_second/d' "$tmp/expected" >"$tmp/expected_object"
    readelf -SW "$2" | sed -n 's/^ *\[ *\([0-9]*\)\] \([^ ]*\) .*/\1 \2/p' >"$tmp/sections"
    readelf -sW "$2" >"$tmp/symbols"
    : >"$tmp/errors"
    for place in at_leaf at_outer at_header at_renamed; do
        awk -v name="$place" '$8 == name { print "0x" $2, name, $7 }' "$tmp/symbols" >"$tmp/places"
        number=$(sed 's/.* //' "$tmp/places")
        sed -i 's/ [0-9]*$//' "$tmp/places"
        answers "$2" -j "$(sed -n "s/^$number //p" "$tmp/sections")"
    done >"$tmp/out"
    if cmp -s "$tmp/expected_object" "$tmp/out"; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "$1:"
    diff "$tmp/expected_object" "$tmp/out"
    sort -u "$tmp/errors" | head -3
}

# The same, where it does not matter who made the debug information.
for_one() {
    "$1" cc-5 cc -gdwarf-5
}

packaged=1
case $group in
split)
    for_each split
    together clang-4 clang -gdwarf-4
    together clang-5 clang -gdwarf-5
    ;;
package)
    packaged=0
    for_each package
    ;;
dwz)
    need dwz
    packaged=0
    for_each dwz_of
    ;;
link) for_one link ;;
build_id)
    need readelf
    packaged=0
    for_one build_id
    ;;
packed)
    has zlib || has zstd || {
        echo "skip: no compression in this build"
        exit 77
    }
    for_one packed
    ;;
inner)
    need xz
    has lzma || {
        echo "skip: no xz in this build"
        exit 77
    }
    for_one inner
    ;;
relocatable)
    need readelf ld
    for_each relocatable
    ;;
*)
    echo "no such group: $group"
    exit 2
    ;;
esac
[ "$packaged" -gt 0 ] || {
    echo "skip: no tool here that does it"
    exit 77
}
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
