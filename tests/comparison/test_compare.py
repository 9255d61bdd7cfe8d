"""`align compare`, on two folders of made-up results whose differences are worked out by hand."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from align.commands.app import main
from align.comparison.numbers import paired_numbers
from align.comparison.origins import Difference, origins_that_differ, settings_that_differ
from align.comparison.report import compare
from align.comparison.results import read_folder
from align.errors import InputError

IMAGES, SEEDS = 30, (0, 1, 2)
CONFIGURATION = {"training": {"epochs": 3, "precision": "float32"}, "seeds": [0, 1]}
DATA = "results/data/d/1a2b/16px-crop/a.npy"


def images_of(target, seed, shift, paths=None):
    """Made-up results of one run on one target: the value of an image depends on the image, the seed and ``shift``."""
    random = np.random.default_rng([seed, target == "b"])
    paths = [f"{target}/{i}.png" for i in range(IMAGES)] if paths is None else paths
    values = np.linspace(0, 1, len(paths)) + 0.1 * seed + 0.01 * random.standard_normal(len(paths)) + shift
    labels = np.arange(len(paths)) % 2
    columns = {"target_domain": target, "path": paths, "class": np.where(labels, "x", "y"), "accuracy": labels.astype(float)}
    return pd.DataFrame(columns | {"p:x": 0.5, "p:y": 0.5, "sufficiency": values})


def write_results(
    folder,
    shift=0.0,
    seeds=SEEDS,
    methods=("erm", "align"),
    configuration=CONFIGURATION,
    paths=None,
    keys=("1111", "2222"),
    **account,
):
    """Write ``results/<name>``, with an evaluation of other settings beside each that counts."""
    results, rows = folder.parent, []
    for method in methods:
        for seed in seeds:
            run = f"d/single_source/a/{method}/seed{seed}"
            for key, moved in ((keys[0], shift), ("0000", shift + 5)):
                evaluation = results / "evaluations" / run / key / keys[1]
                evaluation.mkdir(parents=True, exist_ok=True)
                images = pd.concat([images_of(target, seed, moved, paths) for target in "ab"])
                images.to_csv(evaluation / "images.csv.gz", index=False)
                long = images.melt("target_domain", ["accuracy", "sufficiency"], "metric", "value")
                means = long.groupby(["target_domain", "metric"], as_index=False)["value"].agg(value="mean", n="size")
                means.to_csv(evaluation / "metrics.csv", index=False)
                trained = results / "runs" / run / key
                trained.mkdir(parents=True, exist_ok=True)
                origin = {"hashes": {"code": "c1", "data": {DATA: "f" * 64}}, "git_revision": None, "device": "a CPU"}
                origin |= {"precision": "float32", "versions": {"torch": "2.15"}}
                (trained / "run.json").write_text(json.dumps(origin | account))
                if key == keys[0]:
                    own = pd.read_csv(evaluation / "metrics.csv")
                    distribution = own["target_domain"].map({"a": "in", "b": "out"})
                    rows.append(
                        own.assign(
                            study="comparison", dataset="d", protocol="single_source", method=method, source_domain="a",
                            distribution=distribution, seed=seed,
                        )
                    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    pd.concat(rows).to_csv(folder / "metrics.csv", index=False)
    (folder / "configuration.yaml").write_text(yaml.safe_dump(configuration))
    return folder


def test_numbers_are_paired_by_image_and_seed(tmp_path):
    first = write_results(tmp_path / "one/results/mine")
    second = write_results(tmp_path / "two/results/mine", shift=0.25, seeds=(1, 2, 3), methods=("align", "dre"))
    numbers = paired_numbers(read_folder(first), read_folder(second))
    assert set(numbers["method"]) == {"align"}  # the only one in both
    rows = numbers[numbers["metric"] == "sufficiency"].set_index("distribution")
    assert list(rows["seeds"]) == [2, 2]  # 1 and 2
    assert list(rows["images"]) == [IMAGES, IMAGES]
    for distribution, target in (("in", "a"), ("out", "b")):
        expected = np.mean([images_of(target, seed, 0)["sufficiency"].mean() for seed in (1, 2)])
        assert rows.loc[distribution, "first"] == pytest.approx(expected)
        # The images and seeds have the same draws in both, so that nothing but the shift is left.
        assert rows.loc[distribution, ["difference", "low", "high"]].tolist() == pytest.approx([0.25] * 3)
        assert rows.loc[distribution, "p"] == 0
    assert numbers[numbers["metric"] == "accuracy"]["difference"].tolist() == [0, 0]


def test_results_with_themselves_do_not_differ(tmp_path):
    folder = write_results(tmp_path / "results/mine")
    text, numbers = compare(folder, folder, everything=True)
    assert "Settings: the same" in text
    assert "Code, data, versions and devices: the same" in text
    assert (numbers["difference"] == 0).all()
    assert (numbers["p"] == 1).all()
    assert " *" not in text.partition("Numbers")[2].partition("\n")[2].partition("The difference is")[0]


def test_settings_and_origins_that_differ_are_named(tmp_path):
    first = read_folder(write_results(tmp_path / "one/results/mine"))
    changed = {"training": {"epochs": 4, "precision": "float32"}, "seeds": [0, 1], "new": {}}
    second = read_folder(
        write_results(
            tmp_path / "two/results/mine",
            configuration=changed,
            hashes={"code": "c2", "data": {DATA: "e" * 64}},
            versions={"torch": "2.15", "numpy": "2.4"},
        )
    )
    assert settings_that_differ(first, second) == [Difference("training.epochs", "3", "4"), Difference("new", "–", "{}")]
    assert origins_that_differ(first, second) == [
        Difference("code", "c1", "c2"),
        Difference("data of d, a.npy", "f" * 16, "e" * 16),
        Difference("numpy", "–", "2.4"),
    ]


def test_a_run_of_an_older_version_has_unknown_origins(tmp_path):
    present = read_folder(write_results(tmp_path / "one/results/mine"))
    older = write_results(tmp_path / "two/results/mine")
    for account in (tmp_path / "two/results/runs").rglob("run.json"):
        account.write_text("{}")
    found = {difference.what: difference[1:] for difference in origins_that_differ(present, read_folder(older))}
    assert found["code"] == ("c1", "unknown")
    assert found["precision"] == ("float32", "unknown")
    assert found["torch"] == ("2.15", "–")


def test_two_configurations_of_one_folder_find_their_own_evaluations(tmp_path):
    first = write_results(tmp_path / "results/one", keys=("1111", "2222"))
    second = write_results(tmp_path / "results/two", shift=0.5, keys=("3333", "2222"))
    numbers = paired_numbers(read_folder(first), read_folder(second))
    assert numbers[numbers["metric"] == "sufficiency"]["difference"].tolist() == pytest.approx([0.5] * 4)


def test_other_test_images_are_refused(tmp_path):
    first = write_results(tmp_path / "one/results/mine")
    second = write_results(tmp_path / "two/results/mine", paths=[f"other/{i}.png" for i in range(IMAGES)])
    with pytest.raises(InputError, match="found other test images of second, seed 0"):
        compare(first, second, everything=False)


def test_three_seeds_are_marked_and_two_are_not(tmp_path):
    for seeds, marked in (((0, 1, 2), True), ((0, 1), False)):
        first = write_results(tmp_path / f"{len(seeds)}/one/results/mine", seeds=seeds)
        second = write_results(tmp_path / f"{len(seeds)}/two/results/mine", shift=0.25, seeds=seeds)
        text, _ = compare(first, second, everything=False)
        line = next(line for line in text.splitlines() if "Sufficiency" in line)
        assert "0.250 [0.250, 0.250]" in line
        assert line.endswith("*") == marked


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: (folder / "metrics.csv").unlink(), "found no metrics.csv"),
        (lambda folder: (folder / "configuration.yaml").unlink(), "found no configuration.yaml"),
        (lambda folder: (folder / "configuration.yaml").write_text("a: [b"), "found no readable YAML"),
        (lambda folder: (folder / "metrics.csv").write_bytes(b"\0\0"), "metrics.csv: found"),
        (
            lambda folder: next((folder.parent / "evaluations").glob("**/1111/*/metrics.csv")).unlink(),
            "found no evaluation with the numbers of",
        ),
    ],
)
def test_a_broken_folder_is_one_clear_error(tmp_path, monkeypatch, capsys, break_it, message):
    folder = write_results(tmp_path / "results/mine")
    break_it(folder)
    monkeypatch.setattr(sys, "argv", ["align", "compare", str(folder), str(folder)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_the_program_writes_the_table_and_prints_the_text(tmp_path, monkeypatch, capsys):
    first = write_results(tmp_path / "one/results/mine")
    second = write_results(tmp_path / "two/results/mine", shift=0.25)
    out = tmp_path / "numbers.csv"
    monkeypatch.setattr(sys, "argv", ["align", "compare", str(first), str(second), "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert len(pd.read_csv(out)) == 2 * 2 * 3  # methods, distributions; accuracy, ROC AUC and sufficiency
    assert "Numbers (* p < 0.05):" in capsys.readouterr().out
