"""The study in which people rate masks, as in the paper's Fig. 5: its questions, its blinded order, its answers and its numbers.

The paper publishes neither its scale nor its numbers. So the questions are this project's.
"""

from typing import NamedTuple

LOWEST, HIGHEST = 1, 5
"""The ends of the scale of every question."""
CONTROL_EVERY = 4
"""Of every so many images, one has the controls, and one of its masks is rated twice."""
CONSISTENT = 1.5
"""A rater is consistent whose two overall ratings of the same mask differ by at most this, on average."""
TRUTH, RANDOM = "true mask", "random mask"
"""The controls: the true mask of the object, where there is one, and smooth noise."""


class Question(NamedTuple):
    """A question about a mask.

    Attributes:
        text: what the rater reads.
        low: what 1 means.
        high: what 5 means.
    """

    text: str
    low: str
    high: str


QUESTIONS = {
    "coverage": Question("How much of the object does the mask cover?", "none of it", "all of it"),
    "background": Question("How much background does the mask include?", "none", "nearly all"),
    "overall": Question("How good is the mask as a whole?", "bad", "very good"),
}
