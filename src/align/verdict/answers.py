"""The rows of the verdict."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from align.configuration.runs import LeftOut
from align.methods.naming import method_title
from align.results.collect import study_rows
from align.verdict.claims import Bound, Superiority
from align.verdict.evaluations import Evaluations
from align.verdict.judgement import Compared, Judgement, judge
from align.verdict.published import Published, published_values
from align.verdict.questions import Question, questions_of
from align.verdict.rule import FEWEST_SEEDS, Word, decide_bound, within

OURS = "align"
BESIDE = "align-plus"  # reported beside the paper's method, never in its place
SHARES = ("accuracy", "auc")  # between 0 and 1
CEILING = 0.995


class Answer(NamedTuple):
    """A row of ``results/verdict.csv``. Numbers are shares of 1 or the metric's own, None where there is none.

    Attributes:
        claim: the claim's id.
        text: the claim.
        made_in: where the paper makes it.
        scope: named, by analogy or general: see :class:`align.verdict.questions.Question`.
        dataset: the data set or data sets.
        places: the settings.
        metric: by what it is judged.
        paper: the paper's value of the method that is claimed to be better, as printed in it.
        paper_other: the paper's value of the best of the others.
        paper_other_method: which that is.
        ours: our value of that method, the mean over seeds and settings.
        low, high: its 95 % interval.
        other: the method with the best value among those that it is claimed to be better than.
        difference: ours minus that method's.
        difference_low, difference_high: its 95 % interval.
        p: two-sided, of no difference, corrected for all comparisons of the row.
        units: in how many settings, or cases, the claim was looked at.
        needed: in how many of them it is to hold.
        holds: in how many it holds.
        opposite: in how many the opposite holds.
        seeds: the fewest that a comparison has.
        images: the fewest test images that a comparison has.
        verdict: the word.
        align_plus: the word for ALIGN-plus in ALIGN's place; empty where the claim is not about ALIGN.
        remarks: what is missing, or must be known.
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
    units: int = 0
    needed: int = 0
    holds: int = 0
    opposite: int = 0
    seeds: int = 0
    images: int = 0
    verdict: Word = "not tested"
    align_plus: str = ""
    remarks: str = ""


def answers(
    claims: Sequence[Superiority | Bound],
    evaluations: Evaluations,
    metrics: pd.DataFrame,
    published: pd.DataFrame,
    left_out: LeftOut,
) -> list[Answer]:
    """Return a row for each claim and each place that it is tested in, in the order of the claims.

    Args:
        claims: from ``reference/claims.yaml``.
        evaluations: what was measured of each image.
        metrics: ``results/metrics.csv``.
        published: ``reference/align_paper.csv``.
        left_out: why variants were not run, by data set and variant.
    """
    found: list[Answer] = []
    compared = study_rows(metrics, "comparison")
    compared = compared[compared["protocol"] == "single_source"]  # no claim is about another one
    for claim in claims:
        if isinstance(claim, Bound):
            found += [_bound(claim, str(dataset), rows) for dataset, rows in compared.groupby("dataset", sort=False)]
        else:
            found += [_superiority(question, evaluations, published, left_out) for question in questions_of(claim, evaluations)]
    return found


def _superiority(question: Question, evaluations: Evaluations, published: pd.DataFrame, left_out: LeftOut) -> Answer:
    claim = question.claim
    of_paper = published_values(question, published)
    claimed = _claimed(claim, of_paper)
    judgement = judge(question, evaluations, claimed)
    compared = judgement.compared
    answer = Answer(
        claim.id, claim.text, claim.made_in, question.scope, question.dataset, _places(question), claim.metric, *of_paper,
        units=len(question.units),
        needed=question.at_least,
        holds=judgement.outcomes.count("holds"),
        opposite=judgement.outcomes.count("opposite"),
        seeds=min((pair.seeds for pair in compared), default=0),
        images=min((pair.images for pair in compared), default=0),
        verdict=judgement.word,
        align_plus=judge(_beside(question), evaluations, claimed).word if claim.better == (OURS,) else "",
    )  # fmt: skip
    if len(question.units) == 1 and compared:
        answer = _with_numbers(answer, min(compared, key=lambda pair: claim.sign * pair.difference.value))
    missing = _missing(question, judgement, left_out)
    return answer._replace(remarks=_sentences([claim.remark, question.reason, *missing, *_warnings(answer)]))


