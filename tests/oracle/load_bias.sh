#!/bin/sh
# SPDX-License-Identifier: MIT
# Where in an ELF file an address of a process is, for all that linkers make of segments: code in a segment of its own or with read-only data, addresses
# that are not offsets (lld; --rosegment and its contrary), pages of 4, 16 and 64 KiB, a first address that is not 0, as Android's libraries have them; of
# mappings that list all segments, and of those that list the executable one alone, as perf records them. The oracle is what readelf and nm say of the file.
#
# usage: load_bias.sh WALKBACK
set -u
export LC_ALL=C

walkback=$(realpath "$1")
for tool in readelf nm awk; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2

cat >lib.c <<'EOF'
const char table[5000] = { 1 };
int data = 3;
int first(int x) { return x + data; }
int wanted(int x) { return first(x) * table[x & 7]; }
int (*pointer)(int) = wanted;
EOF
failed=0 count=0

# The mappings of a library at 0x7a00000000, in whole pages of $2 bytes, and the address of `wanted`: as the loader of Linux and Android's linker map them.
maps() { # LIBRARY PAGE ONLY-CODE
    {
        nm "$1" | awk '$3 == "wanted" { print "SYMBOL", $1 }'
        readelf -lW "$1" | awk '$1 == "LOAD" { flags = ""; for (i = 7; i < NF; i++) flags = flags $i; print "LOAD", $2, $3, $5, flags }'
    } | awk -v page="$2" -v only="$3" '
        function number(text,   i, value) {
            sub(/^0x/, "", text)
            value = 0
            for (i = 1; i <= length(text); i++)
                value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
            return value
        }
        function hex(value) { return sprintf("%x%07x", int(value / 268435456), value % 268435456) }
        function down(value) { return value - value % page }
        BEGIN { base = 122 * 4294967296 }
        $1 == "SYMBOL" { wanted = number($2) }
        $1 == "LOAD" {
            start = number($3); end = start + number($4)
            # The lowest page is at the base.
            if (!seen++) lowest = down(start)
            if (only && $5 !~ /E/) next
            print hex(base + down(start) - lowest) "-" hex(base + down(end + page - 1) - lowest), ($5 ~ /R/ ? "r" : "-") ($5 ~ /W/ ? "w" : "-") ($5 ~ /E/ ? "x" : "-") "p", hex(down(number($2))), "00:00 0 lib.so" >"snapshot/maps.txt"
        }
        END { print hex(base + wanted - lowest) }'
}

check() { # NAME REGISTER-OF-PC REGISTER-OF-SP PAGE REGISTER REGISTER: two more tell the architecture
    for only in 0 1; do
        rm -rf snapshot
        mkdir snapshot
        cp lib.so snapshot
        pc=$(maps lib.so "$4" $only)
        printf '%s: %s\n%s: 1000\n%s: 1\n%s: 2\n' "$2" "$pc" "$3" "$5" "$6" >snapshot/regs.txt
        image_pc=$(nm lib.so | awk '$3 == "wanted" { sub(/^0+/, "", $1); print "0x" $1 }')
        if "$walkback" stacks -q -f json snapshot | grep -q "\"image_pc\":\"$image_pc\",\"function\":\"wanted\""; then
            count=$((count + 1))
        else
            echo "$1, only code: $only: not wanted at $image_pc"
            cat snapshot/maps.txt
            "$walkback" stacks -q -f json snapshot
            failed=1
        fi
    done
}

# build NAME ARCHITECTURE PAGE COMPILER...
build() {
    name=$1 arch=$2 page=$3
    shift 3
    rm -f lib.so
    "$@" -O1 -g0 -fPIC -shared -nostdlib -o lib.so lib.c 2>/dev/null || return
    case $arch in
    x86_64) check "$name" rip rsp "$page" rbx rbp ;;
    aarch64) check "$name" pc sp "$page" x19 x29 ;;
    esac
}

for page in 4096 16384 65536; do
    sizes="-Wl,-z,max-page-size=$page -Wl,-z,common-page-size=$page"
    for kind in separate-code noseparate-code; do
        # shellcheck disable=SC2086
        {
            build "gcc, $kind, $page" x86_64 $page gcc $sizes -Wl,-z,$kind
            build "gcc of aarch64, $kind, $page" aarch64 $page aarch64-linux-gnu-gcc $sizes -Wl,-z,$kind
        }
    done
    for more in -Wl,--rosegment -Wl,--no-rosegment -Wl,-z,separate-code -Wl,-z,separate-loadable-segments -Wl,--image-base=0x10000 -Wl,-z,norelro; do
        # shellcheck disable=SC2086
        {
            build "lld, $more, $page" x86_64 $page clang --target=x86_64-linux-gnu -fuse-ld=lld $sizes $more
            build "lld of Android, $more, $page" aarch64 $page clang --target=aarch64-linux-android30 -fuse-ld=lld $sizes $more
        }
    done
done
[ $count -gt 0 ] || { echo "skipped: no compiler here links such libraries"; exit 77; }
echo "$count places in libraries as nm and readelf say"
exit $failed
