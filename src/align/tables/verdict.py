"""The verdict: each claim of the paper with the paper's value, ours, and the word for the claim."""

from collections.abc import Sequence

import pandas as pd

from align.methods.naming import method_title
from align.metrics import MEASURES
from align.metrics.printing import number_text
from align.results.titles import plain
from align.tables.printing import Block, Cell, Table
from align.verdict.answers import Answer
from align.verdict.headline import word_counts
from align.verdict.rule import DECIDED, WORDS

CAPTION = """
Every claim of the paper with a word: *reproduced*, *not reproduced*, *inconclusive* or *not tested*. The rule behind
the word was fixed before it was applied to any result:

- *Reproduced*: each named method is beaten with p < 0.05. If a claim counts settings, p is corrected for their number.
- *Not reproduced*: a named method is better with p < 0.05, corrected for all pairs of methods of the row.
- A missing method counts as not beaten.
- Fewer than three seeds decide nothing.

A claim is tested on the data set that it names, and by analogy on every other one. If only a part of that data set is
there, the word is for this part, under a heading of its own. Comparisons use the same test images and the same seeds.
Intervals come from an analysis of variance of seeds crossed with images. The verdict is of ALIGN. The verdict of
ALIGN-plus, this project's variant, stands beside it. The paper names three of its six baselines. Mixup, RSC and CGC are
this project's choice for the other three. If macro accuracy, which counts every class the same, gives another word than
accuracy, a remark says so.

The paper prints one AUC and does not say which. So each of its four claims on AUC has two rows: ROC AUC, and insertion
AUC.
"""

HEADER = ("Claim", "Where", "Paper", "Ours", "Difference", "Seeds", "Verdict", "ALIGN-plus", "Remarks")
SCOPES = {
    "named": "where the paper makes the claim",
    "by analogy": "by analogy: its own domains in place of the paper's",
    "general": "claims that name no data set",
    "ours": "claims of this project on a method of its own, not of the paper",
}
NOTE = (
    "Brackets give 95 % intervals. The difference is that to the best of the other methods that the claim names. p is of this "
    "difference alone. If it speaks against the claim, p corrected for all pairs of methods of the row follows. The paper names "
    "three of its six baselines: ERM, SGT and DRE. Mixup, RSC and CGC are this project's choice for the other three."
)


def verdict(answers: Sequence[Answer]) -> Table:
    """Return a block that counts the words, one with a sentence for each tested claim, then one for each data set and scope."""
    places = by_place(answers)
    blocks = [Block(place_title(found[0]), HEADER, [_cells(answer) for answer in found], NOTE) for found in places]
    rows = [
        [Cell(plain(found[0].dataset)), Cell(_scope_title(found[0])), *(Cell(str(n)) for n in word_counts(found).values())]
        for found in places
    ]
    counted = Block("Number of claims", ["Data set", "Tested", *WORDS], rows)
    said = [
        [Cell(plain(answer.dataset)), Cell(answer.text), _word(answer), Cell(answer.sentence)]
        for found in places
        for answer in found
        if answer.verdict != "not tested"
    ]
    in_words = [Block("In plain words", ["Data set", "Claim", "Verdict", "What the data say"], said)] if said else []
    return Table(pd.DataFrame(answers, columns=Answer._fields), [counted, *in_words, *blocks])


def by_place(answers: Sequence[Answer]) -> list[list[Answer]]:
    """Return the answers on each data set and scope. Those of which a claim was tested come first."""
    places: dict[tuple[str, str], list[Answer]] = {}
    for answer in answers:
        places.setdefault((answer.dataset, answer.scope), []).append(answer)
    return sorted(places.values(), key=lambda found: not any_tested(found))


def any_tested(answers: Sequence[Answer]) -> bool:
    """Return whether any of the claims was tested."""
    return any(answer.verdict != "not tested" for answer in answers)


def place_title(answer: Answer) -> str:
    """Return the title of the data set and the scope that an answer belongs to."""
    return f"{plain(answer.dataset)}: {_scope_title(answer)}"


def _scope_title(answer: Answer) -> str:
    return SCOPES.get(answer.scope, answer.scope)  # a part of a data set is its own title


def _cells(answer: Answer) -> list[Cell]:
    texts = [
        answer.text,
        where_text(answer),
        paper_text(answer),
        ours_text(answer),
        difference_text(answer),
        str(answer.seeds or ""),
    ]
    return [*map(Cell, texts), _word(answer), Cell(answer.align_plus), Cell(answer.remarks)]


def _word(answer: Answer) -> Cell:
    """Return the word, in bold where it decides."""
    return Cell(answer.verdict, answer.verdict in DECIDED)


def where_text(answer: Answer) -> str:
    """Return where the paper makes the claim, and the settings that it is tested in."""
    return f"{answer.made_in}: {answer.places}" if answer.places else answer.made_in


def paper_text(answer: Answer) -> str:
    """Return the paper's value, and that of the best other method. Empty if none is published."""
    if answer.paper is None:
        return ""
    digits = ".2f" if MEASURES[answer.metric].is_percentage else ".4f"
    other = f"; {answer.paper_other_method} {answer.paper_other:{digits}}" if answer.paper_other is not None else ""
    return f"{answer.paper:{digits}}{other}"


def ours_text(answer: Answer) -> str:
    """Return our value with its interval, or in how many settings the claim holds. Empty if it was not tested."""
    if answer.ours is None:
        if answer.verdict == "not tested":
            return ""
        return f"holds in {answer.holds} of {answer.units}, expected in {answer.needed}; the opposite in {answer.opposite}"
    return number_text(answer.metric, answer.ours) + _interval(answer.metric, answer.low, answer.high)


def difference_text(answer: Answer) -> str:
    """Return the difference to the other method with its interval and p. Empty if there is none."""
    if answer.difference is None:
        return ""
    interval = _interval(answer.metric, answer.difference_low, answer.difference_high)
    p = "" if answer.p is None else f", p {_p_text(answer.p)}"
    is_against = (answer.difference < 0) == bool(MEASURES[answer.metric].higher_is_better)
    corrected = "" if answer.corrected_p is None or not is_against else f" (corrected {_p_text(answer.corrected_p)})"
    return f"{_signed(answer.metric, answer.difference)} to {method_title(answer.other)}{interval}{p}{corrected}"


def _p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _interval(metric: str, low: float | None, high: float | None) -> str:
    """Return a space and the interval. Empty if there is none."""
    return "" if low is None or high is None else f" [{number_text(metric, low)}, {number_text(metric, high)}]"


def _signed(metric: str, value: float) -> str:
    return f"{'+' if value > 0 else ''}{number_text(metric, value)}"
