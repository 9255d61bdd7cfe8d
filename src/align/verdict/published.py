"""The paper's numbers of what a claim is about."""

from typing import NamedTuple

import pandas as pd

from align.methods.naming import method_title
from align.results.published import comparable_name
from align.verdict.questions import Question


class Published(NamedTuple):
    """The paper's value of the method that is claimed to be better, and of the best of the others; None where not public."""

    value: float | None = None
    other: float | None = None
    other_method: str = ""


def published_values(question: Question, published: pd.DataFrame) -> Published:
    """Return what the paper prints of the one source domain that ``question`` names; nothing where it names several or none.

    Args:
        question: of a claim where the paper makes it.
        published: ``reference/align_paper.csv``; values in per cent.
    """
    claim = question.claim
    if len(question.domains) != 1:
        return Published()
    rows = published[
        published["setting"].eq(claim.published or "")
        & published["metric"].eq(claim.metric)
        & published["dataset"].map(comparable_name).eq(comparable_name(question.dataset))
        & published["source_domain"].map(comparable_name).eq(comparable_name(question.domains[0]))
    ]
    values = dict(zip(rows["method"], rows["value"]))
    others = {name: values[name] for name in map(method_title, claim.worse) if name in values}
    best = max(others, key=lambda name: claim.sign * others[name], default="")
    return Published(values.get(method_title(claim.better[0])), others.get(best), best)
