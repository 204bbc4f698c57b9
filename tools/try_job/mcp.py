"""An MCP client as small as can be: one roost-mcp process, spoken to over its stdin and stdout."""

import json
import os
import select
import subprocess
import time

REPLY_SECONDS_MAX = 60
PROTOCOL = "2025-11-25"


class McpError(Exception):
    pass


class McpServer:
    """One roost-mcp. One thread at a time; send() and receive() apart make it possible to have a call
    wait while something else happens."""

    def __init__(self, command, agent, log):
        self.agent = agent
        self.round_trips_ns = {}  # tool -> durations
        begin = time.perf_counter_ns()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0)
        self._buffer = b""
        self._next_id = 1
        reply = self._receive(
            self._send(
                "initialize",
                {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": agent, "version": "1"}},
            )
        )
        self.first_reply_ns = time.perf_counter_ns() - begin
        self.version = reply["serverInfo"]["version"]
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    @property
    def pid(self):
        return self.process.pid

    def tools(self):
        return [tool["name"] for tool in self._receive(self._send("tools/list", {}))["tools"]]

    def call(self, tool, **arguments):
        begin = time.perf_counter_ns()
        answer = self.receive(self.send(tool, **arguments))
        self.round_trips_ns.setdefault(tool, []).append(time.perf_counter_ns() - begin)
        return answer

    def send(self, tool, **arguments):
        return self._send("tools/call", {"name": tool, "arguments": arguments})

    def receive(self, call):
        result = self._receive(call)
        if result.get("isError"):
            raise McpError(f"{self.agent}: {result['content'][0]['text']}")
        return result["structuredContent"]

    def stop(self):
        """Closes its stdin, as a client that goes does. Returns the exit status."""
        self.process.stdin.close()
        try:
            return self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def _write(self, message):
        os.write(self.process.stdin.fileno(), json.dumps(message).encode() + b"\n")

    def _send(self, method, params):
        call = self._next_id
        self._next_id += 1
        self._write({"jsonrpc": "2.0", "id": call, "method": method, "params": params})
        return call

    def _receive(self, call):
        while True:
            message = json.loads(self._line())
            if message.get("id") != call:
                continue  # a notification; nothing else can come between
            if "error" in message:
                raise McpError(f"{self.agent}: {message['error']['message']}")
            return message["result"]

    def _line(self):
        stdout = self.process.stdout.fileno()
        while b"\n" not in self._buffer:
            if not select.select([stdout], [], [], REPLY_SECONDS_MAX)[0]:
                raise McpError(f"{self.agent}: roost-mcp did not answer for {REPLY_SECONDS_MAX} s")
            chunk = os.read(stdout, 1 << 20)
            if not chunk:
                raise McpError(f"{self.agent}: roost-mcp ended (exit status {self.process.wait()})")
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line
