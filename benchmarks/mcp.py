#!/usr/bin/env python3
"""Latency of each tool of real roost-mcp processes, while 1, 100 and 1000 agents are active, beside other servers.

  benchmarks/mcp.py [--active 1,100,1000] [--calls 2000] [--rounds 3] [--bin build/release/bin] [--pipes] [--json]

One broker in a scratch directory. Of the active agents one makes calls back to back, over stdio, and is measured; each
of the others makes a call a second, an append and a read of the ten newest events of a stream in turn, by a process of
their own. In turn with it, in the same rounds:

  floor           stdio_floor, a server that reads a line and writes one, as long as the answer that it stands beside: what
                  stdio and this program cost
  server-memory   the npm package @modelcontextprotocol/server-memory, one alone with a file of its own, a twentieth of the calls:
                  create_entities (one at a time, beside append) and open_nodes (one of them, beside read)

"here" is what the shim says of itself (status): from the request line read to the reply line written.

  append, read        as agents make them; read is a repeat, answered from the result cache
  read_anew           of the same ten events, with other arguments each time
  wait                for what is there already
  claim, release      of one key
  take, settle        one event of a group
  validate_memory     questions decided before, with other arguments each time: from shared memory
  validate_repeat     the same question again and again: from the result cache
  validate_rule       new questions that a rule of the policy answers
  validate, decide    new questions that the agent decides itself
  status              with nothing else

Prints a table, or with --json one JSON object."""

import argparse
import itertools
import json
import multiprocessing
import pathlib
import select
import shutil
import sys
import tempfile
import time

from running_broker import ROOT, running_broker
from stdio_server import (StdioServer, call_line, install_memory_server, memory_kib, memory_server, quantiles_us, spread)

# Answers what validate_rule asks, and lets agents decide the rest.
POLICY = """agents_decide = ["bench.known", "bench.new"]

[[rule]]
name = "bench"
kind = "bench.ruled"
pointer = "/command"
regex = "^rm "
verdict = "deny"
reason = "nothing is removed here"
"""

KNOWN = 100
FILL = {"pad": "x" * 200}
PEER_SHARE = 20  # so many times fewer calls


def start_shim(binary, socket, agent, pipes=False):
    shim = StdioServer([binary / "roost-mcp", "--socket", socket, "--agent", agent], pipes=pipes)
    shim.initialize()
    return shim


