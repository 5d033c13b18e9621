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


class Report:
    def __init__(self):
        self.rows = {}  # (name, unit, target) -> implementation -> samples
        self.notes = []

    def add(self, row, unit, implementation, value, target=None):
        self.rows.setdefault((row, unit, target), {}).setdefault(implementation, []).append(float(value))

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def table(self):
        """Median and least..most (number of samples) of each, peer/ours, and the target of ours."""
        lines = ["| work | unit | ours | min..max (n) | peer | min..max (n) | peer/ours | target |", "|---|---|---|---|---|---|---|---|"]
        for (row, unit, target), samples in self.rows.items():
            cells, medians = [row, unit], {}
            for name in (OURS, PEER):
                values = samples.get(name)
                medians[name] = statistics.median(values) if values else None
                cells.append(short(medians[name]))
                cells.append(f"{short(min(values))}..{short(max(values))} ({len(values)})" if values else "")
            ratio = medians[PEER] / medians[OURS] if medians[PEER] is not None and medians[OURS] else None
            cells += [short(ratio), target or ""]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines + [f"- {note}" for note in self.notes]) + "\n"

    def write_json(self, path, machine):
        rows = [{"work": row, "unit": unit, "target": target, "samples": samples} for (row, unit, target), samples in self.rows.items()]
        with open(path, "w") as file:
            json.dump({"machine": machine, "rows": rows, "notes": self.notes}, file, indent=1)

    def plot(self, folder, name, title, x_label, y_label, points, log_y=False):
        """`points`: implementation -> [(x, y)]. Data and gnuplot commands as files; a picture where gnuplot is there."""
        commands = [f"set title '{title}'", f"set xlabel '{x_label}'", f"set ylabel '{y_label}'", "set logscale x", "set key left",
                    *(["set logscale y"] if log_y else []), "set terminal svg size 700,450", f"set output '{name}.svg'"]
        curves = []
        for implementation, values in points.items():
            with open(os.path.join(folder, f"{name}.{implementation}.dat"), "w") as file:
                file.writelines(f"{x} {y}\n" for x, y in sorted(values))
            curves.append(f"'{name}.{implementation}.dat' with linespoints title '{implementation}'")
        with open(os.path.join(folder, f"{name}.gnuplot"), "w") as file:
            file.write("\n".join([*commands, "plot " + ", ".join(curves)]) + "\n")
        if shutil.which("gnuplot"):
            subprocess.run(["gnuplot", f"{name}.gnuplot"], cwd=folder, check=False)
