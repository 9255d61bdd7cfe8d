"""What the benchmarks measure with: right whatever the machine's speed is."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import REPOSITORY
from PIL import Image
from torch import nn

from align.augmentation.pipeline import normalise, to_unit
from align.configuration.schema import Augmentation, Classifier
from align.metrics import METRICS
from align.metrics.evaluate import measure
from align.registry import load
from benchmarks.arithmetic import large_operations, operations
from benchmarks.end_to_end import end_to_end, seconds_per_batch
from benchmarks.faithfulness import MEASURED, explained_noise, plain_loop
from benchmarks.packing import packing
from benchmarks.plain_loader import plain_batches
from benchmarks.run import COLUMNS, FOLDER, slug
from benchmarks.setting import Setting
from benchmarks.timing import interleaved
from benchmarks.training_steps import BOUNDS, training_steps, variants, with_ratios

CPU = torch.device("cpu")
TINY = Setting(Classifier(architecture="small_resnet", weights=None, widths=(4, 4)), 16, 8, CPU)
UNCHANGED = Augmentation(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0), flip=0.0, jitter=0.0, grey=0.0)


def test_contenders_take_turns_after_a_call_each():
    calls = []
    seconds = interleaved({name: lambda name=name: calls.append(name) for name in "ab"}, rounds=2, repeats=2)
    assert "".join(calls) == "ab" + "aabb" * 2
    assert seconds.keys() == {"a", "b"}


def test_ratios_are_to_erm_of_the_same_configuration():
    rows = pd.DataFrame([("erm", 32, 2.0), ("align", 32, 6.0), ("align", 128, 9.0)], columns=["name", "batch_size", "seconds"])
    rows = rows.assign(network="resnet18", size=224, precision="float32", compile="none")
    assert with_ratios(rows)["ratio"].tolist() == pytest.approx([1, 3, float("nan")], nan_ok=True)


def test_operations_are_those_of_a_hand_count():
    convolution = nn.Conv2d(3, 4, 3, padding=1, bias=False)
    images = torch.zeros(2, 3, 8, 8)
    forward = 2 * (2 * 8 * 8) * 4 * (3 * 3 * 3)  # a multiplication and an addition for each weight of each output
    assert operations(lambda: convolution(images)) == forward
    assert operations(lambda: convolution(images).sum().backward()) == 2 * forward  # the images need no gradient
    product = large_operations(TINY)["matrix product"]
    assert operations(product) == 2 * 1024**3


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds_are_what_counting_operations_gives(name):
    # Wide, so that a masker is small beside it; ERM's first layer, which has no gradient to its input, makes the difference.
    setting = TINY._replace(classifier=Classifier(architecture="small_resnet", weights=None, widths=(64, 128, 256)), size=32)
    count = {method: operations_of(setting, method) for method in ("erm", name)}
    least = 0.98 * BOUNDS[name]
    assert least <= count[name] / count["erm"] < 1.25 * BOUNDS[name]


def operations_of(setting, name):
    method, batch = setting.method(name), setting.batch()
    return operations(lambda: method.step(batch))


def test_training_steps_say_what_they_stand_for():
    rows = training_steps(TINY, rounds=1, names=("erm", "align"))
    assert rows["name"].tolist() == ["erm", "align"]
    (configuration,) = rows[["network", "size", "batch_size", "precision", "compile"]].drop_duplicates().to_numpy().tolist()
    assert configuration == ["small_resnet", 16, 8, "float32", "none"]
    assert rows["per_second"].tolist() == pytest.approx((8 / rows["seconds"]).tolist())
    assert rows["share_of_bound"].between(0, 1, inclusive="neither").all()
    assert rows["peak_memory_bytes"].isna().all()


def test_a_variant_that_fails_is_a_row_that_says_why():
    rows = variants([TINY, TINY._replace(compile="no-such-mode")], 1, ("erm",), budget=600)
    assert rows["compile"].tolist() == ["none", "no-such-mode"]
    assert rows["seconds"].notna().tolist() == [True, False]
    assert pd.isna(rows["note"][0])
    assert "no-such-mode" in rows["note"][1]


def test_variants_beyond_the_budget_are_rows_without_a_measurement():
    rows = variants([TINY], 1, ("erm", "align"), budget=-1)
    assert rows["note"].str.contains("not measured").all()
    assert len(rows) == 2


@pytest.fixture
def files(tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (10, 16, 16, 3), dtype=np.uint8)
    paths = [tmp_path / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images):
        Image.fromarray(image).save(path)
    return paths, images


def plain(paths, augmentation, seed=0, workers=2):
    generator = torch.Generator().manual_seed(seed)
    return list(plain_batches(paths, range(len(paths)), 16, 4, augmentation, workers, generator, CPU))


def test_the_plain_loader_yields_what_packed_images_are_without_augmentation(files):
    paths, images = files
    expected = normalise(to_unit(torch.from_numpy(images)))
    batches = plain(paths, UNCHANGED)
    for batch in batches:
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(batch.images, expected[batch.labels], rtol=0, atol=1e-5)
    seen = torch.cat([batch.labels for batch in batches]).tolist()
    assert len(seen) == len(set(seen)) == 8  # the last two images would not fill a batch


def test_the_plain_loader_is_random_by_its_seed(files):
    first, again, other = (plain(files[0], Augmentation(), seed) for seed in (0, 0, 1))
    assert all(torch.equal(a.images, b.images) and torch.equal(a.labels, b.labels) for a, b in zip(first, again))
    assert not any(torch.equal(a.images, b.images) for a, b in zip(first, other))


def test_the_second_half_of_a_pass_is_timed():
    stepped = []
    assert seconds_per_batch(iter("abcde"), stepped.append, 5) >= 0
    assert "".join(stepped) == "abcde"


def test_end_to_end_has_both_loaders_and_the_share_of_the_data():
    rows = end_to_end(TINY, 20, 20, batches=2, rounds=1)
    assert list(rows[["benchmark", "name", "loader"]].itertuples(index=False, name=None)) == [
        *(("end to end", name, loader) for loader in ("packed", "plain") for name in ("erm", "align")),
        *(("data side", name, "packed") for name in ("erm", "align")),
    ]
    (erm, align), (data, _) = rows["seconds"][:2], rows["seconds"][4:]
    assert rows["ratio"][4:].tolist() == pytest.approx([data / erm, data / align])
    assert rows["ratio"][:2].tolist() == [1, 1]


def test_the_plain_loop_gives_the_library_s_faithfulness():
    setting = TINY._replace(batch_size=3)
    explained = explained_noise(setting)
    values = measure(explained, [load(METRICS[name].implementation) for name in MEASURED])
    classifier = setting.method("erm").classifier.eval()
    for name, expected in plain_loop(classifier, explained.images, explained.saliency, explained.settings).items():
        torch.testing.assert_close(values[name], torch.tensor(expected), rtol=0, atol=1e-5)


def test_processes_train_at_once():
    rows = packing(TINY, (2,), ("erm", "align"), 0.2)
    assert rows[["name", "processes"]].to_numpy().tolist() == [["erm", 2], ["align", 2]]
    assert (rows["per_second"] > 0).all()
    assert rows["seconds"].tolist() == pytest.approx((rows["processes"] * TINY.batch_size / rows["per_second"]).tolist())


@pytest.mark.parametrize(
    ("name", "expected"), [("NVIDIA H200", "nvidia-h200"), ("NVIDIA H100 80GB HBM3", "nvidia-h100-80gb-hbm3")]
)
def test_a_device_s_name_becomes_a_path(name, expected):
    assert slug(name) == expected


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_its_benchmark_is_one_clear_line():
    command = [sys.executable, "-m", "benchmarks.run", "cuda"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(r"make bench-gpu: found no GPU .* `make bench` .*\n", done.stderr)


def test_measurements_in_the_repository_have_the_columns_of_today():
    for path in (REPOSITORY / FOLDER).glob("*.csv"):
        table = pd.read_csv(path)
        assert table.columns.tolist() == list(COLUMNS)
        (device,) = table["device"].unique()
        assert path.stem == ("cpu" if device.startswith("CPU") else slug(device))
