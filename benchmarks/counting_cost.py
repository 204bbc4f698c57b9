#!/usr/bin/env python3
"""What counting costs the broker: instructions of an append in roostd's main thread, from its request to its answer, counted by
valgrind's callgrind in two builds that differ in ROOST_NO_COUNTERS alone.

    benchmarks/counting_cost.py [--build build/release] [--plain build/plain]

Builds both if need be. Each broker is given N appends and, in another run, 3 N: the difference has neither start nor end of
the broker in it. Without --spin, since the broker's looking on while it has nothing to do is no cost of an append.

Valgrind hides the vDSO, so a clock read is a system call there, of which it sees a few instructions: what the clock is read
for counting alone is told apart, by the number of reads."""

import argparse
import pathlib
import re
import subprocess
import tempfile

from running_broker import ROOT, running_broker


def build(directory, options, targets):
    if not (directory / "CMakeCache.txt").exists():
        subprocess.run(["cmake", "--preset", "release", "-B", directory, "-DROOST_TESTS=OFF", *options], cwd=ROOT,
                       check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", directory, "--target", *targets], check=True, stdout=subprocess.DEVNULL)


def count(roostd, client, load, appends):
    """Instructions of a whole life of a broker's main thread, the sequencer, and how often it read a clock. The other threads' work
    goes by time, of which valgrind takes much."""
    with tempfile.TemporaryDirectory(prefix="callgrind.") as directory:
        output = pathlib.Path(directory) / "out"
        valgrind = ["valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={output}", "-q"]
        with running_broker(roostd, "--ring", "8MiB", "--spin", "0", "--unconfined", under=valgrind) as socket:
            subprocess.run([client, "--socket", socket, "--appends", str(appends), *load], check=True)
        text = output.with_name("out-01").read_text(errors="replace")
    return int(re.search(r"^(?:totals|summary): (\d+)", text, re.M)[1]), calls_of_clock(text)


def calls_of_clock(text):
    """Calls of clock_gettime: in callgrind's format, `cfn=` names the function and the next `calls=` how often."""
    names = {}
    total = 0
    is_clock = False
    for line in text.splitlines():
        if line.startswith(("cfn=", "fn=")):
            match = re.match(r"c?fn=\((\d+)\)(?: (.*))?", line)
            if match[2]:
                names[match[1]] = match[2]
            if line.startswith("cfn="):
                is_clock = names.get(match[1], "").startswith("clock_gettime")
        elif line.startswith("calls=") and is_clock:
            total += int(line[len("calls="):].split()[0])
            is_clock = False
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--plain", type=pathlib.Path, default=ROOT / "build/plain", help="built without counters")
    parser.add_argument("--appends", type=int, default=1000)
    arguments = parser.parse_args()
    build(arguments.build, [], ["roostd", "counted_appends"])
    build(arguments.plain, ["-DROOST_NO_COUNTERS=ON"], ["roostd"])
    client = arguments.build / "bin/counted_appends"

    loads = {
        "one event, one at a time": ["--batch", "1", "--in-flight", "1"],
        "batches of 64 events, one at a time": ["--batch", "64", "--in-flight", "1"],
        "one event, 16 in flight": ["--batch", "1", "--in-flight", "16"],
    }
    print(f"{'instructions of an append in roostd':40}{'counting':>10}{'without':>10}{'cost':>8}   clock reads")
    for name, load in loads.items():
        result = []
        for directory in (arguments.build, arguments.plain):
            few, many = (count(directory / "bin/roostd", client, load, factor * arguments.appends) for factor in (1, 3))
            result.append([(b - a) / (2 * arguments.appends) for a, b in zip(few, many)])
        (counting, clocks), (plain, plain_clocks) = result
        print(f"{name:40}{counting:10.0f}{plain:10.0f}{counting / plain - 1:8.2%}   {clocks:.1f} and {plain_clocks:.1f}")


if __name__ == "__main__":
    main()
