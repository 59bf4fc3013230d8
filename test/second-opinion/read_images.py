"""Reads images with OpenCV. Standard input: a line a file, its path and imread's flag with a tab
between. Standard output: for each, a line of JSON, [height, width, channels, bits], then the pixels as
RGB or RGBA, those of 16 bits in the machine's byte order."""

import json
import sys

import cv2
import numpy

ORDERS = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}

for line in sys.stdin:
    path, flag = line.rstrip("\n").split("\t")
    image = cv2.imread(path, int(flag))
    image = image.reshape(image.shape[0], image.shape[1], -1)
    image = image[:, :, ORDERS[image.shape[2]]]
    sys.stdout.buffer.write(json.dumps([*image.shape, 8 * image.itemsize]).encode() + b"\n" + numpy.ascontiguousarray(image).tobytes())
