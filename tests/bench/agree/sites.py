# SPDX-License-Identifier: MIT
"""Reads the answers of symbolizers into one form, told by content:

* walkback symbolize --format json --no-demangle, addresses on standard input
* llvm-symbolizer --output-style=JSON --no-demangle, addresses on standard input
* addr2line -a -f -i, GNU's and gimli's

An answer is a list of Site, innermost inlined call first. What is unknown is "" or 0; column is None where a tool gives none.
"""
import collections
import json
import subprocess

Site = collections.namedtuple("Site", "function file line column")


def read(path):
    """{address: [Site]}"""
    with open(path, encoding="utf-8", errors="replace") as file:
        start = file.read(1)
        file.seek(0)
        return _read_json(file) if start == "{" else _read_addr2line(file)


def _read_json(file):
    answers = {}
    for line in file:
        answer = json.loads(line)
        answers[int(answer["Address"], 16)] = [
            Site(s["FunctionName"], s["FileName"], s["Line"], s["Column"]) for s in answer.get("Symbol", ())
        ]
    return answers


def _read_addr2line(file):
    answers, sites, function = {}, None, None
    for line in file:
        line = line.rstrip("\n")
        if line.startswith("0x"):
            sites, function = answers.setdefault(int(line, 16), []), None
            sites.clear()
        elif function is None:
            function = line
        else:
            name, _, number = line.partition(" (discriminator")[0].rpartition(":")
            sites.append(Site(function.replace("??", ""), name.replace("??", ""), int(number) if number.isdigit() else 0, None))
            function = None
    return answers


def symbols_of(path):
    """{name: starts} of an object's code symbols, and the names of its source files (STT_FILE)."""
    table = subprocess.run(["readelf", "-sW", path], capture_output=True, text=True, check=False).stdout
    starts, files = collections.defaultdict(set), set()
    for fields in map(str.split, table.splitlines()):
        if len(fields) >= 8 and fields[3] == "FILE":
            files.add(fields[7])
        elif len(fields) >= 8 and fields[3] in ("FUNC", "IFUNC", "NOTYPE") and fields[6] != "UND":
            starts[fields[7].partition("@")[0]].add(int(fields[1], 16))
    return starts, files
