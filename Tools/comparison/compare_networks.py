"""Measures whole networks: `Tools/compare --networks`."""

import contextlib
import subprocess
import time
from pathlib import Path

import environments
import networks
import pairing
from processes import HERE, Ours, Rival, SideFailure, build_plugin, say
from results import PROGRAM, Results

# JAX has no layers of its own.
NETWORK_RIVALS = ["torch", "onnxruntime", "openvino", "tensorflow"]
# Tens of layers, each with sums in another order, and activations that pass differences on.
TOLERANCE = 10 * pairing.TOLERANCE
# The environment that writes models.
KERAS = "keras"


class NetworkComparison:
    def __init__(self, options, folder):
        self.options, self.folder = options, Path(folder)
        self.results = Results(options.output, options.resume)
        self.plugins = {}

    def run(self):
        self.results.note_command()
        for network in self.options.networks:
            self.make(network)
        with self.ours(self.options.networks[0]) as ours:  # the tables need one even where no pairing succeeds
            self.note_peak(ours)
        for name in self.options.rivals:
            python = environments.python(self.options.environments, name)
            settings = self.settings(python, name)
            for network in self.options.networks:
                for setting in settings:
                    self.pairing(python, name, network, setting)
                    self.first_call(network, setting, lambda: self.rival_first_call(python, name, network, setting))
            if self.options.discard_environments:
                environments.remove(self.options.environments, name)
        for network in self.options.networks:
            self.first_call(network, "voxelsmith", lambda: self.our_first_call(network))
        self.results.save()

    def make(self, network):
        """The model of a network, its numbers, and our kernels for it."""
        folder = self.folder / network
        folder.mkdir()
        say(f"Writing {network}")
        writer = environments.python(self.options.environments, KERAS)
        written = subprocess.run([writer, str(HERE / "network_keras.py"), network, str(folder)], stdout=subprocess.DEVNULL)
        if written.returncode != 0:
            raise SideFailure(f"writing the network {network} ended with status {written.returncode}")
        self.plugins[network] = build_plugin(PROGRAM, folder / "model.keras", folder / "model.so", self.options.tunings)
        made = networks.network(network)
        what = " ".join(networks.DEFINITIONS[network][0].__doc__.split())
        self.results.data["shapes"][network] = {"suite": "networks", "flops": made.flops, "input": [1, *made.input], "what": what}

    def ours(self, network):
        folder = self.folder / network
        return Ours(PROGRAM, folder / "model.keras", self.plugins[network], folder)

    def note_peak(self, ours):
        self.results.note_peak(max(float(ours.fields("peak")[0]) for _ in range(3)))

    def rival(self, python, name, network, threads):
        return Rival(python, name, threads, "networks", self.folder / network if network else self.folder)

    def settings(self, python, name):
        with self.rival(python, name, None, self.options.threads) as rival:
            return [variant for variant in rival.request("versions")["variants"] if variant not in self.options.without]

    def pairing(self, python, name, network, setting):
        if self.results.has("network", network, setting):
            return
        start = time.perf_counter()
        # Processes of their own for each setting: one library's memory is not another's.
        with contextlib.ExitStack() as stack:
            rivals = [stack.enter_context(self.rival(python, name, network, n)) for n in sorted({1, self.options.threads})]
            try:
                ours = stack.enter_context(self.ours(network))
                self.note_peak(ours)
                kernel = ours.prepare_model()
                row = pairing.measure(ours, rivals, {"network": network}, setting, self.options.seconds, tolerance=TOLERANCE)
                row = {**row, **kernel} if "ours_ns" in row else row
                self.results.data["versions"].update(rivals[-1].request("versions")["versions"])
            except SideFailure as failure:
                row = {"failure": str(failure)}
        self.results.add("network", network, setting, row)
        say(f"{network}, {setting}: {pairing.describe(row)} ({time.perf_counter() - start:.1f} s)")

    def first_call(self, network, setting, once):
        if self.results.has("network first", network, setting):
            return
        row = pairing.first_call(once)
        self.results.add("network first", network, setting, row)
        say(f"first call, {network}, {setting}: {row}")

    def rival_first_call(self, python, name, network, setting):
        with self.rival(python, name, network, self.options.threads) as side:
            reason = side.prepare({"network": network}, setting)
            if reason:
                raise SideFailure(reason)
            return self.first(side, lambda: side.call(1, 0))

    def our_first_call(self, network):
        with self.ours(network) as side:
            side.prepare_model()
            return self.first(side, lambda: side.call(self.options.threads, 1, 0))

    @staticmethod
    def first(side, call):
        """Seconds until the first result; the most memory that the process has had after two more calls."""
        call()
        seconds = time.perf_counter() - side.started
        for _ in range(2):
            call()
        return seconds, side.peak_memory()
