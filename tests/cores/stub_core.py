# SPDX-License-Identifier: MIT
# For gdb, connected to qemu's stub: writes a core as Linux would for 64-bit RISC-V to the file named in `core`, which gdb cannot do
# without the kernel it runs on. Layouts: Linux, include/uapi/linux/elfcore.h; arch/riscv/include/uapi/asm/ptrace.h.
import struct

import gdb

PAGE = 4096
NAMES = ('pc ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6').split()


def register(name):
    return int(gdb.selected_frame().read_register(name)) & 0xffffffffffffffff


def page(address):
    try:
        return bytes(gdb.selected_inferior().read_memory(address, PAGE))
    except gdb.MemoryError:
        return None


def note(kind, data):
    return struct.pack('<III', 5, len(data), kind) + b'CORE\0\0\0\0' + data + bytes(-len(data) % 4)


def auxv():
    words = []
    for line in gdb.execute('info auxv', to_string=True).splitlines():
        value = line.split()[-1]
        if value[0] != '"':
            words += [int(line.split()[0]), int(value, 0)]
        else:                       # AT_EXECFN and the like: an address, then what it shows
            words += [int(line.split()[0]), int(line.split()[-2], 0)]
    return struct.pack('<%dQ' % len(words), *words)


def prstatus(thread):
    thread.switch()
    gdb.newest_frame().select()
    return struct.pack('<iiihHQQiiii64x', 11, 0, 0, 11, 0, 0, 0, thread.ptid[1], 0, 0, 0) + \
        struct.pack('<32Q', *[register(name) for name in NAMES]) + bytes(8)


def memory():
    """The stack, and code that is in no file: where handlers return to."""
    pages = {}
    at = register('sp') & -PAGE
    while page(at) is not None:
        pages[at] = page(at)
        at += PAGE
    frame = gdb.newest_frame()
    while frame:
        for at in (frame.pc() & -PAGE, int(frame.read_register('sp')) & -PAGE):
            if page(at) is not None:
                pages[at] = page(at)
        frame = frame.older()
    return pages


notes = note(1, prstatus(gdb.selected_thread())) + note(6, auxv())
pages = memory()
count = 1 + len(pages)
start = 64 + 56 * count
offset = start + len(notes)
offset += -offset % PAGE
with open(core, 'wb') as file:
    file.write(b'\177ELF\2\1\1' + bytes(9))
    file.write(struct.pack('<HHIQQQIHHHHHH', 4, 243, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0))
    file.write(struct.pack('<IIQQQQQQ', 4, 4, start, 0, 0, len(notes), 0, 4))
    for i, at in enumerate(sorted(pages)):
        file.write(struct.pack('<IIQQQQQQ', 1, 6, offset + i * PAGE, at, 0, PAGE, PAGE, PAGE))
    file.write(notes)
    file.write(bytes(offset - file.tell()))
    for at in sorted(pages):
        file.write(pages[at])
