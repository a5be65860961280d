"""Tables and picture from a results file."""

import json
import subprocess
from pathlib import Path

import report_networks
from results import ROOT
from tables import all_threads_peak, best, gflops, milliseconds, our_rate, our_time, paired, rate, ratio, rival_table, summary, table, variants

HERE = Path(__file__).resolve().parent
COMMITTED = ROOT / "Documentation/results/comparison.json"
README = ROOT / "README.md"
BEGIN, END = "<!-- Tools/compare --render: begin -->", "<!-- end -->"


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
        if report_networks.sentence(found):
            parts.append(f"Networks ([all numbers]({place}/{path.stem}.md)): {report_networks.sentence(found)}")
    return "\n\n".join([*parts, origin(data)])


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
    parts += report_networks.page(data)
    parts.append("`*`: one call, as it took more than 10 seconds. `no`: the library cannot compute the layer.")
    return "\n\n".join(part for part in parts if part) + "\n"


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
