#!/usr/bin/env python3
"""Memory of many agents on a host: real roost-mcp processes at one broker, beside what they would cost otherwise.

  benchmarks/footprint.py [--agents 1000] [--peers 50] [--bin build/release/bin]

Each agent's shim appends 20 events, reads ten of its own and ten of the whole log, and waits for an event that then
comes. Counted, while all of them are attached and idle:

  processes   their PSS (what they share is counted once: the ring and the counters file, which the broker maps) and their
              page tables, and the broker's
  kernel      what slabs and kernel stacks grew by from before the first of these processes was started (/proc/meminfo):
              sockets, descriptors, tasks, mappings
  in all      the sum of these; and as a check, beside nothing else on the machine, how much memory less it had free
              (MemFree, without page cache)

Beside them, in the same run and counted in the same way: as many processes of `stdio_floor`, a server that does nothing
and knows no broker, and --peers real servers of the npm package @modelcontextprotocol/server-memory, each with ten entities
of its own; their figure for all agents is extrapolated, and says so. An event store in each agent, as measured before Roost:
132.8 MB. Prints one JSON object."""

import argparse
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from running_broker import ROOT
from stdio_server import StdioServer, call_line, install_memory_server, memory_kib, memory_server, spread

STORE_IN_EACH_MB = 132.8
KERNEL_KEYS = ("Slab", "KernelStack")


def machine_kib():
    with open("/proc/meminfo") as info:
        values = {key: int(rest.split()[0]) for key, _, rest in (line.partition(":") for line in info)}
    kernel = {key: values.get(key, 0) for key in KERNEL_KEYS}
    # Page cache of files that were read or written meanwhile can be had back, shared memory can't.
    cache = values["Buffers"] + values["Cached"] - values["Shmem"]
    used = values["MemTotal"] - values["MemFree"] - cache
    return {**kernel, "used": used}


def settled():
    """The machine's figures once they have stood still for a while."""
    last = machine_kib()
    for _ in range(20):
        time.sleep(0.5)
        now = machine_kib()
        if abs(now["used"] - last["used"]) < 512:
            return now
        last = now
    return last


def difference(before, after):
    return {key: after[key] - before[key] for key in before}


def in_all_mib(processes, machine):
    """Of lists of memory_kib(), and the machine's difference."""
    own = sum(one["pss"] + one["page_tables"] for one in processes)
    return (own + sum(machine[key] for key in KERNEL_KEYS)) / 1024


class Progress:
    def __init__(self, total):
        self.total = total

    def show(self, count, what):
        if sys.stderr.isatty():
            end = "\n" if count == self.total else ""
            print(f"\r{what}: {count}/{self.total}", end=end, file=sys.stderr, flush=True)


def start_broker(binary, scratch):
    ready_read, ready_write = os.pipe()
    broker = subprocess.Popen([binary / "roostd", "--socket", scratch / "roost.sock", "--data", scratch / "data",
                               "--ready-fd", str(ready_write)], pass_fds=[ready_write],
                              stderr=(scratch / "log").open("w"), stdout=subprocess.DEVNULL)
    os.close(ready_write)
    if not os.read(ready_read, 1):
        sys.exit(f"roostd did not start: {(scratch / 'log').read_text()}")
    os.close(ready_read)
    return broker


