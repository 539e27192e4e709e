"""A QR code for a short text, drawn in half blocks (ISO/IEC 18004: byte mode, error correction L).

Versions 1 to 5 only: they hold 106 octets in a single block, which is more than a `mailto:` link needs.
"""

from __future__ import annotations

from collections.abc import Iterator

_DATA = {1: 19, 2: 34, 3: 55, 4: 80, 5: 108}  # codewords of data, by version
_CORRECTION = {1: 7, 2: 10, 3: 15, 4: 20, 5: 26}  # and of error correction
_MASK = 0  # of the eight masks; which one is used is a matter of looks
_QUIET = 4  # modules of margin

Matrix = list[list[bool]]


def matrix(text: str) -> Matrix | None:
    """The modules, True where dark, without a margin; None if the text is too long."""
    octets = text.encode()
    version = next((each for each, words in _DATA.items() if len(octets) <= words - 2), None)
    if version is None:
        return None
    data = _codewords(octets, _DATA[version])
    bits = [
        word >> at & 1 == 1
        for word in data + _correction(data, _CORRECTION[version])
        for at in range(7, -1, -1)
    ]
    grid = _functions(version)
    size = len(grid)
    path = (place for place in _path(size) if grid[place[0]][place[1]] is None)
    for at, (row, column) in enumerate(path):
        grid[row][column] = (at < len(bits) and bits[at]) != ((row + column) % 2 == 0)
    _format(grid)
    return [[bool(module) for module in row] for row in grid]


def lines(text: str) -> list[str]:
    """The code in lines of half blocks, dark on light, margin included; none if the text is too long."""
    found = matrix(text)
    if found is None:
        return []
    width = len(found) + 2 * _QUIET
    empty = [False] * width
    side = [False] * _QUIET
    rows = [empty] * _QUIET + [side + row + side for row in found] + [empty] * (_QUIET + 1)
    blocks = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    pairs = zip(rows[0::2], rows[1::2], strict=False)
    return ["".join(blocks[pair] for pair in zip(upper, lower, strict=True)) for upper, lower in pairs]


def _codewords(octets: bytes, count: int) -> list[int]:
    """Mode, length and octets, padded."""
    bits = f"0100{len(octets):08b}" + "".join(f"{octet:08b}" for octet in octets)
    bits += "0" * min(4, count * 8 - len(bits))
    bits += "0" * (-len(bits) % 8)
    words = [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]
    return words + [(0xEC, 0x11)[at % 2] for at in range(count - len(words))]


def _times(a: int, b: int) -> int:
    """The product in GF(256), modulo x^8 + x^4 + x^3 + x^2 + 1."""
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = a << 1 ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return product


def _correction(data: list[int], count: int) -> list[int]:
    """The Reed-Solomon remainder of the data."""
    generator, root = [1], 1
    for _ in range(count):
        shifted = [*generator, 0]
        generator = [a ^ _times(b, root) for a, b in zip(shifted, [0, *generator], strict=True)]
        root = _times(root, 2)
    remainder = list(data) + [0] * count
    for at in range(len(data)):
        factor = remainder[at]
        for place, each in enumerate(generator):
            remainder[at + place] ^= _times(each, factor)
    return remainder[len(data) :]


def _functions(version: int) -> list[list[bool | None]]:
    """Finders, timing, alignment, and light where the format will stand; None where data goes."""
    size = 17 + 4 * version
    grid: list[list[bool | None]] = [[None] * size for _ in range(size)]
    for at in range(8, size - 8):
        grid[6][at] = grid[at][6] = at % 2 == 0
    centres = [(3, 3), (3, size - 4), (size - 4, 3)]
    for top, left in centres:
        for row in range(max(0, top - 4), min(size, top + 5)):
            for column in range(max(0, left - 4), min(size, left + 5)):
                grid[row][column] = max(abs(row - top), abs(column - left)) in (0, 1, 3)
    if version > 1:
        centre = size - 7
        for row in range(centre - 2, centre + 3):
            for column in range(centre - 2, centre + 3):
                grid[row][column] = max(abs(row - centre), abs(column - centre)) != 1
    for at in [*range(9), *range(size - 8, size)]:
        for row, column in ((8, at), (at, 8)):
            if grid[row][column] is None:
                grid[row][column] = False
    return grid


def _format(grid: list[list[bool | None]]) -> None:
    """Level L and the mask, with their own correction, twice; and the module that is always dark."""
    size, value = len(grid), 0b01 << 3 | _MASK
    remainder = value << 10
    for at in range(14, 9, -1):
        remainder ^= 0x537 << at - 10 if remainder >> at & 1 else 0
    said = (value << 10 | remainder) ^ 0x5412
    beside = [0, 1, 2, 3, 4, 5, 7, 8, *range(size - 7, size)]
    for at in range(15):
        bit = said >> at & 1 == 1
        grid[beside[at]][8] = bit
        grid[8][beside[14 - at] if at >= 8 else size - 1 - at] = bit
    grid[size - 8][8] = True


def _path(size: int) -> Iterator[tuple[int, int]]:
    """All places in the order of the data: pairs of columns from the right, up and down by turns."""
    upwards = True
    for right in [*range(size - 1, 6, -2), 5, 3, 1]:
        for row in range(size - 1, -1, -1) if upwards else range(size):
            yield row, right
            yield row, right - 1
        upwards = not upwards
