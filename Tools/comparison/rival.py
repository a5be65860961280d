"""Runs in a rival's environment: holds one library and calls its transposed convolution when standard input says so.

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

LIBRARIES = {
    "torch": "rival_torch", "onnxruntime": "rival_onnxruntime", "openvino": "rival_openvino", "jax": "rival_jax",
    "tensorflow": "rival_tensorflow",
}

class Case:
    """One layer, with its input and weights. The numbers describe the relation o = i * stride + t * dilation - crop."""

    def __init__(self, fields, folder):
        for name in ("input", "output", "kernel", "strides", "dilations", "crop"):
            setattr(self, name, fields[name])
        self.batch, self.channels, self.filters, self.groups = (fields[n] for n in ("batch", "channels", "filters", "groups"))
        self.is_channels_first = fields["layout"] == "channels_first"
        self.activation, self.slope = fields["activation"], fields.get("slope")
        self.x, self.weights, self.bias = operands(self, fields["bias"], folder)

    @property
    def full(self):
        """Outputs per axis before anything is cropped."""
        return [(i - 1) * s + (k - 1) * d + 1 for i, s, k, d in zip(self.input, self.strides, self.kernel, self.dilations)]

    @property
    def crop_end(self):
        """Cropped at the end; negative where the output reaches beyond the last tap."""
        return [f - c - o for f, c, o in zip(self.full, self.crop, self.output)]

    def shape(self, spatial, channels):
        return (self.batch, channels, *spatial) if self.is_channels_first else (self.batch, *spatial, channels)


def operands(case, has_bias, folder):
    """Inputs and biases in [-1, 1), weights as large as Glorot's initializer makes them. Written for the other side to read."""
    random = np.random.default_rng(1)
    shapes = {"x": case.shape(case.input, case.channels), "kernel": (*case.kernel, case.filters // case.groups, case.channels)}
    if has_bias:
        shapes["bias"] = (case.filters,)
    taps = int(np.prod(case.kernel))
    glorot = (6 / (taps * (case.channels + case.filters) / case.groups)) ** 0.5
    result = {"bias": None}
    for name, shape in shapes.items():
        path = os.path.join(folder, f"{name}.npy")
        if not os.path.exists(path):
            values = random.random(shape, dtype=np.float32) * np.float32(2) - np.float32(1)
            if name == "kernel":
                values *= np.float32(glorot)
            np.save(path, values)
        result[name] = np.load(path)
        assert result[name].shape == shape, f"{path} has the shape {result[name].shape}; expected {shape}"
    return result["x"], result["kernel"], result["bias"]


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
    def __init__(self, name, threads, reuses_output):
        self.library = importlib.import_module(LIBRARIES[name]).Library(threads, reuses_output)
        self.call = self.result = None

    def answer(self, request):
        return getattr(self, "do_" + request["do"])(request)

    def do_versions(self, request):
        return {"versions": self.library.versions, "variants": list(self.library.variants)}

    def do_operands(self, request):
        self.call = self.result = self.case = None
        Case(request["case"], request["folder"])
        return {}

    def do_prepare(self, request):
        self.call = self.result = self.case = None
        self.case = Case(request["case"], request["folder"])
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
    name, threads, reuses_output = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "reuse"
    if name == "jax":  # XLA's pool has as many threads as the process may use cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    rival = Rival(name, threads, reuses_output)
    for line in sys.stdin:
        try:
            answer = rival.answer(json.loads(line))
        except Exception as error:  # whatever a library throws is this case's result, not the end of the run
            answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]}
        channel.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
