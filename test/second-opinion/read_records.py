"""Reads a .rec and its .idx with nothing of Millrace, and prints what it finds as JSON.

Written from the descriptions of dmlc RecordIO and MXNet's image header alone, so that a mistake that
our writer and our reader share does not pass. Images are decoded by OpenCV.

usage: read_records.py X.rec X.idx
"""

import hashlib
import json
import struct
import sys

import cv2
import numpy

MAGIC = struct.pack('<I', 0xCED7230A)


def read_record(data, offset):
    """Joins the frames of the record at offset; returns its bytes and where the next record starts."""
    parts = []
    while True:
        magic, word = data[offset:offset + 4], struct.unpack_from('<I', data, offset + 4)[0]
        assert magic == MAGIC, 'no magic at byte %d' % offset
        flag, length = word >> 29, word & (2 ** 29 - 1)
        assert flag in ((2, 3) if parts else (0, 1)), 'flag %d at byte %d' % (flag, offset)
        begin = offset + 8
        parts.append(data[begin:begin + length])
        assert len(parts[-1]) == length, 'cut at byte %d' % offset
        offset = begin + (length + 3) // 4 * 4
        if flag in (0, 3):
            return MAGIC.join(parts), offset


def describe(record):
    flag, label, record_id, id2 = struct.unpack_from('<IfQQ', record)
    labels = struct.unpack_from('<%df' % flag, record, 24)
    image = record[24 + 4 * flag:]
    pixels = cv2.imdecode(numpy.frombuffer(image, numpy.uint8), cv2.IMREAD_COLOR) if image else None
    return {
        'id': str(record_id),
        'id2': str(id2),
        'label': label,
        'labels': list(labels),
        'sha256': hashlib.sha256(image).hexdigest(),
        'height': None if pixels is None else pixels.shape[0],
        'width': None if pixels is None else pixels.shape[1],
        'meanBlueGreenRed': None if pixels is None else [float(mean) for mean in pixels.mean(axis=(0, 1))],
    }


def main(rec_path, idx_path):
    with open(rec_path, 'rb') as file:
        data = file.read()
    records, offset = [], 0
    while offset < len(data):
        start = offset
        record, offset = read_record(data, offset)
        records.append({'offset': start, **describe(record)})
    with open(idx_path) as file:
        index = [line.rstrip('\n').split('\t') for line in file]
    print(json.dumps({'records': records, 'index': index}))


main(*sys.argv[1:])
