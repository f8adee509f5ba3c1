#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the answers of two symbolizers for the same addresses, inlined call by inlined call, and prints every class of difference.

usage: agree_sites.py [-n EXAMPLES] [-e OBJECT] [-d PEER] [-w WITNESS]... OURS PEER        (forms of input: sites.py)

  -e OBJECT    the object: which symbols share an address, and what its source files are called
  -d PEER      the peer's answers for a copy of OBJECT without .symtab: what debug information alone says of names
  -w WITNESS   another tool's answers: counted where they have our side of the difference

An address is in every class in which one of its sites is. Classes whose name starts with "?" are not explained: one side is wrong there.
"""
import argparse
import collections
import os
import re
import sys

sys.dont_write_bytecode = True
import sites

MANGLED = ("_Z", "_R", "_D")


class Object:
    def __init__(self, path):
        self.starts, self.files = sites.symbols_of(path) if path else ({}, set())

    def is_alias(self, a, b):
        return bool(self.starts.get(a, set()) & self.starts.get(b, set()))


def names_plain(mangled, plain):
    """Whether a mangled name is that of a function called plain: its identifier with its length stands in it, or it is an operator's."""
    return mangled.startswith(MANGLED) and ("%d%s" % (len(plain), plain) in mangled or not re.fullmatch(r"[\w$]+", plain))


def class_of_name(own, other, dwarf, obj):
    if not other:
        return "name: the peer has none"
    if not own:
        return "? name: ours has none"
    if other.partition("@")[0] == own:
        return "name: the peer adds the symbol's version"
    if own == dwarf:
        return "name: of debug information; the peer's is the symbol table's"
    whole = other.partition(".")[0]
    if other != whole and (own == whole or obj.is_alias(own, whole)):
        return "name: symbol of the function; the peer's is that of its part or clone"
    if obj.is_alias(own, other) or (dwarf and obj.is_alias(own, dwarf)):
        return "name: one of several names of the same code"
    if dwarf and names_plain(own, dwarf):
        return "name: mangled symbol of the function; debug information has only its plain name"
    return "? name"


def class_of_file(own, other, obj):
    a, b = own.file, other.file
    if not a and not own.line and not other.line:
        return "file: no line, and none of ours; the peer names the unit or the symbol table's file"
    if not b and not own.line and a in obj.files:
        return "file: the symbol table's (STT_FILE), without a line; the peer has none"
    if not b:
        return "file and line: the peer has none"
    if b.endswith("<invalid>"):
        return "file: the peer's is invalid"
    if not a:
        return "? file: ours has none"
    if os.path.normpath(a) == os.path.normpath(b):
        return "file: spelled differently"
    parts = a.split("/")
    for i in range(1, len(parts)):
        # "./nscd/x.c" as "./nscd/./nscd/x.c": a folder put before a file name that has it already.
        folder = "/".join(parts[:i])
        if os.path.normpath(b) == os.path.normpath(folder + "/" + a):
            return "file: the peer repeats the folder"
    return "? file"


def classes_of(own, other, dwarf, obj):
    """[(class, level)] of one address."""
    if len(own) != len(other):
        if not other:
            return [("the peer has no answer", 0)]
        return [("? depth: ours has %d more" % (len(own) - len(other)) if len(own) > len(other) else "? depth: ours has fewer", 0)]
    found = []
    for i, (a, b) in enumerate(zip(own, other)):
        if a.function != b.function:
            plain = dwarf[i].function if dwarf and len(dwarf) == len(own) else ""
            found.append((class_of_name(a.function, b.function, plain, obj), i))
        if a.file != b.file:
            found.append((class_of_file(a, b, obj), i))
        if a.line != b.line and b.file:
            found.append(("line: 0 in one" if 0 in (a.line, b.line) else "? line", i))
        elif a.column != b.column and None not in (a.column, b.column) and b.file:
            found.append(("? column", i))
    return found


def support(own, other):
    """Which parts of the site a witness has as we do."""
    return own.function == other.function, own.file == other.file, own.line == other.line


def main():
    parser = argparse.ArgumentParser(description="compare the answers of two symbolizers address by address")
    parser.add_argument("-n", type=int, default=1, help="examples per class")
    parser.add_argument("-e", help="the object")
    parser.add_argument("-d", help="the peer's answers without a symbol table")
    parser.add_argument("-w", action="append", default=[], help="another tool's answers")
    parser.add_argument("ours")
    parser.add_argument("peer")
    args = parser.parse_args()

    ours, peer = sites.read(args.ours), sites.read(args.peer)
    dwarf = sites.read(args.d) if args.d else {}
    witnesses = [sites.read(path) for path in args.w]
    obj = Object(args.e)
    same, groups, supported = 0, collections.defaultdict(list), collections.Counter()
    for address in sorted(ours):
        own, other = ours[address], peer.get(address, [])
        found = classes_of(own, other, dwarf.get(address), obj)
        same += not found
        for kind in {kind for kind, _ in found}:
            level = next(i for k, i in found if k == kind)
            groups[kind].append((address, level))
            part = {"name": 0, "file": 1, "line": 2}.get(kind.lstrip("? ").partition(":")[0].split()[0])
            for witness in witnesses:
                seen = witness.get(address, [])
                if len(seen) == len(own) and part is not None and support(own[level], seen[level])[part]:
                    supported[kind] += 1
                    break
    levels = sum(map(len, ours.values()))
    print("%d addresses, %d sites: %d the same" % (len(ours), levels, same))
    for kind, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        print("%8d  %s%s" % (len(members), kind, "  (a witness has ours in %d)" % supported[kind] if witnesses else ""))
        for address, level in members[:args.n]:
            print("            %#x, level %d" % (address, level))
            for tool, answer in (("ours", ours[address]), ("peer", peer.get(address, []))):
                site = answer[level] if level < len(answer) else None
                print("              %s: %s" % (tool, "%s %s:%d:%s" % site if site else "-"))
    return 1 if any(kind.startswith("?") for kind in groups) else 0


if __name__ == "__main__":
    sys.exit(main())
