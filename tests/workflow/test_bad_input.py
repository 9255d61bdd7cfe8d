"""Bad input to the real command gives one clear message and an exit code, and leaves no partial file."""

import os
import pickle
import shutil

import numpy as np
import pytest
import torch
import yaml
from conftest import PHOTOGRAPHS, copy_workflow, fails, only, run_snakemake, write_images
from PIL import Image
from torchvision.models import resnet18

EXIF_ORIENTATION = 0x0112
RESNET18 = {"architecture": "resnet18", "weights": "weights.pth"}


@pytest.fixture
def folder(tmp_path):
    """Return a working directory with a folder of images and a configuration that uses it."""
    folder = copy_workflow(tmp_path / "workflow")
    write_images(folder / "photographs")
    configure(folder)
    return folder


def configure(folder, **sections):
    content = yaml.safe_load(PHOTOGRAPHS)
    for name, values in sections.items():
        content[name] = {**content.get(name, {}), **values} if isinstance(values, dict) else values
    (folder / "my.yaml").write_text(yaml.safe_dump(content))


def refused(folder, target, *expected):
    """Assert that the command fails with a message that has each expected part once, and return the new outputs."""
    before = outputs(folder)
    said = fails(folder, target, "--configfile", "my.yaml")
    assert 'File "' not in said
    for part in expected:
        assert said.count(part) == 1, f"{part!r} not once in:\n{said}"
    return outputs(folder) - before


def outputs(folder):
    """Return the declared outputs below results/: all files but logs, benchmarks, checksums and states of training."""
    files = {path.relative_to(folder).as_posix() for path in (folder / "results").rglob("*") if path.is_file()}
    undeclared = tuple(f"results/{name}" for name in ("logs/", "benchmarks/", "checksums/", "state/", "my/configuration.yaml"))
    return {path for path in files if not path.startswith(undeclared)}


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"training": {"epoch": 3}}, "training.epoch: unknown key; did you mean 'epochs'?"),
        ({"training": {"epochs": "many"}}, "training.epochs: found 'many'; input should be a valid integer"),
        (
            {"experiments": {"one": {"dataset": "photographs", "methods": ["algin"]}}},
            "unknown method in experiments.one 'algin': did you mean 'align'?",
        ),
        ({"evaluation": {"metrics": ["acuracy"]}}, "unknown metric 'acuracy': did you mean 'accuracy'?"),
        ({"experiments": {"one": {"dataset": "photograph"}}}, "'photograph': did you mean 'photographs'?"),
        (
            {"datasets": {"photographs": {"root": "photos"}}},
            "photos: found no such folder, expected <domain>/<class>/<image> in it; correct `root:`",
        ),
    ],
    ids=["key", "type", "method", "metric", "dataset", "root"],
)
def test_a_configuration_that_cannot_be_used(folder, sections, expected):
    configure(folder, **sections)
    assert refused(folder, "data", "my.yaml cannot be used:\n  ", expected) == set()
    assert not (folder / "results").exists()


def test_a_configuration_without_what_has_no_default(folder):
    (folder / "my.yaml").write_text("device: cpu\n")
    assert refused(folder, "data", "my.yaml cannot be used:", "datasets: missing", "experiments: missing") == set()


def test_a_domain_without_one_of_the_classes(folder):
    for image in (folder / "photographs/rome/dog").iterdir():
        image.unlink()
    expected = ["photographs: expected images of every class (cat, dog)", "domain 'rome': found no images in dog/", "add images"]
    assert refused(folder, "data", *expected) == set()


def test_too_few_images_of_a_class_to_split(folder):
    for number in (2, 3, 4):
        (folder / f"photographs/rome/dog/{number}.png").unlink()
    expected = ["found too few images", "expected at least 3 to split:\n  rome/dog: 2\n  add images"]
    made = (
        "manifest.csv",
        "perceptual_hashes.csv",
        "passed_over.csv",
        "listed.txt",
        "counts.csv",
        "duplicates.csv",
        "acquisition.json",
    )
    new = refused(folder, "splits", *expected)
    listing = only(folder, "results/data/photographs/*").relative_to(folder)
    assert new == {f"{listing}/{name}" for name in made}


