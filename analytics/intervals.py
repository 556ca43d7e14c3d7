"""What chance alone does to a share, a difference and a mix. Pure functions of the standard library.

The web process shows these figures and must not load numpy, scipy or scikit-learn for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

Z95 = NormalDist().inv_cdf(0.975)
"""Standard normal quantile of a two-sided 95 % interval."""

Interval = tuple[float, float]


def wilson(right: int, n: int) -> Interval | None:
    """95 % interval of a share by Wilson's score method (1927), right for small n too; None without n."""
    if n == 0:
        return None
    share, z2 = right / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def share_difference(part: int, n: int, other_part: int, other_n: int) -> Interval | None:
    """95 % interval of part/n − other_part/other_n; None when one of them has no n.

    Newcombe's hybrid score interval: Statistics in Medicine 17 (1998) 873, method 10.
    """
    own, other = wilson(part, n), wilson(other_part, other_n)
    if own is None or other is None:
        return None
    first, second = part / n, other_part / other_n
    below = math.hypot(first - own[0], other[1] - second)
    above = math.hypot(own[1] - first, second - other[0])
    return first - second - below, first - second + above


@dataclass(frozen=True, slots=True)
class Moments:
    """n values by their sum and the sum of their squares, which a database adds up."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.n + other.n, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """Raises ZeroDivisionError without values."""
        return self.total / self.n

    @property
    def variance_of_mean(self) -> float:
        """The square of the mean's standard error; n must be 2 or more."""
        spread = max(0.0, self.squares - self.total * self.total / self.n)
        return spread / (self.n - 1) / self.n


def mean_difference(one: Moments, other: Moments) -> Interval | None:
    """95 % interval of a difference of two means, large samples; None below two values."""
    if min(one.n, other.n) < 2:
        return None
    half = Z95 * math.sqrt(one.variance_of_mean + other.variance_of_mean)
    return one.mean - other.mean - half, one.mean - other.mean + half


def jensen_shannon(one: Sequence[int], other: Sequence[int]) -> float:
    """Divergence of two mixes given as counts of the same kinds, in bits: 0 the same, 1 nothing shared.

    Lin, IEEE Transactions on Information Theory 37 (1991) 145; both mixes weigh the same.
    """
    return (_to_middle(one, other) + _to_middle(other, one)) / 2


def _to_middle(one: Sequence[int], other: Sequence[int]) -> float:
    n, other_n = sum(one), sum(other)
    pairs = [(a / n, b / other_n) for a, b in zip(one, other, strict=True) if a]
    return sum(p * math.log2(2 * p / (p + q)) for p, q in pairs)


def divergence_by_chance(kinds: int, n: int, other_n: int) -> float:
    """The Jensen–Shannon divergence that two samples of one mix stay under 95 times in 100, in bits.

    For small differences p − q around m it is Σ(p − q)²/m ÷ (8 ln 2), and that sum is (1/n + 1/n') times a
    chi-square with kinds − 1 degrees of freedom.
    """
    return chi_square_95(kinds - 1) * (1 / n + 1 / other_n) / (8 * math.log(2))


def chi_square_95(degrees: int) -> float:
    """The value that chi-square stays under 95 times in 100, within 1 %.

    Wilson and Hilferty, PNAS 17 (1931) 684; one degree of freedom is the square of a normal value.
    """
    if degrees == 1:
        return Z95 * Z95
    step = 2 / (9 * degrees)
    return degrees * (1 - step + NormalDist().inv_cdf(0.95) * math.sqrt(step)) ** 3
