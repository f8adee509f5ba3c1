#!/bin/sh
# SPDX-License-Identifier: MIT
# The command's exit statuses and the one line that says what failed, for wrong usage, bad input and output that cannot be written.
#
# usage: test_cli.sh WALKBACK TESTS-FOLDER
set -u
export LC_ALL=C

walkback=$1 tests=$2
[ -x "$walkback" ] || { echo "$walkback: not there"; exit 1; }
# The recording that most calls read is compressed.
case " $("$walkback" --version | tr '\n' ' ') " in
*' zstd '*) ;;
*) echo "skip: zstd is not in this build"; exit 77 ;;
esac
demo=$tests/golden/demo
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
failed=0 count=0

# expect NAME STATUS ERROR-REGEX LINES COMMAND...: LINES is how many lines standard error has at most.
expect() {
    name=$1 status=$2 regex=$3 lines=$4
    shift 4
    "$@" >"$dir/out" 2>"$dir/err" </dev/null
    result=$?
    count=$((count + 1))
    if [ "$result" != "$status" ]; then
        echo "$name: status $result, expected $status"
        cat "$dir/err"
        failed=$((failed + 1))
    elif ! grep -q -E "^walkback: $regex" "$dir/err"; then
        echo "$name: no line like \"walkback: $regex\" in:"
        cat "$dir/err"
        failed=$((failed + 1))
    elif [ "$(wc -l <"$dir/err")" -gt "$lines" ]; then
        echo "$name: more than $lines lines:"
        cat "$dir/err"
        failed=$((failed + 1))
    fi
}

# One of the objects in a file. The seed is a fat Mach-O file of one part.
fat=$tests/../fuzz/corpus/macho/fat
expect 'a UUID that is none' 1 '--uuid: no UUID nor build id xyz' 2 "$walkback" info --uuid xyz "$fat"
expect 'half a digit pair' 1 '--uuid: no UUID nor build id DEADBEE' 2 "$walkback" info --uuid DEADBEE "$fat"
expect 'a UUID and an architecture' 1 '--uuid: tells the architecture, too' 2 "$walkback" info --uuid DEADBEEF --arch x86_64 "$fat"
expect 'a UUID that it has not' 1 '.*/fat: no object of that build id in it' 2 "$walkback" rows --uuid 00000000-0000-0000-0000-000000000000 "$fat"
"$walkback" info -q --uuid DEADBEEF-0405-0607-0809-0A0B0C0D0E0F "$fat" | grep -q 'build id    deadbeef0405060708090a0b0c0d0e0f' ||
    { echo 'by its UUID: not found'; failed=$((failed + 1)); }

# Wrong usage: 2.
expect 'no command' 2 'no command' 1 "$walkback"
expect 'unknown command' 2 'frobnicate: no such command' 1 "$walkback" frobnicate
expect 'annotate nothing' 2 'annotate: no capture' 1 "$walkback" annotate
expect 'annotate two' 2 'annotate: one capture at a time' 1 "$walkback" annotate x y
expect 'annotate as folded' 2 'annotate: -f folded: there are text and json' 1 "$walkback" annotate -f folded x
expect 'annotate by no strategy' 2 'annotate: --strategy none: not strategies' 1 "$walkback" annotate --strategy none x
expect 'annotate what is not there' 1 'x: no such file' 1 "$walkback" annotate x
expect 'audit nothing' 2 'audit: no capture, no object' 1 "$walkback" audit
expect 'audit for no number' 2 'audit: --bad-value zero: not a number' 1 "$walkback" audit --bad-value zero x
expect 'audit a capture for a value' 2 'audit: --bad-value is for objects' 1 "$walkback" audit --bad-value 1 x
expect 'audit as folded' 2 'audit: -f folded: there are text and json' 1 "$walkback" audit -f folded x
expect 'audit what is not there' 1 'x: no such file' 1 "$walkback" audit x
expect 'no capture' 2 'stacks: no capture' 1 "$walkback" stacks
expect 'two captures' 2 'stacks: one capture at a time' 1 "$walkback" stacks a b
expect 'unknown option' 2 'stacks: --frob: no such option' 1 "$walkback" stacks --frob x
expect 'unknown letter' 2 'stacks: -Z: no such option' 1 "$walkback" stacks -Z x
expect 'option without value' 2 'stacks: -o needs FILE' 1 "$walkback" stacks x -o
expect 'flag with value' 2 'stacks: --no-inline takes no value' 1 "$walkback" stacks --no-inline=1 x
expect 'bad number' 2 'stacks: -j: "two" is not N' 1 "$walkback" stacks -j two x
expect 'bad size' 2 'stacks: --max-memory=1T: "1T" is not SIZE' 1 "$walkback" stacks --max-memory=1T x
expect 'unknown format' 2 'stacks: -f yaml: no such format' 1 "$walkback" stacks -f yaml x
expect 'later format' 2 'stacks: -f pprof: this version does not write it' 1 "$walkback" stacks -f pprof x
expect 'unknown strategy' 2 'stacks: --strategy cfi,magic: there are' 1 "$walkback" stacks --strategy cfi,magic x
expect 'later strategy' 2 'stacks: --strategy sframe: there are' 1 "$walkback" stacks --strategy sframe x
expect 'meta for folded' 2 'stacks: --meta is for -f json and -f text' 1 "$walkback" stacks -f folded --meta x
expect 'no such format' 2 'symbolize: --format yaml: there are gnu, llvm and json' 1 "$walkback" symbolize --format yaml -e x 0
expect 'no map' 2 'symbolize: --map /src: it is FROM=TO' 1 "$walkback" symbolize --map /src -e x 0
expect 'no map for stacks' 2 'stacks: --map /src: it is FROM=TO' 1 "$walkback" stacks --map /src x
expect 'too many threads' 2 'symbolize: --threads: at most 64' 1 "$walkback" symbolize --threads 65 -e x 0
expect 'ambiguous option' 2 'symbolize: --s: no such option' 1 "$walkback" symbolize --s x
expect 'no folder' 2 'snapshot: no folder' 1 "$walkback" snapshot x
expect 'no object' 2 'rows: no object' 1 "$walkback" rows
expect 'info of nothing' 2 'info: no file' 1 "$walkback" info