class Others:
    """Agents that each make a call a second, in a process of their own."""

    def __init__(self, binary, socket, count):
        self.calls = multiprocessing.Value("Q", 0)
        self.stop = multiprocessing.Event()
        self.process = None
        if count == 0:
            return
        ready = multiprocessing.Event()
        self.process = multiprocessing.Process(target=self.run, args=(binary, socket, count, ready))
        self.process.start()
        while not ready.wait(1):
            if not self.process.is_alive():
                sys.exit("the other agents could not be started")

    def run(self, binary, socket, count, ready):
        shims = [start_shim(binary, socket, f"other-{number}") for number in range(count)]
        lines = [(call_line("append", stream=f"other/{number}", type="bench.event", data=FILL),
                  call_line("read", stream=f"other/{number}", limit=10, order="newest")) for number in range(count)]
        poller = select.poll()
        by_descriptor = {}
        for shim in shims:
            poller.register(shim, select.POLLIN)
            by_descriptor[shim.fileno()] = shim
        ready.set()
        begin = time.monotonic()
        sent = 0
        busy = set()
        while not self.stop.is_set():
            due = int((time.monotonic() - begin) * count)
            while sent < due:
                shim = shims[sent % count]
                if shim.fileno() not in busy:  # one whose last call is not answered misses its turn
                    shim.send(lines[sent % count][sent // count % 2])
                    busy.add(shim.fileno())
                sent += 1
            for descriptor, _ in poller.poll(2):
                if b'"isError":true' in by_descriptor[descriptor].receive():
                    raise SystemExit("a call of another agent failed")
                busy.discard(descriptor)
                self.calls.value += 1
        for shim in shims:
            shim.close()

    def end(self):
        self.stop.set()
        if self.process is not None:
            self.process.join()
            if self.process.exitcode != 0:
                sys.exit("the other agents failed")


def timed(server, line):
    begin = time.perf_counter_ns()
    reply = server.line(line)
    return time.perf_counter_ns() - begin, reply


def content(reply):
    result = json.loads(reply)["result"]
    if result.get("isError"):
        raise SystemExit(result["content"][0]["text"])
    return result["structuredContent"]


class Measured:
    """Samples by name, in ns."""

    def __init__(self):
        self.samples = {}

    def call(self, name, server, line):
        took, reply = timed(server, line)
        self.samples.setdefault(name, []).append(took)
        if b'"isError":true' in reply:
            raise SystemExit(f"{name}: {reply.decode()}")
        return reply

    def calls(self, count, name, server, line):
        for _ in range(count):
            self.call(name, server, line)


def prepare(shim):
    for i in range(20):
        shim.call("append", stream="bench/all", type="bench.event", data={"i": i, **FILL})
    for i in range(KNOWN):
        question = shim.call("validate", kind="bench.known", input={"i": i})
        if question["verdict"] == "undecided":
            shim.call("decide", key=question["key"], token=question["token"], verdict="allow", reason="known")


def measure_round(shim, repeater, floors, peer, calls, fresh, measured):
    append = call_line("append", stream="bench/one", type="bench.event", data=FILL)
    read = call_line("read", stream="bench/all", limit=10)
    ask = call_line("validate", kind="bench.known", input={"i": 1})
    measured.calls(calls, "append", shim, append)
    measured.calls(calls, "floor append", floors["append"], append)
    measured.calls(calls, "read", repeater, read)
    measured.calls(calls, "floor read", floors["read"], read)
    for _ in range(calls):
        # An argument that changes nothing makes the call another one.
        measured.call("read_anew", shim, call_line(
            "read", stream="bench/all", limit=10, since=f"2020-01-01T00:00:00.{next(fresh):09}Z"))
    measured.calls(calls, "wait", shim, call_line("wait", stream="bench/all", after=0, limit=10))
    claim = call_line("claim", keys=["bench/key"])
    for _ in range(calls):
        token = content(measured.call("claim", shim, claim))["token"]
        measured.call("release", shim, call_line("release", token=token))
    take = call_line("take", stream="bench/one", group="bench")
    for _ in range(calls):
        (event,) = content(measured.call("take", shim, take))["events"]
        measured.call("settle", shim, call_line("settle", token=event["token"], outcome="done"))
    for _ in range(calls):
        measured.call("validate_memory", shim, call_line(
            "validate", kind="bench.known", input={"i": next(fresh) % KNOWN}, wait_ms=next(fresh) % 50000))
    measured.calls(calls, "validate_repeat", repeater, ask)
    measured.calls(calls, "floor validate", floors["validate"], ask)
    for _ in range(calls):
        measured.call("validate_rule", shim, call_line(
            "validate", kind="bench.ruled", input={"command": f"rm -rf {next(fresh)}"}))
    for _ in range(calls):
        answer = content(measured.call("validate", shim, call_line("validate", kind="bench.new", input=next(fresh))))
        if not answer.get("you_decide"):
            raise SystemExit(f"a new question had an answer: {answer}")
        measured.call("decide", shim, call_line("decide", key=answer["key"], token=answer["token"], verdict="allow"))
    measured.calls(calls // 10, "status", shim, call_line("status"))
    if peer is None:
        return
    for _ in range(calls // PEER_SHARE):
        name = f"agent-{next(fresh)}"
        measured.call("server-memory create", peer, call_line("create_entities", entities=[
            {"name": name, "entityType": "bench", "observations": [FILL["pad"]]}]))
        measured.call("server-memory open", peer, call_line("open_nodes", names=[name]))


def measure(binary, scratch, active, options):
    policy = scratch / "policy.toml"
    policy.write_text(POLICY)
    with running_broker(binary / "roostd", "--policy", policy) as socket:
        shim = start_shim(binary, socket, "measured", options.pipes)
        repeater = start_shim(binary, socket, "repeater", options.pipes)
        prepare(shim)
        replies = {"append": shim.line(call_line("append", stream="bench/one", type="bench.event", data=FILL)),
                   "read": shim.line(call_line("read", stream="bench/all", limit=10)),
                   "validate": shim.line(call_line("validate", kind="bench.known", input={"i": 1}))}
        floors = {name: StdioServer([binary / "stdio_floor", str(len(reply) - 40)], pipes=options.pipes)
                  for name, reply in replies.items()}
        peer = None
        if not options.no_peer:
            install_memory_server()
            peer = memory_server(scratch, active)
            peer.initialize()
        others = Others(binary, socket, active - 1)
        measured = Measured()
        fresh = itertools.count()
        begin = time.monotonic()
        calls_before = others.calls.value
        for number in range(options.rounds):
            if sys.stderr.isatty():
                print(f"{active} active, round {number + 1} of {options.rounds}", file=sys.stderr)
            measure_round(shim, repeater, floors, peer, options.calls, fresh, measured)
        rate = (others.calls.value - calls_before) / (time.monotonic() - begin)
        own = shim.call("status")["latency_us"]
        repeated = repeater.call("status")["latency_us"]
        memory = memory_kib(shim.process.pid)
        others.end()
        for server in [shim, repeater, *floors.values(), *([peer] if peer else [])]:
            server.close()
    here = {"append": own["append_here"], "read": repeated["read"], "read_anew": own["read"],
            "validate_memory": own["validate"], "validate_repeat": repeated["validate"]}
    for name in ("wait", "claim", "release", "take", "settle", "decide", "status"):
        here[name] = own.get(name + "_here")
    return {"active": active, "calls_of_others_per_s": round(rate), "round_trip_us": {
        name: quantiles_us(samples) for name, samples in measured.samples.items()}, "here_us": here,
        "shim_kib": memory}


def first_reply_ms(command, count):
    """From before fork to the first reply line read."""
    samples = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        server = StdioServer(command)
        server.line(b'{"jsonrpc":"2.0","id":0,"method":"ping"}\n')
        samples.append((time.perf_counter_ns() - begin) / 1e6)
        server.close()
    return {key: round(value, 2) for key, value in spread(samples).items()}


def print_table(result):
    actives = [one["active"] for one in result["runs"]]
    print("µs, p50 / p99 / p99.9, round trip over stdio; in brackets: within the shim\n")
    print(f"| call | {' | '.join(f'{active} active' for active in actives)} |")
    print("|---" * (1 + len(actives)) + "|")
    for name in result["runs"][0]["round_trip_us"]:
        cells = []
        for run in result["runs"]:
            cell = " / ".join(f"{value:g}" for value in run["round_trip_us"][name].values())
            here = run["here_us"].get(name)
            cells.append(cell + (f" ({' / '.join(f'{value:g}' for value in here.values())})" if here else ""))
        print(f"| {name} | {' | '.join(cells)} |")
    print(f"\nFrom before fork to the first reply, ms: {result['first_reply_ms']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--active", default="1,100,1000", help="numbers of agents")
    parser.add_argument("--calls", type=int, default=2000, help="of each kind in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pipes", action="store_true", help="pipes instead of socketpairs")
    parser.add_argument("--no-peer", action="store_true", help="without server-memory, which needs node and npm")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    binary = options.bin.resolve()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="roost-bench-"))
    try:
        runs = [measure(binary, scratch, int(active), options) for active in options.active.split(",")]
        with running_broker(binary / "roostd") as socket:
            first = first_reply_ms([binary / "roost-mcp", "--socket", socket], 50)
        result = {"calls_per_round": options.calls, "rounds": options.rounds,
                  "stdio": "pipes" if options.pipes else "socketpair", "runs": runs, "first_reply_ms": first}
        if options.json:
            print(json.dumps(result))
        else:
            print_table(result)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
