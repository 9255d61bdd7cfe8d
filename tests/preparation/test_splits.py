import itertools
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.datasets.digit_scenes import generate
from align.datasets.image_folder import index
from align.datasets.source_settings import DigitScenesSettings
from align.errors import InputError
from align.preparation.settings import SplitSettings
from align.preparation.splits import assign_splits, evaluated_split, split_counts

DEFAULT = SplitSettings()
GROUP = r"group(\d+)"
sizes = st.dictionaries(st.tuples(st.sampled_from("AB"), st.sampled_from("xyz")), st.integers(3, 40), min_size=1)
shares = st.sampled_from([(0.6, 0.2, 0.2), (0.8, 0.1, 0.1), (0.7, 0.29, 0.01), (0.05, 0.05, 0.9), (0.5, 0.25, 0.25)])


def listing(paths) -> pd.DataFrame:
    parts = [path.split("/") for path in paths]
    return pd.DataFrame({"path": paths, "domain": [p[0] for p in parts], "class": [p[1] for p in parts], "sha256": paths})


def images(counts: dict[tuple[str, str], int]) -> pd.DataFrame:
    return listing([f"{domain}/{label}/{i}.png" for (domain, label), count in sorted(counts.items()) for i in range(count)])


def as_splits(values: tuple[float, float, float], seed: int = 0) -> SplitSettings:
    return SplitSettings(train=values[0], validation=values[1], test=values[2], seed=seed)


def split_by_path(result: pd.DataFrame) -> dict[str, str]:
    return dict(zip(result["path"], result["split"]))


@given(st.integers(3, 500), shares)
def test_counts_are_rounded_shares_with_at_least_one_each(number, values):
    counts = split_counts(number, values)
    assert sum(counts) == number
    for count, share in zip(counts, values):
        assert (count > 0) == (share > 0)
        assert abs(count - number * share) < 1.01 or count == 1 or number * min(v for v in values if v) < 1


@pytest.mark.parametrize(
    ("number", "expected"), [(3, [1, 1, 1]), (4, [2, 1, 1]), (5, [3, 1, 1]), (10, [6, 2, 2]), (1415, [849, 283, 283])]
)
def test_counts_of_60_20_20(number, expected):
    assert split_counts(number, (0.6, 0.2, 0.2)) == expected


def test_a_split_without_a_share_stays_empty():
    assert split_counts(10, (0.8, 0.2, 0.0)) == [8, 2, 0]
    assert split_counts(2, (0.9, 0.1, 0.0)) == [1, 1, 0]


@pytest.mark.parametrize(("number", "expected"), [(1, [1, 0, 0]), (2, [1, 1, 0])])
def test_too_few_for_all_splits_are_rounded_shares(number, expected):
    assert split_counts(number, (0.6, 0.2, 0.2)) == expected


@given(sizes, shares, st.integers(0, 3))
def test_every_class_of_every_domain_is_dealt_by_the_shares(counts, values, seed):
    manifest = images(counts)
    result = assign_splits(manifest, as_splits(values, seed))
    assert list(result.columns) == ["path", "domain", "class", "split"]
    assert result[["path", "domain", "class"]].equals(manifest[["path", "domain", "class"]])
    for (domain, label), number in counts.items():
        found = Counter(result[(result["domain"] == domain) & (result["class"] == label)]["split"])
        assert [found[split] for split in ("train", "validation", "test")] == split_counts(number, values)


@given(sizes, st.randoms())
def test_the_order_of_the_rows_does_not_matter(counts, random):
    manifest = images(counts)
    order = list(range(len(manifest)))
    random.shuffle(order)
    shuffled = assign_splits(manifest.iloc[order], DEFAULT)
    assert list(shuffled["path"]) == [manifest["path"][i] for i in order]
    assert split_by_path(shuffled) == split_by_path(assign_splits(manifest, DEFAULT))


@given(st.integers(3, 60))
def test_an_added_image_moves_only_images_at_the_cuts(number):
    before = split_by_path(assign_splits(images({("A", "x"): number, ("A", "y"): 5}), DEFAULT))
    after = split_by_path(assign_splits(images({("A", "x"): number + 1, ("A", "y"): 5}), DEFAULT))
    moved = [path for path in before if before[path] != after[path]]
    assert len(moved) <= 2
    assert all(path.startswith("A/x/") for path in moved)


