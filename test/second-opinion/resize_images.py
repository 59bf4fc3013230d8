"""Resizes noise with OpenCV. Standard input: a line of JSON a case, {width, height, channels, to:
{width, height}, method, seed, bits: 8 or 16}. Standard output: the resized bytes of all cases one after the other."""

import json
import sys

import cv2
import numpy

METHODS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos4": cv2.INTER_LANCZOS4,
}


def noise(length, seed, bits):
    at = (numpy.arange(length, dtype=numpy.uint64) + numpy.uint64(seed)) * numpy.uint64(2654435761)
    at = (at & numpy.uint64(0xFFFFFFFF)) ^ ((at & numpy.uint64(0xFFFFFFFF)) >> numpy.uint64(15))
    return (((at * numpy.uint64(2246822519)) & numpy.uint64(0xFFFFFFFF)) >> numpy.uint64(32 - bits)).astype(numpy.uint8 if bits == 8 else numpy.uint16)


for line in sys.stdin:
    case = json.loads(line)
    width, height, channels = case["width"], case["height"], case["channels"]
    image = noise(width * height * channels, case["seed"], case["bits"]).reshape(height, width, channels)
    to = (case["to"]["width"], case["to"]["height"])
    sys.stdout.buffer.write(cv2.resize(image, to, interpolation=METHODS[case["method"]]).tobytes())
