#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the figures of FILE (lines of JSON, see bench.h) as one table.

usage: table.py FILE

A figure with a limit has its share of it, and one of ours that has a peer's, "pytorch." and its name,
has the ratio to that in a line of its own. "wanted" is the ratio that is aimed at.
"""
import json
import pathlib
import sys

SCALES = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
UNSCALED = {"s", "nats", "1/s", ""}


def text_of(value, unit):
    if unit not in UNSCALED:
        for scale, letter in SCALES:
            if abs(value) >= scale:
                return f"{value / scale:.4g}", letter + unit
    return f"{value:.4g}", unit


def rows_of(lines):
    figures = {line["name"]: line for line in lines if "figure" in line}
    for line in lines:
        if "why_not" in line:
            yield line["name"], line["why_not"], "", "", "", "", ""
        if "figure" not in line:
            continue
        name, unit = line["name"], line["unit"]
        figure, shown = text_of(line["figure"], unit)
        limit = " ".join(text_of(line["limit"], unit)).strip() if "against" in line else ""
        ratio = f"{line['ratio']:.3f}" if "ratio" in line else ""
        wanted = f">= {line['target']:.2f}" if "target" in line else ""
        yield name, figure, shown, line.get("against", ""), limit, ratio, wanted
        peer = figures.get("pytorch." + name)
        if peer and unit.endswith("/s"):
            theirs = " ".join(text_of(peer["figure"], unit))
            yield (name, figure, shown, "PyTorch", theirs,
                   f"{line['figure'] / peer['figure']:.3f}", "> 1.00")


def main():
    lines = []
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue  # a program that was ended within a line
    heads = ("name", "figure", "unit", "limit or peer", "its figure", "ratio", "wanted")
    rows = [heads, *rows_of([line for line in lines if isinstance(line, dict)])]
    # What did not run has a sentence in the place of its figure.
    widths = [max(len(row[i]) for row in rows if i == 0 or row[2] or row[3]) for i in range(7)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    main()
