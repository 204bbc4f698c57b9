"""A roostd in a directory of its own, for as long as a `with` lasts."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def running_broker(roostd, *options, under=()):
    """Yields the path of its socket. `under`: a program that runs it, with its options."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="roost-bench-"))
    ready_read, ready_write = os.pipe()
    try:
        with (scratch / "log").open("w") as log:
            broker = subprocess.Popen([*under, roostd, "--socket", scratch / "roost.sock", "--data", scratch / "data",
                                       "--ready-fd", str(ready_write), *options],
                                      pass_fds=[ready_write], stderr=log, stdout=subprocess.DEVNULL)
        os.close(ready_write)
        try:
            if not os.read(ready_read, 1):
                sys.exit(f"roostd did not start: {(scratch / 'log').read_text()}")
            yield scratch / "roost.sock"
        finally:
            broker.send_signal(signal.SIGTERM)
            broker.wait()
    finally:
        os.close(ready_read)
        shutil.rmtree(scratch, ignore_errors=True)
