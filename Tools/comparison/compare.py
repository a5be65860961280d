"""Measures Voxelsmith against other libraries, layers or whole networks. Started by Tools/compare; see Documentation/comparison.md."""

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import environments
import networks
import pairing
import report
from compare_networks import NETWORK_RIVALS, NetworkComparison
from processes import Ours, Rival, SideFailure, build_plugin, say
from results import PROGRAM, ROOT, Results

RIVALS = ["torch", "onnxruntime", "openvino", "jax", "tensorflow"]
SHORT_NAMES = {"ort": "onnxruntime", "ov": "openvino", "tf": "tensorflow"}
TABLES = ["1", "2", "first", "size", "batch"]
MODELS = ROOT / "Tools/suites/models.json"
GROWTH = ROOT / "Tools/suites/growth.json"
BATCH_SHAPES, BATCHES = ["gan3d_l1", "gan3d_l2", "ae_tiny"], [1, 16, 64]
FIRST_SHAPES = ["ae_tiny", "gan3d_l4"]


def arguments():
    parser = argparse.ArgumentParser(prog="Tools/compare", description=__doc__)
    names = ",".join(RIVALS)
    parser.add_argument("--rivals", default=names, help=f"which, of {names}; default all")
    parser.add_argument(
        "--without", action="append", default=[], metavar="SETTING",
        help="leave out one setting of a rival, such as \"tensorflow XLA\"; may be repeated")
    parser.add_argument("--suite", action="append", type=Path, help="layers for tables 1 and 2, may be repeated; default Tools/suites/models.json")
    parser.add_argument("--shapes", help="only these layers of the suites")
    known = ",".join(networks.DEFINITIONS)
    parser.add_argument("--networks", nargs="?", const=known, metavar="NAMES", help=f"whole networks instead of layers; which, of {known}; default all")
    parser.add_argument("--tables", default=",".join(TABLES), help=f"which, of {','.join(TABLES)}; default all")
    parser.add_argument("--tunings", type=Path, help="decisions for `voxelsmith build`")
    parser.add_argument("--plugin", action="append", type=Path, help="ready plugins, not with --networks; nothing is built then")
    parser.add_argument("--seconds", type=float, default=0.7, help="for each rival's setting and layer, both sides together")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="most threads of a side; each takes this or 1, what suits it better")
    parser.add_argument("--output", type=Path, help="results file; default Output/comparison.json, with --networks Output/networks.json")
    parser.add_argument("--resume", action="store_true", help="keep what the results file has, measure the rest")
    parser.add_argument("--environments", type=Path, default=environments.standard_folder(), help="where the rivals are installed")
    parser.add_argument("--discard-environments", action="store_true", help="remove each rival when it is done")
    parser.add_argument("--render", nargs="?", type=Path, const=report.COMMITTED, help="only rewrite tables, picture and README from a results file")
    parser.add_argument("--no-picture", action="store_true", help="no picture, hence no matplotlib")
    options = parser.parse_args()
    options.rivals = chosen(parser, [SHORT_NAMES.get(name, name) for name in options.rivals.split(",")], RIVALS)
    options.tables = chosen(parser, options.tables.split(","), TABLES)
    options.output = options.output or ROOT / "Output" / ("networks.json" if options.networks else "comparison.json")
    if options.networks:
        for name, value in (("--suite", options.suite), ("--shapes", options.shapes), ("--plugin", options.plugin)):
            if value:
                parser.error(f"received --networks and {name}; expected one of them")
        options.networks = chosen(parser, options.networks.split(","), networks.DEFINITIONS)
        options.rivals = [name for name in options.rivals if name in NETWORK_RIVALS]
        if not options.rivals:
            parser.error(f"received no rival that has networks; expected some of {', '.join(NETWORK_RIVALS)}")
    options.suite = [suite.resolve() for suite in options.suite or [MODELS]]
    return options


def chosen(parser, names, known):
    for name in names:
        if name not in known:
            parser.error(f"received {name}; expected some of {', '.join(known)}")
    return names


