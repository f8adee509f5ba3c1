#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header compiles alone, as pedantic C99 and as pedantic C++11.
#
# usage: headers.sh SOURCE-ROOT c|c++ COMPILER...
set -u
export LC_ALL=C

root=$1 language=$2
shift 2
case $language in
c) standard=c99 ;;
c++) standard=c++11 ;;
*) exit 2 ;;
esac

status=0 count=0
for header in "$root"/include/walkback/*.h; do
    echo "#include <walkback/${header##*/}>" |
        "$@" -std=$standard -pedantic -Wall -Wextra -Werror -I "$root/include" -fsyntax-only \
            -x "$language" - || { echo "$header: not $standard"; status=1; }
    count=$((count + 1))
done
echo "$count headers"
[ "$count" -gt 1 ] || status=1
exit $status
