#!/bin/sh
# SPDX-License-Identifier: MIT
# The measurable part of the conventions: licence lines, lengths of files and functions, no white
# space at the end of a line, calls that the library must not make.
#
# usage: style.sh SOURCE-ROOT
set -u
export LC_ALL=C

cd "$1" || exit 2
found=$(mktemp) || exit 2
trap 'rm -f "$found"' EXIT

{
    find lib formats tools include fuzz tests -name '*.[ch]' -o -name '*.cc' -o -name '*.sh' \
        -o -name meson.build | grep -v '^tests/golden/.*/src/' | xargs awk '
        FNR == 1 { licence = 0 }
        FNR <= 2 && /SPDX-License-Identifier: MIT/ { licence = 1 }
        FNR == 2 && !licence { print FILENAME ": no SPDX-License-Identifier in the first two lines" }
        FNR == 801 { print FILENAME ": more than 800 lines" }
        /[ \t]$/ { print FILENAME ":" FNR ": white space at the end of the line" }'

    # A function is what lies between braces in the first column. Aim at 20 lines, stop at 60; the
    # interpreter of a bytecode, which is one switch, may be longer.
    find lib formats tools fuzz tests -name '*.[ch]' | xargs awk '
        /^\{/ { start = FNR; interpreter = 0 }
        start && FNR - start < 20 && /\tswitch \(/ { interpreter = 1 }
        /^\}/ {
            lines = FNR - start - 1
            if (start && lines > (interpreter ? 150 : 60))
                print FILENAME ":" start ": a function of " lines " lines"
            start = 0
        }'

    # Libraries do not print, exit, change locale, install handlers, or read the environment; and
    # every allocation goes through base/mem (libiberty's names come from malloc).
    find lib formats -name '*.[ch]' | xargs grep -n -E \
        '(^|[^a-z_A-Z0-9>.])(printf|puts|fprintf|exit|abort|setlocale|signal|sigaction|getenv|strtok|strerror)\(' |
        grep -v -E '^[^:]*:[0-9]+:[ 	]*(/?\*|//)' | sed 's/$/   (not in a library)/'
    find lib formats -name '*.[ch]' ! -path 'lib/base/mem.c' ! -path 'lib/symbols/demangle.c' | xargs grep -n -E \
        '(^|[^a-z_A-Z0-9>.])(malloc|calloc|realloc|free|strdup|strndup|asprintf)\(' |
        grep -v -E '^[^:]*:[0-9]+:[ 	]*(/?\*|//)' | sed 's/$/   (only through base\/mem)/'
} >"$found"

cat "$found"
[ ! -s "$found" ]
