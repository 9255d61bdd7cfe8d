"""What came out, in a few words: the paper's main claims, and how many claims have which word."""

from collections import Counter
from collections.abc import Sequence

from align.results.titles import listed, plain
from align.verdict.answers import Answer
from align.verdict.rule import WORDS, Word

MAIN_CLAIMS = {
    "consistently_better_in_distribution": "accuracy in distribution",
    "consistently_better_out_of_distribution": "accuracy out of distribution",
    "sufficiency": "sufficiency",
    "comprehensiveness": "comprehensiveness",
}
"""In what ALIGN is better than six baselines, by the claim that says so."""


def headline(answers: Sequence[Answer]) -> str:
    """Return a sentence on the main claims for each data set on which one of them was tested.

    Args:
        answers: the rows of ``verdict.csv``.
    """
    main = [answer for answer in answers if answer.claim in MAIN_CLAIMS and answer.verdict != "not tested"]
    if not main:
        return "None of the paper's main claims was tested."
    return " ".join(_sentence(name, [a for a in main if a.dataset == name]) for name in dict.fromkeys(a.dataset for a in main))


def word_counts(answers: Sequence[Answer]) -> dict[Word, int]:
    """Return how many claims have each word."""
    counted = Counter(answer.verdict for answer in answers)
    return {word: counted[word] for word in WORDS}


def counted_words(answers: Sequence[Answer]) -> str:
    """Return :func:`word_counts` of the paper's claims in a sentence."""
    counts = word_counts(of_the_paper(answers)).items()
    return "Claims of the paper: " + ", ".join(f"{number} {word}" for word, number in counts) + "."


def of_the_paper(answers: Sequence[Answer]) -> list[Answer]:
    """Return the answers to the paper's claims, without those to this project's own."""
    return [answer for answer in answers if answer.scope != "ours"]


def _sentence(dataset: str, answers: Sequence[Answer]) -> str:
    by_word = {word: [MAIN_CLAIMS[answer.claim] for answer in answers if answer.verdict == word] for word in WORDS}
    said = [f"{word} in {listed(matters)}" for word, matters in by_word.items() if matters]
    return f"On {plain(dataset)}, ALIGN's advantage over six baselines is {listed(said, ', ')}."