# Bad input: 1 and one line that names the file.
: >"$dir/empty"
echo 'not a capture, but text' >"$dir/text"
mkdir "$dir/folder"
head -c 2000 "$demo/perf.data" >"$dir/cut"
expect 'missing file' 1 "$dir/none: no such file" 1 "$walkback" stacks "$dir/none"
expect 'empty file' 1 "$dir/empty: empty" 1 "$walkback" stacks "$dir/empty"
expect 'no capture' 1 "$dir/text: " 1 "$walkback" stacks "$dir/text"
expect 'empty folder' 1 "$dir/folder: " 1 "$walkback" stacks "$dir/folder"
expect 'empty input' 1 'standard input: empty' 1 "$walkback" stacks -
expect 'cut file' 1 "$dir/cut: " 2 "$walkback" stacks "$dir/cut"
printf 'PERFILE2\020\0\0\0\0\0\0\0' >"$dir/pipe"
expect 'cut pipe' 1 "$dir/pipe: .*the recording ends before it describes an event" 1 "$walkback" stacks "$dir/pipe"
mkfifo "$dir/fifo"
expect 'pipe by name' 1 "$dir/fifo: not a regular file" 1 "$walkback" info "$dir/fifo"
expect 'no such event' 0 "$demo/perf.data: no event cycles; there is cpu-clock:u" 2 "$walkback" stacks --event cycles "$demo/perf.data"
expect 'object as capture' 1 "$demo/words: " 1 "$walkback" stacks "$demo/words"
expect 'capture as object' 1 "$demo/perf.data: " 1 "$walkback" symbolize -e "$demo/perf.data" 0
expect 'no such object' 1 "$dir/none: no such file" 1 "$walkback" symbolize -e "$dir/none" 0
expect 'no such section' 1 "$demo/words: no section .frob" 1 "$walkback" symbolize -e "$demo/words" -j .frob 0
expect 'no such symbol' 1 "$demo/words: no symbol frob" 1 "$walkback" rows "$demo/words" frob
expect 'no such sample' 1 "$demo/perf.data: no sample 1000000" 1 \
    "$walkback" snapshot "$demo/perf.data" -n 1000000 -o "$dir/snap"
expect 'folder is there' 1 "$dir/folder: is there already" 1 "$walkback" snapshot "$demo/perf.data" -o "$dir/folder"
expect 'no kallsyms' 1 "$dir/none: " 1 "$walkback" stacks --kallsyms "$dir/none" "$demo/perf.data"

