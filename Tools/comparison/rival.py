"""Runs in a rival's environment: holds one library and calls its layers or networks when standard input says so.

Every line is a JSON object, and so is every answer. Answers go to the standard output this process was started with; what a
library prints goes to standard error.
"""

import importlib
import json
import os
import resource
import sys
import time

import numpy as np

from case import Case
from network_case import NetworkCase

LIBRARIES = {
    "torch": "rival_torch", "onnxruntime": "rival_onnxruntime", "openvino": "rival_openvino", "jax": "rival_jax",
    "tensorflow": "rival_tensorflow",
}
# What computes whole networks.
NETWORK_LIBRARIES = {**LIBRARIES, "torch": "network_torch", "tensorflow": "network_tensorflow"}


def problem(request):
    """The layer or the network of a request, with its numbers."""
    made = NetworkCase if "network" in request["case"] else Case
    return made(request["case"], request["folder"])


def repeat(call, count, seconds):
    """Calls until `count` calls are made or `seconds` are over, at least once; nanoseconds of each, and the last result."""
    times, total, result = [], 0, None
    while not times or (len(times) < count and total < seconds * 1e9):
        result = None
        start = time.perf_counter_ns()
        result = call()
        times.append(time.perf_counter_ns() - start)
        total += times[-1]
    return times, result


class Rival:
    def __init__(self, name, threads, mode):
        libraries = NETWORK_LIBRARIES if mode == "networks" else LIBRARIES
        self.library = importlib.import_module(libraries[name]).Library(threads, mode == "reuse")
        self.call = self.result = None

    def answer(self, request):
        return getattr(self, "do_" + request["do"])(request)

    def do_versions(self, request):
        return {"versions": self.library.versions, "variants": list(self.library.variants)}

    def do_operands(self, request):
        self.call = self.result = self.case = None
        problem(request)
        return {}

    def do_prepare(self, request):
        self.call = self.result = self.case = None
        self.case = problem(request)
        reason = self.library.reason_against(self.case, request["variant"])
        if reason:
            return {"reason": reason}
        self.call = self.library.prepare(self.case, request["variant"])
        return {}

    def do_call(self, request):
        self.result = None
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        times, self.result = repeat(self.call, request["count"], request["seconds"])
        return {"ns": times, "faults": resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults}

    def do_compare(self, request):
        """The result against the other side's, which is in a file."""
        other = np.load(request["path"])
        mine = np.asarray(self.library.array(self.result, self.case))
        if mine.shape != other.shape:
            return {"reason": f"has the shape {list(mine.shape)}, expected {list(other.shape)}"}
        worst = scale = squares = 0.0
        for a, b in zip(mine, other):  # sample by sample: no second copy of a large batch
            difference = a - b
            worst = max(worst, float(np.max(np.abs(difference), initial=0)) if np.isfinite(difference).all() else float("inf"))
            scale = max(scale, float(np.max(np.abs(b), initial=0)))
            squares += float(np.mean(np.square(b, dtype=np.float64)))
        return {"worst": worst, "scale": scale, "rms": (squares / max(1, len(other))) ** 0.5}

    def do_release(self, request):
        self.call = self.result = self.case = None
        return {}


def main():
    # Libraries print what they like; the answers have a channel of their own.
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    name, threads, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if name == "jax":  # XLA's pool has as many threads as the process may use cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    rival = Rival(name, threads, mode)
    for line in sys.stdin:
        try:
            answer = rival.answer(json.loads(line))
        except Exception as error:  # whatever a library throws is this case's result, not the end of the run
            answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]}
        channel.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
