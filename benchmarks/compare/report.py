"""The results as a page of Markdown with plots, and as a part of docs/performance.md."""

import pathlib

import plots
import summary
import works

BEGIN, END = "<!-- compare: written by benchmarks/compare/run --publish -->", "<!-- compare: end -->"
GUARANTEES = {
    "memory": "acknowledged when it is in memory: gone with the server, or at the latest with the machine's power",
    "process": "acknowledged when the operating system has it: survives the server's death, not the machine's",
    "power": "acknowledged when the disk has it: survives the machine's death",
}


class Table:
    """A table of Markdown."""

    def __init__(self, *columns):
        self.lines = [row_text(columns), "|" + "---|" * len(columns)]

    def row(self, *fields):
        self.lines.append(row_text(fields))

    def __str__(self):
        return "\n".join(self.lines)


def row_text(fields):
    return "| " + " | ".join(str(field).replace("|", "\\|") for field in fields) + " |"


class Work:
    """What was measured in one work."""

    def __init__(self, results, name):
        self.record = results["works"][name]
        self.cells = [cell for cell in self.record["cells"].values()]

    def modes(self, guarantee=None):
        """Roost first, peers by name, limits last: (program, peer, mode, guarantee), each once."""
        found = {(cell["program"], cell["peer"], cell["mode"], cell["guarantee"]): None for cell in self.cells
                 if guarantee in (None, cell["guarantee"])}
        order = list(GUARANTEES)
        return sorted(found, key=lambda mode: (mode[1].startswith("limit"), mode[1] != "Roost", mode[1],
                                               order.index(mode[3]), mode[2]))

    def cell(self, mode, key):
        for cell in self.cells:
            if (cell["program"], cell["mode"], cell["key"]) == (mode[0], mode[2], key):
                return cell
        return None

    def values(self, mode, key, metric):
        """One a round, in their order; None for a round that failed."""
        cell = self.cell(mode, key)
        return [sample.get(metric) for sample in cell["samples"]] if cell else []

    def text(self, mode, key, metric):
        cell = self.cell(mode, key)
        if cell and cell.get("failed"):
            return "FAILED"
        if cell and cell["absent"]:
            return "not measured: " + cell["absent"]
        return summary.cell_text(self.values(mode, key, metric))


def name_of(mode):
    return f"{mode[1]}, {mode[2]}"


# ---- a table a work ----

def latency_tables(work):
    table = Table("", "guarantee", "spinning: p50 µs", "p99", "p99.9", "sleeping: p50 µs", "p99", "p99.9")
    for mode in work.modes():
        table.row(name_of(mode), mode[3], *(work.text(mode, key, f"latency_{quantile}_us")
                                            for key in ("spin", "sleep") for quantile in ("p50", "p99", "p999")))
    yield ("One event at a time, every 0.2 to 0.4 ms, from just before it is published until a reader in another "
           "process has checked it. A spinning reader has a processor of its own."), table


def append_tables(work):
    for guarantee, meaning in GUARANTEES.items():
        if not work.modes(guarantee):
            continue
        table = Table("events/s", *(f"{publishers} × {batch}" for batch in works.BATCHES
                                    for publishers in works.PUBLISHERS),
                      "µs, 1 × 1: p50", "p99", "µs, 16 × 1: p50", "p99")
        for mode in work.modes(guarantee):
            table.row(name_of(mode), *(work.text(mode, f"{publishers}x{batch}", "events_per_s")
                                       for batch in works.BATCHES for publishers in works.PUBLISHERS),
                      *(work.text(mode, key, f"ack_{quantile}_us") for key in ("1x1", "16x1")
                        for quantile in ("p50", "p99")))
        yield f"**{guarantee}**: {meaning}. Publishers × events of a batch; each waits for its acknowledgement.", table


def fan_out_tables(work):
    table = Table("reads/s of all readers together", *(f"{readers} readers" for readers in works.READERS))
    for mode in work.modes():
        table.row(name_of(mode), *(work.text(mode, str(readers), "reads_per_s") for readers in works.READERS))
    yield "One publisher, batches of 64; every reader reads and checks every event.", table


def replay_tables(work):
    table = Table("", "cold, events/s", "warm, events/s", "start on the stored, ms", "MiB on disk",
                  "MiB in the page cache when cold")
    for mode in work.modes():
        table.row(name_of(mode), *(work.text(mode, "1", metric) for metric in (
            "cold_events_per_s", "warm_events_per_s", "start_ms", "disk_mib", "still_cached_mib")))
    yield ("A million events of one stream, read and checked by one reader. Cold: the server was started anew and the "
           "kernel's copies of its files were dropped; a server that loads all of it at its start has it in its memory "
           "then."), table


def streams_tables(work):
    table = Table("10 events, µs", "from a known place: p50", "p99", "newest: p50", "p99")
    for mode in work.modes():
        table.row(name_of(mode), *(work.text(mode, key, f"ten_{which}_{quantile}_us")
                                   for key in (cell["key"] for cell in work.cells[:1])
                                   for which in ("from", "newest") for quantile in ("p50", "p99")))
    return table


