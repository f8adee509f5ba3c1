# SPDX-License-Identifier: MIT
# For windows.sh: compares the first cell of a line of `walkback rows` (call frame information) with the last (unwind codes). Each register is put as
# base + offset; where the bases differ, all offsets have to differ by the same. The first file has the instructions.
function read_cell(cell, bases, offsets,    n, parts, i, p, base, offset, at) {
    split("", bases)
    split("", offsets)
    n = split(cell, parts, " ")
    match(parts[1], /^[a-z0-9]+/)
    base = substr(parts[1], 1, RLENGTH)
    offset = substr(parts[1], RLENGTH + 1) + 0
    bases["cfa"] = base
    offsets["cfa"] = offset
    for (i = 2; i <= n; i++) {
        p = index(parts[i], "=")
        at = substr(parts[i], p + 2)
        sub(/\]/, "", at)
        match(at, /^[a-z0-9]+/)
        bases[substr(parts[i], 1, p - 1)] = substr(at, 1, RLENGTH) == "cfa" ? base : substr(at, 1, RLENGTH)
        offsets[substr(parts[i], 1, p - 1)] = substr(at, RLENGTH + 1) + (substr(at, 1, RLENGTH) == "cfa" ? offset : 0)
    }
}
NR == FNR {
    is_ret[$1] = $2 == "ret" || $2 == "retq"
    next
}
/^  0x/ {
    n = split($0, cells, "  cfa=")
    if (n < 3)
        next
    read_cell(cells[2], cb, co)
    read_cell(cells[n], wb, wo)
    compared++
    bad = ""
    address = cells[1]
    sub(/^ +/, "", address)
    sub(/-.*/, "", address)
    if (is_ret[address]) {
        rets++
        if (wb["cfa"] != "rsp" || wo["cfa"] != 8 || length(wo) != 2) {
            print name ": " address " is a ret"
            differ++
        }
        next
    }
    shift = co["cfa"] - wo["cfa"]
    if (cb["cfa"] == wb["cfa"] && shift)
        bad = " cfa"
    for (r in co)
        if (!(r in wo) ? r !~ /^xmm/ : co[r] - wo[r] != shift)
            bad = bad " " r
    for (r in wo)
        if (!(r in co) && r !~ /^xmm/)
            bad = bad " +" r
    if (bad != "") {
        print name ":" cells[1] bad
        differ++
    }
}
END {
    print name ": " compared + 0 " instructions, " rets + 0 " of them ret, " differ + 0 " differ"
    exit differ > 0 || compared < 200
}
