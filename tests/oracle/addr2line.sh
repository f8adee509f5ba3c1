#!/bin/sh
# SPDX-License-Identifier: MIT
# Asks `walkback symbolize` and GNU addr2line about every byte of the functions of small programs, with all 31 combinations of -a -i -p -s -f,
# and compares what they print byte for byte; then what else drop-in means: how addresses and options can be written.
#
# usage: addr2line.sh WALKBACK TESTS-FOLDER
#
# Left out, because GNU addr2line (2.40) is wrong there, or does not say it alike:
#  - bytes between functions: it names the function before them, whatever its size (sizes are believed here);
#  - the name of a label inside a function, or of an alias, where there is no debug information: any symbol will do for it;
#  - with -C, a function with an assembler name of its own (renamed_by_assembler): the source's name is shown here;
#  - discriminators.
# It also shows the unit's file for code of a header before the first DW_LNS_set_file of a DWARF 5 line program (its file register starts at 0
# instead of 1); no program here starts with such code.
set -u
export LC_ALL=C
walkback=$1 tests=$2
case $walkback in
/*) ;;
*) walkback=$PWD/$walkback ;; # some comparisons run in another folder
esac

skip() {
    echo "skip: $1"
    exit 77
}
addr2line --version 2>/dev/null | grep -q '^GNU addr2line' || skip "no GNU addr2line"
for tool in cc nm readelf; do
    command -v "$tool" >/dev/null 2>&1 || skip "no $tool"
done
case " $("$walkback" --version | tr '\n' ' ') " in
*' libiberty '*) ;;
*) skip "libiberty is not in this build" ;;
esac

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
failed=0 compared=0

same() { # NAME: $tmp/ours and $tmp/theirs
    compared=$((compared + 1))
    sed -E 's/ \(discriminator [0-9]+\)$//' "$tmp/theirs" >"$tmp/expected"
    cmp -s "$tmp/ours" "$tmp/expected" && return
    failed=$((failed + 1))
    echo "$1:"
    diff "$tmp/expected" "$tmp/ours" | head -6
}

# Addresses inside of functions that have a size, but for $1 (a regular expression).
functions() {
    nm -S "$tmp/program" | awk -v without="$1" 'NF == 4 && tolower($3) ~ /^[twi]$/ && $4 !~ without { print $1, $2 }' | sort -u |
        while read -r start size; do
            i=0
            while [ "$i" -lt "$((0x$size))" ]; do
                printf '%x\n' $((0x$start + i))
                i=$((i + 1))
            done
        done
    # And some that nobody knows.
    printf '0\n0x1\nffffffffffffffff\n'
}

combinations='a f i p s af ai ap as fi fp fs ip is ps afi afp afs aip ais aps fip fis fps ips afip afis afps aips fips afips'

compare_program() { # COMMAND SOURCE
    $1 -w -o "$tmp/program" "$tests/make/$2" 2>/dev/null || {
        echo "not here: $1"
        return
    }
    functions '^$' >"$tmp/raw"
    functions '^renamed' >"$tmp/demangled"
    for combination in $combinations; do
        "$walkback" symbolize "-$combination" -e "$tmp/program" <"$tmp/raw" >"$tmp/ours"
        addr2line "-$combination" -e "$tmp/program" <"$tmp/raw" >"$tmp/theirs"
        same "$1 $2 -$combination"
        "$walkback" symbolize "-${combination}C" --exe="$tmp/program" <"$tmp/demangled" >"$tmp/ours"
        addr2line "-${combination}C" --exe="$tmp/program" <"$tmp/demangled" >"$tmp/theirs"
        same "$1 $2 -${combination}C"
    done
}

compare_program 'cc -O2 -gdwarf-5' inlines.c
compare_program 'cc -O0 -gdwarf-4' inlines.c
compare_program 'cc -O2 -g0' inlines.c
compare_program 'c++ -O2 -gdwarf-5' inlines.cc
compare_program 'clang -O2 -gdwarf-4' inlines.c
compare_program 'clang++ -O2 -gdwarf-5' inlines.cc

# How things can be written. "both NAME ARGUMENT..." with standard input from $tmp/in.
both() {
    name=$1
    shift
    (cd "$tmp" && "$walkback" symbolize "$@" <"$tmp/in" >"$tmp/ours" 2>/dev/null; echo "status $?" >>"$tmp/ours")
    (cd "$tmp" && addr2line "$@" <"$tmp/in" >"$tmp/theirs" 2>/dev/null; echo "status $?" >>"$tmp/theirs")
    same "$name"
}
cc -w -O1 -g -o "$tmp/a.out" "$tests/make/inlines.c" || exit 1
main=$(nm "$tmp/a.out" | awk '$3 == "main" { print $1 }')
text=$(readelf -SW "$tmp/a.out" | sed -n 's/.* \.text  *PROGBITS  *\([0-9a-f]*\) .*/\1/p')
in_text=$(printf '%x' $((0x$main - 0x$text)))
printf -- '-f\n"-a" %s\n' "$main" >"$tmp/words"
: >"$tmp/in"
both 'a.out' -fa "$main"
both 'several operands' -f "$main" 0 "$main"
both 'capitals and 0X' -fa "0X$main" "$(echo "$main" | tr a-f A-F)"
both 'long names' --addresses --functions --inlines --pretty-print --basenames --demangle --exe=a.out "$main"
both 'a demangler' --demangle=gnu-v3 -f "$main"
both 'cut names' --addr --func --pretty "$main"
both 'bundled, the file last' -afipsCe a.out "$main"
both 'glued' -ea.out -af "$main"
both 'options behind' "$main" -a -f
both 'options end' -a -- "$main"
both 'section' -af -j .text "$in_text" 0 fffff
both 'section, long' -af --section=.text "$in_text"
both 'no such section' -j .none 0
both 'no such file' -e none 0
both 'recursion' -r -R -f "$main"
both 'target' -b elf64-x86-64 -f "$main"
both 'response file' @words
# Symbols came with 2.40's later builds.
if addr2line -a -e "$tmp/a.out" main+1 | grep -qi "$(printf '%x' $((0x$main + 1)))"; then
    both 'symbols' -af main main+1 main+0x2 outer
fi
printf '%s\n0x%s\n  %s  \n%s\tabc\n\n0' "$main" "$main" "$main" "$main" >"$tmp/in"
both 'lines' -af
both 'lines as perf asks' -fi

echo "$compared comparisons, $failed differ"
[ "$compared" -gt 60 ] && [ "$failed" = 0 ]