def put_to_work(shims, progress):
    """Every shim appends, reads and waits; checked is that each gets what it must."""
    for number, shim in enumerate(shims):
        shim.initialize()
        own = f"bench/{number}"
        for i in range(20):
            if not shim.call("append", stream=own, type="bench.event", data={"i": i, "pad": "x" * 100})["appended"]:
                sys.exit("an append had no effect")
        if len(shim.call("read", stream=own, limit=10)["events"]) != 10:
            sys.exit("a read of ten events gave others")
        shim.call("read", limit=10)
        progress.show(number + 1, "appended and read")
    for shim in shims:
        shim.send(call_line("wait", stream="bench/go", timeout_ms=50000))
    # Heard only once all wait: the last one tells it.
    time.sleep(1)
    bell = shims[0]
    poller = select.poll()
    for shim in shims:
        poller.register(shim, select.POLLIN)
    bell.send(call_line("append", request_id=2, stream="bench/go", type="bench.go"))
    waiting = {shim.fileno(): shim for shim in shims}
    expected = len(shims) + 1
    deadline = time.monotonic() + 60
    while expected and time.monotonic() < deadline:
        for descriptor, _ in poller.poll(1000):
            shim = waiting[descriptor]
            while True:
                content = json.loads(shim.receive())["result"]["structuredContent"]
                if not content.get("appended") and len(content["events"]) != 1:
                    sys.exit(f"a shim that waits was told something else: {content}")
                expected -= 1
                if b"\n" not in shim.buffer:
                    break
    if expected:
        sys.exit(f"{expected} shims did not hear the event that they waited for")


def of_processes(memory):
    return {key: spread([one[key] for one in memory]) | {"sum": sum(one[key] for one in memory)} for key in memory[0]}


def measure_roost(binary, scratch, agents):
    before = settled()
    broker = start_broker(binary, scratch)
    shims = []
    try:
        command = [binary / "roost-mcp", "--socket", scratch / "roost.sock"]
        for number in range(agents):
            shims.append(StdioServer([*command, "--agent", f"agent-{number}"]))
        put_to_work(shims, Progress(agents))
        after = settled()
        if broker.poll() is not None:
            sys.exit("roostd died")
        machine = difference(before, after)
        memory = [memory_kib(shim.process.pid) for shim in shims]
        of_broker = memory_kib(broker.pid)
        return {"in_all_mib": round(in_all_mib([*memory, of_broker], machine), 1), "shim_kib": of_processes(memory),
                "broker_kib": of_broker, "machine_kib": machine}
    finally:
        for shim in shims:
            shim.close()
        broker.send_signal(signal.SIGTERM)
        broker.wait()


def measure_others(servers, use):
    """Of servers that are started by a list of functions, each used once."""
    before = settled()
    running = []
    try:
        for start in servers:
            running.append(start())
        for server in running:
            use(server)
        after = settled()
        machine = difference(before, after)
        memory = [memory_kib(server.process.pid) for server in running]
        return {"in_all_mib": round(in_all_mib(memory, machine), 1), "server_kib": of_processes(memory),
                "machine_kib": machine}
    finally:
        for server in running:
            server.close()


def use_floor(server):
    server.line(b'{"jsonrpc":"2.0","id":0,"method":"ping"}\n')


def use_memory_server(server):
    server.initialize()
    server.call("create_entities", entities=[
        {"name": f"agent-{i}", "entityType": "bench", "observations": ["x" * 100]} for i in range(10)])
    server.call("open_nodes", names=["agent-1"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--peers", type=int, default=50, help="servers of the npm package; 0: none")
    options = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="roost-bench-"))
    agents = options.agents
    try:
        roost = measure_roost(options.bin.resolve(), scratch, agents)
        floor = measure_others([lambda: StdioServer([options.bin / "stdio_floor"])] * agents, use_floor)
        result = {"agents": agents, "roost": roost, "floor": floor}
        mib = {"roost": roost["in_all_mib"], "processes that do nothing": floor["in_all_mib"],
               "an event store in each, as measured before": round(agents * STORE_IN_EACH_MB * 1e6 / 2**20, 1)}
        if options.peers:
            install_memory_server()
            starts = [lambda number=number: memory_server(scratch, number) for number in range(options.peers)]
            peers = measure_others(starts, use_memory_server)
            result["memory_server"] = {"servers": options.peers, **peers}
            mib[f"server-memory, extrapolated from {options.peers}"] = round(
                peers["in_all_mib"] * agents / options.peers, 1)
        result["in_all_mib"] = mib
        print(json.dumps(result))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
