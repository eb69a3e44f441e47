# SPDX-License-Identifier: Apache-2.0
"""Reading and writing PNG files in tests."""
import struct
import zlib


def pixels_of(path):
    """Width, height, and the bytes of an RGB or RGBA PNG of 8 bits."""
    data, at, packed = path.read_bytes(), 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, _, color = struct.unpack(">IIBB", chunk[:10])
        if kind == b"IDAT":
            packed += chunk
        at += 12 + length
    depth = {2: 3, 6: 4}[color]
    raw, rows, before = zlib.decompress(packed), [], bytearray(width * depth)
    for y in range(height):
        row = bytearray(raw[y * (width * depth + 1):(y + 1) * (width * depth + 1)])
        kind, row = row[0], row[1:]
        for x in range(len(row)):
            left = row[x - depth] if x >= depth else 0
            up, corner = before[x], before[x - depth] if x >= depth else 0
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda value: abs(guess - value))
            row[x] = row[x] + (0, left, up, (left + up) // 2, paeth)[kind] & 255
        rows.append(bytes(row))
        before = row
    return width, height, depth, rows


def write_png(path, width, height, depth, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[depth], 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b""))
