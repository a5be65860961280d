"""ONNX Runtime, CPU execution provider; it computes NCDHW."""

import numpy as np
import onnxruntime

from onnx_model import channels_first, model


class Library:
    variants = {"onnxruntime": None}

    def __init__(self, threads, reuses_output):
        self.threads, self.reuses_output = threads, reuses_output
        self.versions = {"onnxruntime": onnxruntime.__version__}

    def reason_against(self, case, variant):
        return None

    def prepare(self, case, variant):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        session = onnxruntime.InferenceSession(model(case), options, providers=["CPUExecutionProvider"])
        x = channels_first(case)
        if not self.reuses_output:
            return lambda: session.run(None, {"x": x})[0]
        binding, y = session.io_binding(), np.empty((case.batch, case.filters, *case.output), np.float32)
        x_value, y_value = onnxruntime.OrtValue.ortvalue_from_numpy(x), onnxruntime.OrtValue.ortvalue_from_numpy(y)
        binding.bind_ortvalue_input("x", x_value)
        binding.bind_ortvalue_output("y", y_value)

        def call():
            session.run_with_iobinding(binding)
            return y_value
        return call

    def array(self, result, case):
        y = result.numpy() if self.reuses_output else result
        return y if case.is_channels_first else np.moveaxis(y, 1, -1)