class Comparison:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.program = PROGRAM
        self.results = Results(options.output, options.resume)
        self.ours = {}  # by suite
        self.plugins = {}
        self.stack = contextlib.ExitStack()

    def run(self):
        self.results.note_command()
        with self.stack:
            for name in self.options.rivals:
                self.note_peak()
                python = environments.python(self.options.environments, name)
                for mode, tables in (("allocate", ["1", "size", "batch"]), ("reuse", ["2"])):
                    self.pairings(python, name, mode, [table for table in tables if table in self.options.tables])
                if "first" in self.options.tables:
                    self.first_calls(python, name)
                if self.options.discard_environments:
                    environments.remove(self.options.environments, name)
            self.note_peak()
            self.results.save()

    # Our side

    def side(self, suite):
        if suite not in self.ours:
            self.ours[suite] = self.stack.enter_context(Ours(self.program, suite, self.plugin(suite), self.folder))
        return self.ours[suite]

    def plugin(self, suite):
        if self.options.plugin:
            return [path.resolve() for path in self.options.plugin]
        if suite not in self.plugins:
            self.plugins[suite] = build_plugin(self.program, suite, Path(self.folder) / f"{suite.stem}.so", self.options.tunings)
        return self.plugins[suite]

    def note_peak(self):
        self.results.note_peak(max(float(self.side(self.options.suite[0]).fields("peak")[0]) for _ in range(3)))

    # Tables 1 and 2, and growth

    def work(self, table):
        """(suite, layer, batch or None, name of the row)"""
        if table == "batch":
            return [(MODELS, name, batch, f"{name}@{batch}") for name in BATCH_SHAPES for batch in BATCHES]
        if table == "size":
            return [(GROWTH, name, None, name) for name in layer_names(GROWTH)]
        wanted = self.options.shapes.split(",") if self.options.shapes else None
        names = [(suite, name, None, name) for suite in self.options.suite for name in layer_names(suite)]
        return [entry for entry in names if wanted is None or entry[1] in wanted]

    def case(self, suite, name, batch, row_name):
        case = self.side(suite).shape(name)
        if batch is not None:
            case["flops"], case["batch"] = case["flops"] // case["batch"] * batch, batch
        self.results.data["shapes"][row_name] = {"suite": suite.stem, **case}
        return case

    def pairings(self, python, name, mode, tables):
        rivals = []

        def start():
            for rival in rivals:
                rival.close()
            rivals[:] = [Rival(python, name, t, mode, self.folder) for t in sorted({1, self.options.threads})]
            answer = rivals[-1].request("versions")
            self.results.data["versions"].update(answer["versions"])
            return [variant for variant in answer["variants"] if variant not in self.options.without]

        if not tables:
            return
        variants = start()
        for table in tables:
            work = self.work(table)
            for index, (suite, layer, batch, row_name) in enumerate(work):
                left = [variant for variant in variants if not self.results.has(table, row_name, variant)]
                if not left:
                    continue
                remove_arrays(self.folder)
                case = self.case(suite, layer, batch, row_name)
                ours = self.side(suite)
                our_kernel = None
                for variant in left:
                    start_time = time.perf_counter()
                    known = self.results.find("1", row_name, variant)
                    if known.get("once"):
                        # Page faults are nothing beside such a time, which nobody wants to wait for twice.
                        self.results.add(table, row_name, variant, {n: known[n] for n in known if n not in ("table", "shape", "variant")})
                        continue
                    try:
                        if our_kernel is None:
                            rivals[-1].request("operands", case=case, folder=str(self.folder))
                            our_kernel = ours.prepare(layer, case)
                        row = pairing.measure(ours, rivals, case, variant, self.options.seconds, mode == "reuse")
                        row = {**row, **our_kernel} if "ours_ns" in row else row
                    except SideFailure as failure:
                        row = {"failure": str(failure)}
                        if any(rival.process.poll() is not None for rival in rivals):
                            start()
                    self.results.add(table, row_name, variant, row)
                    say(f"table {table}, {index + 1}/{len(work)} {row_name}, {variant}: {pairing.describe(row)} ({time.perf_counter() - start_time:.1f} s)")
        for rival in rivals:
            rival.close()

    # First call and memory

    def first_calls(self, python, name):
        for shape in FIRST_SHAPES:
            remove_arrays(self.folder)
            case = self.case(MODELS, shape, None, shape)
            with Rival(python, name, self.options.threads, "allocate", self.folder) as rival:
                rival.request("operands", case=case, folder=str(self.folder))
                variants = [variant for variant in rival.request("versions")["variants"] if variant not in self.options.without]
            calls = {"voxelsmith": lambda: self.our_first_call(shape, case)}
            calls.update({variant: lambda variant=variant: self.first_call(python, name, case, variant) for variant in variants})
            for variant, call in calls.items():
                if not self.results.has("first", shape, variant):
                    row = pairing.first_call(call)
                    self.results.add("first", shape, variant, row)
                    say(f"first call, {shape}, {variant}: {row}")

    def our_first_call(self, shape, case):
        with Ours(self.program, MODELS, self.plugin(MODELS), self.folder) as side:
            side.prepare(shape, case)
            side.call(self.options.threads, 1, 0)
            return time.perf_counter() - side.started, side.peak_memory()

    def first_call(self, python, name, case, variant):
        with Rival(python, name, self.options.threads, "allocate", self.folder) as side:
            reason = side.prepare(case, variant)
            if reason:
                raise SideFailure(reason)
            side.call(1, 0)
            return time.perf_counter() - side.started, side.peak_memory()


def layer_names(suite):
    return [entry["name"] for entry in json.loads(Path(suite).read_text())]


def remove_arrays(folder):
    for path in Path(folder).glob("*.npy"):
        path.unlink()


def main():
    options = arguments()
    if options.render:
        return report.render(options.render.resolve(), None if options.no_picture else environments.python(options.environments, "picture"))
    folder = tempfile.mkdtemp(prefix="voxelsmith-compare-")
    comparison = (NetworkComparison if options.networks else Comparison)(options, folder)
    try:
        comparison.run()
    except (SideFailure, environments.EnvironmentFailure) as failure:
        say(f"Tools/compare: {failure}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(report.page(comparison.results.data))
    print(f"Results are in {options.output}.")
    if not options.no_picture and not options.networks:
        report.picture(environments.python(options.environments, "picture"), options.output, options.output.with_suffix(".png"))
    for cell in comparison.results.failures:
        say(f"Failed: table {cell['table']}, {cell['shape']}, {cell['variant']}: {cell.get('failure') or 'answers differ'}")
    return 1 if comparison.results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
