# SPDX-License-Identifier: MIT
"""Reads the stacks of three tools into one form, told by content:

* perf script of perf 7, made with  --no-inline --max-stack 4000 --ns -F comm,pid,tid,time,event,ip,sym,dso,dsoff
* samply's profile (import --save-only -o FILE.json or FILE.json.gz)
* walkback stacks -f json

A stack is a Stack: user frames only, innermost first. A frame is (module, offset, name): the path as recorded, the offset in
the file of its *lookup* address (pc - 1 for return addresses; all three tools give that), the name of the function or "".
Where no file is mapped, module is "" and offset the address in the process; code of a perf map has its name as module.
"""
import collections
import gzip
import json
import re
import struct

Frame = collections.namedtuple("Frame", "module offset name")
Stack = collections.namedtuple("Stack", "tid time pid event frames complete stop hows")

KERNEL = 0xFFFF800000000000


def read(path):
    """{(tid, time in ns, nth with this time): Stack}, and the tool's name."""
    with open(path, "rb") as file:
        head = file.read(2)
    opener = gzip.open if head == b"\x1f\x8b" else open
    with opener(path, "rt", encoding="utf-8", errors="replace") as file:
        start = file.read(20)
        file.seek(0)
        if start.startswith('{"meta"'):
            return _keyed(_read_samply(json.load(file))), "samply"
        if start.startswith("{"):
            return _keyed(_read_walkback(file)), "walkback"
        return _keyed(_read_perf(file)), "perf"


def shift(stacks, delta):
    """The same with all times moved: samply counts from its first sample."""
    return {(tid, time + delta, nth): stack for (tid, time, nth), stack in stacks.items()}


def _keyed(stacks):
    count = collections.Counter()
    keyed = {}
    for stack in stacks:
        key = (stack.tid, stack.time)
        keyed[key + (count[key],)] = stack
        count[key] += 1
    return keyed


def _place(path, offset, address, name=""):
    """Files and the vDSO by offset; generated code by the name that a perf map gives it; everything else by address."""
    if path == "[vdso]" or (path.startswith("/") and not path.startswith("//") and not path.endswith(".map")):
        return path, offset
    return ("[jit] " + name, 0) if name else ("", address)


# ---- perf script ----------------------------------------------------------------------------------------------------

_HEADER = re.compile(r"^(?P<comm>.*?)\s+(?P<pid>\d+)/(?P<tid>\d+)\s+(?P<s>\d+)\.(?P<ns>\d{9}):\s*(?:\d+\s+)?(?P<event>\S*?):?\s*$")
_FRAME = re.compile(r"^\s+([0-9a-f]+) (.*) \((.*?)(?:\+0x([0-9a-f]+))?\)$")


def _read_perf(lines):
    header, frames = None, []
    for line in lines:
        line = line.rstrip("\n")
        match = _FRAME.match(line)
        if match:
            address = int(match[1], 16)
            if address < KERNEL:
                name = "" if match[2] == "[unknown]" else match[2]
                offset = int(match[4], 16) if match[4] else address
                frames.append(Frame(*_place(match[3], offset, address, name), name))
            continue
        if header and not line:
            yield _perf_stack(header, frames)
            header, frames = None, []
        match = _HEADER.match(line)
        if match:
            header = match
    if header:
        yield _perf_stack(header, frames)


def _perf_stack(header, frames):
    time = int(header["s"]) * 10**9 + int(header["ns"])
    return Stack(int(header["tid"]), time, int(header["pid"]), header["event"], tuple(frames), None, "", ())


# ---- samply ---------------------------------------------------------------------------------------------------------


