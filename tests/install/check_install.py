#!/usr/bin/env python3
"""Installs into a scratch directory, builds the example there as a user would, and runs it against the
installed broker. Ends with exit status 1 and a sentence at the first thing that is not right.

    check_install.py SOURCE_DIRECTORY BUILD_DIRECTORY
"""

import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile

MUST_BE_THERE = [
    "include/roost/client.h",
    "include/roost/event.h",
    "include/roost/read.h",
    "include/roost/base/status.h",
    "lib/systemd/system/roost-export.service",
    "lib/systemd/system/roostd.service",
    "lib/sysusers.d/roost.conf",
    "share/doc/Roost/LICENSE",
    "share/doc/Roost/README.md",
    "share/roost/grafana/roost.json",
    "share/roost/prometheus/roost.rules.yml",
    "share/roost/prometheus/scrape.example.yml",
]


def run(command, expect=0, **options):
    done = subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options
    )
    if done.returncode != expect:
        sys.exit(f"{' '.join(map(str, command))}\nexit status {done.returncode}, not {expect}\n{done.stdout}")
    return done.stdout


def check_tree(source, prefix):
    for program in ("roostd", "roost", "roost-dashboard", "roost-export", "roost-mcp"):
        if "0." not in run([prefix / "bin" / program, "--version"]):
            sys.exit(f"{program} --version names no version")
    for path in MUST_BE_THERE:
        if not (prefix / path).exists():
            sys.exit(f"{path} was not installed")
    for file in prefix.rglob("*.cmake"):
        if str(source) in file.read_text():
            sys.exit(f"{file.relative_to(prefix)} points into the source tree")
    for file in (prefix / "include").rglob("*"):
        if file.is_file() and file.parent != prefix / "include/roost" and file.name != "status.h":
            sys.exit(f"{file.relative_to(prefix)} is installed, but no public header")


def check_unit(prefix):
    """How far the services are walled in, by systemd's own measure: 0 is best, 10 worst."""
    if not shutil.which("systemd-analyze"):
        sys.exit("there is no systemd-analyze: tools/setup installs it")
    # In tenths. The exporter serves HTTP, so it can't be without a network.
    for unit, most in (("roostd", 10), ("roost-export", 20)):
        path = prefix / f"lib/systemd/system/{unit}.service"
        run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={most}", path])


def check_example(source, prefix, scratch):
    build = scratch / "example"
    run(["cmake", "-S", source / "examples/append_and_read", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}"])
    run(["cmake", "--build", build])
    socket = scratch / "roost.sock"
    ready, ready_end = os.pipe()
    broker = subprocess.Popen(
        [prefix / "bin/roostd", "--socket", socket, "--data", scratch / "data", "--ready-fd", str(ready_end)],
        pass_fds=[ready_end],
    )
    os.close(ready_end)
    try:
        if not select.select([ready], [], [], 60)[0] or not os.read(ready, 16):
            sys.exit("the installed roostd did not become ready")
        environment = dict(os.environ, ROOST_SOCKET=str(socket))
        first = run([build / "append_and_read", "tasks/1"], env=environment)
        if "claimed" not in first or "task.claimed" not in first:
            sys.exit(f"the example said: {first}")
        second = run([build / "append_and_read", "tasks/1"], env=environment, expect=3)
        if "somebody was first" not in second:
            sys.exit(f"the example said, the second time: {second}")
    finally:
        broker.terminate()
        if broker.wait(timeout=60) != 0:
            sys.exit(f"roostd ended with exit status {broker.returncode}")


def main():
    source, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory(prefix="roost-install-") as directory:
        scratch = pathlib.Path(directory)
        prefix = scratch / "prefix"
        run(["cmake", "--install", build, "--prefix", prefix])
        check_tree(source, prefix)
        check_unit(prefix)
        check_example(source, prefix, scratch)
    print("installed, built and ran")


if __name__ == "__main__":
    main()
