#!/usr/bin/env python3
"""Runs the works of the comparison with all peers that are there, and writes tables, plots and figures."""

import argparse
import json
import pathlib
import random
import signal
import sys
import time

import adapters
import machine
import report
import works

LIMITS_EVERY = 15  # cells: so often it is measured what the machine itself can do, to be of the same minute
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="benchmarks/compare/run", description=__doc__)
    parser.add_argument("--only", action="append", choices=works.WORKS, help="this work alone; may be given again")
    parser.add_argument("--quick", action="store_true", help="a few minutes: one short round")
    parser.add_argument("--rounds", type=int, help="how often each is run (default: %s)" % ", ".join(
        f"{work} {rounds}" for work, rounds in works.ROUNDS.items()))
    parser.add_argument("--add", action="store_true", help="add rounds to those that are there, in place of new ones")
    parser.add_argument("--peer", action="append", help="peers whose program's name has this; may be given again")
    parser.add_argument("--seed", type=int, help="of the order in which they are run (default: another each time)")
    parser.add_argument("--no-install", action="store_true", help="for `run`: install nothing")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/compare/bin", help="the programs")
    parser.add_argument("--scratch", type=pathlib.Path, default=ROOT / "build/compare",
                        help="scratch directories are made in it: the file system that is measured")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "build/compare/report",
                        help="what is written, and read of works that are not run")
    parser.add_argument("--publish", action="store_true", help="also into docs/performance.md and docs/images")
    parser.add_argument("--report-only", action="store_true", help="measure nothing, write the report again")
    return parser.parse_args(arguments)


class Comparison:
    def __init__(self, options):
        self.options = options
        self.file = options.results / "results.json"
        self.results = json.loads(self.file.read_text()) if self.file.exists() else {"works": {}}
        self.failures = []

    def run(self):
        options = self.options
        peers, absent = adapters.describe_all(options.bin)
        if options.peer:
            peers = {program: peer for program, peer in peers.items() if any(name in program for name in options.peer)}
        options.scratch.mkdir(parents=True, exist_ok=True)
        self.results["machine"] = machine.describe(options.scratch)
        self.results["peers"] = {**self.results.get("peers", {}), **peers}
        self.results["absent"] = absent
        for peer, why in absent.items():
            print(f"not measured: {peer}: {why}")
        for work in options.only or works.WORKS:
            self.run_work(work, peers)

    def run_work(self, work, peers):
        options = self.options
        seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
        rounds = options.rounds or (1 if options.quick else works.ROUNDS[work])
        before = self.results["works"].get(work) if options.add else None
        record = before or {"seeds": [], "limits": [], "load": [], "cells": {}}
        record.update(when=machine.now(), quick=options.quick)
        record["seeds"].append(seed)
        self.results["works"][work] = record
        cells = list(works.cells_of(work, peers, options.quick))
        shuffle = random.Random(seed).shuffle
        started = time.monotonic()
        print(f"==> {work}: {len(cells)} cells, {rounds} rounds, seed {seed}", flush=True)
        for number in range(rounds):
            record["load"].append(round(machine.load(), 2))
            shuffle(cells)
            for place, cell in enumerate(cells):
                if place % LIMITS_EVERY == 0:
                    record["limits"].append(adapters.limits(options.bin, options.scratch))
                self.run_cell(cell, record)
            self.save()
            print(f"    round {number + 1}: {time.monotonic() - started:.0f} s", flush=True)

    def run_cell(self, cell, record):
        entry = record["cells"].setdefault(f"{cell.program} {cell.mode} {cell.key}", {
            "program": cell.program, "peer": cell.peer, "mode": cell.mode, "guarantee": cell.guarantee,
            "key": cell.key, "absent": cell.absent, "samples": []})
        if cell.absent:
            return
        # A place a round, also where it was not run: what shares a place is compared.
        entry["samples"] += [{}] * (len(record["load"]) - 1 - len(entry["samples"]))
        try:
            entry["samples"].append(adapters.run(cell.program, self.options.bin, self.options.scratch, "--work",
                                                 cell.work, "--mode", cell.mode, *cell.arguments))
        except adapters.Failed as failed:
            entry["samples"].append({})
            entry["failed"] = str(failed)
            self.failures.append(f"{cell.work}, {cell.peer}, {cell.mode}, {cell.key}: {failed}")
            print(f"    FAILED: {self.failures[-1]}", file=sys.stderr, flush=True)

    def save(self):
        self.options.results.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self.results, indent=1) + "\n")


def main(arguments=None):
    options = options_of(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what runs is ended, and its scratch directory removed
    comparison = Comparison(options)
    if not options.report_only:
        comparison.run()
    report.write(comparison.results, options.results)
    if options.publish:
        report.publish(comparison.results, ROOT)
    print(f"==> {options.results / 'report.md'}")
    if comparison.failures:
        print(f"\n{len(comparison.failures)} FAILED:", *comparison.failures, sep="\n  ", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
