#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a package of split units and packs its index into an input of fuzz/fuzz_package.c.
# usage: package_seed.sh COMPILER VERSION PACKER SEED
set -eu

here=$(cd "$(dirname "$0")" && pwd)
seed=$(realpath -m "$4")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
"$1" -O2 -w "-gdwarf-$2" -gsplit-dwarf -c "$here/inlines.c" "$here/second.c"
"$3" inlines.dwo second.dwo -o package.dwp
# No section is larger than 255 times 16 bytes.
printf '\000\377' >"$seed"
objcopy -O binary --only-section=.debug_cu_index --set-section-flags .debug_cu_index=alloc package.dwp index
cat index >>"$seed"
