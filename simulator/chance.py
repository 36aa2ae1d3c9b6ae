"""Draws that Python's `random` does not have, or not at this price."""

from math import exp, sqrt
from random import Random
from statistics import NormalDist

_STEPS = 2_048
NORMAL = tuple(NormalDist().inv_cdf((step + 0.5) / _STEPS) for step in range(_STEPS))
_MANY = 30.0


def normal(rng: Random) -> float:
    """A draw of the standard normal distribution, as one of 2,048 values up to 3.5 either way."""
    return NORMAL[int(rng.random() * _STEPS)]


def normals(rng: Random, count: int, mean: float, deviation: float) -> list[float]:
    """So many draws of a normal distribution; none farther than 3.5 deviations from the mean."""
    random, table = rng.random, NORMAL
    return [mean + deviation * table[int(random() * _STEPS)] for _ in range(count)]


def poisson(rng: Random, mean: float) -> int:
    """How many events of a steady rate fall into an interval in which `mean` are expected."""
    if mean <= 0:
        return 0
    if mean > _MANY:
        return max(0, round(rng.gauss(mean, sqrt(mean))))
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
