#!/usr/bin/env python3
"""Runs one libFuzzer target: from its corpus on, for 30 s, or for 30 minutes with ROOST_SOAK set.

  run_target.py PROGRAM SOURCES WORK

PROGRAM is .../fuzz_NAME; SOURCES has corpus/NAME/ and maybe dictionaries/NAME.dict; WORK keeps what was found. What is
new in the corpus stays there until the next run: a run begins with the repository's corpus. The half minute has one
seed for ever, so that what it finds is of the change before it and comes again; the half hour draws its own and prints
it. Exit status 1: an input that fails, a leak, one that takes longer than 10 s or more than 2 GiB; it is in WORK, and
belongs into corpus/NAME/ once it is mended. Or the target hardly ran.
"""
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

RUNS_MIN = 50  # fewer in half a minute, and nothing was tried


def main():
    program, sources, work = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
    name = program.name.removeprefix("fuzz_")
    soak = "ROOST_SOAK" in os.environ
    found = work / ("soak" if soak else "gate") / name
    shutil.rmtree(found, ignore_errors=True)
    (found / "corpus").mkdir(parents=True)
    seed = random.SystemRandom().randrange(1, 2**32) if soak else 1
    command = [
        program, f"-seed={seed}", f"-max_total_time={1800 if soak else 30}", "-timeout=10",
        "-rss_limit_mb=2048", "-max_len=16384", "-print_final_stats=1", f"-artifact_prefix={found}/",
    ]
    dictionary = sources / "dictionaries" / f"{name}.dict"
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    command += [found / "corpus", sources / "corpus" / name]
    log = found / "log"
    with open(log, "wb") as output:
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT).returncode
    text = log.read_text(errors="replace")
    print("\n".join(text.splitlines()[-60 if status else -12:]))
    runs = re.search(r"stat::number_of_executed_units: (\d+)", text)
    if status != 0:
        for artifact in sorted(found.glob("*-*")):
            print(f"\nrun again: {program} {artifact}")
        print(f"seed {seed}, exit status {status}, all of it in {log}")
        return 1
    print(f"seed {seed}")
    if runs is None or int(runs.group(1)) < RUNS_MIN:
        print(f"fewer than {RUNS_MIN} runs: the target does not try anything")
        return 1
    return 0


sys.exit(main())
