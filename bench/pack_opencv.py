"""im2rec.py's steps with OpenCV alone: read, decode, shorter edge (or exact size), JPEG 95, one record each.
One run of bench/pack.mjs: does the work that the JSON argument names, prints what it cost."""

import json
import resource
import struct
import sys
import time

import cv2

cv2.setNumThreads(1)
run = json.loads(sys.argv[1])
files = json.load(open(run['list']))


def pack(chosen):
    with open(run['out'], 'wb') as out:
        for index, path in enumerate(chosen):
            image = cv2.imread(path, 1)
            height, width = image.shape[:2]
            if 'size' in run:
                size = (run['size'], run['size'])
            elif height > width:
                size = (run['resize'], height * run['resize'] // width)
            else:
                size = (width * run['resize'] // height, run['resize'])
            image = cv2.resize(image, size)
            encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
            payload = struct.pack('IfQQ', 0, 0, index, 0) + encoded
            out.write(struct.pack('II', 0xced7230a, len(payload)) + payload + b'\0' * (-len(payload) % 4))


pack(files[:16])
began, cpu = time.perf_counter(), time.process_time()
pack(files)
print(json.dumps({
    'wallMs': (time.perf_counter() - began) * 1000,
    'cpuMs': (time.process_time() - cpu) * 1000,
    'startMs': cpu * 1000,
    'memoryMB': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
