"""The rule that gives each claim its word. It was fixed before any result was known; ``docs/verdict.md`` states it in full.

- *not tested*: what the claim is about was not run or not measured.
- *reproduced*: the claimed method is better than every method that the claim names, each time with p < 0.05. All comparisons
  must succeed, so that none needs a correction (intersection–union test: Berger, Technometrics 24, 1982). A claim about
  settings must hold in as many settings as it says. Each setting is another chance, so that the settings' p-values are
  corrected by Holm's method. Where the claim includes the published amount, the interval of the advantage must not lie below
  that amount. A bound must hold in every measured case.
- *not reproduced*: one named method or more is better than the claimed one, with p < 0.05 after Holm's correction for all
  comparisons, since each is another chance. Or the interval of the advantage lies below the claimed amount. A claim about
  settings fails where too few settings are left to reach its number. A bound fails where one case breaks it.
- *inconclusive*: everything else, and always with fewer than three seeds. A named method that is missing can never be beaten,
  so no claim becomes *reproduced* because data are missing.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, get_args

from align.statistics.corrections import holm

ALPHA = 0.05
FEWEST_SEEDS = 3
FEWEST_IMAGES = 20  # with fewer, the means of images are far from normal
TOLERANCE = 1e-5  # results are written with six digits

Word = Literal["reproduced", "not reproduced", "inconclusive", "not tested"]
WORDS: tuple[Word, ...] = get_args(Word)
DECIDED: tuple[Word, ...] = ("reproduced", "not reproduced")
Outcome = Literal["holds", "opposite", "open"]


class Advantage(NamedTuple):
    """How much better one method is than another, in the metric's better direction.

    Attributes:
        value: positive where the claim's direction holds.
        low: lower end of its 95 % interval.
        high: upper end.
        p: two-sided, of this comparison alone.
        corrected_p: corrected for all comparisons of the claim.
        seeds: the number of seeds that both methods have.
        images: the number of test images.
        claimed: the published advantage where the claim includes it, else None.
    """

    value: float
    low: float
    high: float
    p: float
    corrected_p: float
    seeds: int
    images: int
    claimed: float | None = None


def is_better(advantage: Advantage | None) -> bool:
    """Return whether one comparison alone says that the claimed method is better; never where a method is missing."""
    return _p_of_better(advantage) < ALPHA


def outcomes(units: Sequence[Sequence[Advantage | None]]) -> tuple[Outcome, ...]:
    """Return for each unit ``holds`` where its claim holds against all methods, ``opposite`` where one is better, else ``open``.

    A unit's p-value is its largest, since all of its comparisons must succeed. Units are corrected for their number.

    Args:
        units: for each unit an advantage over each method that the claim names, None where it is missing.
    """
    p_values = holm([max(map(_p_of_better, advantages)) for advantages in units])
    return tuple(_outcome(advantages, p) for advantages, p in zip(units, p_values))


def decide(outcomes: Sequence[Outcome], at_least: int) -> Word:
    """Return the word for a claim that must hold in ``at_least`` of the settings with these outcomes."""
    if not outcomes:
        return "not tested"
    if outcomes.count("holds") >= at_least:
        return "reproduced"
    return "not reproduced" if len(outcomes) - outcomes.count("opposite") < at_least else "inconclusive"


def decide_bound(cases: Sequence[tuple[float, float]], seeds: int) -> Word:
    """Return the word for a bound.

    Args:
        cases: in each measured case the bounded value and its bound.
        seeds: the number of seeds of each setting.
    """
    if not cases:
        return "not tested"
    if seeds < FEWEST_SEEDS:
        return "inconclusive"
    return "reproduced" if all(within(*case) for case in cases) else "not reproduced"


def within(bounded: float, bound: float) -> bool:
    """Return whether ``bounded`` is at most ``bound``, with a tolerance for rounding."""
    return bounded <= bound + TOLERANCE * max(1.0, abs(bound))


def _outcome(advantages: Iterable[Advantage | None], p: float) -> Outcome:
    if any(_is_refuted(advantage) for advantage in advantages if advantage):
        return "opposite"
    return "holds" if p < ALPHA else "open"


def _p_of_better(advantage: Advantage | None) -> float:
    """Return the p-value of the claimed method's being better, 1 where nothing speaks for it or nothing can be decided."""
    if advantage is None or _has_few_data(advantage) or math.isnan(advantage.p) or advantage.value <= 0:
        return 1.0
    return advantage.p


def _is_refuted(advantage: Advantage) -> bool:
    if _has_few_data(advantage):
        return False
    too_small = advantage.claimed is not None and advantage.high < advantage.claimed
    return too_small or (advantage.value < 0 and advantage.corrected_p < ALPHA)


def _has_few_data(advantage: Advantage) -> bool:
    return advantage.seeds < FEWEST_SEEDS or advantage.images < FEWEST_IMAGES
