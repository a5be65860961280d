"""Tables and picture from a results file."""

import json
import math
import subprocess
from pathlib import Path

from results import ROOT

HERE = Path(__file__).resolve().parent
COMMITTED = ROOT / "Documentation/results/comparison.json"
README = ROOT / "README.md"
BEGIN, END = "<!-- Tools/compare --render: begin -->", "<!-- end -->"


def paired(data, table, suite=None):
    """The cells of a table by shape, those with two times only; shapes in the order of their suite, whichever was measured last."""
    result = {shape: [] for shape, facts in data["shapes"].items() if suite is None or facts["suite"] == suite}
    for cell in data["cells"]:
        if cell["table"] == table and "ours_ns" in cell and cell["shape"] in result:
            result[cell["shape"]].append(cell)
    return {shape: cells for shape, cells in result.items() if cells}


def ratio(cell):
    return cell["rival_ns"] / cell["ours_ns"]


def best(cells):
    """The cell of the best rival: the one that we are least ahead of, each compared with our time in the same pairing."""
    return min(cells, key=ratio)


def summary(data, table, suite=None):
    ratios = [ratio(best(cells)) for cells in paired(data, table, suite).values()]
    return {"count": len(ratios), "mean": math.exp(sum(map(math.log, ratios)) / len(ratios)), "minimum": min(ratios)} if ratios else None


def gflops(data, cell, side):
    return data["shapes"][cell["shape"]]["flops"] / cell[side]


