#!/usr/bin/env python3
"""Checks which folder includes which, and a few rules of the house that a compiler does not know.

    tools/check_layering.py [ROOT]       checks the tree; exit 1 and file:line for what is wrong
    tools/check_layering.py --self-test  checks the checks: each must find its own bad file

The rules are the tables below. Standard library only.
"""

import argparse
import pathlib
import re
import sys
import tempfile

# A room is a folder; the longest match wins. Each room may include itself and what stands here.
MAY_INCLUDE = {
    "base": "",
    "schemas": "base",
    "log": "base schemas",
    "ipc": "base schemas",
    "broker": "base schemas log ipc",
    "client/include": "base",
    "client": "base schemas log ipc client/include",
    "client/mcp": "base schemas log ipc client/include client",
    "tools": "base schemas log ipc client/include client tools/monitor tools/top",
    "tools/top": "base ipc client/include tools tools/monitor",
    "tools/monitor": "base ipc client/include tools",
    "tools/dashboard": "base ipc client/include tools tools/monitor",
    "examples": "client/include",
    "tests": "base schemas log ipc broker client/include client client/mcp tools tools/monitor tools/top tools/dashboard",
    "benchmarks": "base schemas log ipc broker client/include client client/mcp tests",
}

# What is included as "roost/..." is the public API.
ROOM_OF_PREFIX = {"roost": "client/include"}

# Headers (also of others) with few places to include them from, and why.
ONLY_IN = [
    (r"log/\w+_writer\.h", "log broker tests benchmarks", "the log has one writer, and it is roostd"),
    (r"\w+/\w*json_rpc\w*\.h|client/mcp/.*", "client/mcp tests benchmarks", "only the shim knows JSON-RPC"),
    (r"schemas/control_generated\.h", "ipc broker client tests benchmarks", "the wire is between broker and client"),
    (r"boost/interprocess/.*", "base benchmarks", "mappings are base/mapping.h"),
    (r"boost/json(/src)?\.hpp", "base broker client client/mcp tools tests benchmarks", "data is bytes to everybody else"),
    (r"re2/.*", "broker", "only the policy has regular expressions"),
    (r"CLI/.*", "broker client/mcp tools benchmarks", "only programs have command lines"),
    (r"curses\.h|term\.h", "tools/top", "only roost top has a whole screen"),
    (r"boost/(asio|beast)/.*", "tools/dashboard", "only the dashboard talks HTTP by Beast"),
    (r"toml\+\+/.*", "broker", "only roostd has a configuration file"),
]

# The installed headers stand alone: besides themselves and the standard library, only this one.
PUBLIC_ROOM = "client/include"
PUBLIC_MAY_INCLUDE = {"base/status.h"}

SOURCE_SUFFIXES = {".h", ".cc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# Put together here, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")
UNFINISHED_SUFFIXES = SOURCE_SUFFIXES | {".py", ".sh", ".fbs", ".cmake", ".mjs", ".js", ".txt"}


def room_of(path):
    """The room that a path from the root is in, or None."""
    parts = pathlib.PurePosixPath(path).parts
    if parts and parts[0] in ROOM_OF_PREFIX and len(parts) > 1:
        return ROOM_OF_PREFIX[parts[0]]
    for length in range(len(parts) - 1, 0, -1):
        if "/".join(parts[:length]) in MAY_INCLUDE:
            return "/".join(parts[:length])
    return None


def guard_of(path):
    """ROOST_<PATH>_H_; the public headers are named as users include them."""
    name = path.removeprefix("client/include/roost/")
    return "ROOST_" + re.sub(r"[^A-Za-z0-9]", "_", name).upper() + "_"


def check_include(room, bracket, name):
    """What is wrong with `name` included from `room`, or None."""
    for pattern, rooms, why in ONLY_IN:
        if re.fullmatch(pattern, name) and room not in rooms.split():
            return f"{room}/ includes {name}: {why}"
    target = room_of(name)
    if bracket == "<":
        return f'<{name}> is ours: write "{name}"' if target else None
    if target is None:
        return f'"{name}" is in no room: name it from the root, or write <{name}> if it is not ours'
    if room == PUBLIC_ROOM and target != PUBLIC_ROOM and name not in PUBLIC_MAY_INCLUDE:
        return f"a public header includes {name}, which is not installed"
    if target != room and target not in MAY_INCLUDE[room].split():
        return f"{room}/ may not include {target}/ ({name})"
    return None


def check_guard(path, lines):
    guard = guard_of(path)
    directives = [(number, line.split()) for number, line in lines if line.lstrip().startswith("#")]
    if len(directives) < 3 or directives[0][1][:2] != ["#ifndef", guard]:
        return (directives[0][0] if directives else 1), f"the include guard must be {guard}"
    if directives[1][1][:2] != ["#define", guard]:
        return directives[1][0], f"#define {guard} must follow its #ifndef"
    return None


