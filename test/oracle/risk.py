"""Two-sided limits under uncertainty: L <= a'xi + b <= U with U - L = 2 T and b - (U + L)/2 = offset."""

from math import sqrt
from statistics import NormalDist

METHODS = ("ts-drcc", "bonferroni", "gaussian", "robust", "deterministic")


def half_width(method, epsilon, robust_radius):
    """K: the half width, in standard deviations, that a method asks of a symmetric limit."""
    if method == "ts-drcc":
        return 1.0 / sqrt(epsilon)
    if method == "bonferroni":
        return sqrt((1.0 - epsilon / 2.0) / (epsilon / 2.0))
    if method == "gaussian":
        return NormalDist().inv_cdf(1.0 - epsilon / 2.0)
    if method == "robust":
        return robust_radius
    return None


def two_sided(program, name, offset, spread, T, method, epsilon, K):
    """inf P(abs(offset + noise) <= T) >= 1 - epsilon, the noise having standard deviation norm(spread)."""
    if method == "deterministic":
        program.at_least(name + " high", T, offset)
        program.at_least(name + " low", T, -1.0 * offset)
    elif method == "ts-drcc":
        # pi <= T is in the cone: its right-hand side is never negative
        y, pi = program.variable(name + " y", low=0.0), program.variable(name + " pi", low=0.0)
        program.at_least(name + " high", y + pi, offset)
        program.at_least(name + " low", y + pi, -1.0 * offset)
        program.cone(name, [y, *spread], sqrt(epsilon) * (T - pi))
    else:
        s = program.variable(name + " s")
        program.cone(name, spread, s)
        program.at_least(name + " high", T, K * s + offset)
        program.at_least(name + " low", T, K * s - offset)


def worst_case(m, s, T):
    """Largest P(abs(Z) > T) over all Z with abs(mean) = m <= T and standard deviation s, in closed form."""
    if s * s <= m * (T - m):
        return s * s / (s * s + (T - m) ** 2)
    return min(1.0, (s * s + m * m) / (T * T))
