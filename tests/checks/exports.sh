#!/bin/sh
# SPDX-License-Identifier: MIT
# The shared library exports what the public headers mark WB_API, all of it and nothing else; and
# every global name of the library, public or not, starts with wb_.
#
# usage: exports.sh SOURCE-ROOT SHARED-LIBRARY STATIC-LIBRARY
set -u
export LC_ALL=C

source=$1 shared=$2 static=$3
command -v nm >/dev/null 2>&1 || { echo "skip: no nm"; exit 77; }
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
status=0

# Names with WB_API: of a declaration, the first name in front of a parenthesis, or else the last.
cat "$source"/include/walkback/*.h | grep -v '^[ 	]*#' | tr '\n' ' ' | tr '{}' ';;' |
    sed 's,/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/,,g' | tr ';' '\n' |
    grep '\<WB_API\>' | sed -e 's/.*\<WB_API\>//' |
    sed -n -e 's/^[^(]*\<\(wb_[a-z0-9_]*\) *(.*/\1/p' -e t -e 's/.*\<\(wb_[a-z0-9_]*\).*/\1/p' |
    sort >"$dir/declared"

# The version node itself (WALKBACK_0.1) is listed as an absolute symbol.
nm -D --defined-only "$shared" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
    sort >"$dir/exported"

[ -s "$dir/exported" ] || { echo "nothing is exported"; status=1; }
[ -z "$(uniq -d "$dir/declared")" ] ||
    { echo "declared twice:"; uniq -d "$dir/declared"; status=1; }

[ -s "$dir/declared" ] || { echo "no WB_API found in include/walkback"; status=1; }
comm -13 "$dir/declared" "$dir/exported" >"$dir/extra"
comm -23 "$dir/declared" "$dir/exported" >"$dir/absent"
[ ! -s "$dir/extra" ] || { echo "exported, not declared WB_API:"; cat "$dir/extra"; status=1; }
[ ! -s "$dir/absent" ] || { echo "declared WB_API, not exported:"; cat "$dir/absent"; status=1; }

# Names that a sanitizer or the coverage tool adds start with an underscore; ours never do.
nm -g --defined-only "$static" 2>/dev/null | awk 'NF == 3 { print $3 }' | grep -v '^__' |
    grep -v '^wb_' >"$dir/strangers"
[ ! -s "$dir/strangers" ] || { echo "global, not wb_:"; cat "$dir/strangers"; status=1; }

echo "$(wc -l <"$dir/declared") declared, $(wc -l <"$dir/exported") exported"
exit $status
