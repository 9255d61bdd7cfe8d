"""The numbers that the paper prints for a claim."""

from typing import NamedTuple

import pandas as pd

from align.methods.naming import method_title
from align.results.published import comparable_name
from align.verdict.questions import Question


class PaperNumbers(NamedTuple):
    """What the paper prints for a claim, in the units of its file; None where it is not public.

    Attributes:
        value: of the method that is claimed to be better.
        other: of the best of the other methods.
        other_method: the name of that method.
    """

    value: float | None = None
    other: float | None = None
    other_method: str = ""


def paper_numbers(question: Question, published: pd.DataFrame) -> PaperNumbers:
    """Return the paper's numbers for the one source domain that ``question`` names; none where it names several or none.

    Args:
        question: a claim where the paper makes it, or on a part of that data set.
        published: ``reference/align_paper.csv``, with values in per cent where tables print per cent.
    """
    claim = question.claim
    if len(question.domains) != 1:
        return PaperNumbers()
    rows = published[
        published["setting"].eq(claim.published or "")
        & published["metric"].eq(claim.metric)
        & published["dataset"].map(comparable_name).eq(comparable_name(question.whole or question.dataset))
        & published["source_domain"].map(comparable_name).eq(comparable_name(question.domains[0]))
    ]
    values = dict(zip(rows["method"], rows["value"]))
    worse = (method_title(claim.stands_in.get(name, name)) for name in claim.worse)
    others = {name: values[name] for name in worse if name in values}
    best = max(others, key=lambda name: claim.sign * others[name], default="")
    return PaperNumbers(values.get(method_title(claim.better[0])), others.get(best), best)
