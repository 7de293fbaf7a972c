"""Keyed random draws of the methods: ChaCha with 8 rounds, and normal values by the ziggurat.

The methods draw directions and masks while they train. The draws are the same on every machine,
and so they can be made again here: from the cipher's definition, and as `rand_distr` documents its
normal distribution (Doornik, 2005, with 256 layers).
"""

import math
import struct

MASK = (1 << 32) - 1
WIDE = (1 << 64) - 1
TAIL = 3.654152885361008796  # where the lowest layer of the ziggurat ends
AREA = 0.00492867323399  # of each layer


class ChaCha8:
    """Words of 64 bits from a key of 32 bytes."""

    def __init__(self, key, stream=0):
        self.start = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
        self.stream = [stream & MASK, stream >> 32]
        self.block, self.words = 0, []

    def word(self):
        if not self.words:
            counter = [self.block & MASK, self.block >> 32]
            self.words = chacha(self.start + counter + self.stream)
            self.block += 1
        return self.words.pop(0)

    def wide(self):
        low = self.word()
        return low | self.word() << 32

    def unit(self):
        """From 0 to 1, without 1."""
        return (self.wide() >> 11) * 2.0**-53

    def normal(self):
        while True:
            bits = self.wide()
            layer, u = bits & 255, (bits >> 12) * 2.0**-51 - 1
            x = u * EDGES[layer]
            if abs(x) < EDGES[layer + 1]:
                return x
            if layer == 0:
                raise NotImplementedError("the tail of the normal distribution: take another seed")
            low, high = DENSITIES[layer], DENSITIES[layer + 1]
            if high + (low - high) * self.unit() < math.exp(-x * x / 2):
                return x


def key(*numbers):
    """Up to four numbers of 64 bits, little-endian, and zeros."""
    return struct.pack(f"<{len(numbers)}Q", *numbers).ljust(32, b"\0")


def number(seed, name):
    """What stands for a seed and the name of a part: the first word of its stream."""
    state, words = seed, []
    for _ in range(8):  # PCG makes the key of the seed
        state = (state * 0x5851F42D4C957F2D + 0xA17654E46FBE17F3) & WIDE
        mixed, turn = ((state >> 18 ^ state) >> 27) & MASK, state >> 59
        words.append((mixed >> turn | mixed << (-turn & 31)) & MASK)
    place = 0xCBF29CE484222325
    for byte in f".{name}".encode():  # FNV-1a makes the stream of the name
        place = ((place ^ byte) * 0x100000001B3) & WIDE
    return ChaCha8(struct.pack("<8I", *words), place).wide()


def chacha(start):
    """One block of 16 words."""
    x = list(start)

    def quarter(a, b, c, d):
        for one, other, third, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[one] = (x[one] + x[other]) & MASK
            turned = x[third] ^ x[one]
            x[third] = (turned << bits | turned >> (32 - bits)) & MASK

    for _ in range(4):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for column in range(4):
            quarter(column, (column + 1) % 4 + 4, (column + 2) % 4 + 8, (column + 3) % 4 + 12)
    return [(a + b) & MASK for a, b in zip(x, start)]


def layers():
    """The edges of the ziggurat's layers, from the longest to 0."""
    density = lambda x: math.exp(-x * x / 2)
    edges = [AREA / density(TAIL), TAIL]
    while len(edges) < 256:
        edges.append(math.sqrt(-2 * math.log(AREA / edges[-1] + density(edges[-1]))))
    return edges + [0.0]


EDGES = layers()
DENSITIES = [math.exp(-x * x / 2) for x in EDGES]