def check_file(root, path):
    """Yields (line, message)."""
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    lines = list(enumerate(text.splitlines(), start=1))
    suffix = pathlib.PurePosixPath(path).suffix
    for number, line in lines:
        if UNFINISHED.search(line):
            yield number, f"unfinished: {UNFINISHED.search(line).group(1)}"
    if suffix not in SOURCE_SUFFIXES:
        return
    room = room_of(path)
    if room is None:
        yield 1, "this folder is in no room of tools/check_layering.py"
        return
    for number, line in lines:
        include = INCLUDE.match(line)
        if include and (message := check_include(room, *include.groups())):
            yield number, message
    if suffix == ".h" and (wrong := check_guard(path, lines)):
        yield wrong


def files_of(root):
    top = {room.split("/")[0] for room in MAY_INCLUDE} | {"cmake"}
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        first = path.split("/")[0]
        if "node_modules" in path or not file.is_file():
            continue
        in_a_room = first in top or (file.suffix in SOURCE_SUFFIXES and first not in ("build", ".git"))
        if in_a_room and file.suffix in UNFINISHED_SUFFIXES:
            yield path


def check_tree(root):
    """Returns (number of files, ["file:line: message", ...])."""
    paths = list(files_of(root))
    found = [f"{path}:{line}: {message}" for path in paths for line, message in check_file(root, path)]
    return len(paths), found


def header(path, *lines):
    guard = guard_of(path)
    return "\n".join([f"#ifndef {guard}", f"#define {guard}", *lines, f"#endif  // {guard}", ""])


def self_test():
    """Each bad file must be found at its line, and a good tree must be silent."""
    good = {
        "base/status.h": header("base/status.h", "#include <string>"),
        "log/ring_reader.h": header("log/ring_reader.h", '#include "base/status.h"'),
        "log/log_writer.h": header("log/log_writer.h", '#include "base/status.h"'),
        "broker/broker.cc": '#include "log/log_writer.h"\n',
        "client/include/roost/client.h": header("client/include/roost/client.h", '#include "base/status.h"'),
        "client/client.cc": '#include "roost/client.h"\n\n#include "log/ring_reader.h"\n',
        "client/mcp/main.cc": '#include "client/mcp/json_rpc.h"\n#include <boost/json.hpp>\n',
        "client/mcp/json_rpc.h": header("client/mcp/json_rpc.h", "#include <string>"),
        "tests/log/log_writer_test.cc": '#include "log/log_writer.h"\n#include <gtest/gtest.h>\n',
        "examples/append/main.cc": '#include "roost/client.h"\n',
    }
    bad = [
        ("base/x.cc", '#include "log/ring_reader.h"\n', 1, "base/ may not include log/"),
        ("log/x.cc", '#include <vector>\n#include "ipc/protocol.h"\n', 2, "log/ may not include ipc/"),
        ("broker/x.cc", '#include "client/client.h"\n', 1, "broker/ may not include client/"),
        ("client/x.cc", '#include "broker/broker.h"\n', 1, "client/ may not include broker/"),
        ("client/x.cc", '#include "log/log_writer.h"\n', 1, "one writer"),
        ("tools/x.cc", '#include "log/ring_writer.h"\n', 1, "one writer"),
        ("client/x.cc", '#include "client/mcp/json_rpc.h"\n', 1, "JSON-RPC"),
        ("log/x.cc", '#include "schemas/control_generated.h"\n', 1, "wire"),
        ("client/x.cc", "#include <boost/interprocess/mapped_region.hpp>\n", 1, "base/mapping.h"),
        ("client/include/roost/x.h", header("client/include/roost/x.h", '#include "base/check.h"'), 3, "not installed"),
        ("examples/x/main.cc", '#include "client/connection.h"\n', 1, "examples/ may not include client/"),
        ("log/x.cc", '#include "ring_reader.h"\n', 1, "from the root"),
        ("log/x.cc", "#include <base/status.h>\n", 1, "is ours"),
        ("attic/x.cc", "int x;\n", 1, "in no room"),
        ("log/x.h", "#pragma once\n", 1, "ROOST_LOG_X_H_"),
        ("log/x.h", "#ifndef ROOST_LOG_X_H_\n#define ROOST_X_H_\n#endif\n", 2, "must follow"),
        ("log/x.cc", "int x;\n// TO" + "DO: more\n", 2, "unfinished"),
        ("tools/x.py", "# FIX" + "ME\n", 1, "unfinished"),
    ]
    wrong = []
    for case in [None, *bad]:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            files = dict(good)
            if case:
                files[case[0]] = case[1]
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            _, found = check_tree(root)
        if case is None:
            if found:
                wrong.append(f"found in a good tree: {found}")
        elif len(found) != 1 or not found[0].startswith(f"{case[0]}:{case[2]}: ") or case[3] not in found[0]:
            wrong.append(f"{case[0]} with {case[1]!r}: expected line {case[2]} and {case[3]!r}, found {found}")
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"self-test: {len(bad) + 1} trees, {len(wrong)} wrong")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", default=pathlib.Path(__file__).resolve().parent.parent, type=pathlib.Path)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    count, found = check_tree(arguments.root)
    for line in found:
        print(line, file=sys.stderr)
    print(f"{count} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
