"""What came out, in two lines: how many claims have which word, and what the data say of the claim that says most."""

from collections import Counter
from collections.abc import Sequence

from align.results.titles import plain
from align.verdict.answers import Answer
from align.verdict.rule import DECIDED, WORDS


def headline(answers: Sequence[Answer]) -> str:
    """Return a line that counts the words of the verdict, and a line on the first claim that was decided.

    A claim that is tested where the paper makes it comes before the others. If nothing was decided, the first claim that was
    tested takes the place. If nothing was tested, there is no second line.

    Args:
        answers: the rows of ``verdict.csv``, in the order of the paper's claims.
    """
    counted = Counter(answer.verdict for answer in answers)
    counts = "Claims of the paper: " + ", ".join(f"{counted[word]} {word}" for word in WORDS) + "."
    tested = [answer for answer in answers if answer.verdict != "not tested"]
    return "\n".join([counts, _in_words(min(tested, key=_order))]) if tested else counts


def _order(answer: Answer) -> tuple[bool, bool]:
    """Return what sorts the claim that says most to the front."""
    return answer.verdict not in DECIDED, answer.scope != "named"


def _in_words(answer: Answer) -> str:
    place = plain(answer.dataset) + (", by analogy" if answer.scope == "by analogy" else "")
    return f"{answer.text} ({place}): {answer.verdict}. {answer.sentence}"
