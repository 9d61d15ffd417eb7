"""The 32-bit mark number as 124 bits that survive errors: CRC-24, then a convolutional code, decoded softly.

CRC-24/OPENPGP (RFC 4880, 6.1). The rate 1/2, constraint length 7 code with generators 171, 133 (octal) is the one of CCSDS
131.0-B; Viterbi's decoder works on real-valued evidence.
"""

from __future__ import annotations

import numpy as np

NUMBER_BITS, CRC_BITS, MEMORY_BITS = 32, 24, 6
CODED_BITS = 2 * (NUMBER_BITS + CRC_BITS + MEMORY_BITS)

_GENERATORS = (0o171, 0o133)
_STATES = 1 << MEMORY_BITS


def encode(number: int) -> np.ndarray:
    """(CODED_BITS,) of +1 / -1 for `number` in 0 .. 2^32 - 1."""
    message = number << CRC_BITS | crc24(number)
    register, coded = 0, []
    for place in range(NUMBER_BITS + CRC_BITS - 1, -MEMORY_BITS - 1, -1):
        bit = message >> place & 1 if place >= 0 else 0
        register = (register << 1 | bit) & (2 * _STATES - 1)
        coded += [(register & generator).bit_count() & 1 for generator in _GENERATORS]
    return 1.0 - 2.0 * np.array(coded)


def decode(evidence: np.ndarray) -> int | None:
    """The number that (CODED_BITS,) real `evidence` (> 0 speaks for +1) says, or None when its CRC does not match."""
    scores = np.full(_STATES, -np.inf)
    scores[0] = 0.0
    came_from = np.empty((CODED_BITS // 2, _STATES), np.int64)
    for step in range(CODED_BITS // 2):
        candidates = scores[_PREVIOUS] + _SIGNS @ evidence[2 * step:2 * step + 2]
        choice = candidates.argmax(axis=0)
        came_from[step] = _PREVIOUS[choice, np.arange(_STATES)]
        scores = candidates.max(axis=0)
    message, state = 0, 0
    for step in range(CODED_BITS // 2 - 1, -1, -1):
        if step < NUMBER_BITS + CRC_BITS:
            message |= (state & 1) << (NUMBER_BITS + CRC_BITS - 1 - step)
        state = int(came_from[step, state])
    number, crc = message >> CRC_BITS, message & (1 << CRC_BITS) - 1
    return number if crc24(number) == crc else None


def crc24(number: int) -> int:
    """CRC-24 of the four bytes of `number`."""
    crc = 0xB704CE
    for byte in number.to_bytes(4, "big"):
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc


def _trellis() -> tuple[np.ndarray, np.ndarray]:
    """(2, 64) the two states each state can come from; (2, 64, 2) the signs sent on the way."""
    states = np.arange(_STATES)
    previous = np.stack([states >> 1, states >> 1 | _STATES >> 1])
    registers = previous << 1 | states & 1
    parity = np.array([[[(int(register) & generator).bit_count() & 1 for generator in _GENERATORS] for register in row]
                       for row in registers])
    return previous, 1.0 - 2.0 * parity


_PREVIOUS, _SIGNS = _trellis()