def test_the_split_is_the_same_everywhere():
    result = assign_splits(images({("A", "x"): 10}), DEFAULT)
    assert list(result[result["split"] == "test"]["path"]) == ["A/x/1.png", "A/x/8.png"]


def test_another_seed_is_another_split():
    manifest = images({("A", "x"): 50})
    assert split_by_path(assign_splits(manifest, DEFAULT)) != split_by_path(assign_splits(manifest, SplitSettings(seed=1)))


grouped = st.lists(
    st.dictionaries(st.tuples(st.sampled_from("AB"), st.sampled_from("xy")), st.integers(1, 3), min_size=1, max_size=3),
    max_size=60,
)


def grouped_images(groups) -> pd.DataFrame:
    anchors = [{(domain, label): 1} for domain in "AB" for label in "xy" for _ in range(3)]
    return listing(
        [
            f"{domain}/{label}/group{number}-{i}.png"
            for number, group in enumerate([*anchors, *groups])
            for (domain, label), count in group.items()
            for i in range(count)
        ]
    )


@given(grouped)
def test_a_group_shares_a_split_across_domains_and_classes(groups):
    result = assign_splits(grouped_images(groups), DEFAULT, group_pattern=GROUP)
    number = result["path"].str.extract(GROUP)[0]
    assert result.groupby(number)["split"].nunique().max() == 1
    assert (result.groupby(["domain", "class"])["split"].nunique() == 3).all()


def test_groups_of_equal_signature_are_dealt_by_the_shares():
    both = [{("A", "x"): 1, ("B", "x"): 1}] * 20 + [{("A", "x"): 2, ("B", "x"): 2}] * 10
    manifest = listing(
        [f"{d}/x/group{n}-{i}.png" for n, group in enumerate(both) for (d, _), count in group.items() for i in range(count)]
    )
    result = assign_splits(manifest, DEFAULT, group_pattern=GROUP)
    for domain in "AB":
        assert Counter(result[result["domain"] == domain]["split"]) == {"train": 24, "validation": 8, "test": 8}


def test_rare_kinds_of_groups_are_dealt_with_similar_ones():
    counts = (1, 1, 2, 2, 3, 4, 5, 6, 7, 8)  # no signature has three groups, but all are of one domain and class
    manifest = listing([f"A/x/group{n}-{i}.png" for n, count in enumerate(counts) for i in range(count)])
    result = assign_splits(manifest, DEFAULT, group_pattern=GROUP)
    groups = result.assign(group=result["path"].str.extract(GROUP)[0]).drop_duplicates("group")
    assert Counter(groups["split"]) == {"train": 6, "validation": 2, "test": 2}


def test_rare_groups_are_dealt_with_those_of_the_same_domains_first():
    """Each group has its own number of images. All together, the shares would hold for both domains only, not for each."""
    groups = [(domain, n) for domain in "AB" for n in range(1, 11)]
    manifest = listing([f"{domain}/x/group{domain}{n}-{i}.png" for domain, n in groups for i in range(n)])
    for seed in range(5):
        result = assign_splits(manifest, SplitSettings(seed=seed), group_pattern=r"group([AB]\d+)")
        groups = result.assign(group=result["path"].str.extract(r"group([AB]\d+)")[0]).drop_duplicates("group")
        for _, dealt in groups.groupby("domain"):
            assert Counter(dealt["split"]) == {"train": 6, "validation": 2, "test": 2}


def test_rare_groups_are_dealt_with_those_of_the_same_classes_next():
    """Each group has an image in a pair of domains of its own. The first three groups of a domain and class are in no other."""
    pairs = list(itertools.combinations("ABCDEF", 2))
    single = [f"{domain}/{label}/group{domain}{label}{n}-0.png" for domain in "ABCDEF" for label in "xy" for n in range(3)]
    shared = [f"{domain}/{label}/group{''.join(pair)}{label}-0.png" for pair in pairs for label in "xy" for domain in pair]
    for seed in range(5):
        result = assign_splits(listing(single + shared), SplitSettings(seed=seed), group_pattern=r"group(\w+)-")
        dealt = result[result["path"].isin(shared)]
        for _, of_class in dealt.groupby("class"):
            assert Counter(of_class["split"]) == {"train": 2 * 9, "validation": 2 * 3, "test": 2 * 3}


