"""Prints a digitStruct.mat as JSON, read with h5py: a second opinion on our own reader.

Usage: python3 read_digit_struct.py digitStruct.mat
"""
import json
import sys

import h5py

FIELDS = ("height", "label", "left", "top", "width")


def values(file, dataset):
    """A (1, 1) number is the value itself; otherwise every element refers to one."""
    if h5py.check_ref_dtype(dataset.dtype) is None:
        return [float(dataset[()].item())]
    return [float(file[reference][()].item()) for reference in dataset[()].ravel()]


def read(path):
    with h5py.File(path, "r") as file:
        struct = file["digitStruct"]
        for name, bbox in zip(struct["name"][()].ravel(), struct["bbox"][()].ravel()):
            columns = {field: values(file, file[bbox][field]) for field in FIELDS}
            boxes = [dict(zip(FIELDS, box)) for box in zip(*columns.values())]
            yield {"name": "".join(chr(code) for code in file[name][()].ravel()), "boxes": boxes}


print(json.dumps(list(read(sys.argv[1]))))
