"""One sentence for each row of the verdict: what the data say, in plain English, from the row's own numbers."""

import math
from collections.abc import Sequence

from align.methods.naming import method_title
from align.metrics import MEASURES
from align.metrics.printing import number_text
from align.verdict.assessment import Pair
from align.verdict.rule import ALPHA, FEWEST_IMAGES, FEWEST_SEEDS, Word

WITHIN: dict[Word, str] = {
    "reproduced": "so it is not worse by {} or more",
    "not reproduced": "so it is worse by more than {}",
    "inconclusive": "whether it is worse by {} is not decided",
}
"""What is said of a claim that one method is not worse than others by more than a margin."""


def comparison_sentence(
    metric: str, word: Word, closest: Pair, pairs: Sequence[Pair], open_rivals: Sequence[str], margin: float = 0.0
) -> str:
    """Return what the data say of a claim that one method is better than others.

    Args:
        metric: the metric that the claim is tested by.
        word: the word of the row.
        closest: the claimed method, and the one of the others that decides: the one that comes closest, or that is better.
        pairs: all pairs of the claim that were measured.
        open_rivals: names of methods that the claim names and that are not beaten, apart from the closest one.
        margin: how much worse the claimed method may be.
    """
    measure, ours, difference = MEASURES[metric], closest.ours.value, closest.difference
    better, worse = method_title(closest.better), method_title(closest.worse)
    rivals = len({pair.worse for pair in pairs})
    best = f", the best of the {rivals} others" if rivals > 1 else ""
    title = measure.title if measure.higher_is_better else f"{measure.title} (lower is better)"
    values = f"{title} is {_value(metric, ours)} for {better} and {_value(metric, ours - difference.value)} for {worse}"
    is_ahead = (difference.value > 0) == bool(measure.higher_is_better)
    leader, amount = better if is_ahead else worse, _amount(metric, difference.value)
    interval = _interval(metric, *sorted(math.copysign(1, difference.value) * end for end in (difference.low, difference.high)))
    if closest.seeds < FEWEST_SEEDS:
        seeds = "1 seed decides" if closest.seeds == 1 else f"{closest.seeds} seeds decide"
        said = f"{seeds} nothing, {FEWEST_SEEDS} are needed"
    elif closest.images < FEWEST_IMAGES:
        said = f"{closest.images} test images decide nothing, {FEWEST_IMAGES} are needed"
    elif margin:
        said = f"{leader} is better by {amount}{interval}; {WITHIN[word].format(_amount(metric, margin))}"
    elif word == "reproduced":
        said = f"{leader} is better by {amount}{interval}"
    elif word == "not reproduced":
        said = f"{leader} is better by {amount}{interval}" + (", less than the paper says" if is_ahead else "")
    elif not difference.p < ALPHA:
        said = f"the difference of {amount} may be chance{interval}"
    elif is_ahead:
        said = f"{leader} is better by {amount}{interval}, but nothing is decided against {' and '.join(open_rivals)}"
    else:
        said = (
            f"{leader} is better by {amount} with p = {difference.p:.3f}, but one of {len(pairs)} comparisons may come out so by "
            f"chance (corrected p = {closest.corrected_p:.3f})"
        )
    return f"{values}{best}: {said}."


def count_sentence(units: int, needed: int, holds: int, opposite: int) -> str:
    """Return what the data say of a claim about a number of settings.

    Args:
        units: the number of settings.
        needed: the number in which the claim must hold.
        holds: the number in which it holds.
        opposite: the number in which another method is better.
    """
    undecided = units - holds - opposite
    return (
        f"The claim holds in {holds} of {units} settings and needs {needed}; in {opposite} another method is better, and in "
        f"{undecided} the difference may be chance."
    )


def bound_sentence(cases: int, held: int, seeds: int) -> str:
    """Return what the data say of a bound that must hold in every one of ``cases``, with ``seeds`` of each setting."""
    broken = "" if held == cases else f", and is broken in {cases - held}"
    few = "" if seeds >= FEWEST_SEEDS else f"; fewer than {FEWEST_SEEDS} seeds decide nothing"
    return f"The bound holds in {held} of {cases} measured cases{broken}{few}."


def untested_sentence(reason: str) -> str:
    """Return why a claim was not tested."""
    return f"Not tested here: {reason}." if reason else "Not tested here."


def _value(metric: str, value: float) -> str:
    return number_text(metric, value) + (" %" if MEASURES[metric].is_percentage else "")


def _amount(metric: str, difference: float) -> str:
    return number_text(metric, abs(difference)) + (" points" if MEASURES[metric].is_percentage else "")


def _interval(metric: str, low: float, high: float) -> str:
    if math.isnan(low) or math.isnan(high):
        return ""
    return f" (95 % interval {number_text(metric, low)} to {number_text(metric, high)})"
