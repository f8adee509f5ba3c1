#!/bin/sh
# SPDX-License-Identifier: MIT
# Packs the debug sections of an object into an input of fuzz/fuzz_dwarf.c.
# usage: dwarf_seed.sh OBJECT SEED
set -eu

octal() {
    printf '\\%03o' "$1"
}

section=$(mktemp)
trap 'rm -f "$section"' EXIT
printf '\000' >"$2"
id=0
# In the order of enum wb_dwarf_section.
for name in info abbrev line str line_str str_offsets addr ranges rnglists aranges loc loclists; do
    objcopy -O binary --only-section=".debug_$name" --set-section-flags ".debug_$name=alloc" "$1" "$section" 2>/dev/null
    size=$(wc -c <"$section")
    if [ "$size" -gt 0 ]; then
        # shellcheck disable=SC2059 # the format is the bytes
        printf "$(octal $id)$(octal $((size % 256)))$(octal $((size / 256)))" >>"$2"
        cat "$section" >>"$2"
    fi
    : >"$section"
    id=$((id + 1))
done