def _beside(question: Question) -> Question:
    """Return the same question with ALIGN-plus in ALIGN's place, in its variants too."""
    better, worse = (
        tuple(re.sub(rf"^{OURS}(?=$|-\w+=)", BESIDE, name) for name in names)
        for names in (question.claim.better, question.claim.worse)
    )
    return question._replace(claim=question.claim.model_copy(update={"better": better, "worse": worse}))


def _claimed(claim: Superiority, of_paper: Published) -> float | None:
    """Return the published advantage as a share of 1 where ``claim`` is of that amount."""
    if not claim.amount or of_paper.value is None or of_paper.other is None:
        return None
    return claim.sign * (of_paper.value - of_paper.other) / 100


def _with_numbers(answer: Answer, closest: Compared) -> Answer:
    """Return ``answer`` with our value and its difference from the other method that comes closest or is better."""
    ours, difference = closest.ours, closest.difference
    low, high = (max(ours.low, 0.0), min(ours.high, 1.0)) if answer.metric in SHARES else (ours.low, ours.high)
    return answer._replace(
        ours=ours.value,
        low=low,
        high=high,
        other=closest.worse,
        difference=difference.value,
        difference_low=difference.low,
        difference_high=difference.high,
        p=difference.p,
    )


def _bound(claim: Bound, dataset: str, metrics: pd.DataFrame) -> Answer:
    """Return whether the bound holds in every run and target of a data set."""
    case = ["method", "source_domain", "target_domain", "seed"]
    measured = metrics[metrics["metric"].isin([claim.lesser, claim.greater])]
    table = measured.pivot_table(index=case, columns="metric", values="value")
    table = table.reindex(columns=[claim.lesser, claim.greater]).dropna()
    cases = list(table.itertuples(index=False, name=None))
    held = sum(within(*one) for one in cases)
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
        verdict=decide_bound(cases, answer.seeds), remarks=_sentences([claim.remark, missing, *_warnings(answer)])
    )


def _places(question: Question) -> str:
    """Return the settings as ``a, b`` in distribution and ``a → b, c`` out of it; where there is none, the named domains."""
    inside, outside = [], dict[str, list[str]]()
    for setting in (setting for unit in question.units for setting in unit):
        if setting.distribution == "in":
            inside.append(setting.source)
        else:
            outside.setdefault(setting.source, []).append(setting.target)
    pairs = [f"{source} → {', '.join(targets)}" for source, targets in outside.items()]
    return "; ".join([", ".join(inside or question.domains), *pairs] if inside or not pairs else pairs)


def _missing(question: Question, judgement: Judgement, left_out: LeftOut) -> list[str]:
    """Return which methods were not measured in every setting, and why where it is known."""
    names = [method_title(name) for name in judgement.missing]
    known = left_out.get(question.dataset, {})
    named = (*question.claim.better, *question.claim.worse)
    reasons = [f"left out: {method_title(name)}, {known[name]}" for name in named if name in known]
    return [f"not measured in every setting: {', '.join(names)}", *reasons] if names else reasons


def _warnings(answer: Answer) -> list[str]:
    found = []
    if 0 < answer.seeds < FEWEST_SEEDS:
        found.append(f"fewer than {FEWEST_SEEDS} seeds")
    best_other = answer.ours - answer.difference if answer.ours is not None and answer.difference is not None else 0.0
    if answer.metric in SHARES and best_other >= CEILING:
        found.append("at the ceiling: little is left to be better by")
    return found


def _sentences(remarks: Sequence[str]) -> str:
    return ". ".join(remark[0].upper() + remark[1:] for remark in remarks if remark)
