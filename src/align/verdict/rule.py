"""The rule that gives each claim its word, fixed before it was applied to any result; ``docs/verdict.md`` says it in full.

- *not tested*: what the claim is about was not run or not measured.
- *reproduced*: the claim's direction holds against every method that it names, each with corrected p < 0.05; of a claim about
  settings, in as many settings as it says. A published amount is claimed too where the claim says so: then the interval of the
  advantage must not lie below it. A bound: it holds in every measured case.
- *not reproduced*: the opposite direction, with corrected p < 0.05, against one of them or more (in so many settings that the
  claim's number cannot be reached); or the interval of the advantage lies below the claimed amount. A bound: one case breaks it.
- *inconclusive*: everything else, and always with fewer than three seeds. A named method that is missing can never be beaten, so
  that nothing becomes *reproduced* for want of data.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

ALPHA = 0.05
FEWEST_SEEDS = 3
FEWEST_IMAGES = 20  # below that a bootstrap over images says little
TOLERANCE = 1e-5  # results are written with six digits

Word = Literal["reproduced", "not reproduced", "inconclusive", "not tested"]
Outcome = Literal["holds", "opposite", "open"]


class Comparison(NamedTuple):
    """By how much a method is better than another, in the metric's better direction.

    Attributes:
        advantage: positive where the claim's direction holds.
        low: lower end of its 95 % interval.
        high: upper end.
        p: two-sided, corrected.
        seeds: how many both have in common.
        images: on how many test images.
        claimed: the published advantage where it is claimed, else None.
    """

    advantage: float
    low: float
    high: float
    p: float
    seeds: int
    images: int
    claimed: float | None = None


def outcome(comparisons: Iterable[Comparison | None]) -> Outcome:
    """Return how one setting stands: ``holds`` against all, ``opposite`` against at least one, else ``open``.

    Args:
        comparisons: one for each method that the claim names, None where it is missing.
    """
    outcomes = {_outcome(comparison) for comparison in comparisons}
    if "opposite" in outcomes:
        return "opposite"
    return "holds" if outcomes == {"holds"} else "open"


def decide(settings: Sequence[Outcome], at_least: int) -> Word:
    """Return the word for a claim that is to hold in ``at_least`` of ``settings``."""
    if not settings:
        return "not tested"
    if settings.count("holds") >= at_least:
        return "reproduced"
    return "not reproduced" if len(settings) - settings.count("opposite") < at_least else "inconclusive"


def decide_bound(cases: Sequence[tuple[float, float]], seeds: int) -> Word:
    """Return the word for a bound.

    Args:
        cases: what is bounded and its bound, in each measured case.
        seeds: how many each of the compared settings has.
    """
    if not cases:
        return "not tested"
    if seeds < FEWEST_SEEDS:
        return "inconclusive"
    return "reproduced" if all(within(*case) for case in cases) else "not reproduced"


def within(bounded: float, bound: float) -> bool:
    """Return whether ``bounded`` is at most ``bound``, rounding apart."""
    return bounded <= bound + TOLERANCE * max(1.0, abs(bound))


def _outcome(comparison: Comparison | None) -> Outcome:
    if comparison is None or comparison.seeds < FEWEST_SEEDS or comparison.images < FEWEST_IMAGES:
        return "open"
    if comparison.claimed is not None and comparison.high < comparison.claimed:
        return "opposite"
    if comparison.p < ALPHA and comparison.advantage:
        return "holds" if comparison.advantage > 0 else "opposite"
    return "open"