class _Elf:
    """Turns samply's relative addresses (from the first segment's address) into file offsets."""

    def __init__(self, path):
        self.base, self.segments = 0, []
        try:
            with open(path, "rb") as file:
                self._read(file)
        except (OSError, struct.error):
            pass

    def _read(self, file):
        ident = file.read(64)
        if ident[:4] != b"\x7fELF":
            return
        wide = ident[4] == 2
        if wide:
            phoff, size, count = *struct.unpack_from("<Q", ident, 32), *struct.unpack_from("<HH", ident, 54)
        else:
            phoff, size, count = *struct.unpack_from("<I", ident, 28), *struct.unpack_from("<HH", ident, 42)
        file.seek(phoff)
        table = file.read(size * count)
        for at in range(0, size * count, size):
            if wide:
                kind, _, offset, vaddr, _, filesz = struct.unpack_from("<IIQQQQ", table, at)
            else:
                kind, offset, vaddr, _, filesz = struct.unpack_from("<IIIII", table, at)
            if kind == 1:
                self.segments.append((vaddr, filesz, offset))
        if self.segments:
            self.base = min(vaddr for vaddr, _, _ in self.segments)

    def offset(self, relative):
        address = self.base + relative
        for vaddr, filesz, offset in self.segments:
            if vaddr <= address < vaddr + filesz:
                return address - vaddr + offset
        return relative


def _read_samply(profile):
    kernel = {i for i, c in enumerate(profile["meta"]["categories"]) if c["name"] == "Kernel"}
    elfs = [_Elf(lib["path"]) for lib in profile["libs"]]
    for thread in profile["threads"]:
        tid, pid = (int(str(thread[key]).split(".")[0]) for key in ("tid", "pid"))
        samples = thread["samples"]
        cache = {}
        for stack, time in zip(samples["stack"], samples["time"]):
            frames = _samply_frames(profile, thread, elfs, kernel, stack, cache)
            yield Stack(tid, round(time * 1e6), pid, "", frames, None, "", ())


def _samply_frames(profile, thread, elfs, kernel, stack, cache):
    frames, table = [], thread["stackTable"]
    while stack is not None:
        if stack not in cache:
            cache[stack] = _samply_frame(profile, thread, elfs, table["frame"][stack])
        if table["category"][stack] not in kernel and cache[stack] is not None:
            frames.append(cache[stack])
        stack = table["prefix"][stack]
    return tuple(frames)


def _samply_frame(profile, thread, elfs, frame):
    func = thread["frameTable"]["func"][frame]
    address = thread["frameTable"]["address"][frame]
    name = thread["stringArray"][thread["funcTable"]["name"][func]]
    resource = thread["funcTable"]["resource"][func]
    if resource is None or resource < 0:
        # "0x7f..." outside every library; labels have no address.
        return Frame("", int(name, 16), "") if name.startswith("0x") else None
    lib = thread["resourceTable"]["lib"][resource]
    if lib is None or address < 0:
        return None
    path = profile["libs"][lib]["path"]
    if path == "[vdso]":
        return Frame(path, address, "")
    if not elfs[lib].segments:
        name = "" if name.startswith("0x") else name
        return Frame(*_place("", address, address, name), name)
    return Frame(path, elfs[lib].offset(address), "")


# ---- walkback -------------------------------------------------------------------------------------------------------


def _read_walkback(lines):
    for line in lines:
        record = json.loads(line)
        if record.get("type") != "stack":
            continue
        frames, hows = [], []
        for frame in record["frames"]:
            address = int(frame.get("lookup_pc", frame["pc"]), 16)
            if frame.get("inlined") or address >= KERNEL:
                continue
            offset = int(frame.get("file_offset", frame.get("lookup_pc", frame["pc"])), 16)
            name = frame.get("function", "")
            frames.append(Frame(*_place(frame.get("module", ""), offset, address, name), name))
            hows.append(frame.get("how", ""))
        stop = record.get("stop", "")
        yield Stack(record["tid"], int(record["time_ns"], 0) if isinstance(record["time_ns"], str) else record["time_ns"],
                    record["pid"], record.get("event", ""), tuple(frames), stop == "root", stop, tuple(hows))
