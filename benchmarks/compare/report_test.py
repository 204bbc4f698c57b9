#!/usr/bin/env python3
"""Tests of the comparison's own arithmetic, tables and cells; they need no peer."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import adapters  # noqa: E402
import compare  # noqa: E402
import report  # noqa: E402
import summary  # noqa: E402
import works  # noqa: E402


def mode(name, guarantee, *measured, clients_max=1_000_000):
    return {"name": name, "guarantee": guarantee, "works": list(measured), "means": "kept", "clients_max": clients_max,
            "fan_out_part": 1}


def peer(name, *modes):
    return {"peer": name, "version": "1", "client_library": "its own", "modes": list(modes),
            "absences": [{"work": "replay", "why": "no log"}]}


def cell(program, name, key, samples, guarantee="process", **more):
    return {"program": program, "peer": name, "mode": "m", "guarantee": guarantee, "key": key, "absent": "",
            "samples": samples, **more}


def results_with(*cells, work="append"):
    limits = {"cache_line_ns": 50, "eventfd_round_trip_us": 9, "memcpy_256_ns": 20, "pwrite_256_ns": 900,
              "pwrite_16k_ns": 4000, "fdatasync_us": 150}
    return {"machine": {"cpu": "A CPU", "cores": 2, "virtual": True, "memory_gib": 8, "kernel": "6", "system": "Debian",
                        "filesystem": "ext4", "compiler": "c++"},
            "peers": {"compare_roost": peer("Roost", mode("m", "process", work))}, "absent": {},
            "works": {work: {"when": "now", "quick": False, "seeds": [7], "load": [0.5], "limits": [limits],
                             "cells": {str(place): one for place, one in enumerate(cells)}}}}


class Figures(unittest.TestCase):
    def test_have_three_digits_that_count(self):
        written = {0: "0.00", 0.001: "0.001", 0.054: "0.05", 3.419: "3.42", 57.06: "57.1", 99.96: "100", 812.4: "812",
                   999.7: "1.00 k", 16_340: "16.3 k", 1_421_000: "1.42 M"}
        self.assertEqual({value: summary.figure(value) for value in written}, written)

    def test_stand_with_their_spread(self):
        self.assertEqual(summary.cell_text([30, 10, 20]), "20.0 (10.0 to 30.0)")
        self.assertEqual(summary.cell_text([5]), "5.00")
        self.assertEqual(summary.cell_text([None, None]), "-")
        self.assertEqual(summary.spread([1, None, 3]), (2, 1, 3))


class Headlines(unittest.TestCase):
    def of(self, *cells, **more):
        return list(report.headlines(results_with(*cells, **more)))

    def test_are_ratios_round_by_round(self):
        ((_, _, _, (best, ratio), (bare, to_bare)),) = self.of(
            cell("compare_roost", "Roost", "1x1", [{"events_per_s": 10}, {"events_per_s": 40}]),
            cell("compare_slow", "Slow", "1x1", [{"events_per_s": 1}, {"events_per_s": 1}]),
            cell("compare_fast", "Fast", "1x1", [{"events_per_s": 20}, {"events_per_s": 20}]),
            cell("compare_bare", "limit: bare", "1x1", [{"events_per_s": 100}, {"events_per_s": 100}]))
        self.assertEqual((best[1], ratio), ("Fast", (1.25, 0.5, 2.0)))
        self.assertEqual((bare[1], to_bare), ("limit: bare", (0.25, 0.1, 0.4)))

    def test_count_less_time_as_ahead(self):
        ((_, _, _, (best, ratio), bare),) = self.of(
            cell("compare_roost", "Roost", "sleep", [{"latency_p50_us": 10}]),
            cell("compare_slow", "Slow", "sleep", [{"latency_p50_us": 90}]),
            cell("compare_quick", "Quick", "sleep", [{"latency_p50_us": 30}]), work="latency")
        self.assertEqual((best[1], ratio), ("Quick", (3, 3, 3)))
        self.assertIsNone(bare)

    def test_compare_with_the_same_guarantee_alone(self):
        ((_, _, _, best, _),) = self.of(
            cell("compare_roost", "Roost", "1x1", [{"events_per_s": 10}]),
            cell("compare_queue", "Queue", "1x1", [{"events_per_s": 1000}], guarantee="memory"))
        self.assertIsNone(best)

    def test_leave_out_rounds_that_failed(self):
        ((_, _, _, (_, ratio), _),) = self.of(
            cell("compare_roost", "Roost", "1x1", [{}, {"events_per_s": 10}]),
            cell("compare_fast", "Fast", "1x1", [{"events_per_s": 20}, {"events_per_s": 20}]))
        self.assertEqual(ratio, (0.5, 0.5, 0.5))


class Pages(unittest.TestCase):
    def test_say_what_failed_and_what_was_not_measured(self):
        page = report.markdown(results_with(
            cell("compare_roost", "Roost", "1x1", [{"events_per_s": 10}]),
            cell("compare_lossy", "Lossy", "1x1", [{}], failed="2 acknowledged, 1 there")), "images")
        self.assertIn("- **append, Lossy, m, 1x1: 2 acknowledged, 1 there**", page)
        self.assertIn("| Lossy, m | FAILED |", page)
        self.assertIn("- Roost, replay: no log", page)
        self.assertIn("load before 0.50, seed 7", page)

    def test_have_rows_as_long_as_their_head_in_every_work(self):
        for work, cells in works.WORKS.items():
            keys = [key for key, _ in cells(mode("m", "process", work, "latency-spin", "latency-sleep"), False)]
            measured = results_with(*(cell("compare_roost", "Roost", key, [Everything()]) for key in keys), work=work)
            rows = [line for line in report.markdown(measured, ".").splitlines() if line.startswith("|")]
            for head, rule in zip(rows, rows[1:]):
                if rule.startswith("|---"):
                    self.assertEqual(rule.count("|"), head.count("|"), head)
            self.assertTrue(keys, work)

    def test_go_between_the_marks(self):
        page = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
        self.assertEqual(report.replaced(page, "new\n"), f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n")
        with self.assertRaises(ValueError):
            report.replaced("no marks", "new")


class Everything(dict):
    """A sample that has every metric."""

    def get(self, key, default=None):
        return 1.0

    def __missing__(self, key):
        return 1.0


class Cells(unittest.TestCase):
    def test_are_of_the_works_that_a_mode_is_in(self):
        peers = {"compare_a": peer("A", mode("m", "process", "append", "latency-sleep"))}
        self.assertEqual([one.key for one in works.cells_of("append", peers, False)],
                         ["1x1", "4x1", "16x1", "1x64", "4x64", "16x64"])
        self.assertEqual([one.key for one in works.cells_of("latency", peers, False)], ["sleep"])
        self.assertEqual(list(works.cells_of("replay", peers, False)), [])

    def test_say_where_there_is_no_room(self):
        peers = {"compare_a": peer("A", mode("m", "memory", "memory", clients_max=250))}
        absent = {one.key: one.absent for one in works.cells_of("memory", peers, False)}
        self.assertEqual(absent, {"1": "", "10": "", "100": "", "1000": "it has room for 250 clients"})


class Adapters(unittest.TestCase):
    def test_have_the_figures_on_their_last_line(self):
        self.assertEqual(adapters.metrics_of(0, 'noise\n{"a": 1}\n', ""), {"a": 1})

    def test_fail_loudly(self):
        for status, output, errors, said in ((6, '{"a": 1}', "first\nsecond\n", "first"),
                                             (6, "", "", "ended with status 6"),
                                             (0, "noise\n", "", "printed no figures")):
            with self.assertRaises(adapters.Failed) as raised:
                adapters.metrics_of(status, output, errors)
            self.assertEqual(str(raised.exception), said)

    def test_name_their_packages(self):
        packages = {source.stem: adapters.head_of(source, "packages")
                    for source in (adapters.HERE / "peers").glob("*.cc")}
        self.assertEqual(packages["redis"], "redis-server libhiredis-dev")
        self.assertEqual(packages["roost"], "")


class Runs(unittest.TestCase):
    def test_end_with_1_when_a_check_failed(self):
        with tempfile.TemporaryDirectory() as directory:
            binary = pathlib.Path(directory)
            adapter = binary / "compare_roost"
            adapter.write_text("#!/bin/sh\n[ \"$1\" = --describe ] && echo '{\"peer\": \"Roost\", \"version\": \"1\", "
                               '"client_library": "l", "absences": [], "modes": [{"name": "m", "guarantee": "process", '
                               '"works": ["streams"], "means": "", "clients_max": 9, "fan_out_part": 1}]}\' && exit\n'
                               "echo 'lost an event' >&2; exit 6\n")
            limits = binary / "compare_limits"
            limits.write_text("#!/bin/sh\necho '{\"cache_line_ns\": 1, \"eventfd_round_trip_us\": 1, \"memcpy_256_ns\": 1, "
                              '"pwrite_256_ns": 1, "pwrite_16k_ns": 1, "fdatasync_us": 1}\'\n')
            for program in (adapter, limits):
                program.chmod(0o755)
            arguments = ["--bin", directory, "--scratch", directory, "--results", directory, "--only", "streams"]
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
                with self.assertRaises(SystemExit) as ended:
                    compare.main(arguments)
            self.assertEqual(ended.exception.code, 1)
            self.assertIn("FAILED:\n  streams, Roost, m, 10000: lost an event", errors.getvalue())
            self.assertIn("lost an event", (binary / "report.md").read_text())


if __name__ == "__main__":
    unittest.main()
