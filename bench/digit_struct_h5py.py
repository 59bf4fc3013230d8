"""Reads a digitStruct.mat with h5py, every name and every box: the peer of bench/sources.mjs."""

import json
import resource
import sys
import time

import h5py

FIELDS = ("height", "label", "left", "top", "width")


def values(file, dataset):
    if dataset.shape[0] == 1:
        return [float(dataset[0, 0])]
    return [float(file[reference][0, 0]) for reference in dataset[:, 0]]


def main(path):
    wall, cpu = time.perf_counter(), time.process_time()
    boxes = 0
    with h5py.File(path, "r") as file:
        names = file["digitStruct/name"][:, 0]
        groups = file["digitStruct/bbox"][:, 0]
        entries = []
        for name, group in zip(names, groups):
            text = "".join(map(chr, file[name][:, 0]))
            fields = {field: values(file, file[group][field]) for field in FIELDS}
            boxes += len(fields["label"])
            entries.append((text, fields))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"found": {"entries": len(entries), "boxes": boxes}, "wallMs": (time.perf_counter() - wall) * 1e3, "cpuMs": (time.process_time() - cpu) * 1e3, "peakBytes": peak * 1024}))


main(sys.argv[1])
