"""The rows of the verdict."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from align.configuration.runs import LeftOut
from align.methods.naming import method_title
from align.metrics import BY_PEOPLE, MEASURES
from align.results.collect import compared_rows, read_results
from align.verdict.assessment import Assessment, Pair, assess, pair_holds
from align.verdict.claims import Bound, Superiority
from align.verdict.evaluations import Evaluations
from align.verdict.paper_numbers import PaperNumbers, paper_numbers
from align.verdict.parts import Part
from align.verdict.questions import Question, claim_questions
from align.verdict.rule import FEWEST_IMAGES, FEWEST_SEEDS, Word, decide_bound, within
from align.verdict.sentences import bound_sentence, comparison_sentence, count_sentence, untested_sentence

OURS = "align"
OUR_VARIANT = "align-plus"  # has a column of its own and never replaces the paper's method
CEILING = 0.995  # of a share


class Answer(NamedTuple):
    """A row of ``verdict.csv``. Values are in the units of ``metrics.csv``, None where there are none.

    Attributes:
        claim: the claim's id.
        text: the claim.
        made_in: where the paper makes it.
        scope: named, a part of one that is named, by analogy or general: see :class:`align.verdict.questions.Question`.
        dataset: the data set or data sets.
        places: the settings.
        metric: the metric that the claim is tested by.
        paper: the paper's value of the method that is claimed to be better, as the paper prints it.
        paper_other: the paper's value of the best of the other methods.
        paper_other_method: the name of that other method.
        ours: our value of the method that is claimed to be better, the mean over seeds and settings.
        low, high: its 95 % interval; None if there are too few images for one.
        other: the best of the methods that are claimed to be worse.
        difference: ours minus the value of ``other``.
        difference_low, difference_high: its 95 % interval, or None.
        p: of the difference alone, two-sided, or None.
        corrected_p: corrected for all pairs of methods of the row.
        units: the number of settings, or cases, in which the claim was tested.
        needed: the number of units in which it must hold.
        holds: the number in which it holds.
        opposite: the number in which the opposite holds.
        seeds: the smallest number of seeds of a pair of methods.
        images: the smallest number of test images of a pair of methods.
        verdict: the word.
        align_plus: the word with ALIGN-plus in ALIGN's place; empty where the claim is not about ALIGN.
        remarks: what is missing, and what a reader must know.
        sentence: what the data say, in one sentence.
    """

    claim: str
    text: str
    made_in: str
    scope: str
    dataset: str
    places: str = ""
    metric: str = ""
    paper: float | None = None
    paper_other: float | None = None
    paper_other_method: str = ""
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    other: str = ""
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p: float | None = None
    corrected_p: float | None = None
    units: int = 0
    needed: int = 0
    holds: int = 0
    opposite: int = 0
    seeds: int = 0
    images: int = 0
    verdict: Word = "not tested"
    align_plus: str = ""
    remarks: str = ""
    sentence: str = ""


def answers(
    claims: Sequence[Superiority | Bound],
    evaluations: Evaluations,
    ratings: Evaluations,
    metrics: pd.DataFrame,
    published: pd.DataFrame,
    left_out: LeftOut,
    parts: Mapping[str, Part] = MappingProxyType({}),
) -> list[Answer]:
    """Return a row for each claim and each place that it is tested in, in the order of the claims.

    Args:
        claims: from ``reference/claims.yaml``.
        evaluations: the results of single images.
        ratings: those that people gave, each rater in the place of a seed.
        metrics: ``metrics.csv``.
        published: ``reference/align_paper.csv``.
        left_out: why variants could not be run, by data set and variant.
        parts: the data sets that are a part of a published one.
    """
    found: list[Answer] = []
    compared = compared_rows(metrics)
    compared = compared[compared["protocol"] == "single_source"]  # no claim is about another one
    for claim in claims:
        if isinstance(claim, Bound):
            found += [_bound(claim, str(dataset), rows) for dataset, rows in compared.groupby("dataset", sort=False)]
        elif MEASURES[claim.metric].family == BY_PEOPLE:
            rated = [_superiority(question, ratings, published, left_out) for question in claim_questions(claim, ratings, parts)]
            names = dict.fromkeys(setting.dataset for setting in evaluations.settings)
            found += rated or [_unrated(claim, name) for name in names]
        else:
            questions = claim_questions(claim, evaluations, parts)
            found += [_superiority(question, evaluations, published, left_out) for question in questions]
    return found


def _unrated(claim: Superiority, dataset: str) -> Answer:
    """Return the row for a claim on ratings where nobody rated anything."""
    reason = "no person has rated masks here (align rate)"
    answer = Answer(claim.id, claim.text, claim.made_in, "general", dataset, metric=claim.metric)
    return answer._replace(remarks=_sentences([claim.remark, reason]), sentence=untested_sentence(reason))


def read_answers(path: Path | str) -> list[Answer]:
    """Return the rows of a ``verdict.csv``.

    Raises:
        InputError: the file is no table; see :func:`align.results.collect.read_results`.
    """
    rows = read_results(path).to_dict("records")
    return [Answer(**{str(name): value for name, value in row.items() if not pd.isna(value)}) for row in rows]


def _superiority(question: Question, evaluations: Evaluations, published: pd.DataFrame, left_out: LeftOut) -> Answer:
    claim = question.claim
    paper = paper_numbers(question, published)
    claimed = _claimed_advantage(claim, paper)
    assessment = assess(question, evaluations, claimed)
    pairs = assessment.measured_pairs
    answer = Answer(
        claim.id, claim.text, claim.made_in, question.scope, question.dataset, _places(question), claim.metric, *paper,
        units=len(question.units),
        needed=question.at_least,
        holds=assessment.outcomes.count("holds"),
        opposite=assessment.outcomes.count("opposite"),
        seeds=min((pair.seeds for pair in pairs), default=0),
        images=min((pair.images for pair in pairs), default=0),
        verdict=assessment.word,
        align_plus=assess(_with_our_variant(question), evaluations, claimed).word if claim.better == (OURS,) else "",
    )  # fmt: skip
    missing = _missing(question, assessment, evaluations, left_out)
    remarks = [question.remark, claim.remark, question.reason, *missing, *_by_macro_accuracy(question, evaluations, assessment)]
    if len(question.units) == 1 and pairs:
        closest = min(pairs, key=lambda pair: claim.sign * pair.difference.value)
        answer = _with_numbers(answer, closest)
        unbeaten = [method_title(pair.worse) for pair in pairs if not pair_holds(pair, claim)]
        if unbeaten and pair_holds(closest, claim):  # their differences vary more
            remarks.append(f"not better with p < 0.05 than {', '.join(unbeaten)}")
        decisive = _decisive(pairs, claim) if answer.verdict == "not reproduced" else closest
        unbeaten += map(method_title, assessment.missing_methods)
        sentence = comparison_sentence(claim.metric, answer.verdict, decisive, pairs, unbeaten, claim.margin)
    elif pairs:
        sentence = count_sentence(answer.units, answer.needed, answer.holds, answer.opposite)
    else:
        sentence = untested_sentence(question.reason or "; ".join(missing))
    return answer._replace(remarks=_sentences([*remarks, *_warnings(answer)]), sentence=sentence)


def _by_macro_accuracy(question: Question, evaluations: Evaluations, assessment: Assessment) -> list[str]:
    """Return a remark where the word would be another one if every class counted the same."""
    if question.claim.metric != "accuracy":
        return []
    claim = question.claim.model_copy(update={"metric": "macro_accuracy"})
    word = assess(question._replace(claim=claim), evaluations, None).word
    return [f"by macro accuracy: {word}"] if word not in (assessment.word, "not tested") else []


def _decisive(pairs: Sequence[Pair], claim: Superiority) -> Pair:
    """Return the pair that speaks most clearly against a claim; where none does, the advantage is too small in all of them."""
    against = [pair for pair in pairs if claim.sign * pair.difference.value + claim.margin < 0]
    return min(against or pairs, key=lambda pair: pair.corrected_p)


def _with_our_variant(question: Question) -> Question:
    """Return the same question with ALIGN-plus in place of ALIGN, also in the names of variants."""
    better, worse = (
        tuple(re.sub(rf"^{OURS}(?=$|-\w+=)", OUR_VARIANT, name) for name in names)
        for names in (question.claim.better, question.claim.worse)
    )
    return question._replace(claim=question.claim.model_copy(update={"better": better, "worse": worse}))


def _claimed_advantage(claim: Superiority, paper: PaperNumbers) -> float | None:
    """Return the published advantage as a share of 1, None where ``claim`` does not include it."""
    if not claim.amount or paper.value is None or paper.other is None:
        return None
    return claim.sign * (paper.value - paper.other) / 100


def _with_numbers(answer: Answer, closest: Pair) -> Answer:
    """Return ``answer`` with our value and its difference from the other method that comes closest or is better."""
    ours, difference = closest.ours, closest.difference
    is_share = MEASURES[answer.metric].is_percentage
    low, high = (max(ours.low, 0.0), min(ours.high, 1.0)) if is_share else (ours.low, ours.high)
    return answer._replace(
        ours=ours.value,
        low=_known(low),
        high=_known(high),
        other=closest.worse,
        difference=difference.value,
        difference_low=_known(difference.low),
        difference_high=_known(difference.high),
        p=_known(difference.p),
        corrected_p=_known(closest.corrected_p),
    )


def _known(value: float) -> float | None:
    """Return ``value``, None for NaN."""
    return None if math.isnan(value) else value


def _bound(claim: Bound, dataset: str, metrics: pd.DataFrame) -> Answer:
    """Return the row for a bound, which must hold in every run and target of a data set."""
    case = ["method", "source_domain", "target_domain", "seed"]
    rows = metrics[metrics["metric"].isin([claim.lesser, claim.greater])]
    table = rows.pivot_table(index=case, columns="metric", values="value")
    table = table.reindex(columns=[claim.lesser, claim.greater]).dropna()
    cases = list(table.itertuples(index=False, name=None))
    held = sum(within(*bounded_and_bound) for bounded_and_bound in cases)
    answer = Answer(
        claim.id, claim.text, claim.made_in, "general", dataset, "every run and target", f"{claim.lesser}, {claim.greater}",
        units=len(cases),
        needed=len(cases),
        holds=held,
        opposite=len(cases) - held,
        seeds=int(table.groupby(case[:-1]).size().min()) if cases else 0,
    )  # fmt: skip
    missing = "" if cases else f"not measured: {answer.metric}"
    return answer._replace(
        verdict=decide_bound(cases, answer.seeds),
        remarks=_sentences([claim.remark, missing, *_warnings(answer)]),
        sentence=bound_sentence(len(cases), held, answer.seeds) if cases else untested_sentence(missing),
    )


def _places(question: Question) -> str:
    """Return the settings, ``a, b`` in distribution and ``a → b, c`` out of it; the named domains where there is no setting."""
    inside, outside = [], dict[str, list[str]]()
    for setting in (setting for unit in question.units for setting in unit):
        if setting.distribution == "in":
            inside.append(setting.source)
        else:
            outside.setdefault(setting.source, []).append(setting.target)
    pairs = [f"{source} → {', '.join(targets)}" for source, targets in outside.items()]
    return "; ".join([", ".join(inside or question.domains), *pairs] if inside or not pairs else pairs)


def _missing(question: Question, assessment: Assessment, evaluations: Evaluations, left_out: LeftOut) -> list[str]:
    """Return a remark on the methods that were not measured in every setting, and the reasons that are known."""
    metric, missing = question.claim.metric, assessment.missing_methods
    names = [method_title(name) for name in missing]
    settings = [setting for unit in question.units for setting in unit]
    if any(evaluations.is_undefined(setting, name, metric) for setting in settings for name in missing):
        names[-1] += f" ({MEASURES[metric].title} needs {MEASURES[metric].needs})"
    known = left_out.get(question.dataset, {})
    named = (*question.claim.better, *question.claim.worse)
    reasons = [f"left out: {method_title(name)}, {known[name]}" for name in named if name in known]
    return [f"not measured in every setting: {', '.join(names)}", *reasons] if names else reasons


def _warnings(answer: Answer) -> list[str]:
    found = []
    if 0 < answer.seeds < FEWEST_SEEDS:
        found.append(f"fewer than {FEWEST_SEEDS} seeds")
    if 0 < answer.images < FEWEST_IMAGES:
        found.append(f"fewer than {FEWEST_IMAGES} test images")
    if answer.ours is not None and answer.low is None:
        found.append("too few test images for an interval")
    if answer.ours is not None and answer.difference is not None:
        best_other = answer.ours - answer.difference
        if MEASURES[answer.metric].is_percentage and best_other >= CEILING:
            found.append("at the ceiling: hardly any better value is possible")
    return found


def _sentences(remarks: Sequence[str]) -> str:
    return ". ".join(remark[0].upper() + remark[1:] for remark in remarks if remark)
