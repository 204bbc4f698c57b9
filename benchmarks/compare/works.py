"""The works of the comparison: what is run with which peer, and for how long."""

import dataclasses

PUBLISHERS = (1, 4, 16)
BATCHES = (1, 64)
READERS = (10, 100)
CLIENTS = (1, 10, 100, 1000)


@dataclasses.dataclass(frozen=True)
class Cell:
    """One thing that is measured again and again: a peer's mode in a work, with these arguments."""

    work: str
    program: str
    peer: str
    mode: str
    guarantee: str
    key: str  # of this cell among those of the mode: "1x64", "spin"
    arguments: tuple
    absent: str = ""  # why it is not measured


def latency(mode, quick):
    seconds = "0.3" if quick else "0.7"
    for waiting in ("spin", "sleep"):
        if f"latency-{waiting}" in mode["works"]:
            flag = ("--spin",) if waiting == "spin" else ()
            yield waiting, ("--seconds", seconds, *flag)


def append(mode, quick):
    if "append" in mode["works"]:
        for batch in BATCHES:
            for publishers in PUBLISHERS:
                yield f"{publishers}x{batch}", ("--publishers", str(publishers), "--batch", str(batch),
                                                "--seconds", "0.2" if quick else "0.4")


def fan_out(mode, quick):
    if "fan_out" in mode["works"]:
        for readers, events in zip(READERS, (64_000, 12_800)):
            events //= mode["fan_out_part"] * (4 if quick else 1)
            yield str(readers), ("--readers", str(readers), "--batch", "64", "--events", str(events // 64 * 64))


def replay(mode, quick):
    if "replay" in mode["works"]:
        yield "1", ("--events", "200000" if quick else "1000000", "--batch", "500", "--seconds", "0.3")


def streams(mode, quick):
    if "streams" in mode["works"]:
        yield "10000", ("--events", "200000" if quick else "1000000", "--batch", "500", "--streams", "10000",
                        "--seconds", "0.5")


def memory(mode, quick):
    if "memory" in mode["works"]:
        for clients in CLIENTS[:3] if quick else CLIENTS:
            yield str(clients), ("--clients", str(clients))


# In the order in which they are run; how often, unless one says otherwise.
WORKS = {"latency": latency, "append": append, "fan_out": fan_out, "replay": replay, "streams": streams,
         "memory": memory}
ROUNDS = {"latency": 3, "append": 3, "fan_out": 3, "replay": 2, "streams": 1, "memory": 1}


def cells_of(work, peers, quick):
    """All cells of a work with these peers (what the adapters say of themselves, by the names of their programs)."""
    for program, peer in sorted(peers.items()):
        for mode in peer["modes"]:
            for key, arguments in WORKS[work](mode, quick):
                absent = ""
                if work == "memory" and int(key) > mode["clients_max"]:
                    absent = f"it has room for {mode['clients_max']} clients"
                yield Cell(work, program, peer["peer"], mode["name"], mode["guarantee"], key, arguments, absent)
