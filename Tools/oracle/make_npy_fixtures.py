#!/usr/bin/env python3
"""Writes the .npy and .npz fixtures of Tests/TensorIOTests. Made with NumPy 2.4.6.

    python3 Tools/oracle/make_npy_fixtures.py

Every array of shape (2, 3, 4) holds i - 3 (i for unsigned types, i mod 2 for booleans, (i - 3) / 2 for floats) at row-major
index i, so the test computes the expected values itself.
"""
import pathlib
import numpy as np

root = pathlib.Path(__file__).resolve().parents[2] / "Tests/TensorIOTests/Fixtures"


def values(dtype, shape=(2, 3, 4)):
    i = np.arange(int(np.prod(shape)), dtype=np.float64).reshape(shape)
    kind = np.dtype(dtype).kind
    return {"f": (i - 3) / 2, "i": i - 3, "u": i, "b": i % 2}[kind].astype(dtype)


def write(name, array, version=None):
    with open(root / "npy" / f"{name}.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=version, allow_pickle=True)


for dtype in ["f2", "f4", "f8", "i2", "i4", "i8", "u2", "u4", "u8"]:
    write(f"{dtype}_little", values("<" + dtype))
    write(f"{dtype}_big", values(">" + dtype))
for dtype in ["i1", "u1", "b1"]:
    write(f"{dtype}_any", values("|" + dtype))
for dtype in ["<f4", ">f4", "<f8", ">i2", "|b1"]:
    write(f"{dtype[1:]}_{ {'<': 'little', '>': 'big', '|': 'any'}[dtype[0]]}_fortran", np.asfortranarray(values(dtype)))
for version in [1, 2, 3]:
    write(f"f4_version{version}", values("<f4"), version=(version, 0))

write("scalar", np.array(2.5, "<f4"))
write("one_axis", values("<f4", (5,)))
write("five_axes_fortran", np.asfortranarray(values("<f4", (2, 37, 3, 5, 41))))
write("two_axes_fortran", np.asfortranarray(values("<f8", (70, 33))))
write("empty", np.zeros((2, 0, 3), "<f4"))
write("empty_fortran", np.zeros((0, 3), "<f8", order="F"))
write("half_specials", np.array([0, -0.0, 6e-8, 6.1e-5, -65504, np.inf, -np.inf, np.nan, 1 / 3], "<f2"))
write("large_integers", np.array([2**24 + 1, 2**24 + 3, -(2**62)], "<i8"))

# Refused by the reader.
write("refused_object", np.array([{}, None], dtype=object))
write("refused_structured", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i2")]))
write("refused_unicode_field", np.zeros(2, dtype=[("größe", "<f4")]), version=(3, 0))
write("refused_complex", np.zeros(2, "<c8"))
write("refused_string", np.array(["abc"]))
write("refused_date", np.zeros(2, "<M8[s]"))

arrays = {"kernel": values("<f4"), "up1/bias": values("<f8", (5,)), "flag": np.array(True)}
np.savez(root / "npz/stored.npz", **arrays)
np.savez_compressed(root / "npz/deflated.npz", **arrays)
np.savez_compressed(root / "npz/zeros.npz", zeros=np.zeros((64, 64, 64), "<f4"))
