#!/usr/bin/env python3
"""Does it stay as fast and small when there is more of everything? Throughput, latency, start and memory against the number
of events, of streams and of agents, each with the others held fixed.

  benchmarks/growth.py [--axis events,streams,agents] [--most N] [--save growth.json] [--plot docs/images]

  events    10^4 ... --most (10^7; 10^8 needs 24 GB of disk and five minutes) of 1000 streams      streams_bench
  streams   10 ... 10^6, of ten million events                                                        streams_bench
  agents    1 ... 1000: appends of as many clients together, memory of as many shims      append_throughput, footprint.py

streams_bench reads from a broker with a ring of 64 MiB, behind which the events lie in closed segments, the page cache
warm; its yardsticks (preads at random places, a ping) are plotted in grey. --save adds to what is in the file, --plot
draws what is in it with python3-matplotlib, one SVG an axis, and measures nothing with --axis none."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from running_broker import ROOT

AXES = ("events", "streams", "agents")


def run_json(command):
    """Of a program's output, each line an object."""
    if sys.stderr.isatty():
        print(" ".join(str(word) for word in command), file=sys.stderr)
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def grow_events(binary, options):
    counts = [count for count in (10**power for power in range(4, 9)) if count <= options.most]
    rows = []
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="roost-growth-", dir=options.directory) as directory:
            rows += run_json([binary / "streams_bench", "--events", str(count), "--streams", "1000", "--ring", "default",
                              "--rounds", str(options.rounds), "--directory", pathlib.Path(directory) / "log"])
    return rows


def grow_streams(binary, options):
    rows = []
    for streams in (10, 100, 1000, 10_000, 100_000, 1_000_000):
        with tempfile.TemporaryDirectory(prefix="roost-growth-", dir=options.directory) as directory:
            rows += run_json([binary / "streams_bench", "--events", str(10**7), "--streams", str(streams), "--ring",
                              "default", "--rounds", str(options.rounds), "--directory",
                              pathlib.Path(directory) / "log"])
    return rows


def grow_agents(binary, options):
    rows = []
    for agents in (1, 10, 100, 1000):
        (single,) = run_json([binary / "append_throughput", "--clients", str(agents), "--batch", "1", "--in-flight", "1",
                              "--rounds", str(options.rounds), "--seconds", "1"])
        (batched,) = run_json([binary / "append_throughput", "--clients", str(agents), "--batch", "64", "--in-flight", "1",
                               "--rounds", str(options.rounds), "--seconds", "1"])
        (memory,) = run_json([ROOT / "benchmarks/footprint.py", "--bin", binary, "--agents", str(agents), "--peers", "0"])
        rows.append({"agents": agents, "single": single, "batched": batched, "memory": memory})
    return rows


# ---- plots ----

# (title, unit, [(label, value of a row, is a yardstick)])
def of_log(axis):
    def us(key):
        return lambda row: row[key]["median"] / 1e3

    def spread_us(key):
        return lambda row: (row[key]["least"] / 1e3, row[key]["greatest"] / 1e3)

    def line(label, key, yardstick=False):
        return (label, us(key), spread_us(key), yardstick)

    return axis, [
        ("ten events of one stream", "µs", [
            line("libroost, the newest", "newest_ns"), line("libroost, anywhere", "anywhere_ns"),
            line("roost-mcp, the newest", "shim_ns"), line("ten bare preads", "chase_ns", True)]),
        ("an append", "µs", [line("one, acknowledged", "append_ns"), line("of a batch of 64", "batched_ns"),
                             line("a ping to the shim", "ping_ns", True)]),
        ("start of the broker", "ms", [("exec to ready", lambda row: row["ready_ms"], None, False)]),
        ("memory", "MiB", [
            ("of the broker alone", lambda row: row["broker_kib"]["anonymous"] / 1024, None, False),
            ("shared, with the ring's 64", lambda row: row["broker_kib"]["shared"] / 1024, None, False),
            ("of a shim", lambda row: row["shim_kib"]["anonymous"] / 1024, None, False)]),
    ]


def of_agents():
    def rate(run, key):
        return (lambda row: row[run][key]["median"] / 1e3,
                lambda row: (row[run][key]["least"] / 1e3, row[run][key]["greatest"] / 1e3))

    return "agents", [
        ("appends one at a time, all agents", "1000/s", [("roostd", *rate("single", "roost_events_per_s"), False),
                                                         ("a bare sequencer", *rate("single", "bare_events_per_s"), True)]),
        ("appends in batches of 64", "1000/s", [("roostd", *rate("batched", "roost_events_per_s"), False),
                                                ("a bare sequencer", *rate("batched", "bare_events_per_s"), True)]),
        ("memory, everything", "MiB", [
            ("shims and broker", lambda row: row["memory"]["roost"]["in_all_mib"], None, False),
            ("processes that do nothing", lambda row: row["memory"]["floor"]["in_all_mib"], None, True)]),
        ("memory of one shim", "KiB", [
            ("its own (USS)", lambda row: row["memory"]["roost"]["shim_kib"]["uss"]["median"], None, False),
            ("page tables", lambda row: row["memory"]["roost"]["shim_kib"]["page_tables"]["median"], None, False)]),
    ]


def plot(rows, axis, panels, path):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "roost"
    matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text
    import matplotlib.pyplot as plt

    rows = sorted(rows, key=lambda row: row[axis])
    figure, places = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 3.1), constrained_layout=True)
    for (title, unit, lines), place in zip(panels, places):
        for number, (label, value, extent, is_yardstick) in enumerate(lines):
            xs, ys = [row[axis] for row in rows], [value(row) for row in rows]
            style = {"color": "#999999", "linestyle": "--"} if is_yardstick else {"color": f"C{number}"}
            place.plot(xs, ys, marker="o", markersize=3, label=label, **style)
            if extent is not None:
                low, high = zip(*(extent(row) for row in rows))
                place.fill_between(xs, low, high, alpha=0.15, linewidth=0, color=style["color"])
        place.set_xscale("log")
        place.set_ylim(bottom=0)
        place.set_title(f"{title}, {unit}", fontsize=9)
        place.set_xlabel(axis, fontsize=8)
        place.tick_params(labelsize=7)
        place.legend(fontsize=7, frameon=False)
        for side in ("top", "right"):
            place.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--axis", default=",".join(AXES), help="which to measure, or none")
    parser.add_argument("--most", type=float, default=1e7, help="events")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", help="for the logs; the system's temporary one by default")
    parser.add_argument("--save", type=pathlib.Path, default=pathlib.Path("growth.json"))
    parser.add_argument("--plot", type=pathlib.Path, help="a directory for growth-AXIS.svg")
    options = parser.parse_args()
    binary = options.bin.resolve()
    result = json.loads(options.save.read_text()) if options.save.exists() else {}
    grow = {"events": grow_events, "streams": grow_streams, "agents": grow_agents}
    for axis in options.axis.split(","):
        if axis != "none":
            result[axis] = grow[axis](binary, options)
            options.save.write_text(json.dumps(result, indent=1) + "\n")
    if options.plot:
        panels = dict([of_log("events"), of_log("streams"), of_agents()])
        for axis, rows in result.items():
            plot(rows, axis, panels[axis], options.plot / f"growth-{axis}.svg")


if __name__ == "__main__":
    main()
