"""What the figures were taken on."""

import datetime
import os
import pathlib
import platform
import re
import subprocess


def describe(scratch):
    cpus = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", cpus, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "cpu": model.group(1).strip() if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "virtual": "hypervisor" in cpus,
        "memory_gib": round(int(memory.group(1)) / 2**20, 1) if memory else 0,
        "kernel": platform.release(),
        "system": system_name(),
        "filesystem": output_of("stat", "-f", "-c", "%T", str(scratch)).replace("ext2/ext3", "ext4"),
        "compiler": output_of("c++", "--version").partition("\n")[0],
    }


def system_name():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout.strip()
    except OSError:
        return ""


def load():
    return os.getloadavg()[0]


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
