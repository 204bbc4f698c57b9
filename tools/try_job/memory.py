"""What a process costs, from /proc: private memory (USS), its share of shared memory (PSS), and the page
tables, which neither counts."""

import re

BEFORE_KB = 132_800  # a server that kept the whole event store in every process


def of_process(pid):
    """{"uss", "pss", "tables"} in KiB; None for what we may not see of another's process."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        tables = re.search(r"^VmPTE:\s+(\d+) kB", file.read(), re.MULTILINE)
    memory = {"uss": None, "pss": None, "tables": int(tables.group(1)) if tables else None}
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii", errors="replace") as file:
            fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", file.read(), re.MULTILINE))
    except PermissionError:
        return memory
    memory["uss"] = int(fields["Private_Clean"]) + int(fields["Private_Dirty"])
    memory["pss"] = int(fields["Pss"])
    return memory
