#!/bin/sh
# SPDX-License-Identifier: MIT
# Libraries that are mapped out of a zip archive, as Android maps them out of .apk files: cores, and snapshot folders of them, name the
# archive and an offset in it only. With a build id, and without one; the archive there, in another place, and gone.
#
# usage: apk.sh WALKBACK SOURCE-DIR
set -u
export LC_ALL=C

walkback=$(realpath "$1")
source=$(realpath "$2")
ulimit -c unlimited 2>/dev/null || { echo "skipped: core dumps are not allowed here"; exit 77; }
command -v gcc >/dev/null || { echo "skipped: no gcc"; exit 77; }
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2
export HOME="$folder" XDG_CACHE_HOME="$folder"

gcc -O2 -o apk "$source/apk.c" 2>/dev/null || { echo "skipped: not made here"; exit 77; }
# Two libraries with a function of one name, which calls the next one.
cat >lib.c <<'EOF'
__attribute__((noinline, visibility("hidden"))) int INNER(int (**next)(void *)) { volatile char room[SIZE]; room[0] = 1; return next[0](next + 1) + room[0]; }
__attribute__((noinline)) int step(void *next) { volatile char room[24]; room[0] = 2; return INNER(next) + room[0]; }
EOF
failed=0 count=0

frames() { # WALKBACK-ARGUMENT...
    "$walkback" stacks -q "$@" | awk '/^  #/ { name = $3; sub(/\+0x.*/, "", name); sub(/:$/, "", name); sub(/.*\(/, "", $0); sub(/\+0x.*/, "", $0); printf "%s:%s ", name, $0 } /^  complete/ { print "complete" }' |
        sed 's/.*die:/die:/; s/main:.*/main/'
}

expect() { # WHAT WANTED HAD
    if [ "$2" = "$3" ]; then
        count=$((count + 1))
    else
        echo "$1: frames are \"$3\", expected \"$2\""
        failed=1
    fi
}

# run KIND FLAG...: the libraries linked so
run() {
    kind=$1
    shift
    rm -rf snapshot whole away
    mkdir -p lib away
    for l in 1 2; do
        gcc -O2 -fomit-frame-pointer -g -shared -fPIC -nostdlib "$@" -DINNER=inner$l -DSIZE=$((l * 100)) -o lib/lib$l.so lib.c 2>/dev/null || { echo "$kind: cannot be linked here"; return; }
    done
    # shellcheck disable=SC2046
    set -- $(./apk make base.apk lib.c lib/lib1.so lib/lib2.so)
    rm -f core core.*
    sh -c "echo $filter >/proc/self/coredump_filter && exec ./apk run base.apk step $2 $3" >/dev/null 2>&1
    [ -f core ] || mv core.* core 2>/dev/null
    [ -f core ] || { echo "skipped: no core is written here"; exit 77; }
}

all='die:apk inner2:lib2.so step:lib2.so inner1:lib1.so step:lib1.so main'
# By its build id, a library is found in whichever archive of the name; that it is called as the archive is what the core says.
by_id='die:apk inner2:base.apk step:base.apk inner1:base.apk step:base.apk main'
# With all memory; then Linux's usual cores, which have the first page of a library only where it is a file's.
for filter in 0xff 0x33; do
    run "with build ids" -Wl,--build-id
    if [ $filter = 0xff ]; then
        expect "a core, $filter" "$by_id" "$(frames core)"
        found=$by_id
    else
        "$walkback" stacks -q core | grep -q 'base.apk: unverifiable' || { echo "$filter: an archive is not said to be unverifiable"; failed=1; }
        expect "a core, trusted, $filter" "$all" "$(frames --trust-paths core)"
        found=$all
    fi
    "$walkback" snapshot -q --trust-paths -o whole core
    expect "a snapshot with its objects, $filter" "$all" "$(frames whole)"
    "$walkback" snapshot -q --no-objects -o snapshot core
    mkdir root && cp base.apk root
    mv base.apk away
    expect "an archive found below a root, $filter" "$found" "$(frames --sysroot root core)"
    [ $filter = 0x33 ] || expect "an archive given by hand" "$found" "$(frames --exe away/base.apk core)"
    # No build ids in maps.txt: the offset tells.
    cp away/base.apk snapshot
    sed -i 's/ [^ ]*base.apk$/ base.apk/' snapshot/maps.txt
    expect "a snapshot folder, $filter" "$all" "$(frames --trust-paths snapshot)"
    if [ $filter = 0xff ]; then
        expect "only in memory, $filter" "die:apk ??:base.apk step:base.apk ??:base.apk step:base.apk main" "$(frames core)"
    fi
    rm -r root

    run "without build ids" -Wl,--build-id=none
    expect "trusted, $filter" "$all" "$(frames --trust-paths core)"
    [ $filter = 0xff ] || ! "$walkback" stacks -q core | grep -q 'step.*lib1.so' || { echo "$filter: another machine's archive is believed"; failed=1; }
done
echo "$count stacks through archives as expected"
exit $failed
