#!/bin/sh
# SPDX-License-Identifier: MIT
# The C example of the README compiles as C99 without a warning against the public headers, and
# prints what the README says that it prints (the block after it, if that one is ```text).
#
# usage: readme.sh SOURCE-ROOT LIBRARY-FOLDER COMPILER...
set -u
export LC_ALL=C

root=$1 library=$2
shift 2
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

# The first block in ```c, and the block that comes next.
awk -v c="$dir/example.c" -v text="$dir/expect" '
    /^```/ {
        if (block) { block = 0; if (out == text) exit; next }
        block = 1
        out = $0 == "```c" && !done ? c : done ? text : "/dev/null"
        if ($0 == "```c") done = 1
        next
    }
    block { print > out }' "$root/README.md"
[ -s "$dir/example.c" ] || { echo "no C example in README.md"; exit 1; }

"$@" -std=c99 -pedantic -Wall -Wextra -Werror -I "$root/include" -o "$dir/example" \
    "$dir/example.c" -L "$library" -lwalkback "-Wl,-rpath,$library" || exit 1
cd "$root" && "$dir/example" >"$dir/actual" || { echo "example failed: $?"; exit 1; }
cat "$dir/actual"
[ -s "$dir/actual" ] || { echo "the example prints nothing"; exit 1; }
diff "$dir/expect" "$dir/actual"
