"""The job: a planner makes a task of each file, workers claim them, look at the files, and all wait for
each other. Everything they know of each other they know from the log.

    tasks/0001   task.created {path}     by the planner
                 task.claimed            expect 1: one worker wins, the others are told and go on
                 task.done {lines, ...}  expect 2, by the same
    plan         plan.ready {tasks}, then plan.summary when all is done
"""

import os
import re
import threading

FILES_MAX = 400
FILE_BYTES_MAX = 1 << 20
BATCH_EVENTS = 100
WAIT_MS = 20_000
SKIPPED_DIRECTORIES = {"build", "node_modules", "__pycache__", "target", "venv"}
# Words that mark what somebody meant to come back to; in pieces, so as not to count this file.
LEFT_TO_DO = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "HA" + "CK", "XX" + "X"]))
INCLUDES = re.compile(r"^\s*(#\s*include|import|from|use|require)\b", re.MULTILINE)


def find_files(directory):
    """Text files below `directory`, by name; at most FILES_MAX. Returns (paths, how many there are)."""
    found = []
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_DIRECTORIES and not f.startswith("."))
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and os.path.getsize(path) <= FILE_BYTES_MAX and _is_text(path):
                found.append(os.path.relpath(path, directory))
    return found[:FILES_MAX], len(found)


def _is_text(path):
    try:
        with open(path, "rb") as file:
            start = file.read(4096)
        start.decode("utf-8", errors="strict" if len(start) < 4096 else "ignore")
        return b"\0" not in start and os.fsencode(path).decode("utf-8", "strict") is not None
    except (OSError, UnicodeDecodeError):
        return False


def look_at(path):
    """What a worker finds out about a file."""
    with open(path, "rb") as file:
        text = file.read(FILE_BYTES_MAX).decode("utf-8", errors="replace")
    lines = text.splitlines()
    return {
        "bytes": os.path.getsize(path),
        "lines": len(lines),
        "longest_line": max(map(len, lines), default=0),
        "left_to_do": len(LEFT_TO_DO.findall(text)),
        "includes": len(INCLUDES.findall(text)),
    }


def wait_for(shim, enough, **filter_):
    """Waits until `enough(events so far)`; returns the events."""
    events, after = [], 0
    while not enough(events):
        page = shim.call("wait", after=after, timeout_ms=WAIT_MS, limit=500, **filter_)
        events += page["events"]
        after = page["next"]
    return events


class Agent(threading.Thread):
    """One agent: a thread with a roost-mcp of its own."""

    def __init__(self, shim, directory):
        super().__init__(name=shim.agent, daemon=True)
        self.shim = shim
        self.directory = directory
        self.error = None
        self.claimed = 0
        self.lost = 0

    def run(self):
        try:
            self.work()
        except Exception as error:  # told to the main thread, which ends the demonstration
            self.error = error


class Planner(Agent):
    def __init__(self, shim, directory, paths):
        super().__init__(shim, directory)
        self.paths = paths
        self.summary = None

    def work(self):
        for first in range(0, len(self.paths), BATCH_EVENTS):
            batch = [
                {"stream": f"tasks/{number:04}", "type": "task.created", "data": {"path": path}}
                for number, path in enumerate(self.paths[first : first + BATCH_EVENTS], start=first + 1)
            ]
            self.shim.call("append", events=batch)
        self.shim.call("append", stream="plan", type="plan.ready", data={"tasks": len(self.paths)}, expect=0)
        done = wait_for(self.shim, lambda events: len(events) >= len(self.paths), stream="tasks/*", types=["task.done"])
        found = [event["data"] for event in done]
        self.summary = {key: sum(one[key] for one in found) for key in ("bytes", "lines", "left_to_do", "includes")}
        self.summary["files"] = len(found)
        self.summary["longest_line"] = max((one["longest_line"] for one in found), default=0)
        self.shim.call("append", stream="plan", type="plan.summary", data=self.summary, expect=1)


class Worker(Agent):
    def work(self):
        plan = wait_for(self.shim, len, stream="plan", types=["plan.ready"])
        count = plan[0]["data"]["tasks"]
        for task in wait_for(
            self.shim, lambda events: len(events) >= count, stream="tasks/*", types=["task.created"]
        ):
            if self.claim(task["stream"]):
                found = look_at(os.path.join(self.directory, task["data"]["path"]))
                self.shim.call("append", stream=task["stream"], type="task.done", data=found, expect=2)
        wait_for(self.shim, len, stream="plan", types=["plan.summary"])

    def claim(self, stream):
        """The stream is at 1 until somebody has claimed the task: of those who try exactly one wins."""
        answer = self.shim.call("append", stream=stream, type="task.claimed", expect=1)
        if answer["appended"]:
            self.claimed += 1
        else:
            self.lost += 1
        return answer["appended"]


def check(events, paths, workers):
    """What must be true of the log afterwards. Returns the sentences that are not."""
    wrong = []
    if [event["sequence"] for event in events] != list(range(1, len(events) + 1)):
        wrong.append("sequences are not 1, 2, 3, ...")
    tasks = {}
    for event in events:
        if event["stream"].startswith("tasks/"):
            tasks.setdefault(event["stream"], []).append(event)
    if len(tasks) != len(paths):
        wrong.append(f"{len(tasks)} tasks in the log for {len(paths)} files")
    for stream, history in sorted(tasks.items()):
        if [(event["revision"], event["type"]) for event in history] != [
            (1, "task.created"),
            (2, "task.claimed"),
            (3, "task.done"),
        ]:
            wrong.append(f"{stream}: {[event['type'] for event in history]}")
        elif history[1]["agent"] not in workers:
            wrong.append(f"{stream}: claimed by {history[1]['agent']}, who is no worker")
        elif history[1]["agent"] != history[2]["agent"]:
            wrong.append(f"{stream}: claimed by {history[1]['agent']}, done by {history[2]['agent']}")
    return wrong
