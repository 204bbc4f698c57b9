"""What the demonstration prints: headings, tables, a progress bar; colour only on a terminal."""

import os
import sys

_ON_TERMINAL = sys.stdout.isatty()
_COLOUR = _ON_TERMINAL and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def paint(text, code):
    return f"\033[{code}m{text}\033[0m" if _COLOUR else text


def heading(text):
    print(f"\n{paint('==> ' + text, '1;34')}", flush=True)


def good(text):
    print(f"{paint('ok', '32')}    {text}", flush=True)


def bad(text):
    print(f"{paint('WRONG', '1;31')} {text}", flush=True)


def table(head, rows, indent="  "):
    """The first column to the left, the others to the right."""
    lines = [head, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for number, line in enumerate(lines):
        cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        text = indent + "  ".join(cells).rstrip()
        print(paint(text, "1") if number == 0 else text)


def micros(ns):
    return f"{ns / 1000:.0f} us" if ns < 10_000_000 else f"{ns / 1_000_000:.0f} ms"


def kib(value):
    return f"{value:,} KiB"


def quantile(values, fraction):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]


class Progress:
    """A bar on a terminal; nothing elsewhere."""

    def __init__(self, total):
        self.total = max(1, total)

    def at(self, count, text):
        if _ON_TERMINAL:
            filled = 30 * count // self.total
            print(f"\r  [{'#' * filled}{'.' * (30 - filled)}] {count}/{self.total} {text}\033[K", end="", flush=True)

    def end(self):
        if _ON_TERMINAL:
            print("\r\033[K", end="", flush=True)
