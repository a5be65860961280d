"""Tables of whole networks from a results file."""

import tables

TABLE, FIRST = "network", "network first"


def comparison(data):
    """One row per network: ours and the best rival, from their pairing."""
    rows = []
    for network, cells in tables.paired(data, TABLE).items():
        cell = tables.best(cells)
        own = tables.gflops(data, cell, "ours_ns")
        marks = (" (once)" if cell["once"] else "") + ("" if all(c["agrees"] for c in cells) else " (answers differ)")
        rows.append([
            network, f"{data['shapes'][network]['flops'] / 1e9:.2f}", tables.milliseconds(cell["ours_ns"]), tables.rate(own),
            f"{100 * own / tables.all_threads_peak(data):.0f} %", cell["variant"] + marks, tables.milliseconds(cell["rival_ns"]),
            f"{tables.ratio(cell):.2f}", cell["kernel"],
        ])
    header = ["network", "GFLOP", "ours, ms", "GFLOP/s", "of peak", "best rival", "its ms", "ratio", "our kernels"]
    return tables.table(header, rows)


def sentence(data):
    found = tables.summary(data, TABLE)
    return f"Ratios over {found['count']} networks: geometric mean {found['mean']:.2f}, minimum {found['minimum']:.2f}." if found else ""


def page(data):
    """The parts of the page, none for a file without networks."""
    if not tables.variants(data, TABLE):
        return []
    named = {cell["shape"] for cell in data["cells"] if cell["table"] == TABLE}
    parts = ["## Whole networks", "\n".join(f"- *{name}*: {data['shapes'][name]['what']}" for name in data["shapes"] if name in named)]
    if tables.paired(data, TABLE):
        parts += [comparison(data), sentence(data)]
    for title, name, value, extra in (
        ("milliseconds of a call, and ours in the pairing with the best", TABLE, lambda cell: tables.milliseconds(cell["rival_ns"]),
         lambda network: [tables.our_time(data, TABLE, network)]),
        ("time of each rival over ours", TABLE, lambda cell: f"{tables.ratio(cell):.2f}", None),
        ("largest difference from our answer, over the largest element", TABLE, difference, None),
        ("milliseconds from the start of the process to the first result", FIRST, lambda cell: f"{1e3 * cell['seconds']:.0f}", None),
        ("most memory resident in three calls, in MB", FIRST, lambda cell: f"{cell['peak_bytes'] / 1e6:.0f}", None),
    ):
        if tables.variants(data, name):
            parts += [f"### Networks: {title}", tables.rival_table(data, name, "networks", value, extra, what="network")]
    return parts


def difference(cell):
    return "not finite" if cell["error"] is None else f"{cell['error']:.1e}"
