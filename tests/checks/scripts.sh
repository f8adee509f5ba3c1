#!/bin/sh
# SPDX-License-Identifier: MIT
# Every shell script of the project parses, as the shell that its first line names.
#
# usage: scripts.sh SOURCE-ROOT
set -u
export LC_ALL=C

cd "$1" || exit 2
status=0 count=0
for script in .ci/run $(find tools tests fuzz -name '*.sh' | sort); do
    case $(head -n 1 "$script") in
    '#!/bin/bash') shell=bash ;;
    *) shell=sh ;;
    esac
    $shell -n "$script" || status=1
    count=$((count + 1))
done
echo "$count scripts"
[ "$count" -gt 1 ] || status=1
exit $status