def test_test_only_domains_are_tested_on_whole_and_pull_no_group_along():
    paths = [f"{domain}/x/group{n}-0.png" for domain in "AB" for n in range(10)]
    result = assign_splits(listing(paths), DEFAULT, test_only=["B"], group_pattern=GROUP)
    assert Counter(result[result["domain"] == "A"]["split"]) == {"train": 6, "validation": 2, "test": 2}
    assert set(result[result["domain"] == "B"]["split"]) == {"test"}
    without_b = assign_splits(listing(paths[:10]), DEFAULT, group_pattern=GROUP)
    assert result[result["domain"] == "A"].equals(without_b)


def test_test_only_domains_may_hold_few_images():
    result = assign_splits(images({("A", "x"): 3, ("B", "x"): 1}), DEFAULT, test_only=["B"])
    assert sorted(result["split"]) == ["test", "test", "train", "validation"]
    assert set(assign_splits(images({("B", "x"): 1}), DEFAULT, test_only=["B"])["split"]) == {"test"}


def test_too_few_images_are_named_with_their_number():
    with pytest.raises(InputError) as caught:
        assign_splits(images({("A", "x"): 3, ("A", "y"): 2, ("B", "x"): 1}), DEFAULT)
    message = str(caught.value)
    assert "expected at least 3" in message
    assert "A/y: 2" in message
    assert "B/x: 1" in message
    assert "A/x" not in message
    assert "`classes:`" in message
    assert "`test_only:`" in message


def test_too_few_groups_are_too_few():
    with pytest.raises(InputError, match="A/x: 2"):
        assign_splits(listing([f"A/x/group{n % 2}-{n}.png" for n in range(10)]), DEFAULT, group_pattern=GROUP)


def test_a_class_whose_groups_all_fall_into_few_splits_is_an_error():
    # Every group is the only one of its kind, so all are dealt as one; classes with few groups then miss a split with most seeds.
    kinds = ["xy", "xz", "xw", "yz", "yw", "zw", "yzw", "yv", "zv", "wv", "yzv", "ywv", "zwv"]
    manifest = listing([f"A/{label}/group{n}-0.png" for n, labels in enumerate(kinds) for label in labels])
    with pytest.raises(InputError, match=r"A/\w: found no group of images for .*correct `split_group:`"):
        for seed in range(10):
            assign_splits(manifest, SplitSettings(seed=seed), group_pattern=GROUP)


@pytest.mark.parametrize("pattern", [r"scene(\d+)", r"group\d+", r"group\d+(zzz)?"])
def test_a_name_without_a_group_is_an_error(pattern):
    with pytest.raises(InputError, match=r"A/x/group0\.png: found nothing in its name for the first group.*`split_group:`"):
        assign_splits(listing([f"A/x/group{n}.png" for n in range(5)]), DEFAULT, group_pattern=pattern)


def test_a_digit_is_never_in_two_splits(tmp_path):
    generate(tmp_path / "scenes", DigitScenesSettings(images_per_class=185, image_size=32))
    result = assign_splits(index(tmp_path / "scenes").manifest, DEFAULT, group_pattern=r"digit(\d+)")
    assert len(result) == 4 * 5 * 185
    assert result.groupby(result["path"].str.extract(r"digit(\d+)")[0])["split"].nunique().max() == 1
    counts = pd.crosstab([result["domain"], result["class"]], result["split"])
    assert (counts["train"] - 111).abs().max() <= 2
    assert (counts["validation"] - 37).abs().max() <= 2
    assert (counts["test"] - 37).abs().max() <= 2


def test_without_a_test_split_the_source_s_validation_split_and_whole_targets_are_tested():
    def splits(*names):
        return pd.DataFrame([(domain, name) for domain in "AB" for name in names], columns=["domain", "split"])

    with_test, without = splits("train", "validation", "test"), splits("train", "validation")

    def tested(listed, part="all"):
        return tuple(evaluated_split(listed, domain, ["A"], part) for domain in "AB")

    assert tested(with_test) == ("test", "test")
    assert tested(without) == ("validation", None)
    assert tested(without, "train") == ("validation", "train")
    only_tested = pd.concat([without[without["domain"] == "A"], pd.DataFrame({"domain": ["B"], "split": ["test"]})])
    assert tested(only_tested) == tested(only_tested, "train") == ("validation", None)


