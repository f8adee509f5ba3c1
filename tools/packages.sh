# SPDX-License-Identifier: MIT
# Sourced by tools/demo.sh and tests/run.sh: installs the Debian or Ubuntu packages that a build
# needs and this machine lacks. Looks for the tools and headers themselves, so that nothing is
# asked of the network, or of root, where everything is there already.

# Packages found missing, each with a space before it.
missing=

fail() {
    echo "walkback: $1" >&2
    exit 1
}

need_command() {
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

# need_header PACKAGE HEADER...: one of the headers can be included.
need_header() {
    package=$1
    shift
    for header in "$@"; do
        if echo "#include <$header>" | cc -E -x c - >/dev/null 2>&1; then
            return
        fi
    done
    missing="$missing $package"
}

need_build_packages() {
    need_command cc gcc
    need_command meson meson
    need_command ninja ninja-build
    need_command pkg-config pkg-config
    need_header libc6-dev stdio.h
    need_header libdwarf-dev libdwarf/libdwarf.h libdwarf-0/libdwarf.h libdwarf-1/libdwarf.h \
        libdwarf-2/libdwarf.h \
        libdwarf.h
    need_header libzstd-dev zstd.h
    need_header zlib1g-dev zlib.h
    need_header libdeflate-dev libdeflate.h
    need_header libisal-dev isa-l/igzip_lib.h
    need_header liblzma-dev lzma.h
    need_header libiberty-dev libiberty/demangle.h
}

# Runs a command as root: directly, or through sudo (which may ask on a terminal).
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

install_missing() {
    if [ -z "$missing" ]; then
        echo "== packages: all there"
        return
    fi
    echo "== packages: installing$missing"
    command -v apt-get >/dev/null 2>&1 ||
        fail "missing packages, and no apt-get here to install them:$missing"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1 ||
        fail "neither root nor sudo; as root, run: apt-get install$missing"
    # An update that fails (one source of several is down) need not keep the install from working.
    as_root apt-get update -qq || echo "walkback: apt-get update did not succeed" >&2
    # shellcheck disable=SC2086 # a list of words on purpose
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
        fail "packages not installed; as root, run: apt-get install$missing"
}

# configure BUILD-FOLDER OPTION...: sets it up, or brings an existing one to these options. A cross
# file for it is named by $cross.
configure() {
    folder=$1
    shift
    if [ -f "$folder/build.ninja" ]; then
        meson configure "$folder" "$@" && return
        echo "== $folder does not fit any more; set up anew"
        rm -rf "$folder"
    fi
    meson setup ${cross:+--cross-file "$cross"} "$folder" . "$@"
}