def rate(value):
    """A rate with two digits at least."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def milliseconds(nanoseconds):
    value = nanoseconds / 1e6
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def all_threads_peak(data):
    return data["machine"]["peak_gflops_per_thread"] * data["machine"]["cores"]


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def main_table(data, suite):
    """One row per shape: our rate and the best rival's, from their pairing in table 1, and both tables' ratios."""
    first, second = paired(data, "1", suite), paired(data, "2", suite)
    rows = []
    for shape, cells in first.items():
        cell = best(cells)
        own = gflops(data, cell, "ours_ns")
        marks = (" (once)" if cell["once"] else "") + ("" if all(c["agrees"] for c in cells) else " (answers differ)")
        rows.append([
            shape, f"{data['shapes'][shape]['flops'] / 1e9:.3f}", rate(own), f"{100 * own / all_threads_peak(data):.0f} %",
            cell["variant"] + marks, rate(gflops(data, cell, "rival_ns")), f"{ratio(cell):.2f}",
            f"{ratio(best(second[shape])):.2f}" if shape in second else "-",
        ])
    return table(["layer", "GFLOP", "ours, GFLOP/s", "of peak", "best rival", "its GFLOP/s", "ratio", "ratio, resident"], rows)


def summary_sentences(data, suite):
    lines = []
    for number, what in (("1", "Ratios"), ("2", "Ratios into resident memory")):
        found = summary(data, number, suite)
        if found:
            lines.append(f"{what} over {found['count']} layers: geometric mean {found['mean']:.2f}, minimum {found['minimum']:.2f}.")
    return "\n".join(lines)


def origin(data):
    machine = data["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(data["versions"].items()))
    commands = "; ".join(dict.fromkeys(f"`{entry['command']}` at {entry['voxelsmith']}" for entry in data["commands"]))
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['os']}, multiply-add peak {machine['peak_gflops_per_thread']:.0f} GFLOP/s "
        f"a thread, {machine['date']}. Rivals: {versions}. Measured by {commands}.")


def suites(data):
    """The suites of tables 1 and 2, in the order they were measured in."""
    return list(dict.fromkeys(data["shapes"][cell["shape"]]["suite"] for cell in data["cells"] if cell["table"] in ("1", "2")))


def readme_block(folder):
    """What the README says: the main suite layer by layer, and every suite of every results file in one line."""
    data = json.loads((folder / COMMITTED.name).read_text())
    place = folder.relative_to(ROOT)
    parts = [f"![Rates per layer]({place}/{COMMITTED.stem}.png)", main_table(data, suites(data)[0])]
    for path in [folder / COMMITTED.name, *sorted(set(folder.glob("*.json")) - {folder / COMMITTED.name})]:
        found = json.loads(path.read_text())
        for suite in suites(found):
            sentences = summary_sentences(found, suite).replace("\n", " ")
            parts.append(f"Suite {suite} ([all numbers]({place}/{path.stem}.md)): {sentences}")
    return "\n\n".join([*parts, origin(data)])


def variants(data, name):
    return list(dict.fromkeys(cell["variant"] for cell in data["cells"] if cell["table"] == name))


def rival_table(data, name, suite, value, extra=None):
    """One row per shape, one column per rival."""
    columns = variants(data, name)
    rows = []
    cells = {(c["shape"], c["variant"]): c for c in data["cells"] if c["table"] == name}
    measured = {shape for shape, _ in cells}
    for shape in data["shapes"]:
        if shape not in measured or suite not in (None, data["shapes"][shape]["suite"]):
            continue
        row = [shape]
        for variant in columns:
            cell = cells.get((shape, variant), {})
            if "ours_ns" in cell or "seconds" in cell:
                row.append(value(cell) + ("*" if cell.get("once") else "") + ("" if cell.get("agrees", True) else " (differs)"))
            else:
                row.append("no" if "reason" in cell else "failed" if "failure" in cell else "-")
        rows.append(row + (extra(shape) if extra else []))
    return table(["layer", *columns, *(["voxelsmith"] if extra else [])], rows)


def page(data):
    """Everything, as Markdown."""
    parts = ["# Results of `Tools/compare`", origin(data), "How it is measured: [comparison.md](../comparison.md)."]
    for suite in suites(data):
        parts += [f"## Suite {suite}", main_table(data, suite), summary_sentences(data, suite)]
        for number, what in (("1", "with output allocation"), ("2", "into resident memory")):
            if paired(data, number, suite):
                parts += [f"### Suite {suite}, table {number}: time of each rival over ours, {what}",
                          rival_table(data, number, suite, lambda cell: f"{ratio(cell):.2f}")]
                parts += [f"### Suite {suite}, table {number}: GFLOP/s of each rival, and ours in the pairing with the best",
                          rival_table(data, number, suite, lambda cell: rate(gflops(data, cell, "rival_ns")),
                                      lambda shape, number=number: [our_rate(data, number, shape)])]
    if variants(data, "first"):
        parts += ["## First call: milliseconds from the start of the process to the first result",
                  rival_table(data, "first", None, lambda cell: f"{1e3 * cell['seconds']:.0f}"),
                  "## Most memory resident until then, in MB",
                  rival_table(data, "first", None, lambda cell: f"{cell['peak_bytes'] / 1e6:.0f}")]
    for name, what in (("size", "volume"), ("batch", "batch")):
        if variants(data, name):
            parts += [f"## Growth of cost with the {what}: milliseconds", rival_table(
                data, name, None, lambda cell: milliseconds(cell["rival_ns"]), lambda shape, name=name: [our_time(data, name, shape)])]
    parts.append("`*`: one call, as it took more than 10 seconds. `no`: the library cannot compute the layer.")
    return "\n\n".join(part for part in parts if part) + "\n"


def our_rate(data, name, shape):
    cells = paired(data, name).get(shape)
    return rate(gflops(data, best(cells), "ours_ns")) if cells else "-"


def our_time(data, name, shape):
    cells = paired(data, name).get(shape)
    return milliseconds(best(cells)["ours_ns"]) if cells else "-"


def picture(python, source, target):
    subprocess.run([python, str(HERE / "picture.py"), str(source), str(target)], check=True)


def render(source, python):
    """Writes the page and the picture beside the results file, and the README's block where the file is a committed one."""
    data = json.loads(source.read_text())
    source.with_suffix(".md").write_text(page(data))
    if python:
        picture(python, source, source.with_suffix(".png"))
    if source.parent != COMMITTED.parent:
        return 0
    text = README.read_text()
    if BEGIN not in text or END not in text.split(BEGIN, 1)[1]:
        print(f"{README} has no block between {BEGIN} and {END}; expected one to fill.")
        return 1
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    README.write_text(f"{before}{BEGIN}\n{readme_block(COMMITTED.parent)}\n{END}{after}")
    return 0