def test_images_that_cannot_be_read(folder):
    truncated, text = folder / "photographs/rome/cat/1.png", folder / "photographs/paris/dog/2.jpg"
    truncated.write_bytes(truncated.read_bytes()[:300])
    text.write_text("not an image")
    tiny = folder / "photographs/paris/dog/3.png"
    Image.new("RGB", (1, 1)).save(tiny)
    expected = [
        "photographs: found 3 images that cannot be used:",
        "photographs/rome/cat/1.png: found no whole image",
    ]
    expected += ["photographs/paris/dog/2.jpg: found no whole image", "photographs/paris/dog/3.png: found 1×1 pixels"]
    assert refused(folder, "data", *expected) == set()


def test_images_of_other_kinds_are_converted(folder):
    """16 bits are scaled, grey becomes RGB, and images that a camera recorded turned are upright."""
    cat = folder / "photographs/paris/cat"
    Image.fromarray(np.full((20, 20), 0x8080, np.uint16)).save(cat / "0.png")
    Image.new("L", (20, 20), 7).save(cat / "1.png")
    turned = np.zeros((20, 20, 3), np.uint8)
    turned[:10] = 255
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6  # to be turned by a quarter, clockwise
    Image.fromarray(turned).save(cat / "2.png", exif=exif)
    done = run_snakemake(folder, "data", "--configfile", "my.yaml")
    assert done.returncode == 0, done.stderr
    sixteen, grey, upright = np.load(only(folder, "results/data/photographs/*/*/paris.npy"))[:3]
    assert (sixteen == 0x80).all()
    assert (grey == 7).all()
    assert (upright[:, -4:] == 255).all()
    assert (upright[:, :4] == 0).all()


class RunsCode:
    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.fixture
def with_data(photographs_data, tmp_path):
    return shutil.copytree(photographs_data, tmp_path / "workflow")


@pytest.mark.parametrize("kind", ["absent", "not a state dict", "malicious", "not finite"])
def test_weights_that_cannot_be_used(folder, kind):
    """They are refused before the first job, so no data are prepared for nothing."""
    weights = folder / "weights.pth"
    if kind == "not a state dict":
        torch.save([1, 2], weights)
        expected = "weights.pth: found list, expected a state dict"
    elif kind == "malicious":
        weights.write_bytes(pickle.dumps(RunsCode()))
        expected = "weights.pth: cannot be read as tensors only, so it is not read at all"
    elif kind == "not finite":
        torch.save(resnet18().state_dict() | {"layer2.0.bn1.bias": torch.full((128,), float("nan"))}, weights)
        expected = "weights.pth: found values that are NaN or infinite in layer2.0.bn1.bias, expected finite numbers"
    else:
        expected = "classifier.weights: found no file weights.pth; correct the path in the configuration"
    configure(folder, classifier=RESNET18)
    assert refused(folder, "train", expected) == set()
    assert not (folder / "executed").exists()


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ("weight.pth", "found no file weight.pth; correct the path in the configuration (did you mean 'weights.pth'?)"),
        ("imagenet", "'imagenet' is neither a file nor torchvision weights of ResNet-18 (such as IMAGENET1K_V1); did you mean"),
        ("weights.pth", "weights.pth: cannot be read as tensors only, so it is not read at all (it is empty)"),
    ],
)
def test_a_dry_run_sees_that_there_are_no_weights(folder, weights, expected):
    (folder / "weights.pth").touch()
    configure(folder, classifier={"architecture": "resnet18", "weights": weights})
    done = run_snakemake(folder, "train", "--dry-run", "--configfile", "my.yaml")
    assert done.returncode == 1
    assert (done.stdout + done.stderr).count(expected) == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_a_loss_that_is_not_finite(with_data):
    configure(with_data, training={"epochs": 3, "learning_rate": 1e30})
    expected = ["epoch 1 (train): classification is", "expected a finite number; lower training.learning_rate"]
    assert refused(with_data, "train", *expected) == set()
