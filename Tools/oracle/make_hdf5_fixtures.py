#!/usr/bin/env python3
"""Writes the HDF5 fixtures of Tests/TensorIOTests. Made with h5py 3.16.0 (HDF5 2.0.0) and NumPy 2.4.6.

    python3 Tools/oracle/make_hdf5_fixtures.py
"""
import pathlib
import h5py
import numpy as np

root = pathlib.Path(__file__).resolve().parents[2] / "Tests/TensorIOTests/Fixtures/hdf5"
ramp = np.arange(24, dtype=np.float64).reshape(2, 3, 4) - 3

with h5py.File(root / "types.h5", "w", libver=("earliest", "v110")) as f:
    for dtype in ["<f2", "<f4", ">f4", "<f8", ">f8", "|i1", "<i4", ">i8"]:
        f.create_dataset("numbers/" + dtype.strip("<>|") + ("_big" if ">" in dtype else ""), data=ramp.astype(dtype))
    f.create_dataset("scalar", data=np.float32(2.5))
    f.create_dataset("empty", data=np.zeros((2, 0), "<f4"))
    f.create_dataset("packed", data=np.zeros((64, 64, 64), "<f4"), chunks=(32, 32, 32), compression="gzip")
    f.create_dataset("declared", shape=(1 << 35,), dtype="<f8", chunks=(1 << 20,))
    f.create_dataset("text", data=["a", "b"], dtype=h5py.string_dtype())
    f.create_dataset("null", data=h5py.Empty("f4"))
    f.create_dataset("opaque", data=np.zeros(3, dtype=np.dtype("V2")))
    for i in range(12):
        f.create_dataset(f"layers/conv_{i}/vars/0", data=np.float32(i))
    f["cycle/again"] = f["/"]
    f["soft"] = h5py.SoftLink("/scalar")
    f["dangling"] = h5py.SoftLink("/nowhere")
    f["outside"] = h5py.ExternalLink("/etc/passwd", "/")
    a = f.create_group("attributes").attrs
    a["variable"] = "größe"
    a["variable list"] = np.array(["one", "", "three"], dtype=h5py.string_dtype())
    a["fixed list"] = np.array([b"one", b"", b"three"], dtype="S5")
    a.create("ascii", "plain", dtype=h5py.string_dtype("ascii"))
    a["no strings"] = np.zeros(0)
    a["shape"] = np.array([2, 3, 4], "<i8")
    a["shape32"] = np.array([2, -3], ">i4")
    a["float"] = 2.5
    space = h5py.h5t.C_S1.copy()
    space.set_size(6)
    space.set_strpad(h5py.h5t.STR_SPACEPAD)
    h5py.h5a.create(f["attributes"].id, b"space padded", space, h5py.h5s.create(h5py.h5s.SCALAR)).write(np.array(b"ab    ", "S6"), space)

with h5py.File(root / "split.h5", "w", libver=("earliest", "v110")) as f:
    f.attrs["layer_names0"] = [b"b", b"a"]
    f.attrs["layer_names1"] = [b"c"]
    for name in ["a", "b", "c"]:
        group = f.create_group(name)
        group.attrs["weight_names"] = [f"{name}/kernel:0".encode()] if name != "c" else []
    f["a/a/kernel:0"] = np.float32([1, 2])
    f["b/b/kernel:0"] = np.float32([3])

# Every group holds the next ones twice: as many ways through it as 2 to the number of groups.
with h5py.File(root / "cycles.h5", "w", libver=("earliest", "v110")) as f:
    groups = [f.create_group(f"g{i}") for i in range(3)]
    for group in groups:
        for i, other in enumerate(groups):
            group[f"to{i}"] = other
