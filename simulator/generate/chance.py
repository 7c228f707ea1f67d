"""Chance that repeats: the same draws on every platform and with every version of numpy.

Only the raw bits of PCG64 are used, which numpy promises to keep, and only integer arithmetic
and the four float operations that IEEE 754 defines to the last bit. numpy's distributions are
avoided, since they may change between versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Bits: TypeAlias = npt.NDArray[np.uint64]
T = TypeVar("T")

EVER: Final = 0
"""In place of a day, for what holds on all days."""

_SHARE_BITS: Final = 53


class Purpose(IntEnum):
    """What a stream of draws is for. The numbers are part of every seed: never reuse one."""

    VOLUME = 1
    USER = 2
    TIME = 3
    BASKET = 4
    PRODUCT = 5
    REORDER = 6
    PAST = 7
    NAME = 8
    PRICE = 9
    CHURN = 10
    ROW_KIND = 11
    ROW_LUCK = 12
    FILE_KIND = 13
    FILE_LUCK = 14
    LATE_PRODUCT = 15


@dataclass(frozen=True, slots=True)
class Chance:
    """All draws of one shop."""

    seed: int

    def bits(self, purpose: Purpose, day: int, count: int, part: int = 0) -> Bits:
        """Draw `count` times 64 random bits, always the same for the same arguments."""
        generator = np.random.PCG64(np.random.SeedSequence([self.seed, purpose, day, part]))
        return np.asarray(generator.random_raw(count), dtype=np.uint64)


def below(bits: Bits, limit: int) -> Ints:
    """Turn draws into whole numbers from 0 to below `limit`, at most 2**31, all as likely."""
    return (((bits >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32)).astype(np.int64)


def unit(bits: Bits) -> npt.NDArray[np.float64]:
    """Turn draws into fractions from 0 to below 1."""
    return (bits >> np.uint64(64 - _SHARE_BITS)).astype(np.float64) * 2.0**-_SHARE_BITS


def skewed(bits: Bits, limit: int) -> Ints:
    """Turn draws into whole numbers from 0 to below `limit`, the low ones far more likely.

    The first is drawn near seven times as often as the mean, the last about a third as often.
    """
    x = unit(bits)
    square = x * x
    curve = 0.15 * x + 0.25 * square + 0.6 * (square * square)
    return np.minimum((curve * limit).astype(np.int64), limit - 1)


def weighted(bits: Bits, weights: Sequence[int]) -> Ints:
    """Turn draws into indices, each as likely as its whole-numbered weight says."""
    edges = np.cumsum(np.asarray(weights, dtype=np.int64))
    return np.searchsorted(edges, below(bits, int(edges[-1])), side="right").astype(np.int64)


def by_share(bits: Bits, shares: Sequence[float]) -> Ints:
    """Turn draws into indices by their shares; the index after the last takes what is left."""
    scale = 2**_SHARE_BITS
    edges = np.cumsum(np.asarray([int(share * scale) for share in shares], dtype=np.int64))
    drawn = (bits >> np.uint64(64 - _SHARE_BITS)).astype(np.int64)
    return np.searchsorted(edges, drawn, side="right").astype(np.int64)


class Luck:
    """A little chance for one row: choices taken one by one from 64 bits.

    Good for a dozen small choices, after which they all come out as the first alternative.
    """

    __slots__ = ("_left",)

    def __init__(self, bits: int) -> None:
        self._left = bits

    def below(self, limit: int) -> int:
        """A whole number from 0 to below `limit`."""
        self._left, drawn = divmod(self._left, limit)
        return drawn

    def one_in(self, count: int) -> bool:
        """True once in `count` times."""
        return self.below(count) == 0

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, all as likely."""
        return choices[self.below(len(choices))]
