"""Ground truth in the real workflow: what is told before the first job, left out, packed, counted and shown."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PHOTOGRAPHS, copy_workflow, fails, only, run_snakemake, succeeds, write_images
from PIL import Image

TRUTH = [{"kind": "masks", "folder": "masks"}]
METHODS = ["erm", {"masked_erm": {"mask": "ground_truth"}}, {"align": {"masker": "ground_truth"}}]


@pytest.fixture
def folder(tmp_path):
    """Return a working directory with photographs of two domains, and masks of all but one image of rome."""
    folder = copy_workflow(tmp_path / "workflow")
    write_images(folder / "photographs")
    for image in sorted((folder / "photographs/rome").glob("*/*"))[1:]:
        path = folder / "masks" / image.relative_to(folder / "photographs").with_name(f"{image.stem}_mask.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.pad(np.full((10, 10), 255, np.uint8), 5)).save(path)
    configure(folder)
    return folder


def configure(folder, *methods, truth=TRUTH, domains=("paris", "rome")):
    content = yaml.safe_load(PHOTOGRAPHS)
    content["datasets"]["photographs"]["ground_truth"] = truth
    content["experiments"]["one"] |= {"domains": list(domains), "methods": list(methods) or METHODS}
    (folder / "my.yaml").write_text(yaml.safe_dump(content))


def test_masks_of_one_domain_only(folder):
    tables = [f"results/my/tables/{name}" for name in ("data.md", "data.csv", "runs.md")]
    done = run_snakemake(folder, *tables, "--configfile", "my.yaml")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    for variant in ("masked_erm", "align-masker=ground_truth"):
        assert f"left out: {variant} on photographs: it is given true masks, and no image of paris has one\n" in said

    runs = folder / "results/runs/photographs/single_source"
    assert sorted(path.name for path in (runs / "paris").iterdir()) == ["erm"]
    accounts = {path.parents[2].name: json.loads(path.read_text()) for path in (runs / "rome").glob("*/*/*/run.json")}
    assert accounts.keys() == {"erm", "masked_erm", "align-masker=ground_truth"}
    splits = pd.read_csv(only(folder, "results/data/photographs/*/splits-*.csv")).query("domain == 'rome' and split == 'train'")
    with_mask = len(splits) - splits["path"].eq("rome/cat/0.png").sum()
    for name, account in accounts.items():
        assert account["training_images"] == len(splits)
        assert account["training_images_with_masks"] == (None if name == "erm" else with_mask)
        masks = only(folder, "results/data/photographs/*/*/masks-*/rome.npy").relative_to(folder)
        assert (str(masks) in account["hashes"]["data"]) == (name != "erm")  # a changed mask trains nobody who is given none
    log = only(folder, "results/logs/train/photographs/single_source/rome/masked_erm/seed0/*.log").read_text()
    assert f"{with_mask} of {len(splits)} training images have a given mask" in log
    note = f"ERM on masked images, trained on rome: {with_mask} of {len(splits)} training images had a mask."
    assert (note in (folder / "results/my/tables/runs.md").read_text()) == (with_mask < len(splits))

    table = (folder / "results/my/tables/data.md").read_text()
    assert "| paris | 10 | 0 | 0 | 0 | 0 |  |\n| rome | 10 | 9 | 9 | 0 | 9 | 25.0 |" in table
    assert pd.read_csv(folder / "results/my/tables/data.csv")["images_with_mask"].tolist()[:2] == [0, 9]
    assert np.load(only(folder, "results/data/photographs/*/*/masks-*/rome.npy")).shape == (10, 16, 16)
    assert np.load(only(folder, "results/data/photographs/*/*/masks-*/paris.npy")).shape == (0, 16, 16)


def test_a_domain_named_as_the_masks_of_another_keeps_its_images(folder):
    (folder / "photographs/paris").rename(folder / "photographs/rome.masks")
    configure(folder, "erm", domains=["rome"])
    assert "say so with `domains: [rome, rome.masks]`" in refused(folder, "data")  # it looks like a folder of masks
    content = yaml.safe_load((folder / "my.yaml").read_text())
    content["datasets"]["photographs"]["domains"] = ["rome", "rome.masks"]
    (folder / "my.yaml").write_text(yaml.safe_dump(content))
    succeeds(folder, "data", "--configfile", "my.yaml")
    packed = only(folder, "results/data/photographs/*/16px-crop")
    assert {path.relative_to(packed).name: np.load(path).shape for path in packed.glob("*.npy")} == {
        "rome.npy": (10, 16, 16, 3),
        "rome.masks.npy": (10, 16, 16, 3),
    }
    assert {path.name: len(np.load(path)) for path in packed.glob("masks-*/*.npy")} == {"rome.npy": 10, "rome.masks.npy": 0}


def refused(folder, target, *arguments):
    return fails(folder, target, "--configfile", "my.yaml", *arguments)


def test_what_names_tell_is_told_by_a_dry_run(folder):
    (folder / "others/rome/cat").mkdir(parents=True)
    (folder / "others/rome/cat/0_object.png").touch()
    configure(folder, truth=[{"kind": "masks", "folder": "others"}])
    said = refused(folder, "data", "--dry-run")
    assert said.count("found no file with the name of an image, but 1 files in others such as 'rome/cat/0_object.png'") == 1
    configure(folder, *METHODS[1:], truth=[])
    said = refused(folder, "data", "--dry-run")
    assert "found no run that is possible (masked_erm on photographs: the data set has no ground truth" in said


def test_masks_that_cannot_be_used_stop_the_job_with_their_names(folder):
    for path in (folder / "masks").glob("*/*/*"):
        Image.new("L", (20, 20), 7).save(path)
    configure(folder, "erm")
    said = refused(folder, "data")
    assert said.count("found 9 files in masks for images of rome, none of which can be used") == 1
    assert "its object covers the whole picture: 9, such as rome/cat/1_mask.png: found 7 (100.0%)" in said
    assert not [path for path in folder.glob("results/data/photographs/*/*/masks-*/*") if "rome" in path.name]


def test_a_data_set_without_ground_truth_has_no_masks(folder):
    configure(folder, "erm", truth=[])
    done = run_snakemake(folder, "evaluate", "--dry-run", "--configfile", "my.yaml")
    assert done.returncode == 0, done.stderr
    assert "pack_ground_truth" not in done.stdout
