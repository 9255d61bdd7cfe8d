"""What came out, in a few words."""

import pytest

from align.tables.verdict import verdict
from align.tables.writing import write_table
from align.verdict.answers import Answer, read_answers
from align.verdict.claims import read_claims
from align.verdict.headline import MAIN_CLAIMS, counted_words, headline

INSIDE, OUTSIDE, SUFFICIENT, COMPREHENSIVE = MAIN_CLAIMS


def answer(claim, word, dataset="digit_scenes", scope="by analogy"):
    return Answer(claim, "ALIGN is better", "the abstract", scope, dataset, verdict=word)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["inconclusive", "not reproduced", "inconclusive", "reproduced"],
            "reproduced in comprehensiveness, not reproduced in accuracy out of distribution, and inconclusive in accuracy in "
            "distribution and sufficiency",
        ),
        (
            ["reproduced"] * 4,
            "reproduced in accuracy in distribution, accuracy out of distribution, sufficiency and comprehensiveness",
        ),
        (
            ["not tested", "reproduced", "not tested", "inconclusive"],
            "reproduced in accuracy out of distribution, and inconclusive in comprehensiveness",
        ),
    ],
)
def test_the_main_claims_by_their_words(words, said):
    found = [answer(claim, word) for claim, word in zip(MAIN_CLAIMS, words)]
    assert headline(found) == f"On digit scenes, ALIGN's advantage over six baselines is {said}."


def test_each_data_set_has_its_own_sentence():
    found = [answer(INSIDE, "inconclusive"), answer(INSIDE, "reproduced", "VLCS", "named"), answer(INSIDE, "not tested", "mine")]
    assert headline(found) == (
        "On digit scenes, ALIGN's advantage over six baselines is inconclusive in accuracy in distribution. "
        "On VLCS, ALIGN's advantage over six baselines is reproduced in accuracy in distribution."
    )


@pytest.mark.parametrize("found", [[], [answer(INSIDE, "not tested")], [answer("lemma_2", "reproduced")]])
def test_nothing_is_claimed_where_no_main_claim_was_tested(found):
    assert headline(found) == "None of the paper's main claims was tested."


def test_every_word_is_counted():
    found = [answer(INSIDE, word) for word in ("reproduced", "inconclusive", "inconclusive", "not tested")]
    assert counted_words(found) == "Claims of the paper: 1 reproduced, 0 not reproduced, 2 inconclusive, 1 not tested."


def test_the_main_claims_are_among_the_claims():
    assert set(MAIN_CLAIMS) <= {claim.id for claim in read_claims("reference/claims.yaml")}


def test_answers_are_read_as_they_were_written(tmp_path):
    tested = answer(INSIDE, "reproduced")._replace(places="1", ours=0.5, p=0.01, other="dre", units=3, seeds=5, metric="accuracy")
    other = answer(OUTSIDE, "not tested")
    files = {kind: tmp_path / f"verdict.{kind}" for kind in ("csv", "md", "tex", "html")}
    write_table(verdict([tested, other]), **files)
    assert read_answers(files["csv"]) == [tested, other]
