#!/usr/bin/env python3
"""Latency and memory of real roost-mcp processes over stdio, beside a do-nothing stdio server.

  benchmarks/mcp.py [--bin build/release/bin] [--shims 100] [--calls 5000] [--rounds 5]

Starts a broker in a scratch directory and the shims; one shim at a time makes calls back to back, in turn
with an echo server that only reads a line and writes one (what stdio itself costs). "in the shim" is what
the shim says of itself: from the request line read to the reply line written. Prints one JSON object.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


class Shim:
    def __init__(self, command, env=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, bufsize=0, env=env)
        self.next_id = 0
        self.buffer = b""

    def line(self, message):
        os.write(self.process.stdin.fileno(), message)
        while b"\n" not in self.buffer:
            piece = os.read(self.process.stdout.fileno(), 1 << 20)
            if not piece:
                raise SystemExit("the server ended")
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def request(self, method, params):
        self.next_id += 1
        reply = json.loads(self.line(json.dumps(
            {"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}).encode() + b"\n"))
        if "error" in reply:
            raise SystemExit(f"{method}: {reply['error']}")
        return reply["result"]

    def call(self, tool, **arguments):
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise SystemExit(f"{tool}: {result['content'][0]['text']}")
        return result["structuredContent"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def quantiles(samples):
    samples = sorted(samples)
    return {"p50_us": round(samples[len(samples) // 2] / 1e3, 1),
            "p99_us": round(samples[int(len(samples) * 0.99)] / 1e3, 1)}


def time_lines(shim, lines):
    samples = []
    for line in lines:
        start = time.perf_counter_ns()
        shim.line(line)
        samples.append(time.perf_counter_ns() - start)
    return quantiles(samples)


def memory_kib(pid):
    """USS, PSS and page tables of a process."""
    uss = pss = 0
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        for line in rollup:
            key, _, rest = line.partition(":")
            if key in ("Private_Clean", "Private_Dirty"):
                uss += int(rest.split()[0])
            elif key == "Pss":
                pss = int(rest.split()[0])
    with open(f"/proc/{pid}/status") as status:
        tables = next(int(line.split()[1]) for line in status if line.startswith("VmPTE"))
    return {"uss": uss, "pss": pss, "page_tables": tables}


def first_reply_ms(command, rounds):
    """From before fork to the first reply line read."""
    samples = []
    line = b'{"jsonrpc":"2.0","id":0,"method":"ping"}\n'
    for _ in range(rounds):
        start = time.perf_counter_ns()
        shim = Shim(command)
        shim.line(line)
        samples.append((time.perf_counter_ns() - start) / 1e6)
        shim.close()
    samples.sort()
    return {"p50_ms": round(samples[len(samples) // 2], 2), "max_ms": round(samples[-1], 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(os.path.dirname(__file__), "..", "build", "release", "bin"))
    parser.add_argument("--shims", type=int, default=100)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    binary = os.path.abspath(options.bin)
    scratch = tempfile.mkdtemp(prefix="roost-bench-")
    socket = os.path.join(scratch, "roost.sock")
    broker = subprocess.Popen([f"{binary}/roostd", "--socket", socket, "--data", f"{scratch}/data"],
                              stdout=subprocess.PIPE)
    shims = []
    try:
        broker.stdout.readline()
        command = [f"{binary}/roost-mcp", "--socket", socket]
        shims = [Shim(command + ["--agent", f"agent-{i}"]) for i in range(options.shims)]
        for shim in shims:
            shim.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                        "clientInfo": {"name": "bench", "version": "1"}})
            for i in range(20):
                shim.call("append", stream="bench/all", type="bench.event", data={"i": i, "pad": "x" * 200})
            shim.call("read", stream="bench/all", limit=10)
        memory = [memory_kib(shim.process.pid) for shim in shims]
        append = [json.dumps({"jsonrpc": "2.0", "id": i, "method": "tools/call", "params": {
            "name": "append", "arguments": {"stream": "bench/one", "type": "bench.event",
                                            "data": {"i": i, "pad": "x" * 200}}}}).encode() + b"\n"
            for i in range(options.calls)]
        read = [json.dumps({"jsonrpc": "2.0", "id": i, "method": "tools/call", "params": {
            "name": "read", "arguments": {"stream": "bench/all", "limit": 10}}}).encode() + b"\n"
            for i in range(options.calls)]
        echo_program = ("import os\nwhile True:\n    line=os.read(0,1<<20)\n"
                        "    if not line: break\n    os.write(1,b'{}\\n')\n")
        echo = Shim([sys.executable, "-c", echo_program])
        shims.append(echo)
        results = {"echo": [], "append": [], "read": []}
        for _ in range(options.rounds):
            results["echo"].append(time_lines(echo, append))
            results["append"].append(time_lines(shims[0], append))
            results["read"].append(time_lines(shims[0], read))
        latency = shims[0].call("status")["latency_us"]
        inside = {"append": latency["append_here"], "read": latency["read"]}

        def median(rounds, key):
            return statistics.median(one[key] for one in rounds)

        print(json.dumps({
            "shims": options.shims, "calls_per_round": options.calls, "rounds": options.rounds,
            "round_trip": {name: {key: median(rounds, key) for key in ("p50_us", "p99_us")}
                           for name, rounds in results.items()},
            "in_the_shim": inside,
            "first_reply": first_reply_ms(command, 50),
            "shim_memory_kib": {key: {"median": statistics.median(one[key] for one in memory),
                                      "max": max(one[key] for one in memory)}
                                for key in ("uss", "pss", "page_tables")},
            "broker_memory_kib": memory_kib(broker.pid),
        }))
    finally:
        for shim in shims:
            shim.close()
        broker.terminate()
        broker.wait(10)
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
