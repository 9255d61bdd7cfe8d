"""What came out, in two lines."""

import pytest

from align.tables.verdict import verdict
from align.tables.writing import write_table
from align.verdict.answers import Answer, read_answers
from align.verdict.headline import headline

BEST = Answer("best", "ALIGN is best", "a table", "named", "VLCS")
FAR = Answer("far", "ALIGN is far better", "a table", "named", "VLCS")


def answered(answer, word, scope="named", dataset="VLCS"):
    return answer._replace(verdict=word, scope=scope, dataset=dataset, sentence=f"{answer.claim}, {scope}.")


def test_every_word_is_counted():
    found = [answered(BEST, "reproduced"), *[answered(FAR, "inconclusive")] * 2, FAR]
    assert headline(found).splitlines()[0] == "Claims of the paper: 1 reproduced, 0 not reproduced, 2 inconclusive, 1 not tested."


def test_without_a_tested_claim_there_is_one_line():
    assert headline([BEST, FAR]) == "Claims of the paper: 0 reproduced, 0 not reproduced, 0 inconclusive, 2 not tested."
    assert len(headline([]).splitlines()) == 1


@pytest.mark.parametrize(
    ("found", "second"),
    [
        ([BEST, answered(FAR, "inconclusive")], "ALIGN is far better (VLCS): inconclusive. far, named."),
        (
            [answered(BEST, "inconclusive", "by analogy", "digit_scenes"), answered(FAR, "inconclusive", "general")],
            "ALIGN is best (digit scenes, by analogy): inconclusive. best, by analogy.",  # the paper's order
        ),
        (
            [answered(BEST, "inconclusive"), answered(FAR, "not reproduced", "general", "digit_scenes")],
            "ALIGN is far better (digit scenes): not reproduced. far, general.",  # decided
        ),
        (
            [answered(BEST, "reproduced", "by analogy", "digit_scenes"), answered(FAR, "not reproduced")],
            "ALIGN is far better (VLCS): not reproduced. far, named.",  # where the paper makes the claim
        ),
        ([answered(BEST, "reproduced"), answered(FAR, "reproduced")], "ALIGN is best (VLCS): reproduced. best, named."),
    ],
)
def test_the_second_line_is_on_the_claim_that_says_most(found, second):
    assert headline(found).splitlines()[1:] == [second]


def test_answers_are_read_as_they_were_written(tmp_path):
    tested = answered(BEST, "reproduced")._replace(places="1", ours=0.5, p=0.01, other="dre", units=3, seeds=5)
    files = {kind: tmp_path / f"verdict.{kind}" for kind in ("csv", "md", "tex", "html")}
    write_table(verdict([tested._replace(metric="accuracy"), FAR]), **files)
    assert read_answers(files["csv"]) == [tested._replace(metric="accuracy"), FAR]
