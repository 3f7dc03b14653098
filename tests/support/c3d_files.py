"""C3D files of any byte order, written from the format's description (c3d.org), as an oracle."""

import math
import struct

import numpy as np

BLOCK = 512


def c3d_bytes(
    analogs, labels, units, *, order="<", points=None, rate=100.0, integers=False, plates=None
):
    """A C3D file.

    `analogs` has shape (frames, samples per frame, channels); `points` (frames, markers, 3);
    `plates` holds for each force plate the numbers of its channels, from 1.
    """
    frames, per_frame, channels = analogs.shape
    markers = 0 if points is None else points.shape[1]
    processor = {"<": 84, ">": 86}[order]
    point_scale = 0.1 if integers else -0.1
    analog_scale = 1e-3 if integers else 1.0
    groups = {
        "POINT": {
            "USED": _words(order, [markers]),
            "SCALE": _floats(order, [point_scale]),
            "RATE": _floats(order, [rate]),
            "FRAMES": _words(order, [frames]),
            "LABELS": _texts([f"M{i}" for i in range(markers)]),
            "UNITS": _texts(["mm"], flat=True),
        },
        "ANALOG": {
            "USED": _words(order, [channels]),
            "LABELS": _texts(labels),
            "UNITS": _texts(units),
            "SCALE": _floats(order, [analog_scale] * channels, shape=(channels,)),
            "OFFSET": _words(order, [0] * channels, shape=(channels,)),
            "GEN_SCALE": _floats(order, [1.0]),
            "RATE": _floats(order, [rate * per_frame]),
        },
    }
    if plates is not None:
        flat = [number for plate in plates for number in plate]
        groups["FORCE_PLATFORM"] = {
            "USED": _words(order, [len(plates)]),
            "CHANNEL": _words(order, flat, shape=(len(plates[0]), len(plates))),
        }
    size = sum(len(record) for record in _records(order, groups, 3))
    blocks = math.ceil((size + 4) / BLOCK)
    start = 2 + blocks
    groups["POINT"]["DATA_START"] = _words(order, [start])
    parameters = bytes([1, 0x50, blocks, processor]) + b"".join(_records(order, groups, start))
    assert len(parameters) <= BLOCK * (blocks + 1)
    blocks = max(blocks, math.ceil(len(parameters) / BLOCK))
    start = 2 + blocks
    groups["POINT"]["DATA_START"] = _words(order, [start])
    parameters = bytes([1, 0x50, blocks, processor]) + b"".join(_records(order, groups, start))
    header = struct.pack("2B", 2, 0x50) + struct.pack(
        order + "5H", markers, channels * per_frame, 1, frames, 10
    )
    header += struct.pack(order + "f", point_scale) + struct.pack(order + "2H", start, per_frame)
    header += struct.pack(order + "f", rate)
    data = np.zeros((frames, 4 * markers + per_frame * channels))
    if points is not None:
        data[:, : 4 * markers] = np.concatenate(
            [points / (0.1 if integers else 1.0), np.zeros((frames, markers, 1))], axis=2
        ).reshape(frames, -1)
    data[:, 4 * markers :] = analogs.reshape(frames, -1) / analog_scale
    kind = "i2" if integers else "f4"
    body = (np.round(data) if integers else data).astype(order + kind).tobytes()
    return header.ljust(BLOCK, b"\0") + parameters.ljust(BLOCK * blocks, b"\0") + body


def _records(order, groups, start):
    records = []
    for number, (group, parameters) in enumerate(groups.items(), start=1):
        records.append((-number, group, b"\0"))
        records += [(number, name, value + b"\0") for name, value in parameters.items()]
    for i, (number, name, content) in enumerate(records):
        offset = 0 if i == len(records) - 1 else 2 + len(content)
        yield (
            struct.pack("2b", len(name), number)
            + name.encode()
            + struct.pack(order + "H", offset)
            + content
        )


def _words(order, values, shape=()):
    head = struct.pack("bB", 2, len(shape)) + bytes(shape)
    return head + struct.pack(f"{order}{len(values)}h", *values)


def _floats(order, values, shape=()):
    head = struct.pack("bB", 4, len(shape)) + bytes(shape)
    return head + struct.pack(f"{order}{len(values)}f", *values)


def _texts(texts, flat=False):
    width = max((len(text) for text in texts), default=0)
    shape = (width,) if flat else (width, len(texts))
    text = "".join(text.ljust(width) for text in texts).encode()
    return struct.pack("bB", -1, len(shape)) + bytes(shape) + text


def swapped(data, data_start):
    """A little-endian file of floats in big-endian order, number by number."""
    begin = (data[0] - 1) * BLOCK
    head = bytearray(data[:BLOCK])
    for place, size in [(i, 2) for i in (2, 4, 6, 8, 10, 16, 18)] + [(12, 4), (20, 4)]:
        head[place : place + size] = head[place : place + size][::-1]
    parameters = bytearray(data[begin : (data_start - 1) * BLOCK])
    parameters[3] = 86
    at = 4
    while parameters[at] and parameters[at + 1]:
        behind = at + 2 + abs(struct.unpack_from("b", parameters, at)[0])
        (offset,) = struct.unpack_from("<H", parameters, behind)
        struct.pack_into(">H", parameters, behind, offset)
        if struct.unpack_from("b", parameters, at + 1)[0] > 0:
            kind, dimensions = struct.unpack_from("bB", parameters, behind + 2)
            first = behind + 4 + dimensions
            count = math.prod(parameters[behind + 4 : first])
            if kind > 1:
                stored = np.frombuffer(bytes(parameters[first : first + kind * count]), f"u{kind}")
                parameters[first : first + kind * count] = stored.byteswap().tobytes()
        if not offset:
            break
        at = behind + offset
    body = data[(data_start - 1) * BLOCK :]
    body = body[: len(body) // 4 * 4]
    return bytes(head) + bytes(parameters) + np.frombuffer(body, "u4").byteswap().tobytes()
