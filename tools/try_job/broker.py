"""A roostd of our own in a scratch directory, and `roost` to look at it."""

import json
import os
import select
import signal
import subprocess

READY_SECONDS_MAX = 10


class Broker:
    def __init__(self, programs, scratch):
        self.programs = programs
        self.socket = os.path.join(scratch, "roost.sock")
        self.data = os.path.join(scratch, "data")
        self.log_path = os.path.join(scratch, "roostd.log")
        self.log = open(self.log_path, "wb")
        ready, ready_end = os.pipe()
        try:
            self.process = subprocess.Popen(
                [self.program("roostd"), "--socket", self.socket, "--data", self.data, "--ready-fd", str(ready_end)],
                stdin=subprocess.DEVNULL,
                stdout=self.log,
                stderr=self.log,
                pass_fds=[ready_end],
            )
            os.close(ready_end)
            is_ready = select.select([ready], [], [], READY_SECONDS_MAX)[0] and os.read(ready, 16)
        finally:
            os.close(ready)
        if not is_ready:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"roostd did not start: {self._last_words()}")

    def program(self, name):
        return os.path.join(self.programs, name)

    def roost(self, *arguments, live=True):
        """Standard output of `roost`; with `live` it asks the broker, else the data directory alone."""
        where = ["--socket", self.socket] if live else []
        done = subprocess.run(
            [self.program("roost"), *where, *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"roost {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode()

    def events(self):
        return [json.loads(line) for line in self.roost("dump", "--json").splitlines()]

    def stop(self):
        """SIGTERM, as systemd does. Returns the exit status, None if it had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = None
        self.log.close()
        return status

    def _last_words(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read().strip().rpartition("\n")[2] or "it said nothing"
