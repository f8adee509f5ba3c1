#!/bin/sh
# SPDX-License-Identifier: MIT
# Files that go wrong while the command reads them, and output that finds no room or no reader, for every command: it ends by itself, with
# status 0 or 1, and says in lines of its own what it met; reads that are merely short change nothing. By faults.c, loaded into the command.
#
# usage: test_faults.sh WALKBACK TESTS-FOLDER FAULTS-MODULE
set -u
export LC_ALL=C

walkback=$1 tests=$2 module=$3
case " $("$walkback" --version | tr '\n' ' ') " in
*' zstd '*) ;;
*) echo "skip: zstd is not in this build"; exit 77 ;;
esac
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
failed=0 count=0 guarded=0

# The files of each call are there anew; a file that was cut is not a shorter copy.
fresh() {
    rm -rf "$dir/in" "$dir/cut"
    mkdir "$dir/in"
    cp "$tests/golden/demo/perf.data" "$tests/golden/demo/words" "$dir/in/"
    cp "$tests/../fuzz/corpus/core/x86_64" "$dir/in/core"
    cp "$tests/../fuzz/corpus/minidump/linux.dmp" "$tests/../fuzz/corpus/macho/thin-64-little" "$tests/../fuzz/corpus/pe/codes.exe" "$dir/in/"
    cp -r "$dir/folder" "$dir/in/folder" 2>/dev/null
}

fresh
"$walkback" snapshot -q --exe "$dir/in/words" "$dir/in/perf.data" -n 3 -o "$dir/folder" 2>/dev/null ||
    { echo "no snapshot to test with"; exit 1; }
samples=$(ls "$dir/folder")

call() {
    case $1 in
    stacks) set -- stacks -q -f json --exe "$dir/in/words" "$dir/in/perf.data" ;;
    folder) set -- stacks -q --trust-paths "$dir/in/folder" ;;
    symbolize) set -- symbolize -f -i -e "$dir/in/words" 401006 401391 4013a3 4014d0 ;;
    rows) set -- rows "$dir/in/words" ;;
    info) set -- info -q --exe "$dir/in/words" "$dir/in/perf.data" ;;
    object) set -- info -q "$dir/in/words" ;;
    core) set -- stacks -q -f json "$dir/in/core" ;;
    dump) set -- stacks -q -f minidump-json "$dir/in/linux.dmp" ;;
    macho) set -- rows "$dir/in/thin-64-little" ;;
    pe) set -- rows "$dir/in/codes.exe" ;;
    snapshot) set -- snapshot -q --exe "$dir/in/words" "$dir/in/perf.data" -n 3 -o "$dir/cut" ;;
    esac
    "$walkback" "$@"
}

# judge NAME STATUS: what every end must be.
judge() {
    count=$((count + 1))
    if [ "$2" -gt 1 ]; then
        echo "$1: status $2"
    elif [ "$2" = 1 ] && ! grep -q '^walkback: ' "$dir/err"; then
        echo "$1: fails, and does not say why"
    elif grep -v '^walkback: ' "$dir/err" >/dev/null; then
        echo "$1: a line that is not the command's:"
    else
        return
    fi
    cat "$dir/err"
    failed=$((failed + 1))
}

# faulty CALL FILE FAULT NTH
faulty() {
    fresh
    (
        export FAULT_FILE="$2" FAULT="$3" FAULT_NTH="$4" LD_PRELOAD="$module"
        call "$1"
    ) >"$dir/out" 2>"$dir/err" </dev/null
    status=$?
    judge "$1, $2: $3 from call $4" $status
    grep -q '^walkback: a file became shorter' "$dir/err" && guarded=$((guarded + 1))
    [ "$3" = short ] || return
    cmp -s "$dir/out" "$dir/whole" && [ $status = 0 ] && return
    echo "$1, $2: short reads from call $4 on change what is said"
    failed=$((failed + 1))
}

# Whether the module works here at all.
fresh
FAULT_FILE=in/perf.data FAULT=error FAULT_NTH=1 LD_PRELOAD=$module "$walkback" info "$dir/in/perf.data" >/dev/null 2>&1 &&
    { echo "skip: what is loaded before the C library is not used here"; exit 77; }

while read -r name files; do
    fresh
    call "$name" >"$dir/whole" 2>"$dir/err" || { echo "$name fails without a fault:"; cat "$dir/err"; failed=$((failed + 1)); continue; }
    for file in $files; do
        for fault in error short empty change shrink; do
            for nth in 1 2 3 7 20; do faulty "$name" "$file" $fault $nth; done
        done
    done
done <<EOF
stacks in/perf.data in/words
folder $(echo "$samples" | grep -E '^(maps.txt|regs.txt|stack.*data|words)$' | sed 's|^|in/folder/|' | tr '\n' ' ')
symbolize in/words
rows in/words
info in/perf.data in/words
object in/words
snapshot in/perf.data in/words
core in/core
dump in/linux.dmp
macho in/thin-64-little
pe in/codes.exe
EOF
# Some of the mapped files were cut under the command's hands.
if [ $guarded = 0 ]; then
    echo 'no file was cut while it was mapped'
    failed=$((failed + 1))
fi

# Nobody reads, or nothing can be written.
for name in stacks folder symbolize rows info object core dump pe; do
    fresh
    if [ -w /dev/full ]; then
        call $name >/dev/full 2>"$dir/err" </dev/null
        status=$?
        judge "$name, disk full" $status
        [ $status = 1 ] && grep -q 'No space left' "$dir/err" || { echo "$name, disk full: status $status"; cat "$dir/err"; failed=$((failed + 1)); }
    fi
    # The reader is gone before the command starts.
    { sleep 0.1; call $name 2>"$dir/err" </dev/null; echo $? >"$dir/status"; } | true
    while [ ! -s "$dir/status" ]; do sleep 0.1; done
    status=$(cat "$dir/status")
    rm -f "$dir/status"
    judge "$name, closed pipe" "$status"
    [ "$status" = 1 ] && grep -q 'Broken pipe' "$dir/err" || { echo "$name, closed pipe: status $status"; cat "$dir/err"; failed=$((failed + 1)); }
done
for nth in 1 2 3 4; do
    fresh
    FAULT_FILE=/cut/ FAULT=full FAULT_NTH=$nth LD_PRELOAD=$module call snapshot >"$dir/out" 2>"$dir/err"
    status=$?
    judge "snapshot, disk full from write $nth" $status
    [ $status = 1 ] && grep -q 'no space left' "$dir/err" || { echo "snapshot, disk full from write $nth: status $status"; cat "$dir/err"; failed=$((failed + 1)); }
done

echo "$count calls, $failed failed, $guarded with a file cut while it was mapped"
[ "$failed" = 0 ]
