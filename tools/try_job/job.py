"""The job: a planner makes a task of each file, workers take them from the stream as a group, look at the
files, and share what they find out about kinds of files. Everything they know of each other they know from
the log.

    tasks        task.created {path}            by the planner
    results      task.done {path, lines, ...}   by the worker that took the task, before it settles it
    plan         plan.ready {tasks}, then plan.summary when all is done

Whether files with a certain ending are code is asked with `validate`: the first worker that meets an ending is
told to decide, and looks; everybody else gets its verdict.
"""

import os
import re
import threading

FILES_MAX = 400
FILE_BYTES_MAX = 1 << 20
BATCH_EVENTS = 100
WAIT_MS = 20_000
GROUP = "workers"
TAKE_MAX = 2
TAKE_WAIT_MS = 200
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


def is_code(path):
    """What the one who is to decide looks at: whether the file includes or imports anything."""
    with open(path, "rb") as file:
        return INCLUDES.search(file.read(FILE_BYTES_MAX).decode("utf-8", errors="replace")) is not None


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
        self.done = 0
        self.asked = 0
        self.decided = 0

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
                {"stream": "tasks", "type": "task.created", "data": {"path": path}}
                for path in self.paths[first : first + BATCH_EVENTS]
            ]
            self.shim.call("append", events=batch)
        self.shim.call("append", stream="plan", type="plan.ready", data={"tasks": len(self.paths)}, expect=0)
        done = wait_for(self.shim, lambda events: len(events) >= len(self.paths), stream="results", types=["task.done"])
        found = [event["data"] for event in done]
        self.summary = {key: sum(one[key] for one in found) for key in ("bytes", "lines", "left_to_do", "includes")}
        self.summary["files"] = len(found)
        self.summary["code"] = sum(one["code"] for one in found)
        self.summary["longest_line"] = max((one["longest_line"] for one in found), default=0)
        self.shim.call("append", stream="plan", type="plan.summary", data=self.summary, expect=1)


class Worker(Agent):
    def work(self):
        while not self.shim.call("read", stream="plan", types=["plan.summary"])["events"]:
            taken = self.shim.call("take", stream="tasks", group=GROUP, max=TAKE_MAX, wait_ms=TAKE_WAIT_MS)
            for task in taken["events"]:
                self.do(task)

    def do(self, task):
        path = task["data"]["path"]
        found = {"path": path, "code": self.ask_whether_code(path), **look_at(os.path.join(self.directory, path))}
        # Should this worker die before it has settled the task, another does it again: the id makes that one result.
        self.shim.call("append", stream="results", type="task.done", data=found, id=f"task-{task['revision']}")
        if not self.shim.call("settle", token=task["token"], outcome="done")["settled"]:
            raise RuntimeError(f"the lease of task {task['revision']} had ended")
        self.done += 1

    def ask_whether_code(self, path):
        ending = os.path.splitext(path)[1] or os.path.basename(path)
        self.asked += 1
        answer = self.shim.call("validate", kind="file.is_code", input={"ending": ending})
        if answer.get("you_decide"):
            verdict = "allow" if is_code(os.path.join(self.directory, path)) else "deny"
            self.decided += 1
            self.shim.call("decide", key=answer["key"], token=answer["token"], verdict=verdict, reason=f"looked at {path}")
            return verdict == "allow"
        return answer["verdict"] == "allow"


def check(events, paths, workers):
    """What must be true of the log afterwards. Returns the sentences that are not."""
    wrong = []
    if [event["sequence"] for event in events] != list(range(1, len(events) + 1)):
        wrong.append("sequences are not 1, 2, 3, ...")
    if sum(event["type"] == "task.created" for event in events) != len(paths):
        wrong.append(f"not {len(paths)} tasks in the log")
    wrong += _check_results(events, paths, workers)
    wrong += _check_group(events, paths, workers)
    decided = [event["data"]["key"] for event in events if event["type"] == "verdict.decided"]
    if len(decided) != len(set(decided)):
        wrong.append("a question was decided twice")
    return wrong


def _check_results(events, paths, workers):
    results = [event for event in events if event["stream"] == "results"]
    wrong = [f"a result by {event['agent']}, who is no worker" for event in results if event["agent"] not in workers]
    if sorted(event["data"]["path"] for event in results) != sorted(paths):
        wrong.append(f"{len(results)} results for {len(paths)} files, or not one for each")
    return wrong


def _check_group(events, paths, workers):
    """Each task was in one worker's hands at a time, and settled once."""
    wrong, holder, settled = [], {}, set()
    for event in events:
        if event["stream"] != f"$groups/tasks/{GROUP}" or "revisions" not in event["data"]:
            continue
        for first, last in event["data"]["revisions"]:
            for revision in range(first, last + 1):
                if event["type"] == "group.taken":
                    if revision in holder or revision in settled:
                        wrong.append(f"task {revision} was handed out while {holder.get(revision)} had it")
                    holder[revision] = event["agent"]
                elif event["type"] == "group.settled":
                    if holder.pop(revision, None) != event["agent"]:
                        wrong.append(f"task {revision} was settled by {event['agent']}, who did not have it")
                    settled.add(revision)
    if settled != set(range(1, len(paths) + 1)) or holder:
        wrong.append(f"{len(settled)} of {len(paths)} tasks are settled, {len(holder)} in somebody's hands")
    return wrong