VLCS = {"Caltech101": 1415, "LabelMe": 2656, "SUN09": 3282, "VOC2007": 3376}


def parts_of_vlcs(part, **shares):
    """The numbers of images that are trained on, validated on and tested on when the last domain is left out."""
    splits = assign_splits(images({(domain, "x"): number for domain, number in VLCS.items()}), SplitSettings(**shares))
    *sources, target = VLCS
    found = [int((splits["domain"].isin(sources) & (splits["split"] == name)).sum()) for name in ("train", "validation")]
    split, of_target = evaluated_split(splits, target, sources, part), splits[splits["domain"] == target]
    return [*found, len(of_target if split is None else of_target[of_target["split"] == split])]


def test_the_protocols_of_other_authors_on_vlcs():
    domainbed, jigen = {"train": 0.8, "validation": 0.2, "test": 0}, {"train": 0.63, "validation": 0.07, "test": 0.3}
    # DomainBed and DRE hold out int(0.2 n) images of a domain. DomainBed's accuracy is on the rest of the target, DRE's on all.
    held_out = [int(0.2 * number) for number in VLCS.values()]
    kept = [number - held for number, held in zip(VLCS.values(), held_out)]
    assert parts_of_vlcs("train", **domainbed) == pytest.approx([sum(kept[:3]), sum(held_out[:3]), kept[3]], abs=3)
    assert parts_of_vlcs("all", **domainbed) == pytest.approx([sum(kept[:3]), sum(held_out[:3]), 3376], abs=3)
    # The lengths of JiGen's lists of VLCS. A tenth of the training lists validates.
    lists, tested = (991, 1859, 2297), 1013
    validated = sum(int(0.1 * number) for number in lists)
    assert parts_of_vlcs("all", **jigen) == pytest.approx([sum(lists) - validated, validated, tested], abs=3)


def test_every_source_domain_is_tested_alike_and_the_one_left_out_like_any_target():
    def tested(*names, left_out):
        splits = pd.DataFrame([(domain, name) for domain in "ABC" for name in names], columns=["domain", "split"])
        held_out = pd.DataFrame({"domain": ["D"] * 4, "split": "test"})  # never trained on
        sources = [domain for domain in "ABC" if domain != left_out]
        return [evaluated_split(pd.concat([splits, held_out]), domain, sources, "all") for domain in "ABCD"]

    assert tested("train", "validation", "test", left_out="B") == ["test"] * 4
    assert tested("train", "validation", left_out="B") == ["validation", None, "validation", None]
    assert tested("train", "validation", left_out="D") == ["validation", "validation", "validation", None]


def test_images_of_equal_content_share_a_split():
    manifest = images({("A", "x"): 30, ("B", "x"): 30})
    manifest["sha256"] = [str(i % 20) for i in range(60)]  # copies within a domain and across the two
    for seed in range(5):
        result = assign_splits(manifest, SplitSettings(seed=seed)).merge(manifest[["path", "sha256"]])
        assert result.groupby("sha256")["split"].nunique().max() == 1
        assert set(result["split"]) == {"train", "validation", "test"}


def test_paired_images_share_a_split_without_a_pattern():
    manifest = images({("A", "x"): 20, ("B", "x"): 20, ("A", "y"): 20, ("B", "y"): 20})
    result = assign_splits(manifest, DEFAULT, paired=True)
    assert result.groupby(result["path"].str[1:])["split"].nunique().max() == 1
    apart = assign_splits(manifest, DEFAULT)
    assert apart.groupby(apart["path"].str[1:])["split"].nunique().max() > 1


def test_groups_that_hang_together_by_content_are_one():
    paths = [f"A/x/group{n // 2}-{n}.png" for n in range(40)]
    manifest = listing(paths)
    manifest.loc[[1, 2], "sha256"] = "copy"  # of group 0 and of group 1
    result = assign_splits(manifest, DEFAULT, group_pattern=GROUP)
    assert len(set(result["split"][:4])) == 1
