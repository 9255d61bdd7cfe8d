"""Which settings the path of a file depends on: those that change its content, and no others."""

import pytest
import yaml
from conftest import REPOSITORY

from align import paths
from align.configuration.loading import load
from align.configuration.places import KEYS, Places
from align.configuration.run import Run
from align.errors import InputError

TINY = yaml.safe_load((REPOSITORY / "config/tiny.yaml").read_text())
ERM, ALIGN, GIVEN, TAUGHT = (
    Run("tiny_scenes", "single_source", "china", method, 0)
    for method in ("erm", "align", "masked_erm", "masked_erm-mask=learned")
)
OTHER_MASKS = [{**truth, "unknown": 255} for truth in TINY["datasets"]["tiny_scenes"]["ground_truth"]]
RUNS = {"erm": ERM, "align": ALIGN, "masked_erm": GIVEN, "masked_erm-mask=learned": TAUGHT}

MASKS = [{"kind": "masks", "folder": "data/elsewhere/masks"}]
ELSEWHERE = {"datasets": {"tiny_scenes": TINY["datasets"]["tiny_scenes"] | {"root": "data/elsewhere", "ground_truth": MASKS}}}
MOVED = {"listing", "truth", "training", "evaluation"}


def places(**sections):
    content = dict(TINY)
    for name, values in sections.items():
        content[name] = {**content.get(name, {}), **values} if isinstance(values, dict) else values
    return Places(load(content))


def of_dataset(**values):
    return {"datasets": {"tiny_scenes": TINY["datasets"]["tiny_scenes"] | values}}


def keys(made, run):
    return {key: values[0] for key, values in made.keys([run]).items()}


def changed(run, **sections):
    """Return the keys that differ in the paths of ``run`` when the configuration has other ``sections``."""
    before, after = keys(places(), run), keys(places(**sections), run)
    return {key for key in KEYS if before[key] != after[key]}


@pytest.mark.parametrize(
    ("sections", "shared", "given", "taught"),
    [
        ({"training": {"learning_rate": 0.5}}, {"training"}, {"training"}, {"training"}),
        ({"augmentation": {"flip": 0.1}}, {"training"}, {"training"}, {"training"}),
        ({"splits": {"seed": 7}}, {"split", "training"}, {"split", "training"}, {"split", "training"}),
        ({"evaluation": {"curve_steps": 5}}, {"evaluation"}, {"evaluation"}, {"evaluation"}),
        (of_dataset(image_size=24), {"images", "training"}, {"images", "training"}, {"images", "training"}),
        (ELSEWHERE, MOVED, MOVED, MOVED),
        (
            of_dataset(ground_truth=OTHER_MASKS),
            {"truth", "evaluation"},
            {"truth", "evaluation", "training"},
            {"truth", "evaluation"},
        ),
        ({"methods": {"align": {"lambda1": 0.7}}}, set(), set(), {"training"}),
        ({"device": "cuda", "engine": {"save_every": 9}, "case_studies": {"images": 1}}, set(), set(), set()),
        ({"segment_anything": {"points_per_batch": 3}}, set(), set(), set()),
        ({"results": "another"}, set(), set(), set()),
        (of_dataset(allow_partial=True), set(), set(), set()),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, dict) else "",
)
def test_a_setting_changes_the_keys_of_what_depends_on_it(sections, shared, given, taught):
    assert [changed(run, **sections) for run in (ERM, GIVEN, TAUGHT)] == [shared, given, taught]


def test_a_hyper_parameter_changes_the_runs_of_its_method_alone():
    sections = {"methods": {"align": {"lambda3": 0.7}}}
    assert changed(ALIGN, **sections) == {"training"}
    assert changed(ERM, **sections) == set()


def test_runs_with_the_same_settings_share_their_key():
    made = places()
    assert keys(made, ERM) == keys(made, ERM._replace(seed=8, domain="stripes"))
    assert len({keys(made, run)["training"] for run in RUNS.values()}) == len(RUNS)


def test_where_an_archive_comes_from_does_not_count():
    vlcs = yaml.safe_load((REPOSITORY / "config/paper.yaml").read_text())["datasets"]["VLCS"]
    content = TINY | {"datasets": TINY["datasets"] | {"VLCS": vlcs}}
    elsewhere = vlcs | {"source": {"vlcs": {"images": {"archive": "/scratch/mine.tar.gz", "sha256": "0" * 64}}}}
    other = content | {"datasets": content["datasets"] | {"VLCS": elsewhere}}
    first, second = (Places(load(each)).dataset(paths.SPLITS, "VLCS") for each in (content, other))
    assert first == second


def test_names_with_braces_are_refused():
    with pytest.raises(InputError, match=r"datasets: found braces in a \{b\}, which stand for wildcards in Snakemake; rename it"):
        places(datasets={**TINY["datasets"], "a {b}": TINY["datasets"]["tiny_scenes"]})
