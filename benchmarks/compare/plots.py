"""The plots, SVG, by matplotlib; without it there are none, and that is said once."""

import summary

ROOST, PEER, LIMIT = "#c8442c", "#5b7da3", "#b9b9b4"


def latency(figure, work):
    panels(figure, work, [("spinning reader, p50 µs (to p99)", "spin", "latency_p50_us", "latency_p99_us"),
                          ("sleeping reader, p50 µs (to p99)", "sleep", "latency_p50_us", "latency_p99_us")])


def append(figure, work):
    axes = figure.subplots(1, 3)
    for place, guarantee in zip(axes, ("memory", "process", "power")):
        bars(place, f"{guarantee}: events/s,\n16 publishers, batches of 64 (dark: single)", work,
             work.modes(guarantee), "16x64", "events_per_s", second="16x1")


def fan_out(figure, work):
    panels(figure, work, [("10 readers, reads/s of all", "10", "reads_per_s", None),
                          ("100 readers, reads/s of all", "100", "reads_per_s", None)])


def replay(figure, work):
    panels(figure, work, [("cold, events/s", "1", "cold_events_per_s", None),
                          ("warm, events/s", "1", "warm_events_per_s", None)])


def memory(figure, work):
    panels(figure, work, [("one of 100 idle clients, PSS KiB", "100", "idle_client_pss_kib", None),
                          ("all memory with 100 busy clients, MiB", "100", "busy_all_mib", None)])


PLOTS = {"latency": latency, "append": append, "fan_out": fan_out, "replay": replay, "memory": memory}


def file_of(name):
    return f"compare-{name.replace('_', '-')}.svg"


def panels(figure, work, wanted):
    for place, (title, key, metric, reach) in zip(figure.subplots(1, len(wanted)), wanted):
        bars(place, title, work, work.modes(), key, metric, reach=reach)


def bars(place, title, work, modes, key, metric, second=None, reach=None):
    """A bar a mode with the spread of its rounds (or up to another metric), on a logarithmic scale."""
    shown = [(mode, summary.spread(work.values(mode, key, metric))) for mode in modes]
    shown = [(mode, found) for mode, found in shown if found]
    for row, (mode, (median, least, greatest)) in enumerate(reversed(shown)):
        colour = LIMIT if mode[1].startswith("limit") else ROOST if mode[1] == "Roost" else PEER
        if reach:
            least, greatest = median, summary.spread(work.values(mode, key, reach))[0]
        lower = summary.spread(work.values(mode, second, metric)) if second else None
        place.barh(row, median, color=colour, alpha=0.45 if lower else 1, height=0.7)
        if lower:
            place.barh(row, lower[0], color=colour, height=0.7)
        place.plot([least, greatest], [row, row], color="#222222", linewidth=1)
        place.text(max(median, greatest) * 1.1, row, summary.figure(median), va="center", fontsize=7)
    place.set_yticks(range(len(shown)))
    place.set_yticklabels([f"{mode[1].removeprefix('limit: ')}\n{mode[2]}" for mode, _ in reversed(shown)],
                          fontsize=6.5)
    place.set_xscale("log")
    if shown:
        # Room for the figures.
        place.set_xlim(right=max(found[2] for _, found in shown) * 6)
    place.tick_params(axis="x", labelsize=7)
    place.set_title(title, fontsize=8)
    for side in ("top", "right"):
        place.spines[side].set_visible(False)


def draw_all(measured, directory):
    """`measured`: works by their names."""
    try:
        import matplotlib
    except ImportError:
        print("no plots: python3-matplotlib is not installed")
        return
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "roost", "font.family": "sans-serif"})
    from matplotlib import pyplot
    for name, draw in PLOTS.items():
        if name not in measured:
            continue
        figure = pyplot.figure(figsize=(11, 4.2), layout="constrained")
        draw(figure, measured[name])
        figure.savefig(directory / file_of(name), metadata={"Date": None})
        pyplot.close(figure)
