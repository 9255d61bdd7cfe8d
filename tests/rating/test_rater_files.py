"""The files of raters: what is taken, and what is refused with which words."""

import json

import pytest
from made_up import IMAGES, METHODS, answers_of, write_answers, write_study

from align.errors import InputError
from align.rating.answers import COLUMNS, read_ratings, require_checkpoints
from align.rating.files import study_files


def test_each_mask_becomes_a_row(tmp_path):
    key = write_study(tmp_path)
    for rater in (1, 2):
        write_answers(tmp_path, answers_of(key, rater))
    ratings = read_ratings(tmp_path)
    assert list(ratings) == COLUMNS
    assert ratings.groupby(["rater", "kind"]).size().to_dict() == {
        (rater, kind): n for rater in (1, 2) for kind, n in (("again", 1), ("control", 2), ("rated", IMAGES * len(METHODS)))
    }
    row = ratings[(ratings["rater"] == 2) & (ratings["method"] == "align") & (ratings["path"] == "river/duck/3.jpg")].iloc[0]
    assert (row["coverage"], row["background"], row["overall"], row["seconds"]) == (4, 2, 4, 2.5)
    assert (row["dataset"], row["source_domain"], row["target_domain"], row["class"]) == ("birds", "river", "river", "duck")


def test_files_that_it_depends_on(tmp_path):
    key = write_study(tmp_path)
    answers = write_answers(tmp_path, answers_of(key, 1))
    assert study_files(tmp_path) == [str(tmp_path / "key.json"), str(answers)]


def changed(change):
    def broken(content):
        change(content)
        return json.dumps(content)

    return broken


REFUSED = {
    "changed by hand": (
        changed(lambda content: content["answers"][3].update(overall=1)),
        "found answers that were changed after they were saved (their checksum differs)",
    ),
    "another rater's number": (changed(lambda content: content.update(rater=3)), "found answers that were changed after"),
    "of another study": (changed(lambda content: content.update(study="f" * 16)), "found answers to study ffffffffffffffff"),
    "a trial's": (changed(lambda content: content.update(trial=True)), "found answers to study"),
    "out of the scale": (
        changed(lambda content: content["answers"][0].update(coverage=6)),
        "answers.0.coverage does not fit (Input should be less than or equal to 5)",
    ),
    "with a question open": (
        changed(lambda content: content["answers"][2].pop("overall")),
        "answers.2.overall does not fit (Field required)",
    ),
    "with more than the page saves": (changed(lambda content: content.update(name="x")), "name does not fit (Extra inputs"),
    "cut short": (lambda content: json.dumps(content)[:100], "the file does not fit (Invalid JSON"),
    "a list": (lambda content: "[]", "the file does not fit"),
}


@pytest.mark.parametrize(("broken", "said"), REFUSED.values(), ids=REFUSED)
def test_a_file_is_refused_by_its_name(tmp_path, broken, said):
    key = write_study(tmp_path)
    write_answers(tmp_path, answers_of(key, 2))
    path = tmp_path / "answers/rater-1.json"
    path.write_text(broken(answers_of(key, 1)))
    with pytest.raises(InputError) as error:
        read_ratings(tmp_path)
    assert str(error.value).startswith(str(path))
    assert said in str(error.value)
    assert "rater-2" not in str(error.value)


def test_an_unfinished_file_is_refused(tmp_path):
    key = write_study(tmp_path)
    shorter = key.model_copy(update={"orders": [order[:-2] for order in key.orders]})
    path = write_answers(tmp_path, answers_of(shorter, 1))
    with pytest.raises(InputError, match="found 11 answers, expected the 13 masks of rater 1, in their order"):
        read_ratings(tmp_path)
    assert path.exists()


def test_two_files_of_one_rater_and_all_other_faults_are_told_at_once(tmp_path):
    key = write_study(tmp_path)
    write_answers(tmp_path, answers_of(key, 1))
    write_answers(tmp_path, answers_of(key, 1), "copy.json")
    (tmp_path / "answers/other.json").write_text("?")
    with pytest.raises(InputError) as error:
        read_ratings(tmp_path)
    assert "other.json: found a file in which the file does not fit (Invalid JSON" in str(error.value)
    assert "found 2 files of rater 1, expected one" in str(error.value)


def test_no_answers_and_no_study(tmp_path):
    with pytest.raises(InputError, match=r"found no key.json, expected the folder that `align rate prepare` wrote"):
        read_ratings(tmp_path)
    write_study(tmp_path)
    with pytest.raises(InputError, match="found no file of a rater"):
        read_ratings(tmp_path)
    (tmp_path / "key.json").write_text("{}")
    with pytest.raises(InputError, match=r"key.json: found a file in which study does not fit .Field required"):
        read_ratings(tmp_path)


def test_masks_of_other_checkpoints_are_refused(tmp_path):
    write_study(tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"trained again")
    with pytest.raises(InputError, match="found ratings of masks by erm, align that these results do not have"):
        require_checkpoints(tmp_path, [str(tmp_path / "checkpoint.pt")])
