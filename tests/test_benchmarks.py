"""What the benchmarks measure with: right whatever the machine's speed is."""

import math
import re
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from conftest import REPOSITORY
from PIL import Image
from torch import nn

from align.augmentation.settings import AugmentationSettings
from align.configuration.loading import load
from align.configuration.runs import planned_runs
from align.imaging.blur import scaled_blur
from align.imaging.normalisation import normalise, to_unit
from align.models.settings import ClassifierSettings
from align.training.device import processor
from benchmarks.arithmetic import large_operations, operations
from benchmarks.blur import convolved
from benchmarks.concurrent_runs import concurrent_runs, together
from benchmarks.device import measured_device, slug
from benchmarks.dry_run import large_configuration, write_images
from benchmarks.end_to_end import end_to_end, seconds_per_batch
from benchmarks.evaluation import OPTIONS, evaluation
from benchmarks.faithfulness import all_at_once, explained_noise, plain_loop
from benchmarks.plain_loader import plain_batches
from benchmarks.run import COLUMNS, FOLDER, training_in_bfloat16
from benchmarks.saving import saving
from benchmarks.setting import Setting
from benchmarks.timing import interleaved, table, with_goals
from benchmarks.training_steps import BOUNDS, training_steps, variants, with_ratios
from benchmarks.validation import validation
from benchmarks.verdict_power import BASELINES, METRICS, NOISES, former, found_best, rows, scores, summary
from benchmarks.verdict_power import found as found_differences

CPU = torch.device("cpu")
TINY = Setting(ClassifierSettings(architecture="small_resnet", weights=None, widths=(4, 4)), 16, 8, CPU)
UNCHANGED = AugmentationSettings(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0), flip=0.0, jitter=0.0, grey=0.0)


def test_contenders_take_turns_after_a_call_each():
    calls = []
    seconds = interleaved({name: lambda name=name: calls.append(name) for name in "ab"}, rounds=2, repeats=2)
    assert "".join(calls) == "ab" + "aabb" * 2
    assert seconds.keys() == {"a", "b"}


def test_a_row_has_a_contender_s_speed_and_its_ratio_to_the_reference():
    rows = table("what", TINY.columns, 30, {"ours": 2.0, "theirs": 3.0}, "ours").set_index("name")
    assert rows["per_second"].tolist() == [15, 10]
    assert rows["ratio"].tolist() == [1, 1.5]
    assert rows.loc["theirs", ["benchmark", "network", "size", "batch_size", "precision", "compile"]].tolist() == [
        *("what", "small_resnet", 16, 8, "float32", "none")
    ]


def test_a_goal_says_which_column_it_is_of():
    rows = with_goals(pd.DataFrame({"name": ["ours", "theirs"]}), {"theirs": 2.5}, "ratio")
    assert rows["goal"].tolist() == pytest.approx([math.nan, 2.5], nan_ok=True)
    assert rows["goal_of"].isna().tolist() == [True, False]
    assert rows["goal_of"][1] == "ratio"


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
    setting = TINY._replace(
        classifier=ClassifierSettings(architecture="small_resnet", weights=None, widths=(64, 128, 256)), size=32
    )
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


def test_bfloat16_is_measured_where_the_processor_has_it(monkeypatch):
    # Where bfloat16 is only imitated, to measure it would take ten minutes.
    monkeypatch.setattr("benchmarks.run.training", lambda *settings: (pd.DataFrame([own.columns]) for own in settings))
    rows = pd.concat(training_in_bfloat16(TINY, TINY._replace(size=8), native=True))
    assert rows["size"].tolist() == [16, 8]
    assert set(rows["precision"]) == {"bfloat16"}


