#!/usr/bin/env python3
"""Latency and memory of real roost-mcp processes over stdio, beside a do-nothing stdio server.

  benchmarks/mcp.py [--bin build/release/bin] [--shims 100] [--calls 5000] [--rounds 5]

Starts a broker in a scratch directory and the shims; one shim at a time makes calls back to back, in turn
with stdio_floor, a server that only reads a line and writes one as long as the answer that it stands beside
(what stdio itself costs). "in the shim" is what a shim says of itself: from the request line read to the
reply line written. Prints one JSON object.

  append, read          as agents make them; read is a repeat, answered from the result cache
  read_anew             of the same ten events, with other arguments each time
  claim_release         a claim and its release, both together
  validate_memory       questions decided before, with other arguments each time: from shared memory
  validate_repeat       the same question again and again: from the result cache
  validate_rule         new questions that a rule of the policy answers
"""
import argparse
import itertools
import json
import os
import shutil
import statistics
import socket
import subprocess
import tempfile
import time


# Answers what validate_rule asks, and lets agents decide what validate_memory asks.
POLICY = """agents_decide = ["bench.known"]

[[rule]]
name = "bench"
kind = "bench.ruled"
pointer = "/command"
regex = "^rm "
verdict = "deny"
reason = "nothing is removed here"
"""


class Shim:
    """A server over a socketpair, as Node's clients start one, or over pipes, as Python's do."""

    pipes = False

    def __init__(self, command):
        if Shim.pipes:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, bufsize=0)
            self.input, self.output = self.process.stdin, self.process.stdout
        else:
            ours, theirs = socket.socketpair()
            self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
            theirs.close()
            self.input = self.output = ours
        self.next_id = 0
        self.buffer = b""

    def line(self, message):
        os.write(self.input.fileno(), message)
        while b"\n" not in self.buffer:
            piece = os.read(self.output.fileno(), 1 << 20)
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
        self.input.close()
        self.process.wait(10)


def quantiles(samples):
    samples = sorted(samples)
    return {"p50_us": round(samples[len(samples) // 2] / 1e3, 1),
            "p99_us": round(samples[int(len(samples) * 0.99)] / 1e3, 1)}


def call_line(tool, **arguments):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                       "params": {"name": tool, "arguments": arguments}}).encode() + b"\n"


def time_lines(shim, lines):
    samples = []
    for line in lines:
        start = time.perf_counter_ns()
        reply = shim.line(line)
        samples.append(time.perf_counter_ns() - start)
    if b'"isError":true' in reply:
        raise SystemExit(reply.decode())
    return quantiles(samples)


def time_claims(shim, count):
    """Claim and release, from the first line written to the second answer read."""
    samples = []
    claim = call_line("claim", keys=["bench/key"])
    for _ in range(count):
        start = time.perf_counter_ns()
        reply = shim.line(claim)
        # Between the two, what every client does with an answer.
        token = json.loads(reply)["result"]["structuredContent"]["token"]
        shim.line(call_line("release", token=token))
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


def prepare(shim, known):
    """Decides the questions that are to be found in shared memory."""
    for i in range(known):
        question = shim.call("validate", kind="bench.known", input={"i": i})
        if question["verdict"] == "undecided":
            shim.call("decide", key=question["key"], token=question["token"], verdict="allow", reason="known")


def measure(shims, floor_program, calls, rounds):
    """Quantiles of each kind of call, round by round, in turn with the floor."""
    known = 100
    worker, reader, repeater, asker = shims[:4]
    prepare(worker, known)
    fresh = itertools.count()
    data = {"pad": "x" * 200}
    append = [call_line("append", stream="bench/one", type="bench.event", data=data)] * calls
    read = [call_line("read", stream="bench/all", limit=10)] * calls
    ask = [call_line("validate", kind="bench.known", input={"i": 1})] * calls
    replies = {"append": worker.line(append[0]), "read": repeater.line(read[0]), "validate": repeater.line(ask[0])}
    floors = {name: Shim([floor_program, str(len(reply) - 40)]) for name, reply in replies.items()}
    measured = {}

    def add(name, quantiles_of_round):
        measured.setdefault(name, []).append(quantiles_of_round)

    for _ in range(rounds):
        add("append", time_lines(worker, append))
        add("floor_append", time_lines(floors["append"], append))
        add("claim_release", time_claims(worker, calls // 2))
        add("read", time_lines(repeater, read))
        add("floor_read", time_lines(floors["read"], read))
        add("validate_repeat", time_lines(repeater, ask))
        add("floor_validate", time_lines(floors["validate"], ask))
        # An argument that changes nothing makes the call another one.
        add("read_anew", time_lines(reader, [
            call_line("read", stream="bench/all", limit=10, since=f"2020-01-01T00:00:00.{next(fresh):09}Z")
            for _ in range(calls)]))
        add("validate_memory", time_lines(asker, [
            call_line("validate", kind="bench.known", input={"i": i % known}, wait_ms=next(fresh) % 50000)
            for i in range(calls)]))
        add("validate_rule", time_lines(worker, [
            call_line("validate", kind="bench.ruled", input={"command": f"rm -rf {next(fresh)}"})
            for _ in range(calls)]))
    for floor in floors.values():
        floor.close()
    return measured


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(os.path.dirname(__file__), "..", "build", "release", "bin"))
    parser.add_argument("--shims", type=int, default=100)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pipes", action="store_true", help="pipes instead of socketpairs")
    options = parser.parse_args()
    Shim.pipes = options.pipes
    binary = os.path.abspath(options.bin)
    scratch = tempfile.mkdtemp(prefix="roost-bench-")
    path = os.path.join(scratch, "roost.sock")
    policy = os.path.join(scratch, "policy.toml")
    with open(policy, "w") as file:
        file.write(POLICY)
    broker = subprocess.Popen([f"{binary}/roostd", "--socket", path, "--data", f"{scratch}/data", "--policy", policy],
                              stdout=subprocess.PIPE)
    shims = []
    try:
        broker.stdout.readline()
        command = [f"{binary}/roost-mcp", "--socket", path]
        shims = [Shim(command + ["--agent", f"agent-{i}"]) for i in range(max(options.shims, 4))]
        for shim in shims:
            shim.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                        "clientInfo": {"name": "bench", "version": "1"}})
            for i in range(20):
                shim.call("append", stream="bench/all", type="bench.event", data={"i": i, "pad": "x" * 200})
            shim.call("read", stream="bench/all", limit=10)
        memory = [memory_kib(shim.process.pid) for shim in shims]
        measured = measure(shims, f"{binary}/stdio_floor", options.calls, options.rounds)

        def median(name, key="p50_us"):
            return statistics.median(one[key] for one in measured[name])

        inside = [shim.call("status")["latency_us"] for shim in shims[:4]]
        print(json.dumps({
            "shims": len(shims), "calls_per_round": options.calls, "rounds": options.rounds,
            "stdio": "pipes" if options.pipes else "socketpair",
            "round_trip": {name: {key: median(name, key) for key in ("p50_us", "p99_us")} for name in measured},
            "in_the_shim": {"append": inside[0]["append_here"], "read_anew": inside[1]["read"],
                            "read": inside[2]["read"], "validate_repeat": inside[2]["validate"],
                            "validate_memory": inside[3]["validate"]},
            "ratios": {
                "claim_release/append": round(median("claim_release") / median("append"), 2),
                "read/floor": round(median("read") / median("floor_read"), 2),
                "validate_repeat/floor": round(median("validate_repeat") / median("floor_validate"), 2),
            },
            "validate_rule_over_append_us": round(median("validate_rule") - median("append"), 1),
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
