"""Reads a digitStruct.mat with h5py the way people read SVHN's, and prints its entries as JSON.

    python3 read_sample_mat.py FILE [COUNT]

COUNT limits the output to the first entries. Each is [name, [[height, left, top, width, label], ...]].
"""
import json
import sys

import h5py

FIELDS = ("height", "left", "top", "width", "label")


def values(file, data):
    """A lone box keeps its number in place; several boxes keep one reference each."""
    if data.shape == (1, 1) and data.dtype == "float64":
        return [float(data[0, 0])]
    return [float(file[reference][0, 0]) for reference in data[:, 0]]


def entry(file, number):
    struct = file["digitStruct"]
    name = "".join(chr(code) for code in file[struct["name"][number, 0]][:, 0])
    boxes = file[struct["bbox"][number, 0]]
    columns = [values(file, boxes[field]) for field in FIELDS]
    return [name, [list(box) for box in zip(*columns)]]


with h5py.File(sys.argv[1], "r") as file:
    struct = file["digitStruct"]
    assert file.userblock_size == 512, file.userblock_size
    assert struct.attrs["MATLAB_class"] == b"struct", dict(struct.attrs)
    assert [b"".join(word) for word in struct.attrs["MATLAB_fields"]] == [b"name", b"bbox"]
    total = struct["name"].shape[0]
    count = min(total, int(sys.argv[2])) if len(sys.argv) > 2 else total
    json.dump({"total": total, "entries": [entry(file, number) for number in range(count)]}, sys.stdout)
