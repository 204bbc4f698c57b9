#!/usr/bin/env python3
"""How long a look at a broker's health takes, within a process, while the broker is idle and under full append load: clients
that keep 4 batches of 64 events in flight each. Beside it, in turn, the bare system calls.

    benchmarks/health.py [--clients 2] [--checks 5000]"""

import argparse
import pathlib
import subprocess

from running_broker import ROOT, running_broker


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--checks", type=int, default=5000)
    arguments = parser.parse_args()
    programs = arguments.build / "bin"

    def look(name, socket):
        looked = subprocess.run([programs / "health_latency", "--socket", socket, "--checks", str(arguments.checks)],
                                check=True, capture_output=True, text=True)
        print(name, looked.stdout, end="", flush=True)

    with running_broker(programs / "roostd", "--retain-bytes", "512MiB") as socket:
        look("idle ", socket)
        load = [subprocess.Popen([programs / "counted_appends", "--socket", socket, "--appends", str(10**12),
                                  "--batch", "64", "--in-flight", "4"]) for _ in range(arguments.clients)]
        try:
            look("load ", socket)
        finally:
            for client in load:
                client.terminate()
                client.wait()


if __name__ == "__main__":
    main()
