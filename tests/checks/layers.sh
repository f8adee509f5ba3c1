#!/bin/sh
# SPDX-License-Identifier: MIT
# Who may include whom, who may include which library, and which files may know the operating
# system or an architecture by name. Prints each violation; the status is 1 if there was one.
#
# usage: layers.sh SOURCE-ROOT
set -u
export LC_ALL=C

cd "$1" || exit 2
found=$(mktemp) || exit 2
trap 'rm -f "$found"' EXIT

# includes FOLDER...: every include as "FILE TARGET", the target with its brackets or quotes.
includes() {
    find "$@" -name '*.[ch]' -exec awk '
        /^[ \t]*#[ \t]*include[ \t]/ {
            target = $0
            sub(/^[ \t]*#[ \t]*include[ \t]+/, "", target)
            sub(/[ \t]*(\/\*.*)?$/, "", target)
            print FILENAME, target
        }' {} +
}

# allow FOLDER REGEX: our own headers that files under FOLDER may include; REGEX is over the path
# inside the quotes or brackets. Others than ours are no matter here.
allow() {
    includes "$1" | awk -v folder="$1" -v allowed="^($2)\$" '
        {
            path = substr($2, 2, length($2) - 2)
            ours = substr($2, 1, 1) == "\"" || path ~ /^walkback\//
            if (ours && path !~ allowed)
                print $1 ": may not include " $2
        }'
}

# one_includer REGEX: at most one file of the product includes headers like these.
one_includer() {
    includes lib formats tools include | awk -v wanted="$1" '
        $2 ~ wanted && !($1 in seen) { seen[$1] = 1; files = files " " $1; count++ }
        END { if (count > 1) print "more than one includer of " wanted ":" files }'
}

# code FILE...: the files without comments and strings, as "FILE:LINE: text".
code() {
    awk '
        FNR == 1 { comment = 0 }
        {
            text = $0
            gsub(/"([^"\\]|\\.)*"/, "\"\"", text)
            out = ""
            while (text != "") {
                if (comment) {
                    end = index(text, "*/")
                    if (!end)
                        break
                    text = substr(text, end + 2)
                    comment = 0
                } else {
                    start = index(text, "/*")
                    line = index(text, "//")
                    if (line && (!start || line < start)) {
                        out = out substr(text, 1, line - 1)
                        break
                    }
                    if (!start) {
                        out = out text
                        break
                    }
                    out = out substr(text, 1, start - 1)
                    text = substr(text, start + 2)
                    comment = 1
                }
            }
            print FILENAME ":" FNR ": " out
        }' "$@"
}

{
    allow include 'walkback/[a-z]+\.h'
    allow lib/base 'config\.h|walkback/base\.h|base/[a-z0-9_]+\.h'
    allow lib/model 'config\.h|walkback/(base|unwind)\.h|(base|model)/[a-z0-9_]+\.h'
    allow lib/unwind 'config\.h|walkback/(base|inspect|unwind)\.h|(base|model|unwind)/[a-z0-9_]+\.h'
    allow lib/symbols 'config\.h|walkback/(base|inspect|unwind|symbolize)\.h|(base|model|symbols)/[a-z0-9_]+\.h'
    allow formats 'config\.h|walkback/[a-z]+\.h|base/[a-z0-9_]+\.h|model/(arch|image|object|session|space)\.h|formats/[a-z0-9_]+\.h'
    allow tools 'walkback/[a-z]+\.h|tools/[a-z0-9_]+\.h|[a-z0-9_]+\.h'

    one_includer '<(libdwarf.*/)?(libdwarf|dwarf)\.h>|WB_LIBDWARF_'
    one_includer '<zstd.*\.h>'
    one_includer '<zlib\.h>|<libdeflate\.h>|<isa-l/igzip_lib\.h>'
    one_includer '<lzma\.h>'
    one_includer '<(libiberty/)?demangle\.h>'

    # The operating system: base/file and base/lock alone.
    includes lib formats | awk '
        $2 ~ /^<(sys\/.*|unistd|fcntl|dirent|pthread|sched|signal|poll|dlfcn|threads)(\.h)?>$/ &&
        $1 !~ /^lib\/base\/(file|lock)\.[ch]$/ { print $1 ": may not include " $2 }'

    # Architectures: in lib/unwind only the instruction decoders and the formats that belong to one.
    find lib/unwind -name '*.[ch]' ! -name 'code_*' ! -name 'compact*' ! -name 'strat_compact*' ! -name 'strat_windows*' \
        ! -name 'strat_ehabi*' ! -name 'go_threads*' | while read -r file; do code "$file"; done |
        grep -E 'WB_ARCH_|[Xx]86|X86|[Aa]md64|AMD64|[Aa]arch64|AARCH64|[Ii]386|[Rr]iscv|RISCV|S390|s390|PPC|ppc64' |
        grep -v -E '^[^:]*:[0-9]+: [^A-Z]*WB_ARCH_UNKNOWN[^A-Z]*$' |
        sed 's/$/   (names an architecture)/'
} >"$found"

cat "$found"
files=$(find include lib formats tools -name '*.[ch]' | wc -l)
echo "$files files"
[ "$files" -gt 0 ] && [ ! -s "$found" ]
