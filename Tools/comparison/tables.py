"""What the tables of a results file are made of."""

import math


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


def variants(data, name):
    return list(dict.fromkeys(cell["variant"] for cell in data["cells"] if cell["table"] == name))


def rival_table(data, name, suite, value, extra=None, what="layer"):
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
    return table([what, *columns, *(["voxelsmith"] if extra else [])], rows)


def our_rate(data, name, shape):
    cells = paired(data, name).get(shape)
    return rate(gflops(data, best(cells), "ours_ns")) if cells else "-"


def our_time(data, name, shape):
    cells = paired(data, name).get(shape)
    return milliseconds(best(cells)["ours_ns"]) if cells else "-"
