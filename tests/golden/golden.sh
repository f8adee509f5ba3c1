#!/bin/sh
# SPDX-License-Identifier: MIT
# Golden output of the command: each NAME.args in a folder holds the arguments of one call, which
# is made in that folder; NAME.expect holds its standard output, its standard error and its status.
# A file `needs` in the folder names the optional parts without which its calls are skipped.
#
# usage: golden.sh WALKBACK FOLDER [--update]
#   --update   writes the .expect files anew; read their difference before it goes in
set -u
export LC_ALL=C

walkback=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") folder=$2 update=${3-}
[ -x "$walkback" ] || { echo "$walkback: not there"; exit 1; }
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$folder" || exit 2
status=0 count=0

features=" $("$walkback" --version | tr '\n' ' ') "
for need in $(cat needs 2>/dev/null); do
    case $features in
    *" $need "*) ;;
    *) echo "skip: $need is not in this build"; exit 77 ;;
    esac
done

for args in *.args; do
    name=${args%.args}
    # Words split as a shell splits them, so that an argument can be quoted.
    eval "\"\$walkback\" $(cat "$args")" >"$dir/out" 2>"$dir/err" </dev/null
    result=$?
    {
        cat "$dir/out"
        echo "--- standard error"
        cat "$dir/err"
        echo "--- status $result"
    } >"$dir/actual"
    count=$((count + 1))
    if [ "$update" = --update ]; then
        cp "$dir/actual" "$name.expect"
    elif ! diff -u "$name.expect" "$dir/actual"; then
        echo "$folder/$name: differs; if it is meant to: golden.sh WALKBACK FOLDER --update"
        status=1
    fi
done
echo "$count calls"
[ -e "$args" ] || status=1
exit $status
