# SPDX-License-Identifier: MIT
# For gdb: writes "TID PC" a frame, innermost first, threads by number, to the file named in `out`. Inlined calls are no frames of the
# machine, nor are the tail calls that gdb concludes from debug information, nor what it shows behind a return address of 0.
import gdb

lines = []
for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.ptid[1]):
    thread.switch()
    tid = thread.ptid[1] or thread.ptid[0]
    frame = gdb.newest_frame()
    count = 0
    while frame and count < 2000 and (count == 0 or frame.pc()):
        if frame.type() == gdb.SIGTRAMP_FRAME:
            lines.append('%d signal\n' % tid)
        elif frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            lines.append('%d %x\n' % (tid, frame.pc() & 0xffffffffffffffff))
        count += 1
        try:
            frame = frame.older()
        except gdb.error:
            break
open(out, 'w').writelines(lines)
