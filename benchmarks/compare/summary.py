"""Medians with their spread, and how figures are written."""

import statistics


def spread(values):
    """Median, least, greatest; None of nothing."""
    values = [value for value in values if value is not None]
    return (statistics.median(values), min(values), max(values)) if values else None


def figure(value):
    """Three digits that count, thousands and millions short: 0.05, 3.42, 57.1, 812, 16.3 k, 1.42 M."""
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= size * 0.9995:
            return short(value / size) + unit
    return short(value)


def short(value):
    magnitude = abs(value)
    if magnitude >= 99.95:
        return f"{value:.0f}"
    if magnitude >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if magnitude >= 0.005 or magnitude == 0 else f"{value:.1g}"


def cell_text(values):
    """`median (least to greatest)` of the rounds."""
    found = spread(values)
    if found is None:
        return "-"
    median, least, greatest = (figure(value) for value in found)
    return median if least == greatest == median else f"{median} ({least} to {greatest})"


def ratio(ours, theirs):
    """Median, least and greatest of what ours is to theirs, round by round; None if they share no round."""
    pairs = [mine / other for mine, other in zip(ours, theirs) if other]
    return spread(pairs)
