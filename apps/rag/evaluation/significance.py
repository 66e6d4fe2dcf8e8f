"""Whether two runs over the same questions differ by more than chance."""

import random
from collections.abc import Sequence
from itertools import product

# Up to here every assignment of signs is tried (16,384), beyond it this many at random.
EXACT_MAXIMUM = 14
SAMPLES = 10_000
# Fixed, so that the same results always give the same answer.
SEED = 20_071_106
# What counts as more than chance.
LEVEL = 0.05
# Sums that are equal but for rounding count as equal.
_TOLERANCE = 1e-12


def paired_p_value(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Two-sided p value of the paired randomisation test on the mean difference; None where no pair differs.

    If both were the same, each pair's values could as well be exchanged: the p value is the share of all assignments of
    signs to the differences whose sum is at least as far from 0 as the one seen. Exact up to EXACT_MAXIMUM differing
    pairs; beyond that SAMPLES assignments with a fixed seed, the one seen counted among them.
    Source: Fisher's randomisation test as in Smucker, Allan & Carterette, CIKM 2007.
    """
    differences = [after - before for before, after in zip(first, second, strict=True)]
    moved = [difference for difference in differences if abs(difference) > _TOLERANCE]
    if not moved:
        return None
    seen = abs(sum(moved)) - _TOLERANCE
    if len(moved) <= EXACT_MAXIMUM:
        sums = [abs(sum(map(_times, moved, signs))) for signs in product((1, -1), repeat=len(moved))]
        return sum(total >= seen for total in sums) / len(sums)
    generator = random.Random(SEED)  # noqa: S311 - statistics, no secret
    extreme = sum(abs(_signed_sum(moved, generator)) >= seen for _ in range(SAMPLES))
    return (extreme + 1) / (SAMPLES + 1)


def _times(value: float, sign: int) -> float:
    return value * sign


def _signed_sum(values: Sequence[float], generator: random.Random) -> float:
    bits = generator.getrandbits(len(values))
    total = 0.0
    for value in values:
        total += value if bits & 1 else -value
        bits >>= 1
    return total
