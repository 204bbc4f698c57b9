"""The adapters: programs named compare_PEER, which say what they can do, and do one work once."""

import json
import pathlib
import shutil
import signal
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SECONDS_MAX = 120  # of one work, done once


class Failed(Exception):
    """An adapter that failed: what it said last."""


def describe_all(bin_directory):
    """What each built adapter says of itself, by program; and the peers that could not be built, with why."""
    built, absent = {}, {}
    for source in sorted((HERE / "peers").glob("*.cc")):
        program = bin_directory / f"compare_{source.stem}"
        if not program.exists():
            absent[source.stem] = f"its libraries are not installed ({head_of(source, 'packages')})"
            continue
        said = subprocess.run([program, "--describe"], capture_output=True, text=True, check=True, timeout=60)
        peer = json.loads(said.stdout)
        if peer["version"]:
            built[program.name] = peer
        else:
            absent[peer["peer"]] = f"its server is not installed ({head_of(source, 'packages')})"
    return built, absent


def head_of(source, key):
    """What stands behind "// key:" in an adapter."""
    for line in source.read_text().splitlines():
        if line.startswith(f"// {key}:"):
            return line.partition(":")[2].strip()
    return ""


def run(program, bin_directory, scratch_parent, *arguments):
    """The metrics of one run, in a scratch directory of its own. Raises Failed."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="roost-compare-", dir=scratch_parent))
    process = subprocess.Popen([bin_directory / program, "--bin", bin_directory, "--scratch", scratch, *arguments],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, errors = process.communicate(timeout=SECONDS_MAX)
        return metrics_of(process.returncode, output, errors)
    except subprocess.TimeoutExpired:
        raise Failed(f"was not done after {SECONDS_MAX} s") from None
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)  # its servers and clients go with it
            process.communicate()
        shutil.rmtree(scratch, ignore_errors=True)


def limits(bin_directory, scratch_parent):
    """What the machine itself can do now."""
    said = subprocess.run([bin_directory / "compare_limits", scratch_parent], capture_output=True, text=True,
                          timeout=60, check=False)
    return metrics_of(said.returncode, said.stdout, said.stderr)


def metrics_of(status, output, errors):
    if status != 0:
        said = [line for line in errors.splitlines() if line.strip()]
        # The first complaint is the cause, those after it follow from it.
        raise Failed(said[0] if said else f"ended with status {status}")
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise Failed("printed no figures")
    return json.loads(lines[-1])
