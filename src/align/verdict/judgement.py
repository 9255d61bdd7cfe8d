"""Every comparison that a question asks for, and the word that follows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from align.statistics.corrections import holm
from align.statistics.crossed_bootstrap import Estimate, Sample, average, estimate, generator_of
from align.verdict.claims import Superiority
from align.verdict.evaluations import Evaluations, Measured, Setting
from align.verdict.questions import Question, resolved
from align.verdict.rule import Comparison, Outcome, Word, decide, outcome


class Missing(NamedTuple):
    """A comparison that cannot be made.

    Attributes:
        methods: which of its two were not measured in every setting of the unit; the second one where they share no seed.
    """

    methods: tuple[str, ...]


class Compared(NamedTuple):
    """A method that is claimed to be better, one that is claimed to be worse, and what was measured of both.

    Attributes:
        better: the first's name.
        worse: the other's.
        ours: the first's value.
        difference: the first's value minus the other's.
        seeds: how many both have in common.
        images: on how many test images.
    """

    better: str
    worse: str
    ours: Estimate
    difference: Estimate
    seeds: int
    images: int


class Judgement(NamedTuple):
    """The comparisons of all units of a question, their p-values corrected, how each unit stands, and the word."""

    pairs: tuple[Compared | Missing, ...]
    outcomes: tuple[Outcome, ...]
    word: Word

    @property
    def compared(self) -> list[Compared]:
        """Return the comparisons that could be made."""
        return _compared(self.pairs)

    @property
    def missing(self) -> list[str]:
        """Return the methods for want of which others could not."""
        return list(dict.fromkeys(name for pair in self.pairs if isinstance(pair, Missing) for name in pair.methods))


def judge(question: Question, evaluations: Evaluations, claimed: float | None = None) -> Judgement:
    """Compare every better with every worse method in every unit; the p-values of all are one family.

    Args:
        question: what is asked.
        evaluations: of which images what was measured.
        claimed: the published advantage, where it is claimed.
    """
    claim = question.claim
    units = [_pairs(claim, unit, evaluations) for unit in question.units]
    found = _compared(pair for unit in units for pair in unit)
    corrected = iter(holm([pair.difference.p for pair in found]))
    units = [[_with_p(pair, next(corrected)) if isinstance(pair, Compared) else pair for pair in unit] for unit in units]
    outcomes = tuple(outcome(_comparison(pair, claim.sign, claimed) for pair in unit) for unit in units)
    word = decide(outcomes, question.at_least) if found else "not tested"
    return Judgement(tuple(pair for unit in units for pair in unit), outcomes, word)


def _compared(pairs: Iterable[Compared | Missing]) -> list[Compared]:
    return [pair for pair in pairs if isinstance(pair, Compared)]


def _pairs(claim: Superiority, unit: Sequence[Setting], evaluations: Evaluations) -> list[Compared | Missing]:
    """Compare the means over the settings of ``unit``; a method that lacks one of them is missing."""
    worse = [resolved(name, evaluations.methods(unit[0])) for name in claim.worse]
    measured = [evaluations.measure(setting, {*claim.better, *worse}, claim.metric) for setting in unit]
    return [_pair(one, other, measured) for one in claim.better for other in worse]


def _pair(better: str, worse: str, measured: Sequence[Mapping[str, Measured]]) -> Compared | Missing:
    absent = tuple(name for name in (better, worse) if not all(name in of_setting for of_setting in measured))
    if absent:
        return Missing(absent)
    seeds = sorted(set.intersection(*(set(of_setting[name].seeds) for of_setting in measured for name in (better, worse))))
    if not seeds:
        return Missing((worse,))

    def mean_of(name: str) -> Sample:
        return average([of_setting[name].of(seeds) for of_setting in measured])

    ours, others = mean_of(better), mean_of(worse)
    return Compared(
        better,
        worse,
        estimate(ours, generator_of("seeds")),
        estimate(ours.minus(others), generator_of("seeds")),
        len(seeds),
        sum(of_setting[better].images for of_setting in measured),
    )


def _with_p(pair: Compared, p: float) -> Compared:
    return pair._replace(difference=pair.difference._replace(p=p))


def _comparison(pair: Compared | Missing, sign: int, claimed: float | None) -> Comparison | None:
    if isinstance(pair, Missing):
        return None
    low, high = sorted((sign * pair.difference.low, sign * pair.difference.high))
    return Comparison(sign * pair.difference.value, low, high, pair.difference.p, pair.seeds, pair.images, claimed)
