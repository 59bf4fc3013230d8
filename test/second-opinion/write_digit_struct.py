"""Writes a digitStruct.mat with h5py, its lists and names in shuffled and deflated chunks that do
not divide them evenly, and prints the entries as JSON.

Usage: python3 write_digit_struct.py digitStruct.mat
"""
import json
import sys

import h5py
import numpy

FIELDS = ("height", "label", "left", "top", "width")
PACKED = {"shuffle": True, "compression": "gzip"}
entries = [
    {"name": f"house-number-{index}.png", "boxes": [{field: float(index * 7 + place) for field in FIELDS} for place in range(1 + index % 3)]}
    for index in range(50)
]


def references(targets):
    column = numpy.empty((len(targets), 1), dtype=h5py.ref_dtype)
    column[:, 0] = [target.ref for target in targets]
    return column


with h5py.File(sys.argv[1], "w", userblock_size=512) as file:
    store = file.create_group("#refs#")

    def put(data, **options):
        return store.create_dataset(str(len(store)), data=data, **options)

    names, boxes = [], []
    for entry in entries:
        codes = numpy.array([[ord(letter) for letter in entry["name"]]], dtype=numpy.uint16)
        names.append(put(codes, chunks=(1, 8), **PACKED))
        group = store.create_group(str(len(store)))
        boxes.append(group)
        for field in FIELDS:
            values = [numpy.array([[box[field]]]) for box in entry["boxes"]]
            group[field] = values[0] if len(values) == 1 else references([put(value) for value in values])
    struct = file.create_group("digitStruct")
    struct.create_dataset("name", data=references(names), chunks=(7, 1), **PACKED)
    struct.create_dataset("bbox", data=references(boxes), chunks=(16, 1), **PACKED)

print(json.dumps(entries))