# The registers of one architecture, the object of another.
mkdir "$dir/wrong"
printf 'eip: 401000\nesp: ff001000\nebp: 0\n' >"$dir/wrong/regs.txt"
cp "$demo/words" "$dir/wrong/"
printf '400000-410000 r-xp 0 00:00 0 words\n' >"$dir/wrong/maps.txt"
expect 'wrong architecture' 1 "$dir/wrong/words: the object is of another architecture" 1 "$walkback" stacks "$dir/wrong"

# A module that is no object costs its frames, not the run.
mkdir "$dir/module"
printf 'rip: 401000\nrsp: ff001000\n' >"$dir/module/regs.txt"
echo 'not an object' >"$dir/module/words"
printf '400000-410000 r-xp 0 00:00 0 words\n' >"$dir/module/maps.txt"
expect 'unreadable module' 0 "$dir/module/words: " 4 "$walkback" stacks "$dir/module"

# A file of this host that nothing verifies is not used; nor does it get into a snapshot, whose own files are believed.
mkdir "$dir/host"
printf 'rip: 401000\nrsp: ff001000\n' >"$dir/host/regs.txt"
printf '400000-410000 r-xp 0 00:00 0 /bin/sh\n' >"$dir/host/maps.txt"
expect 'unverifiable file' 0 'not used, of this host: 1 file that' 4 "$walkback" stacks "$dir/host"
expect 'snapshot of it' 0 "$dir/host2: sample 0" 1 "$walkback" snapshot "$dir/host" -o "$dir/host2"
if [ -e "$dir/host2/sh" ] || [ "$(cat "$dir/host2/regs.txt")" != "$(printf 'rip: 401000\nrsp: ff001000')" ]; then
    echo 'snapshot of it: has the file, or other registers:'
    ls "$dir/host2"
    cat "$dir/host2/regs.txt"
    failed=$((failed + 1))
fi

# Output that cannot be written.
expect 'no such output folder' 1 "$dir/none/out: No such file" 1 "$walkback" stacks -o "$dir/none/out" "$demo/perf.data"
if [ -w /dev/full ]; then
    expect 'disk full' 1 '/dev/full: No space left' 4 "$walkback" stacks -q -o /dev/full "$demo/perf.data"
    expect 'disk full, symbolize' 1 'standard output: No space left' 1 \
        sh -c '"$1" symbolize -e "$2" 0 >/dev/full' sh "$walkback" "$demo/words"
fi
expect 'closed pipe' 1 'standard output: Broken pipe' 4 \
    sh -c '{ "$1" stacks -q "$2"; echo $? >"$3/status"; } | true; sleep 0.2; exit "$(cat "$3/status")"' sh \
    "$walkback" "$demo/perf.data" "$dir"

# What was read before the damage is in the output.
head -c 60000 "$demo/perf.data" >"$dir/half"
"$walkback" stacks -q -f json --exe "$demo/words" "$dir/half" >"$dir/out" 2>"$dir/err"
result=$?
count=$((count + 1))
if [ "$result" != 1 ] || [ "$(wc -l <"$dir/out")" -lt 100 ] || [ "$(wc -l <"$dir/err")" != 1 ]; then
    echo "cut in the middle: status $result, $(wc -l <"$dir/out") stacks"
    cat "$dir/err"
    failed=$((failed + 1))
fi

# Help and version are answers, not errors.
for call in --help --version 'stacks --help' 'symbolize --help' 'rows --help' 'info --help' 'snapshot --help'; do
    count=$((count + 1))
    # shellcheck disable=SC2086 # words on purpose
    if ! "$walkback" $call >"$dir/out" 2>"$dir/err" || [ ! -s "$dir/out" ] || [ -s "$dir/err" ]; then
        echo "$call: fails, prints nothing, or complains"
        failed=$((failed + 1))
    fi
done

# Standard input is answered line by line: the answer is there before the input ends.
mkfifo "$dir/in" "$dir/reply"
"$walkback" symbolize -f -e "$demo/words" <"$dir/in" >"$dir/reply" &
exec 3>"$dir/in" 4<"$dir/reply"
echo 0 >&3
count=$((count + 1))
read -r line <&4
[ "$line" = '??' ] || { echo "asked through a pipe: \"$line\""; failed=$((failed + 1)); }
exec 3>&- 4<&-
wait

# Nor does it wait for the end of a line that has only begun, nor mix two questions up.
"$walkback" symbolize -af -e "$demo/words" <"$dir/in" >"$dir/reply" &
exec 3>"$dir/in" 4<"$dir/reply"
printf '0x401482\n0x4013' >&3
replies=
for i in 1 2 3; do
    read -r line <&4
    replies="$replies$line "
