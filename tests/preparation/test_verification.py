"""Numbers of images, checked against the published numbers."""

import logging

import pandas as pd
import pytest
from conftest import REPOSITORY

from align.datasets.published_counts import published_counts
from align.errors import InputError
from align.preparation.verification import count, require_whole


def published(name):
    return published_counts(REPOSITORY / "reference/dataset_counts.csv", name)


def manifest_of(published_as):
    """Return a manifest with the published numbers of images. If they are published by domain, the classes are invented."""
    rows = published(published_as)
    names = [(row.domain, name) for row in rows for name in ([row.label] if row.label != "all" else ["dog", "cat"])]
    numbers = [n for row in rows for n in ([row.images] if row.label != "all" else [row.images // 2, -(-row.images // 2)])]
    return pd.DataFrame(names, columns=["domain", "class"]).loc[lambda frame: frame.index.repeat(numbers)]


@pytest.mark.parametrize(("published_as", "total"), [("VLCS", 10_729), ("PACS", 9_991), ("OfficeHome", 15_588)])
def test_a_whole_data_set_has_the_published_counts(published_as, total):
    counts = count(manifest_of(published_as), published(published_as))
    assert counts["images"].sum() == counts["published"].sum() == total
    require_whole(counts, {}, "data/x", published_as, allow_partial=False)


def test_an_image_more_and_a_class_less_are_an_error_with_the_whole_table():
    manifest = manifest_of("VLCS")
    manifest = pd.concat([manifest[~((manifest["domain"] == "SUN09") & (manifest["class"] == "dog"))], manifest.iloc[:1]])
    counts = count(manifest, published("VLCS"))
    with pytest.raises(InputError) as error:
        require_whole(counts, {}, "data/VLCS", "VLCS", allow_partial=False)
    message = str(error.value)
    head, _, *table, remedy = message.splitlines()
    assert head == "data/VLCS: found 10700 images, expected 10729 as published of VLCS (2 of 20 numbers differ):"
    assert [line.split() for line in table if not line.endswith(" 0")] == [
        ["Caltech101", "bird", "238", "237", "1"],
        ["SUN09", "dog", "0", "30", "-30"],
    ]
    assert len(table) == 20
    assert remedy == (
        "complete the folder, or remove it so that its source makes it again, or set `allow_partial: true` to go on with these "
        "images"
    )


def test_allow_partial_makes_it_a_warning(caplog):
    counts = count(manifest_of("VLCS").iloc[1:], published("VLCS"))
    with caplog.at_level(logging.WARNING, "align"):
        require_whole(counts, {}, "data/VLCS", "VLCS", allow_partial=True)
    assert "found 10728 images, expected 10729" in caplog.text


def test_what_was_missing_when_the_folder_was_made_is_an_error_too():
    counts = count(manifest_of("VLCS"), published("VLCS"))
    missing = {"incomplete": ["the annotations of train are missing"]}
    with pytest.raises(InputError, match="data/x: the annotations of train are missing\ncomplete the folder"):
        require_whole(counts, missing, "data/x", None, allow_partial=False)
    require_whole(counts, missing, "data/x", None, allow_partial=True)


def test_only_chosen_domains_and_classes_are_compared():
    manifest = manifest_of("VLCS")
    chosen = manifest[manifest["domain"].isin(["LabelMe", "VOC2007"]) & manifest["class"].isin(["car", "dog"])]
    counts = count(chosen, published("VLCS"), ["LabelMe", "VOC2007"], ["car", "dog"])
    assert list(counts.itertuples(index=False, name=None)) == [
        ("LabelMe", "car", 1209, 1209),
        ("LabelMe", "dog", 42, 42),
        ("VOC2007", "car", 699, 699),
        ("VOC2007", "dog", 420, 420),
    ]


def test_a_domain_that_is_missing_is_noticed():
    counts = count(manifest_of("VLCS").query("domain != 'LabelMe'"), published("VLCS"))
    with pytest.raises(InputError, match="found 8073 images, expected 10729"):
        require_whole(counts, {}, "mine", "VLCS", allow_partial=False)


def test_classes_of_a_set_that_is_published_by_domain_are_not_compared():
    counts = count(manifest_of("PACS").query("`class` == 'dog'"), published("PACS"), classes=["dog"])
    assert counts["published"].isna().all()
    require_whole(counts, {}, "data/PACS", "PACS", allow_partial=False)


def test_a_data_set_of_one_s_own_is_counted_and_not_compared():
    counts = count(pd.DataFrame({"domain": ["a", "a", "b"], "class": ["x", "x", "y"]}), published("mine"))
    assert list(counts["images"]) == [2, 1]
    assert counts["published"].isna().all()
    require_whole(counts, {}, "mine", "mine", allow_partial=False)
