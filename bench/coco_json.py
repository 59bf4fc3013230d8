"""Reads a COCO instances file with json.load, as pycocotools does: the peer of bench/sources.mjs."""

import json
import resource
import sys
import time

wall, cpu = time.perf_counter(), time.process_time()
with open(sys.argv[1]) as file:
    content = json.load(file)
found = {"images": len(content["images"]), "boxes": len(content["annotations"])}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"found": found, "wallMs": (time.perf_counter() - wall) * 1e3, "cpuMs": (time.process_time() - cpu) * 1e3, "peakBytes": peak * 1024}))