def test_bfloat16_is_left_out_with_the_reason_where_the_processor_would_imitate_it():
    rows = pd.concat(training_in_bfloat16(TINY, TINY._replace(size=8), native=False))
    assert rows["name"].tolist() == 2 * list(BOUNDS)
    assert rows["size"].tolist() == len(BOUNDS) * [16] + len(BOUNDS) * [8]
    assert rows["seconds"].isna().all()
    assert set(rows["note"]) == {"left out: this processor has no instructions for bfloat16 (avx512_bf16, amx_bf16)"}


def test_a_step_in_bfloat16_is_a_row_of_its_own():
    settings = TINY, TINY._replace(precision="bfloat16")
    rows = with_ratios(pd.concat([training_steps(setting, 1, ("erm", "sgt")) for setting in settings], ignore_index=True))
    assert rows["precision"].tolist() == ["float32"] * 2 + ["bfloat16"] * 2
    assert rows["ratio"][[0, 2]].tolist() == [1, 1]  # to ERM in the same precision


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
    first, again, other = (plain(files[0], AugmentationSettings(), seed) for seed in (0, 0, 1))
    assert all(torch.equal(a.images, b.images) and torch.equal(a.labels, b.labels) for a, b in zip(first, again))
    assert not any(torch.equal(a.images, b.images) for a, b in zip(first, other))


def test_the_second_half_of_a_pass_is_timed():
    stepped = []

    def step(batch):
        stepped.append(batch)
        if batch in "ab":
            time.sleep(0.1)

    assert seconds_per_batch(iter("abcde"), step, 5) < 0.02
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
    values = all_at_once(explained)
    classifier = setting.method("erm").classifier.eval()
    for name, expected in plain_loop(classifier, explained.images, explained.saliency, explained.settings).items():
        torch.testing.assert_close(values[name], torch.tensor(expected), rtol=0, atol=1e-5)


def test_every_timed_call_predicts_everything_anew():
    explained = explained_noise(TINY._replace(batch_size=3))
    predicted = []

    def counted(images):
        predicted.append(len(images))
        return explained.predict(images)

    observed = replace(explained, predict=counted)
    all_at_once(observed)
    once = predicted.copy()
    all_at_once(observed)
    assert once
    assert predicted == 2 * once


def test_evaluation_has_the_embedded_benchmark_s_options_too():
    configured = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())["evaluation"]
    usual, embedded = OPTIONS
    assert OPTIONS[usual] == {}
    assert OPTIONS[embedded] | {"batch_size": 64} == configured


def test_evaluation_is_held_against_its_forward_passes():
    rows = evaluation(TINY._replace(batch_size=64), rounds=1)
    assert rows["benchmark"].tolist() == [benchmark for benchmark in OPTIONS for _ in range(2)]
    whole, passes, *_ = rows["seconds"]
    assert rows["ratio"].tolist()[:2] == [1, passes / whole]
    assert rows["goal"].tolist() == pytest.approx([math.nan, 0.8] * 2, nan_ok=True)
    assert rows["precision"].tolist() == ["float32"] * 4


def test_validation_is_an_epoch_s_images():
    rows = validation(TINY._replace(batch_size=20), rounds=1)
    assert rows["name"].tolist() == ["erm", "align"]
    assert rows["per_second"].tolist() == pytest.approx((20 / rows["seconds"]).tolist())


def test_both_ways_to_blur_give_the_same_images():
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(convolved(images, 21.0), scaled_blur(images, 21.0), rtol=0, atol=1e-5)


def test_runs_are_concurrent():
    for timed in zip(*together(TINY, 2, ("erm", "align"), 0.2)):
        assert max(own.begin for own in timed) < min(own.end for own in timed)
        assert all(own.images >= TINY.batch_size for own in timed)


def test_concurrent_runs_together_make_a_row():
    rows = concurrent_runs(TINY, (2,), ("erm", "align"), 0.2)
    assert rows[["name", "processes"]].to_numpy().tolist() == [["erm", 2], ["align", 2]]
    assert (rows["per_second"] > 0).all()
    assert rows["seconds"].tolist() == pytest.approx((rows["processes"] * TINY.batch_size / rows["per_second"]).tolist())


