# SPDX-License-Identifier: MIT
# llvm-readobj --unwind to rows: for each step of a prologue, the address behind it and what is known there, sorted. The codes of a
# function are listed from the last to the first ("x64 exception handling", Microsoft).
function hex(text,    i, value) {
    text = tolower(text)
    sub(/^0x/, "", text)
    for (i = 1; i <= length(text); i++)
        value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
    return value
}
function say(address,    text, reg, i, n, list, swap, j) {
    n = 0
    for (reg in at)
        list[++n] = reg "=[" base sprintf("%+d", base == "rsp" ? size - at[reg] : at_set - at[reg] - frame) "]"
    list[++n] = "rip=[" base sprintf("%+d", base == "rsp" ? size : at_set - frame) "]"
    list[++n] = "cfa=" base sprintf("%+d", (base == "rsp" ? size : at_set - frame) + 8)
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && list[j] < list[j - 1]; j--) {
            swap = list[j]; list[j] = list[j - 1]; list[j - 1] = swap
        }
    text = list[1]
    for (i = 2; i <= n; i++)
        text = text " " list[i]
    printf "%#x %s\n", address, text
}
/StartAddress:/ { match($0, /0x[0-9A-F]+/); start = hex(substr($0, RSTART, RLENGTH)); count = 0 }
/EndAddress:/ { match($0, /0x[0-9A-F]+/); end = hex(substr($0, RSTART, RLENGTH)) }
/Flags \[ \(0x4\)/ { chained = 1 }
/^ *0x[0-9A-F]+: [A-Z]/ { codes[++count] = $0 }
/^  }/ {
    size = at_set = 0
    base = "rsp"
    for (i = count; i >= 1 && !chained; i--) {
        n = split(codes[i], word, /[ :,=]+/)
        offset = hex(word[2])
        if (word[3] == "PUSH_NONVOL") {
            size += 8
            at[tolower(word[5])] = size
        } else if (word[3] ~ /^ALLOC_/) {
            size += word[5]
        } else if (word[3] ~ /^SAVE_/) {
            at[tolower(word[5])] = size - hex(word[7])
        } else if (word[3] == "SET_FPREG") {
            base = tolower(word[5])
            at_set = size
            frame = hex(word[7])
        }
        # The last of those at one place says all.
        if (i > 1 && codes[i - 1] ~ "^ *" word[2] ":")
            continue
        # Behind the prologue of an empty function is its epilogue, whose rows are told by its instructions.
        if (end - start > 8)
            say(start + offset)
    }
    chained = 0
    for (reg in at)
        delete at[reg]
}
