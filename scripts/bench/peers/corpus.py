"""Makes the inputs of the inflate benchmark.

    corpus.py OUT gzip FOLDER          files of FOLDER (gzip), each compressed anew as one gzip member
    corpus.py OUT orc-keys FILE        the ZLIB chunks of the key column's data in an ORC file
    corpus.py OUT mix [MIB:PATTERN]…   files, up to 1 MiB of each, so many MiB of each pattern;
                                       the pattern "random" is random bytes

Compression is zlib's, level 6. A corpus is "S3CB", then uint32 kind (0: raw
DEFLATE, 1: gzip) and number of streams, then for each stream uint32 stored
bytes, inflated bytes and CRC-32 of the inflated bytes, and the stream.
All numbers are little-endian.
"""

import glob
import gzip
import os
import random
import struct
import sys
import zlib

RAW, GZIP = 0, 1
ORC_KEYS_BYTES = 48 << 20  # inflated, of an ORC file's keys


def write(out, kind, streams):
    """Streams are pairs of the stored and the inflated bytes."""
    with open(out, "wb") as f:
        f.write(b"S3CB" + struct.pack("<II", kind, len(streams)))
        for stored, inflated in streams:
            f.write(struct.pack("<III", len(stored), len(inflated), zlib.crc32(inflated)) + stored)


def deflate(data, window_bits):
    c = zlib.compressobj(6, zlib.DEFLATED, window_bits)
    return c.compress(data) + c.flush()


def log_members(folder):
    for path in sorted(glob.glob(folder + "/*")):
        with gzip.open(path) as f:
            data = f.read()
        yield deflate(data, 31), data


def mix(*shares):
    rng = random.Random(6)
    for share in shares:
        mib, pattern = share.split(":", 1)
        left = int(mib) << 20
        if pattern == "random":
            data = rng.randbytes(left)
            yield deflate(data, -15), data
            continue
        files = sorted(p for p in glob.glob(pattern, recursive=True) if os.path.isfile(p) and os.path.getsize(p) >= 2048)
        if not files:
            raise SystemExit(f"no file is like {pattern}")
        rng.shuffle(files)
        while left > 0 and files:
            again = []
            for path in files:
                size = os.path.getsize(path)
                with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as f:
                    if size > 1 << 20:  # taken at several places
                        f.seek(rng.randrange(size - (1 << 20)))
                        again.append(path)
                    data = f.read(min(left, 1 << 20))
                yield deflate(data, -15), data
                left -= len(data)
                if left <= 0:
                    break
            files = again


# --- as much of ORC's metadata as it takes to find a stream (ORC v1 specification, "File Tail", "Stripes")

def fields(b):
    """The fields of a protobuf message, as lists by number."""
    i, found = 0, {}

    def varint():
        nonlocal i
        v = shift = 0
        while True:
            v |= (b[i] & 127) << shift
            shift += 7
            i += 1
            if b[i - 1] < 128:
                return v

    while i < len(b):
        tag = varint()
        if tag & 7 == 0:
            v = varint()
        elif tag & 7 == 2:
            n = varint()
            v = b[i:i + n]
            i += n
        else:
            raise ValueError(f"wire type {tag & 7}")
        found.setdefault(tag >> 3, []).append(v)
    return found


def chunks(b):
    """The chunks of a stream: whether compressed, and the bytes."""
    i = 0
    while i < len(b):
        head = int.from_bytes(b[i:i + 3], "little")
        yield head & 1 == 0, b[i + 3:i + 3 + (head >> 1)]
        i += 3 + (head >> 1)


def whole(b):
    return b"".join(zlib.decompress(c, -15) if compressed else c for compressed, c in chunks(b))


def orc_keys(path):
    with open(path, "rb") as f:
        b = f.read()
    tail = b[-1 - b[-1]:-1]
    ps = fields(tail)
    if ps[2] != [1]:
        raise SystemExit(f"{path} is not compressed by ZLIB")
    end = len(b) - 1 - b[-1]
    footer = fields(whole(b[end - ps[1][0]:end]))
    key = 1 + fields(footer[4][0])[3].index(b"key")  # column 0 is the struct of all
    taken = 0
    for stripe in map(fields, footer[3]):
        offset = stripe.get(1, [0])[0]
        index, data, tail_bytes = (stripe.get(n, [0])[0] for n in (2, 3, 4))
        place = offset
        for s in map(fields, fields(whole(b[offset + index + data:offset + index + data + tail_bytes]))[1]):
            length = s.get(3, [0])[0]
            if s.get(2, [0])[0] == key and s.get(1, [0])[0] == 1:  # DATA
                for compressed, c in chunks(b[place:place + length]):
                    if compressed and taken < ORC_KEYS_BYTES:
                        data_bytes = zlib.decompress(c, -15)
                        taken += len(data_bytes)
                        yield c, data_bytes
            place += length


def main(out, kind, *args):
    if kind == "gzip":
        write(out, GZIP, list(log_members(*args)))
    elif kind == "orc-keys":
        write(out, RAW, list(orc_keys(*args)))
    elif kind == "mix":
        write(out, RAW, list(mix(*args)))


if __name__ == "__main__":
    main(*sys.argv[1:])