def test_a_processor_is_measured_on_one_thread():
    assert measured_device(CPU) == f"CPU, {processor()}, one thread"


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


def test_saving_is_a_share_of_the_time():
    rows = saving(TINY, rounds=1)
    assert rows["name"].tolist() == ["erm", "align"]
    assert rows["ratio"].tolist() == pytest.approx((rows["seconds"] / (30 + rows["seconds"])).tolist())
    assert rows["goal"].tolist() == [0.02, 0.02]


def test_simulated_scores_have_the_effects_that_they_are_made_of():
    random, (noise, _) = np.random.default_rng(0), NOISES["images, strong seeds"]
    targets = [scores(random, (0.5, 0.0), 5, 200, noise, 1)[0] for _ in range(300)]
    differences = np.array([ours - theirs for ours, theirs in targets])
    assert differences.mean() == pytest.approx(0.5, abs=0.05)
    assert differences.mean(axis=2).var(axis=1, ddof=1).mean() == pytest.approx(
        2 * (noise.network**2 + noise.rest**2 / 200), rel=0.1
    )
    assert differences.mean(axis=1).var(axis=1).mean() == pytest.approx(2 * (noise.image**2 + noise.rest**2 / 5), rel=0.1)


@pytest.mark.parametrize("name", METRICS)
def test_a_draw_that_takes_each_image_once_has_the_metric_of_all(name):
    found = np.random.default_rng(0).normal(0.5, 1, (3, 40))
    by_seed = METRICS[name].values(found).mean(axis=1)
    assert METRICS[name].draws(found, np.ones((1, 40))) == pytest.approx(by_seed[np.newaxis])


def test_the_former_rule_counts_what_a_network_does_on_one_image_up_to_three_times():
    """With this as the only noise, its variance is a multiple of the true one. So it finds almost nothing where nothing is."""
    noise = NOISES["only the rest"][0]
    by_rule = found_differences(METRICS["continuous"], noise, 5, 60, 0.0, 100)
    assert by_rule["former"] <= 0.02
    counts = [np.random.default_rng(0).multinomial(60, np.full(60, 1 / 60), 250).astype(float)]
    seeds = np.random.default_rng(1).multinomial(5, np.full(5, 1 / 5), 250).astype(float)
    far = scores(np.random.default_rng(2), (2.0, 0.0), 5, 60, noise, 1)
    assert former(METRICS["continuous"], far, counts, seeds).p < 1e-4


def test_the_best_of_all_is_found_by_either_rule_and_never_the_worst():
    noise = NOISES["images"][0]
    assert set(found_best(noise, 3, 60, [-4.0] * BASELINES, 5).values()) == {1.0}
    assert set(found_best(noise, 3, 60, [-4.0] * (BASELINES - 1) + [4.0], 5).values()) == {0.0}


def test_each_metric_and_noise_has_a_row():
    table = pd.DataFrame(rows(2, seeds=(3,), images=20))
    assert len(table) == (len(METRICS) + 1) * len(NOISES)
    assert not table[["comparison", "noise", "seeds"]].duplicated().any()
    assert table.filter(regex="level|power").notna().all(axis=None)


def test_the_summary_has_all_numbers_of_seeds_in_one_cell():
    table = pd.DataFrame([("AUC", "images", 3, 0.051, 0.5), ("AUC", "images", 5, 0.0, 1.0)])
    table.columns = ["comparison", "noise", "seeds", "level_new", "power_new"]
    *_, row = summary(table).split("\n")
    assert row == "| AUC | images | 5.1 / 0.0 | 50 / 100 |"


def test_the_large_dry_run_has_a_configuration_that_can_be_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for dataset in ("first", "second"):
        write_images(tmp_path / dataset)
    assert len(planned_runs(load(large_configuration()))) == 1260