def memory_tables(work):
    for state, meaning in (("idle", "has connected and published one event"),
                           ("busy", "publishes one event and reads the newest ten, twice a second")):
        table = Table("KiB a client: PSS + page tables", *(f"{clients}" for clients in works.CLIENTS),
                      "kernel, KiB a client of 100", "server's PSS with 100, MiB", "all of it with 1000, MiB")
        for mode in work.modes():
            table.row(name_of(mode), *(client_text(work, mode, str(clients), state) for clients in works.CLIENTS),
                      work.text(mode, "100", f"{state}_kernel_kib_a_client"),
                      work.text(mode, "100", f"{state}_server_pss_mib"), work.text(mode, "1000", f"{state}_all_mib"))
        yield (f"A client is a process that {meaning}. Kernel: by how much slabs and kernel stacks of the whole "
               "machine grew."), table


def client_text(work, mode, key, state):
    cell = work.cell(mode, key)
    if cell is None or cell["absent"] or cell.get("failed"):
        return work.text(mode, key, "")
    return summary.cell_text([sample[f"{state}_client_pss_kib"] + sample[f"{state}_client_page_tables_kib"]
                              for sample in cell["samples"] if sample])


TABLES = {"latency": latency_tables, "append": append_tables, "fan_out": fan_out_tables, "replay": replay_tables,
          "memory": memory_tables}
TITLES = {"latency": "Published to visible", "append": "Acknowledged appends into one order", "fan_out": "Fan-out",
          "replay": "Replay of a million events", "streams": "Ten events of one stream", "memory": "Memory"}


# ---- Roost beside the best of the others ----

# Work, cell, metric, whether more is better, how it is called.
HEADLINES = [
    ("latency", "sleep", "latency_p50_us", False, "published to visible, sleeping reader, p50 µs"),
    ("latency", "spin", "latency_p50_us", False, "published to visible, spinning reader, p50 µs"),
    *(("append", f"{publishers}x{batch}", "events_per_s", True,
       f"appends/s, {publishers} publisher{'s' if publishers > 1 else ''}, "
       + ("single" if batch == 1 else f"batches of {batch}"))
      for batch in works.BATCHES for publishers in works.PUBLISHERS),
    ("fan_out", "10", "reads_per_s", True, "fan-out, reads/s, 10 readers"),
    ("fan_out", "100", "reads_per_s", True, "fan-out, reads/s, 100 readers"),
    ("replay", "1", "cold_events_per_s", True, "replay, events/s, cold"),
    ("replay", "1", "warm_events_per_s", True, "replay, events/s, warm"),
    ("replay", "1", "ten_from_p50_us", False, "10 events of a stream of a million, from a known place, p50 µs"),
    ("streams", "10000", "ten_from_p50_us", False, "10 events of one of 10,000 streams, from a known place, p50 µs"),
    ("streams", "10000", "ten_newest_p50_us", False, "10 newest events of one of 10,000 streams, p50 µs"),
    ("memory", "100", "idle_client_pss_kib", False, "memory of one of 100 idle clients, PSS KiB"),
    ("memory", "1000", "busy_all_mib", False, "all memory with 1000 busy clients, MiB"),
]


def headlines(results):
    """(label, Roost's mode, its values, (best peer, ratio), (best limit, ratio)); a ratio above 1: Roost is ahead."""
    for name, key, metric, more, label in HEADLINES:
        if name not in results["works"]:
            continue
        work = Work(results, name)
        for ours in work.modes():
            values = work.values(ours, key, metric)
            if ours[1] != "Roost" or not any(values):
                continue
            others = [mode for mode in work.modes(ours[3]) if mode[1] != "Roost"]
            peers = [mode for mode in others if not mode[1].startswith("limit")]
            bare = [mode for mode in others if mode[1].startswith("limit")]
            yield (label, ours, values, *(best_of(work, candidates, key, metric, more, values)
                                          for candidates in (peers, bare)))


def best_of(work, candidates, key, metric, more, ours):
    """The one of them that is furthest ahead, with ours in its terms; None when none was measured."""
    found = []
    for mode in candidates:
        theirs = work.values(mode, key, metric)
        middle = summary.spread(theirs)
        if middle:
            paired = [(a, b) for a, b in zip(ours, theirs) if a and b]
            better = [(a, b) if more else (b, a) for a, b in paired]
            found.append((middle[0] if more else -middle[0], mode, summary.ratio(*zip(*better)) if better else None))
    return max(found, key=lambda one: one[0])[1:] if found else None


def headline_table(results):
    table = Table("", "Roost", "", "best peer with the same guarantee", "Roost to it", "bare limit", "Roost to it")
    for label, ours, values, peer, bare in headlines(results):
        table.row(label, ours[2], summary.cell_text(values), *beside(peer), *beside(bare))
    return table


