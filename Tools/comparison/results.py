"""The results file: what was measured, cell by cell, saved as it grows."""

import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / ".build/release/voxelsmith"


class Results:
    """`cells` holds one row per table, shape and variant of a rival; see Documentation/comparison.md for its fields."""

    def __init__(self, path, resume):
        self.path = Path(path)
        if resume and self.path.exists():
            self.data = json.loads(self.path.read_text())
        else:
            self.data = {"machine": machine(), "versions": {}, "commands": [], "shapes": {}, "cells": []}
        self.done = {key(cell) for cell in self.data["cells"]}

    def has(self, table, shape, variant):
        return (table, shape, variant) in self.done

    def find(self, table, shape, variant):
        return next((cell for cell in self.data["cells"] if key(cell) == (table, shape, variant)), {})

    def add(self, table, shape, variant, row):
        cell = {"table": table, "shape": shape, "variant": variant, **row}
        self.data["cells"].append(cell)
        self.done.add(key(cell))
        self.save()

    def note_command(self):
        """What is measured from here on, and how busy the machine is."""
        load = os.getloadavg()[0]
        self.data["commands"].append({"command": recorded_command(), "voxelsmith": commit(), "load": load})
        if load > 0.5:
            print(f"The machine is busy (load {load:.1f}): times will be too long.", file=sys.stderr, flush=True)

    def note_peak(self, gflops):
        self.data["machine"]["peak_gflops_per_thread"] = max(gflops, self.data["machine"].get("peak_gflops_per_thread", 0))

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({name: value for name, value in self.data.items() if name != "cells"}, indent=1)
        rows = ",\n".join("  " + json.dumps(cell) for cell in self.data["cells"])
        staged = self.path.with_name(self.path.name + ".part")
        staged.write_text(text[:-2] + f',\n "cells": [\n{rows}\n ]\n}}\n')
        os.replace(staged, self.path)

    @property
    def failures(self):
        return [cell for cell in self.data["cells"] if "failure" in cell or cell.get("agrees") is False]


def key(cell):
    return cell["table"], cell["shape"], cell["variant"]


def recorded_command():
    """This run's command without what names places on this machine and changes no number."""
    words, rest = ["Tools/compare"], iter(sys.argv[1:])
    for word in rest:
        if word in ("--environments", "--output"):
            next(rest, None)
        elif not word.startswith(("--environments=", "--output=", "--resume")):
            words.append(word.replace(f"{ROOT}/", ""))
    return shlex.join(words)


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in read("/proc/cpuinfo").splitlines() if line.startswith("model name")), "unknown")
    memory = next((int(line.split()[1]) for line in read("/proc/meminfo").splitlines() if line.startswith("MemTotal")), 0)
    system = dict(line.split("=", 1) for line in read("/etc/os-release").splitlines() if "=" in line)
    return {
        "cpu": cpu, "cores": len(os.sched_getaffinity(0)), "memory_gb": round(memory / 2**20, 1),
        "os": f"{system.get('PRETTY_NAME', 'unknown').strip(chr(34))}, kernel {platform.release()}",
        "date": datetime.date.today().isoformat(), "load": os.getloadavg()[0],
    }


def commit():
    """What was built, as git names it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stdout.strip() or "unknown"


def read(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ""
