"""The two sides of a pairing, each a process that computes only while it is asked to."""

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

# With these, glibc keeps freed memory instead of returning it to the system, so that no later call meets fresh pages.
KEEPING_MEMORY = {
    "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(64 << 20), "MALLOC_ARENA_MAX": "1",
}


class SideFailure(Exception):
    """A side said no, or died."""


class Side:
    """A child process that answers each line with a line."""

    def __init__(self, command, environment=None, folder=None):
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=folder,
            env={**os.environ, **(environment or {})})

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            status = self.process.wait()
            raise SideFailure(f"the process ended with status {status} when asked to {line[:60]}")
        return answer.rstrip("\n")

    def processor_seconds(self):
        """Processor time of all threads so far."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except (OSError, IndexError):
                pass  # the thread has just ended
        return total / 1e9

    def wait_until_quiet(self, limit=0.5):
        """Returns when no thread has run for a millisecond: libraries let their threads spin for a while after a call, and those
        would take a core from the other side. Seconds waited."""
        start = time.perf_counter()
        before = self.processor_seconds()
        while time.perf_counter() - start < limit:
            time.sleep(0.001)
            now = self.processor_seconds()
            if now - before < 30e-6:
                break
            before = now
        return time.perf_counter() - start

    def peak_memory(self):
        """Most bytes ever resident."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.close()


class Ours(Side):
    """`voxelsmith time-calls` for one suite, or one model."""

    def __init__(self, program, suite, plugins, folder):
        plugin = ["--plugin", *map(str, plugins)] if plugins else []
        super().__init__([str(program), "time-calls", str(suite), *plugin], folder=folder)

    def fields(self, *words):
        status, *fields = self.ask("\t".join(map(str, words))).split("\t")
        if status != "ok":
            raise SideFailure(f"voxelsmith: {' '.join(fields)}")
        return fields

    def shape(self, name):
        """What a layer is, as the project resolves it."""
        fields = dict(field.split("=", 1) for field in self.fields("shape", name))
        lists = {key: [int(n) for n in fields[key].split(",")] for key in ("input", "output", "kernel", "strides", "dilations", "crop")}
        numbers = {key: int(fields[key]) for key in ("batch", "channels", "filters", "groups", "flops")}
        slope = {"slope": float(fields["slope"])} if "slope" in fields else {}
        words = {key: fields[key] for key in ("kind", "layout", "activation")}
        return {**lists, **numbers, **slope, **words, "bias": fields["bias"] == "1"}

    def prepare(self, name, case):
        arrays = ["x.npy", "kernel.npy", *(["bias.npy"] if case["bias"] else [])]
        kind, kernel = self.fields("prepare", name, *arrays)
        return {"kind": kind, "kernel": kernel}

    def prepare_model(self):
        """The whole model of the file, for the input in x.npy."""
        specialized, count = map(int, self.fields("prepare-model", "x.npy"))
        return {"kind": "specialized" if specialized == count else "interpreter", "kernel": f"{specialized} of {count} convolutions specialised"}

    def call(self, threads, count, seconds, reuses_output=False):
        """Nanoseconds of up to `count` calls, fewer when `seconds` are over."""
        return [int(n) for n in self.fields("call-into" if reuses_output else "call", threads, count, seconds)]


class Rival(Side):
    """A rival's library with a number of threads.

    mode: "allocate" for layers with results of their own, "reuse" for layers without page faults, "networks" for whole networks.
    """

    def __init__(self, python, name, threads, mode, folder):
        environment = {
            "OMP_NUM_THREADS": str(threads), "PYTHONDONTWRITEBYTECODE": "1", **(KEEPING_MEMORY if mode == "reuse" else {}),
        }
        arguments = [str(HERE / "rival.py"), name, str(threads), mode]
        super().__init__([python, *arguments], environment, folder)
        self.threads, self.folder, self.faults = threads, str(folder), 0

    def request(self, what, **more):
        answer = json.loads(self.ask(json.dumps({"do": what, **more})))
        if "error" in answer:
            raise SideFailure(answer["error"])
        return answer

    def prepare(self, case, variant):
        """Why the library cannot compute this; None when it can."""
        return self.request("prepare", case=case, variant=variant, folder=self.folder).get("reason")

    def call(self, count, seconds):
        answer = self.request("call", count=count, seconds=seconds)
        self.faults += answer["faults"]
        return answer["ns"]


def say(text):
    print(text, file=sys.stderr, flush=True)


def build_plugin(program, layers, path, tunings=None):
    """The plugin with the kernels of a file, as a list; none where no layer has any: rows say so where one runs on the interpreter."""
    say(f"Building the kernels of {Path(layers).name}")
    chosen = ["--tunings", str(tunings.resolve())] if tunings else []
    command = [str(program), "build", str(layers), "-o", str(path), "--no-verify", *chosen]
    built = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    sys.stderr.write(built.stderr)
    if built.returncode != 0 and "has a kernel family" not in built.stderr:
        raise SideFailure(f"{shlex.join(command)} failed")
    return [path] if built.returncode == 0 else []