def beside(found):
    if found is None or found[1] is None:
        return "-", "-"
    mode, (median, least, greatest) = found
    times = f"{summary.short(median)} × ({summary.short(least)} to {summary.short(greatest)})"
    return name_of(mode).removeprefix("limit: "), f"**{times}**" if median < 1 else times


# ---- the page ----

def limits_table(results):
    names = {"cache_line_ns": "a cache line to the other core, ns",
             "eventfd_round_trip_us": "eventfd to a sleeping thread and back, µs",
             "memcpy_256_ns": "memcpy of 256 bytes, ns", "pwrite_256_ns": "pwrite of 256 bytes, ns",
             "pwrite_16k_ns": "pwrite of 16 KiB, ns", "fdatasync_us": "pwrite of 256 bytes and fdatasync, µs"}
    measured = [work for work in works.WORKS if work in results["works"]]
    table = Table("the machine itself, during", *measured)
    for metric, label in names.items():
        table.row(label, *(summary.cell_text([one[metric] for one in results["works"][work]["limits"]])
                           for work in measured))
    return table


def peers_table(results):
    table = Table("", "version", "client", "what an acknowledgement means")
    for peer in sorted(results["peers"].values(), key=lambda one: (one["peer"].startswith("limit"), one["peer"])):
        means = "; ".join(f"*{mode['name']}*: {mode['means']}" for mode in peer["modes"])
        table.row(peer["peer"], peer["version"], peer["client_library"], means)
    return table


def not_measured(results):
    for name, why in sorted(results.get("absent", {}).items()):
        yield f"- {name}: {why}"
    for peer in sorted(results["peers"].values(), key=lambda one: one["peer"]):
        reasons = {}
        for absence in peer["absences"]:
            reasons.setdefault(absence["why"], []).append(absence["work"].replace("_", " "))
        for why, which in reasons.items():
            yield f"- {peer['peer']}, {', '.join(which)}: {why}"


def machine_text(results):
    machine = results["machine"]
    lines = [f"{machine['cores']} cores of {machine['cpu']}{', a virtual machine' if machine['virtual'] else ''}, "
             f"{machine['memory_gib']} GiB, Linux {machine['kernel']}, {machine['system']}, {machine['filesystem']}, "
             f"{machine['compiler']}."]
    for name, record in results["works"].items():
        rounds = len(record["load"])
        seeds = ", ".join(str(seed) for seed in record["seeds"])
        lines.append(f"{name.replace('_', ' ')}: {record['when']}, {rounds} round{'s' if rounds > 1 else ''}, "
                     f"load before {summary.cell_text(record['load'])}, seed {seeds}"
                     f"{', --quick' if record['quick'] else ''};")
    return "\n".join(lines).rstrip(";") + "."


def failures(results):
    for name, record in results["works"].items():
        for cell in record["cells"].values():
            if cell.get("failed"):
                yield f"- **{name}, {cell['peer']}, {cell['mode']}, {cell['key']}: {cell['failed']}**"


def markdown(results, images):
    """`images`: where the plots are, as seen from the page."""
    parts = [machine_text(results), str(peers_table(results))]
    failed = list(failures(results))
    if failed:
        parts += ["### Failed", "\n".join(failed)]
    parts += ["### Roost beside the best of the others",
              "Medians of the rounds, with the least and the greatest. What Roost is to another is taken round by "
              "round; above 1 Roost is ahead, below (in bold) the other.",
              str(headline_table(results)), str(limits_table(results))]
    for name in works.WORKS:
        if name not in results["works"]:
            continue
        parts.append(f"### {TITLES[name]}")
        if name in plots.PLOTS:
            parts.append(f"![{TITLES[name]}]({images}/{plots.file_of(name)})")
        if name == "streams":
            if "replay" in results["works"]:
                parts += ["A stream of a million events:", str(streams_tables(Work(results, "replay")))]
            parts += ["One of 10,000 streams with 100 events each, filled in turn:",
                      str(streams_tables(Work(results, name)))]
            continue
        for text, table in TABLES[name](Work(results, name)):
            parts += [text, str(table)]
    missing = list(not_measured(results))
    if missing:
        parts += ["### Not measured", "\n".join(missing)]
    return "\n\n".join(parts) + "\n"


def write(results, directory):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.md").write_text("# Roost beside others\n\n" + markdown(results, "."))
    plots.draw_all({name: Work(results, name) for name in results["works"]}, directory)


def publish(results, root):
    """Between the marks of docs/performance.md, and the plots into docs/images."""
    page = pathlib.Path(root) / "docs/performance.md"
    page.write_text(replaced(page.read_text(), markdown(results, "images")))
    plots.draw_all({name: Work(results, name) for name in results["works"]}, pathlib.Path(root) / "docs/images")


def replaced(page, text):
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the lines '{BEGIN}' and '{END}'")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"
