"""The paired differences that test a claim, and the word that follows from them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from align.statistics.corrections import holm
from align.statistics.crossed_variance import Estimate, estimate
from align.verdict.claims import Superiority
from align.verdict.evaluations import Evaluations, MethodSample, Setting
from align.verdict.questions import Question, matching_method
from align.verdict.rule import Advantage, Outcome, Word, decide, is_better, outcomes


class Pair(NamedTuple):
    """Two methods that a claim names, and the estimated difference between them.

    Attributes:
        better: the method that is claimed to be better.
        worse: the method that is claimed to be worse.
        ours: the value of the first.
        difference: the value of the first minus that of the second.
        corrected_p: the p-value of the difference, corrected for all pairs of the question.
        seeds: the number of seeds that both have.
        images: the number of test images.
    """

    better: str
    worse: str
    ours: Estimate
    difference: Estimate
    corrected_p: float
    seeds: int
    images: int


class MissingPair(NamedTuple):
    """Two methods that a claim names, of which at least one has no results.

    Attributes:
        methods: those of the two that lack results in a setting of the unit; the second one where they share no seed.
    """

    methods: tuple[str, ...]


class Assessment(NamedTuple):
    """The pairs of all units of a question, the outcome of each unit, and the word."""

    pairs: tuple[Pair | MissingPair, ...]
    outcomes: tuple[Outcome, ...]
    word: Word

    @property
    def measured_pairs(self) -> list[Pair]:
        """The pairs of methods that both have results."""
        return _measured(self.pairs)

    @property
    def missing_methods(self) -> list[str]:
        """The methods that lack results."""
        return list(dict.fromkeys(name for pair in self.pairs if isinstance(pair, MissingPair) for name in pair.methods))


def assess(question: Question, evaluations: Evaluations, claimed: float | None = None) -> Assessment:
    """Compare each better with each worse method in each unit of a question.

    Args:
        question: the claim and where it is tested.
        evaluations: the results of single images.
        claimed: the published advantage, where the claim includes it.
    """
    claim = question.claim
    units = [_pairs(claim, unit, evaluations) for unit in question.units]
    measured = _measured(pair for unit in units for pair in unit)
    corrected = iter(holm([pair.difference.p for pair in measured]))
    units = [[p._replace(corrected_p=next(corrected)) if isinstance(p, Pair) else p for p in unit] for unit in units]
    found = outcomes([[_advantage(pair, claim, claimed) for pair in unit] for unit in units])
    word = decide(found, question.at_least) if measured else "not tested"
    return Assessment(tuple(pair for unit in units for pair in unit), found, word)


def pair_holds(pair: Pair, claim: Superiority) -> bool:
    """Return whether the first method of ``pair`` is better, or not worse by more than the margin, with p < 0.05 of it alone."""
    return is_better(_advantage(pair, claim, None))


def _measured(pairs: Iterable[Pair | MissingPair]) -> list[Pair]:
    return [pair for pair in pairs if isinstance(pair, Pair)]


def _pairs(claim: Superiority, unit: Sequence[Setting], evaluations: Evaluations) -> list[Pair | MissingPair]:
    """Compare the means over the settings of ``unit``. A method that lacks results in one of them is missing."""
    worse = [matching_method(name, evaluations.methods(unit[0])) for name in claim.worse]
    samples = [evaluations.measure(setting, {*claim.better, *worse}, claim.metric) for setting in unit]
    return [_pair(one, other, samples, claim.sign * claim.margin) for one in claim.better for other in worse]


def _pair(better: str, worse: str, samples: Sequence[Mapping[str, MethodSample]], margin: float) -> Pair | MissingPair:
    """Return the pair of two methods.

    Args:
        better: the method that is claimed to be better.
        worse: the method that is claimed to be worse.
        samples: for each setting of a unit the samples of the methods that have results.
        margin: the p-value is that of the difference plus this.
    """
    absent = tuple(name for name in (better, worse) if not all(name in by_method for by_method in samples))
    if absent:
        return MissingPair(absent)
    seeds = sorted(set.intersection(*(set(by_method[name].seeds) for by_method in samples for name in (better, worse))))
    if not seeds:
        return MissingPair((worse,))

    ours, theirs = ([by_method[name].for_seeds(seeds) for by_method in samples] for name in (better, worse))
    differences = [one.minus(other) for one, other in zip(ours, theirs)]
    difference = estimate(differences)
    if margin:
        p = estimate([one._replace(by_image=one.by_image + margin) for one in differences]).p
        difference = difference._replace(p=p)
    images = sum(len(sample.images) for sample in ours)
    return Pair(better, worse, estimate(ours), difference, difference.p, len(seeds), images)


def _advantage(pair: Pair | MissingPair, claim: Superiority, claimed: float | None) -> Advantage | None:
    if isinstance(pair, MissingPair):
        return None
    low, high = sorted((claim.sign * pair.difference.low, claim.sign * pair.difference.high))
    value, low, high = (end + claim.margin for end in (claim.sign * pair.difference.value, low, high))
    return Advantage(value, low, high, pair.difference.p, pair.corrected_p, pair.seeds, pair.images, claimed)