done
printf '91\n' >&3
for i in 1 2 3; do
    read -r line <&4
    replies="$replies$line "
done
exec 3>&- 4<&-
wait
count=$((count + 1))
case $replies in
'0x0000000000401482 demo_sort /demo/demo_start.c:96 0x0000000000401391 demo_restore '*) ;;
*) echo "asked in pieces: \"$replies\""; failed=$((failed + 1)) ;;
esac

# same NAME: $dir/out and $dir/expected.
same() {
    count=$((count + 1))
    cmp -s "$dir/out" "$dir/expected" && return
    echo "$1:"
    diff "$dir/expected" "$dir/out" | head -5
    failed=$((failed + 1))
}

# The number of threads changes nothing; nor does a budget that keeps nothing, nor how the questions come.
i=0
while [ "$i" -lt 1500 ]; do
    printf '%x\n' $((0x401000 + i * 7919 % 1280))
    i=$((i + 1))
done >"$dir/many"
for i in 1 2 3 4 5 6 7 8; do
    cat "$dir/many"
done >"$dir/more"
for format in gnu llvm json; do
    "$walkback" symbolize -afi --format "$format" -e "$demo/words" <"$dir/more" >"$dir/expected"
    "$walkback" symbolize -afi --format "$format" --threads 3 -e "$demo/words" <"$dir/more" >"$dir/out"
    same "$format, three threads"
    "$walkback" symbolize -afi --format "$format" --threads 2 --max-memory 1 -e "$demo/words" <"$dir/more" >"$dir/out"
    same "$format, no budget"
    while read -r line; do echo "$line"; done <"$dir/more" | "$walkback" symbolize -afi --format "$format" -e "$demo/words" >"$dir/out"
    same "$format, line by line"
done
# shellcheck disable=SC2046 # words on purpose
"$walkback" symbolize -afi -e "$demo/words" $(cat "$dir/many") >"$dir/out"
"$walkback" symbolize -afi -e "$demo/words" <"$dir/many" >"$dir/expected"
same 'operands'
{ cat "$dir/many"; head -c 600000 /dev/zero | tr '\0' 1; echo; } | "$walkback" symbolize -afi -e "$demo/words" >"$dir/out"
printf '0x0000000000000000\n??\n??:0\n' >>"$dir/expected"
same 'a long line'

# Where sources are now, and why something is unknown.
"$walkback" symbolize --map /dem=/wrong --map /demo=/now --reasons -fp -e "$demo/words" 401482 1 >"$dir/out"
printf 'demo_sort at /now/demo_start.c:96\n?? ??:0 (no symbol covers the address, no unit covers the address)\n' >"$dir/expected"
same 'map and reasons'
"$walkback" stacks -q --map /demo=/now --exe "$demo/words" "$demo/perf.data" | sed 's, at /now/, at /demo/,' >"$dir/out"
"$walkback" stacks -q --exe "$demo/words" "$demo/perf.data" >"$dir/expected"
grep -q ' at /demo/' "$dir/expected" || echo 'map for stacks: there are no paths' >>"$dir/out"
same 'map for stacks'

# A module whose file is not had is not the same as an address where nothing is mapped.
"$walkback" stacks -q -f json "$demo/perf.data" | grep -o '"reason":"[^"]*"' | sort -u >"$dir/out"
echo '"reason":"a file of the image is not had"' >"$dir/expected"
same 'reasons of stacks'

# An object that shrinks while it is mapped: one line, status 1, no crash.
cp "$demo/words" "$dir/shrinks"
mkfifo "$dir/in2"
rm -f "$dir/out"
"$walkback" symbolize -f -e "$dir/shrinks" <"$dir/in2" >"$dir/out" 2>"$dir/err" &
exec 3>"$dir/in2"
echo 0x401006 >&3
tries=0
while [ ! -s "$dir/out" ] && [ "$tries" -lt 100 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
: >"$dir/shrinks"
# The command may have ended by now, and then nobody reads.
(
    trap '' PIPE
    for address in 401391 4013a3 4014d0 401482 401162; do echo $address; done >&3 2>/dev/null
)
exec 3>&-
wait $!
result=$?
count=$((count + 1))
# What is cached by then can be answered without the file.
if [ "$result" != 0 ] && { [ "$result" != 1 ] || ! grep -q '^walkback: a file became shorter' "$dir/err"; }; then
    echo "file that shrinks: status $result"
    cat "$dir/err"
    failed=$((failed + 1))
fi

echo "$count calls, $failed failed"
[ "$failed" = 0 ]
