"""Draws a results file: the rates of both sides per layer. Runs in the environment `picture`."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent))
import report  # noqa: E402
import tables  # noqa: E402


def main(source, target):
    data = json.loads(Path(source).read_text())
    shapes = tables.paired(data, "1", (report.suites(data) or [None])[0])
    if not shapes:
        return
    figure, axes = plt.subplots(figsize=(4 + 0.3 * len(shapes), 5.2), constrained_layout=True)
    places = range(len(shapes))
    ours = [tables.gflops(data, tables.best(cells), "ours_ns") for cells in shapes.values()]
    axes.bar(places, ours, color="#2a6f97", width=0.72, label="Voxelsmith", zorder=2)
    markers = dict(zip(tables.variants(data, "1"), "osD^vPX*"))
    for number, (variant, marker) in enumerate(markers.items()):
        points = [(x, tables.gflops(data, cell, "rival_ns")) for x, cells in enumerate(shapes.values()) for cell in cells if cell["variant"] == variant]
        if points:
            axes.scatter(*zip(*points), marker=marker, s=26, color=plt.cm.autumn(number / len(markers)), edgecolors="black", linewidths=0.4, label=variant, zorder=3)
    peak = tables.all_threads_peak(data)
    axes.axhline(peak, color="black", linestyle="--", linewidth=0.9, label=f"multiply-add peak, {peak:.0f}", zorder=1)
    axes.set_yscale("log")
    axes.set_ylim(bottom=1)
    axes.set_ylabel("GFLOP/s of useful operations (rivals below 1 not shown)")
    axes.set_xticks(places, list(shapes), rotation=60, ha="right", fontsize=8)
    axes.grid(axis="y", which="both", linewidth=0.3)
    axes.set_xlim(-0.7, len(shapes) - 0.3)
    axes.legend(ncols=5, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.16), frameon=False)
    figure.savefig(target, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
