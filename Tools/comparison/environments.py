"""Python environments of the rivals: one folder each, made from a pinned requirements file when first needed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Gigabytes an environment takes on disk, measured and rounded up. PyPI's torch for Linux brings CUDA's libraries along.
GIGABYTES = {"torch": 6, "onnxruntime": 1, "openvino": 1, "jax": 1, "tensorflow": 2, "keras": 1, "picture": 1}
# pip unpacks what it downloads before it installs, and a full disk helps nobody.
SPARE_GIGABYTES = 5


class EnvironmentFailure(Exception):
    pass


def standard_folder():
    """Where environments live unless the user says otherwise."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "voxelsmith" / "compare"


def python(folder, name):
    """The Python of an environment, which is made first where it is missing or was made from another requirements file."""
    requirements = HERE / "requirements" / f"{name}.txt"
    environment = Path(folder) / name
    program, stamp = environment / "bin" / "python", environment / "requirements.txt"
    if program.exists() and stamp.exists() and stamp.read_text() == requirements.read_text():
        return str(program)
    check_space(folder, name)
    shutil.rmtree(environment, ignore_errors=True)
    print(f"Installing {name} into {environment}", file=sys.stderr, flush=True)
    make(environment)
    run([str(program), "-m", "pip", "install", "--quiet", "--no-cache-dir", "-r", str(requirements)])
    shutil.copyfile(requirements, stamp)
    return str(program)


def remove(folder, name):
    shutil.rmtree(Path(folder) / name, ignore_errors=True)


def check_space(folder, name):
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    needed = GIGABYTES[name] + SPARE_GIGABYTES
    free = shutil.disk_usage(place).free / 1e9
    if free < needed:
        raise EnvironmentFailure(f"Received {free:.1f} GB of free space in {place}; expected {needed} GB to install {name}.")


def make(environment):
    command = [sys.executable, "-m", "venv", str(environment)]
    if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
        return
    # Debian and Ubuntu ship Python without the module that makes environments.
    if shutil.which("apt-get") is None:
        raise EnvironmentFailure(f"{sys.executable} cannot make an environment; expected its module venv with ensurepip.")
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    run([*sudo, "apt-get", "update", "-qq"])
    run([*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "python3-venv"])
    run(command)


def run(command):
    result = subprocess.run(command, stdout=sys.stderr)
    if result.returncode != 0:
        raise EnvironmentFailure(f"{' '.join(command)} ended with status {result.returncode}; expected 0.")
