# SPDX-License-Identifier: GPL-2.0-or-later
"""Samples of ours and the peer by row; the table, the JSON copy, the plots."""
import json
import os
import shutil
import statistics
import subprocess

OURS, PEER = "ours", "peer"


def short(value):
    if value is None:
        return "-"
    size = abs(value)
    return f"{value:.0f}" if size >= 1000 or value == 0 else f"{value:.1f}" if size >= 100 else f"{value:.3g}"


def percentile(values, percent):
    """The nearest rank: the 19th of 20 samples is their 95th percentile."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


def is_met(target, value):
    """"<= 5", ">= 99", "0..50" and "500" are targets; nothing else is judged (None)."""
    try:
        if target.startswith("<= "):
            return value <= float(target[3:])
        if target.startswith(">= "):
            return value >= float(target[3:])
        if ".." in target:
            least, most = map(float, target.split(".."))
            return least <= value <= most
        return value == float(target)
    except (ValueError, AttributeError):
        return None


class Report:
    def __init__(self):
        self.rows = {}  # (name, unit, target) -> implementation -> samples
        self.notes = []
        self.p95_targets = {}  # row -> target of its 95th percentile, shown below it
        self.points = {}  # plot -> {"what": [...], "points": implementation -> [(x, y)]}
        self.done = []  # "ROUND/ROW" that need not run again

    def add(self, row, unit, implementation, value, target=None):
        self.rows.setdefault((row, unit, target), {}).setdefault(implementation, []).append(float(value))

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def _line(self, row, unit, target, samples, measure):
        values = {name: measure(samples[name]) if samples.get(name) else None for name in (OURS, PEER)}
        cells = [row, unit]
        for name in (OURS, PEER):
            spread = f" ({short(min(samples[name]))}..{short(max(samples[name]))}, {len(samples[name])})" if samples.get(name) else ""
            cells.append(short(values[name]) + spread)
        cells.append(short(values[PEER] / values[OURS] if values[PEER] is not None and values[OURS] else None))
        met = is_met(target, values[OURS]) if values[OURS] is not None else None
        cells += [target or "", {True: "yes", False: "**no**", None: ""}[met]]
        return "| " + " | ".join(cells) + " |"

    def table(self):
        """The median (least..most, number of samples) of each, peer/ours, and whether ours meets its target."""
        lines = ["| work | unit | ours | Debian's | Debian's/ours | target | met |", "|---|---|---|---|---|---|---|"]
        for (row, unit, target), samples in self.rows.items():
            lines.append(self._line(row, unit, target, samples, statistics.median))
            if row in self.p95_targets:
                lines.append(self._line(row + ", 95th percentile", unit, self.p95_targets[row], samples, lambda v: percentile(v, 95)))
        return "\n".join(lines + ["", *(f"- {note}" for note in self.notes)]) + "\n"

    def write_json(self, path, machine):
        rows = [{"work": row, "unit": unit, "target": target, "samples": samples} for (row, unit, target), samples in self.rows.items()]
        whole = {"machine": machine, "rows": rows, "p95_targets": self.p95_targets, "notes": self.notes, "points": self.points, "done": self.done}
        with open(path + ".new", "w") as file:
            json.dump(whole, file, indent=1)
        os.replace(path + ".new", path)

    def read_json(self, path):
        """Goes on where an interrupted run stopped."""
        with open(path) as file:
            whole = json.load(file)
        self.rows = {(one["work"], one["unit"], one["target"]): one["samples"] for one in whole["rows"]}
        self.notes, self.p95_targets, self.points, self.done = whole["notes"], whole["p95_targets"], whole["points"], whole["done"]

    def plot(self, folder, name, title, x_label, y_label, points, log_y=False):
        """`points`: implementation -> [(x, y)], of all rounds so far. Data and gnuplot commands as files; a picture where gnuplot is."""
        kept = self.points.setdefault(name, {})
        for implementation, values in points.items():
            kept.setdefault(implementation, []).extend([float(x), float(y)] for x, y in values)
        commands = [f"set title '{title}'", f"set xlabel '{x_label}'", f"set ylabel '{y_label}'", "set logscale x", "set key left",
                    *(["set logscale y"] if log_y else []), "set terminal svg size 700,450", f"set output '{name}.svg'"]
        curves = []
        for implementation, values in kept.items():
            with open(os.path.join(folder, f"{name}.{implementation}.dat"), "w") as file:
                for x in sorted({x for x, _ in values}):
                    file.write(f"{x:g} {statistics.median(y for at, y in values if at == x):g}\n")
            curves.append(f"'{name}.{implementation}.dat' with linespoints title '{implementation}'")
        with open(os.path.join(folder, f"{name}.gnuplot"), "w") as file:
            file.write("\n".join([*commands, "plot " + ", ".join(curves)]) + "\n")
        if shutil.which("gnuplot"):
            subprocess.run(["gnuplot", f"{name}.gnuplot"], cwd=folder, check=False)
