#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints one sample's stack as every given tool has it, side by side in order.

usage: show.py TID TIME FILE...        (forms of input: stacks.py; the first FILE sets the clock)
"""
import sys

sys.dont_write_bytecode = True
import agree
import stacks


def main():
    tid, time = int(sys.argv[1]), int(sys.argv[2])
    first = None
    for path in sys.argv[3:]:
        found, tool = stacks.read(path)
        first = first or found
        found = found if found is first else agree.align(first, found)
        names = agree.names_of(first, found)
        for key, stack in found.items():
            if key[:2] != (tid, time):
                continue
            print("%s: %d frames %s" % (tool, len(stack.frames), stack.stop))
            for i, frame in enumerate(stack.frames):
                print("  %3d %s %s" % (i, agree.show(frame, names, True), stack.hows[i] if stack.hows else ""))


if __name__ == "__main__":
    main()
