#!/bin/sh
# SPDX-License-Identifier: MIT
# Names, lines and inlined calls by the debug map of Mach-O programs, out of object files and archives, against what llvm-symbolizer says of the dSYM bundle
# that dsymutil links out of the same files; and what is said of object files that were changed, or are gone.
#
# usage: debug_map.sh WALKBACK
set -u
export LC_ALL=C
walkback=$(realpath "$1")

skip() {
    echo "skip: $1"
    exit 77
}
for tool in clang dsymutil llvm-ar llvm-nm llvm-objdump llvm-symbolizer; do
    command -v "$tool" >/dev/null 2>&1 || skip "no $tool"
done
# LLVM 14's linker writes when object files were modified; some later ones write 0.
linker=
for name in ld64.lld-14 ld64.lld ld64.lld-19; do
    [ -z "$linker" ] && command -v "$name" >/dev/null 2>&1 && linker=$name
done
[ -n "$linker" ] || skip "no ld64.lld"
case " $("$walkback" --version | tr '\n' ' ') " in
*' libiberty '*) ;;
*) skip "libiberty is not in this build" ;;
esac

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 2
failed=0

# Functions of the same name in two files, one that is inlined from a header, templates in an anonymous namespace, one that nobody calls.
cat >shared.h <<'END'
extern volatile int counter;
static inline __attribute__((always_inline)) int twice(int n)
{
	counter++;
	return n * 2 + counter;
}
END
cat >first.c <<'END'
#include "shared.h"
int in_archive(int n);
int in_other(int n);
static __attribute__((noinline)) int local(int n)
{
	return twice(n) + 1;
}
int start(void)
{
	return local(3) + in_archive(4) + in_other(5);
}
END
cat >member.c <<'END'
#include "shared.h"
volatile int counter;
int unused(int n)
{
	return n * 9;
}
static __attribute__((noinline)) int local(int n)
{
	for (int i = 0; i < n; i++)
		n += twice(i);
	return twice(n) + 7;
}
int in_archive(int n)
{
	counter++;
	return local(n) + twice(n + 1);
}
END
cat >a_member_with_a_long_name.cc <<'END'
#include "shared.h"
namespace {
template <typename T> __attribute__((noinline)) T deep(T n)
{
	return n > 2 ? deep(n - 1) + static_cast<T>(twice(static_cast<int>(n))) : n;
}
struct counted {
	int n;
	__attribute__((noinline)) int get(int m) const { return n + twice(m); }
};
}
extern "C" int in_other(int n)
{
	counted c = { n };

	return deep(n) + static_cast<int>(deep(static_cast<long>(n))) + c.get(n);
}
END

# build ARCH FORMAT FLAGS...: ./program, by an object file and two archives
build() {
    arch=$1 format=$2
    shift 2
    rm -rf program program.dSYM ./*.o ./*.a
    for source in first.c member.c a_member_with_a_long_name.cc; do
        clang "--target=$arch-apple-macos11" -Wno-stdlibcxx-not-found "$@" -c -o "${source%.*}.o" "$tmp/$source" || return 1
    done
    llvm-ar "--format=$format" rcU libone.a member.o 2>/dev/null && llvm-ar "--format=$format" rcU libtwo.a a_member_with_a_long_name.o member.o 2>/dev/null &&
        "$linker" -arch "$arch" -platform_version macos 11.0 11.0 -e _start -o program first.o libone.a libtwo.a
}

# ask: `ours` at all instructions of the program but what fills gaps between functions, which debug maps and dSYM bundles limit in different ways
ask() {
    llvm-objdump -d --no-show-raw-insn program | grep -vw 'nop[wl]*' | sed -n 's/^ *\([0-9a-f]*\):.*/0x\1/p' >addresses
    "$walkback" symbolize -fip -C -e program <addresses >ours 2>log
}

# compare NAME
compare() {
    ask
    dsymutil program -o program.dSYM 2>/dev/null
    llvm-symbolizer -e program.dSYM/Contents/Resources/DWARF/program -i -p --output-style=GNU <addresses | sed 's/:0$/:?/' >theirs
    if [ -s addresses ] && cmp -s ours theirs && [ ! -s log ]; then
        echo "same: $1: $(wc -l <addresses) addresses"
    else
        failed=1
        echo "differs: $1"
        cat log
        diff ours theirs | head -n 10
    fi
    rm -rf program.dSYM
}

# expect NAME PATTERN SYMBOL: what is said of a function, output and messages together
expect() {
    said=$("$walkback" symbolize -fip --debug-dir "$tmp" -e program "0x$(llvm-nm program | sed -n "s/ [tT] _$3\$//p" | head -n 1)" 2>&1 | tr '\n' ' ')
    if echo "$said" | grep -q "$2"; then
        echo "as expected: $1"
    else
        failed=1
        echo "not as expected: $1: $said"
    fi
}

for arch in arm64 x86_64; do
    for flags in -O0 -O2; do
        build $arch bsd -g $flags || skip "LLVM's tools for Mach-O are not all here"
        compare "$arch $flags"
    done
done
build arm64 gnu -g -O1
compare 'arm64, archives as System V has them'
mv ours version4
# What dsymutil 14 cannot link: the same code must have the same lines.
build arm64 gnu -gdwarf-5 -O1 2>/dev/null
ask
if cmp -s ours version4; then echo 'same: DWARF 5 and 4'; else failed=1 && echo 'differs: DWARF 5 and 4'; fi

if [ "$linker" = ld64.lld-14 ]; then
    touch -d @1000000000 first.o
    expect 'an object file that was changed' 'modified at 1000000000, linked when that was .*start at ??:' start
    expect 'the others are not concerned' 'in_archive at .*member.c:' in_archive
fi
rm first.o
expect 'an object file that is gone' 'start at ??:' start
echo damaged >libone.a
expect 'an archive that is another file' 'in_archive at ??:' in_archive
llvm-ar rcU libtwo.a member.o && llvm-ar d libtwo.a a_member_with_a_long_name.o
expect 'a member that is gone' 'no member a_member_with_a_long_name.o in the archive.*in_other at ??:' in_other
exit $failed
