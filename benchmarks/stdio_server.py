"""A stdio MCP server as a benchmark drives it, and what is asked of its process."""

import json
import math
import os
import pathlib
import socket
import subprocess

from running_broker import ROOT

PEERS = ROOT / "benchmarks/npm"
MEMORY_SERVER = PEERS / "node_modules/@modelcontextprotocol/server-memory/dist/index.js"


def call_line(tool, request_id=1, **arguments):
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "method": "tools/call",
                       "params": {"name": tool, "arguments": arguments}}).encode() + b"\n"


class StdioServer:
    """Over a socketpair, as Node's clients start one, or over pipes, as Python's do."""

    def __init__(self, command, pipes=False, environment=None):
        environment = {**os.environ, **(environment or {})}
        if pipes:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, bufsize=0, env=environment)
            self.input, self.output = self.process.stdin, self.process.stdout
        else:
            ours, theirs = socket.socketpair()
            self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL,
                                            env=environment)
            theirs.close()
            self.input = self.output = ours
        self.buffer = b""

    def fileno(self):
        return self.output.fileno()

    def send(self, message):
        os.write(self.input.fileno(), message)

    def receive(self):
        """The next line; None if there is none yet and the descriptor does not block."""
        while b"\n" not in self.buffer:
            try:
                piece = os.read(self.output.fileno(), 1 << 20)
            except BlockingIOError:
                return None
            if not piece:
                raise SystemExit(f"{self.process.args[0]} ended")
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def line(self, message):
        self.send(message)
        return self.receive()

    def request(self, method, params):
        reply = json.loads(self.line(json.dumps(
            {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n"))
        if "error" in reply:
            raise SystemExit(f"{method}: {reply['error']}")
        return reply["result"]

    def initialize(self):
        self.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                    "clientInfo": {"name": "bench", "version": "1"}})
        self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    def call(self, tool, **arguments):
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise SystemExit(f"{tool}: {result['content'][0]['text']}")
        return result.get("structuredContent", result)

    def close(self):
        self.input.close()
        self.output.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def install_memory_server():
    """The npm package @modelcontextprotocol/server-memory, of the version in npm/package-lock.json."""
    if not MEMORY_SERVER.exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=PEERS, check=True,
                       stdout=subprocess.DEVNULL)


def memory_server(directory, number):
    """One with a file of its own in `directory`."""
    return StdioServer(["node", str(MEMORY_SERVER)],
                       environment={"MEMORY_FILE_PATH": str(pathlib.Path(directory) / f"memory-{number}.jsonl")})


def quantiles_us(samples_ns):
    """p50, p99 and p99.9 in µs."""
    ordered = sorted(samples_ns)

    def at(share):
        return round(ordered[min(len(ordered) - 1, math.ceil(len(ordered) * share) - 1)] / 1e3, 1)

    return {"p50": at(0.5), "p99": at(0.99), "p999": at(0.999)}


def memory_kib(pid):
    """USS, PSS, what of it is no file's, and page tables of a process."""
    keys = {"Pss": "pss", "Anonymous": "anonymous"}
    memory = {"uss": 0}
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        for line in rollup:
            key, _, rest = line.partition(":")
            if key in ("Private_Clean", "Private_Dirty", "Private_Hugetlb"):
                memory["uss"] += int(rest.split()[0])
            elif key in keys:
                memory[keys[key]] = int(rest.split()[0])
    with open(f"/proc/{pid}/status") as status:
        memory["page_tables"] = next(int(line.split()[1]) for line in status if line.startswith("VmPTE"))
    return memory


def spread(values):
    ordered = sorted(values)
    return {"median": ordered[len(ordered) // 2], "least": ordered[0], "greatest": ordered[-1]}
