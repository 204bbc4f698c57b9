"""Roost's main job, for real: ./tools/try builds everything and calls this."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time

import job
import memory
import show
from broker import Broker
from mcp import McpError, McpServer

JOB_SECONDS_MAX = 120
LATENCY_CALLS = 300
WAKE_UPS = 100


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tools/try")
    parser.add_argument("directory", nargs="?", help="whose files the agents look at (default: Roost's own sources)")
    parser.add_argument("--agents", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="leave the scratch directory with the log")
    parser.add_argument("--programs", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--sources", required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not 2 <= arguments.agents <= 64:
        parser.error("--agents: 2 to 64")
    arguments.directory = os.path.abspath(arguments.directory or arguments.sources)
    if not os.path.isdir(arguments.directory):
        parser.error(f"{arguments.directory} is no directory")
    return arguments


def start_agents(broker, count):
    shims = []
    for number in range(count):
        agent = "planner" if number == 0 else f"worker-{number}"
        command = [broker.program("roost-mcp"), "--socket", broker.socket, "--agent", agent]
        shims.append(McpServer(command, agent, broker.log))
    first = [shim.first_reply_ns for shim in shims]
    print(f"  {count} x roost-mcp {shims[0].version}, tools: {', '.join(shims[0].tools())}")
    print(f"  exec to first reply: {show.micros(min(first))} at best, {show.micros(max(first))} at worst")
    return shims


def run_job(shims, directory, paths):
    """Runs the agents to their end. Returns (agents, seconds)."""
    agents = [job.Planner(shims[0], directory, paths)] + [job.Worker(shim, directory) for shim in shims[1:]]
    progress = show.Progress(len(paths))
    begin = time.monotonic()
    for agent in agents:
        agent.start()
    while any(agent.is_alive() for agent in agents):
        failed = next((agent for agent in agents if agent.error), None)
        if failed:
            raise RuntimeError(f"{failed.name}: {failed.error}")
        if time.monotonic() - begin > JOB_SECONDS_MAX:
            raise RuntimeError(f"the agents were not done after {JOB_SECONDS_MAX} s")
        progress.at(sum(agent.done for agent in agents), "tasks done")
        agents[0].join(0.02)
        if not agents[0].is_alive():
            time.sleep(0.001)
    progress.end()
    failed = next((agent for agent in agents if agent.error), None)
    if failed:
        raise RuntimeError(f"{failed.name}: {failed.error}")
    return agents, time.monotonic() - begin


def show_agents(agents, events):
    rows = []
    for agent in agents:
        # The planner appends in batches: another thing.
        is_worker = isinstance(agent, job.Worker)
        append = show.micros(show.quantile(agent.shim.round_trips_ns["append"], 0.5)) if is_worker else "-"
        calls = sum(map(len, agent.shim.round_trips_ns.values()))
        appended = sum(event["agent"] == agent.name and not event["stream"].startswith("$") for event in events)
        rows.append([agent.name, calls, appended, agent.done, agent.asked, agent.decided, append])
    show.table(["agent", "calls", "events", "tasks done", "asked", "decided", "append p50"], rows)


def show_log(text):
    lines = text.splitlines()
    width = shutil.get_terminal_size((160, 24)).columns
    for line in lines[:8] + [f"... {len(lines) - 16} more ..."] + lines[-8:] if len(lines) > 17 else lines:
        print(f"  {line}"[:width])


def show_memory(broker, shims):
    """Returns the largest USS of a shim in KiB."""
    rows, all_of_it = [], []
    for name, pid in [(f"roost-mcp {shim.agent}", shim.pid) for shim in shims] + [("roostd", broker.process.pid)]:
        of = memory.of_process(pid)
        rows.append([name] + ["-" if of[key] is None else show.kib(of[key]) for key in ("uss", "pss", "tables")])
        all_of_it.append(of)
    show.table(["process", "private (USS)", "PSS", "page tables"], rows)
    known = [of for of in all_of_it if of["pss"] is not None]
    total = sum(of["pss"] + (of["tables"] or 0) for of in known)
    before = memory.BEFORE_KB * len(shims)
    print(
        f"  Together {total / 1024:.1f} MiB, broker and ring included, where {len(shims)} servers of 132.8 MB each took"
        f" {before / 1000:.0f} MB before: {before * 1000 / 1024 / max(1, total):.0f} times less."
    )
    return max(of["uss"] or 0 for of in all_of_it[: len(shims)])


def measure_round_trips(shim):
    """One agent alone, back to back."""
    data = {"text": "x" * 240}
    shim.round_trips_ns.clear()
    for _ in range(LATENCY_CALLS):
        shim.call("append", stream="latency", type="measured", data=data)
    for _ in range(LATENCY_CALLS):
        shim.call("read", stream="latency", limit=10)
    return shim.round_trips_ns


def measure_wake_ups(sleeper, waker):
    """From one agent's append on its way to the end of another's wait."""
    durations = []
    seen = waker.call("append", stream="wake-ups", type="begin")["sequence"]
    for _ in range(WAKE_UPS):
        waiting = sleeper.send("wait", stream="wake-ups", after=seen, timeout_ms=5000)
        time.sleep(0.005)  # it is waiting by now, most likely; if not, it finds the event at once
        begin = time.perf_counter_ns()
        appending = waker.send("append", stream="wake-ups", type="wake")
        woken = sleeper.receive(waiting)
        durations.append(time.perf_counter_ns() - begin)
        seen = waker.receive(appending)["sequence"]
        if len(woken["events"]) != 1:
            raise RuntimeError(f"a wait came back with {len(woken['events'])} events")
    return durations


def show_latencies(broker, shims):
    trips = measure_round_trips(shims[1])
    trips["wake-up"] = measure_wake_ups(shims[1], shims[0])
    names = {
        "append": "append, 256 bytes, journaled: request to reply over stdio",
        "read": "read of 10 events: request to reply over stdio",
        "wake-up": "wake-up: append by one agent to the reply of another's wait",
    }
    rows = [
        [names[key], show.micros(show.quantile(trips[key], 0.5)), show.micros(show.quantile(trips[key], 0.99))]
        for key in names
    ]
    latency = json.loads(broker.roost("stat", "--json"))["latencies"]["append"]
    rows.append(["append: inside the broker", show.micros(latency["p50_ns"]), show.micros(latency["p99_ns"])])
    show.table(["measured here", "p50", "p99"], rows)
    print("  (The first three have this Python program and two pipes in them, 30 to 100 us.)")


def demonstrate(arguments, scratch, running):
    paths, there_are = job.find_files(arguments.directory)
    if not paths:
        raise RuntimeError(f"{arguments.directory} has no text files to look at")

    show.heading("a broker and its agents")
    broker = Broker(arguments.programs, scratch)
    running.append(broker)
    print(f"  roostd, pid {broker.process.pid}, socket {broker.socket}")
    shims = start_agents(broker, arguments.agents)
    running[:0] = shims

    of = f" (of {there_are})" if there_are > len(paths) else ""
    show.heading(f"the job: {len(paths)} files{of} of {arguments.directory}, one task each")
    agents, seconds = run_job(shims, arguments.directory, paths)
    events = broker.events()
    summary = agents[0].summary
    print(
        f"  done in {seconds:.1f} s: {summary['files']} files, {summary['lines']:,} lines, {summary['bytes']:,} bytes,"
        f" {summary['code']} of code, {summary['includes']:,} includes, longest line {summary['longest_line']:,}, {summary['left_to_do']} left to do"
    )
    show_agents(agents, events)
    wrong = job.check(events, paths, [agent.name for agent in agents[1:]])

    show.heading(f"the log: roost --socket {broker.socket} dump")
    show_log(broker.roost("dump"))

    show.heading("memory of each process")
    show_memory(broker, shims)

    show.heading("latencies")
    show_latencies(broker, shims)

    show.heading("stopping, and looking at what is left")
    while running:
        if running[0].stop() != 0:
            wrong.append(f"{getattr(running[0], 'agent', 'roostd')} did not end with exit status 0")
        running.pop(0)
    verified = broker.roost("verify", "--data", broker.data, live=False).strip().splitlines()
    show.good(f"roost verify: {verified[-1] if verified else 'nothing to complain about'}")
    for sentence in wrong:
        show.bad(sentence)
    if not wrong:
        asked, decided = (sum(getattr(agent, what) for agent in agents) for what in ("asked", "decided"))
        show.good(f"each of the {len(paths)} tasks was taken by one agent at a time and settled once")
        show.good(f"{asked} questions were asked, {decided} were new and decided once; the others shared the verdicts")
        show.good("all processes ended by themselves")
    return not wrong


def say_what_next(arguments, scratch):
    bin_ = os.path.relpath(arguments.programs)
    show.heading("what to try next")
    if arguments.keep:
        print(f"  {bin_}/roost dump --data {scratch}/data        # the log of this run, no broker needed")
    print(f"  {bin_}/roostd &                                  # a broker of your own")
    print(f"  {bin_}/roost append inbox/me note '{{\"text\":\"hello\"}}'")
    print(f"  {bin_}/roost tail                                # in another terminal")
    print(f"  and tell your MCP client about it: {{\"mcpServers\": {{\"roost\": {{\"command\":"
          f" \"{arguments.programs}/roost-mcp\", \"args\": [\"--autostart\"]}}}}}}")


def main():
    arguments = parse_arguments()
    scratch = tempfile.mkdtemp(prefix="roost-try-", dir="/tmp")  # short: socket paths end at 107 bytes
    running = []
    try:
        fine = demonstrate(arguments, scratch, running)
        if fine:
            say_what_next(arguments, scratch)
        return 0 if fine else 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except (RuntimeError, McpError, OSError) as error:
        print(f"tools/try: {error}", file=sys.stderr)
        return 1
    finally:
        for process in running:
            process.stop()
        if arguments.keep:
            print(f"  scratch directory: {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
