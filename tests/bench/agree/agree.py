#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the stacks of two tools on one recording, sample by sample, and prints every class of difference.

usage: agree.py [-n EXAMPLES] [-c CLASSES] OURS PEER        (forms of input: stacks.py)

Each sample falls in one class: same; adjacent (the same but for addresses that are one byte apart: exact or return address?);
longer (the peer's frames are the first part of ours); shorter (the other way round); differs (at the first other frame). Differences are grouped by the frame whose step differs, that is the last one
that both have, and by what each found next; "-" is the end of the stack. Examples are tid/time, the key in both inputs.
"""
import argparse
import collections
import os
import sys

sys.dont_write_bytecode = True
import stacks


def align(ours, peer):
    """samply counts time from a sample of its choice: the shift under which most keys meet."""
    if not ours or not peer or len(ours.keys() & peer.keys()) * 2 > min(len(ours), len(peer)):
        return peer
    shifts = collections.Counter()
    first = {}
    for tid, time, _ in sorted(ours, key=lambda key: key[1])[:50]:
        first.setdefault(tid, []).append(time)
    for tid, time, _ in sorted(peer, key=lambda key: key[1])[:50]:
        shifts.update(own - time for own in first.get(tid, ()))
    return stacks.shift(peer, shifts.most_common(1)[0][0]) if shifts else peer


def names_of(*tools):
    """{(module, offset): name} from every tool that names frames."""
    names = {}
    for tool in tools:
        for stack in tool.values():
            for frame in stack.frames:
                if frame.name:
                    names.setdefault(frame[:2], frame.name)
    return names


def show(frame, names, exact=False):
    if frame is None:
        return "-"
    module = os.path.basename(frame.module) or "?"
    name = names.get(frame[:2])
    if name and not exact:
        return "%s:%s" % (module, name)
    if name:
        return "%s:%s(+%#x)" % (module, name, frame.offset)
    return "%s:%#x" % (module, frame.offset) if frame.module else "%#x" % frame.offset


def distance(a, b):
    """0: the same frame; 1: one byte apart; 2: another."""
    return 2 if a.module != b.module else min(abs(a.offset - b.offset), 2)


def classify(own, other):
    """(class, index of the first frame that differs)."""
    i, adjacent = 0, None
    for a, b in zip(own.frames, other.frames):
        apart = distance(a, b)
        if apart == 2:
            return "differs", i
        if apart == 1 and adjacent is None:
            adjacent = i
        i += 1
    if len(own.frames) > i:
        return "longer", i
    if len(other.frames) > i:
        return "shorter", i
    return ("same", i) if adjacent is None else ("adjacent", adjacent)


def main():
    parser = argparse.ArgumentParser(description="compare the stacks of two tools sample by sample")
    parser.add_argument("-n", type=int, default=2, help="examples per class")
    parser.add_argument("-c", type=int, default=60, help="classes to print")
    parser.add_argument("-x", action="store_true", help="group by exact address, not by function")
    parser.add_argument("ours")
    parser.add_argument("peer")
    args = parser.parse_args()

    ours, ours_tool = stacks.read(args.ours)
    peer, peer_tool = stacks.read(args.peer)
    peer = align(ours, peer)
    names = names_of(ours, peer)
    totals, groups = collections.Counter(), collections.defaultdict(list)
    stops = collections.Counter()
    for key in sorted(ours.keys() | peer.keys(), key=lambda key: (key[1], key[0])):
        own, other = ours.get(key), peer.get(key)
        if not own or not other:
            # A sample without user frames is one that perf script and samply may leave out altogether.
            empty = not (own or other).frames
            totals["%s only%s" % (ours_tool if own else peer_tool, ", no user frames" if empty else "")] += 1
            continue
        kind, i = classify(own, other)
        totals[kind] += 1
        stops[kind, own.stop] += 1
        if kind == "same":
            continue
        last = own.frames[i - 1] if i else None
        next_own = own.frames[i] if i < len(own.frames) else None
        next_other = other.frames[i] if i < len(other.frames) else None
        if kind == "longer" and own.complete and len(own.frames) - i > 1:
            # What matters is where the peer stopped, not what came next.
            group = (kind, own.stop, show(last, names, args.x), "...", "-")
        else:
            group = (kind, own.stop, show(last, names, args.x), show(next_own, names, args.x), show(next_other, names, args.x))
        groups[group].append((key, i))

    print("%s: %d stacks, %d user frames" % (ours_tool, len(ours), sum(len(s.frames) for s in ours.values())))
    print("%s: %d stacks, %d user frames" % (peer_tool, len(peer), sum(len(s.frames) for s in peer.values())))
    for kind, count in totals.most_common():
        by_stop = ", ".join("%s %d" % (stop or "?", n) for (k, stop), n in stops.most_common() if k == kind)
        print("%8d  %s%s" % (count, kind, "  (%s)" % by_stop if by_stop and ours_tool == "walkback" else ""))
    if groups:
        print("\n   count  class    stop: last common frame -> %s | %s" % (ours_tool, peer_tool))
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    for (kind, stop, last, own, other), members in ordered[:args.c]:
        print("%8d  %-8s %s: %s -> %s | %s" % (len(members), kind, stop or "?", last, own, other))
        for (tid, time, nth), i in members[:args.n]:
            print("          tid %d time %d%s, frame %d" % (tid, time, "#%d" % nth if nth else "", i))
    if len(ordered) > args.c:
        rest = ordered[args.c:]
        print("%8d  in %d further classes" % (sum(len(m) for _, m in rest), len(rest)))


if __name__ == "__main__":
    main()
