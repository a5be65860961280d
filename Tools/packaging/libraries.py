#!/usr/bin/env python3
"""Lists the libraries that a build was made of, a line for each: name, version, commit.

    libraries.py Package.resolved
"""
import json, sys

if len(sys.argv) != 2:
    sys.exit(f"libraries.py: received {len(sys.argv) - 1} arguments; expected one, the path of Package.resolved.")
with open(sys.argv[1], encoding="utf-8") as file:
    pins = json.load(file)["pins"]
for pin in sorted(pins, key=lambda pin: pin["identity"]):
    # A library that is taken from a branch has no version.
    print(pin["identity"], pin["state"].get("version", "-"), pin["state"]["revision"])
