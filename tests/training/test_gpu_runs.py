"""Whole runs on a GPU: interrupted, streamed, compiled and evaluated. Without a GPU they are skipped."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import needs_gpu
from small_runs import CPU, HYPER_PARAMETERS, SMALL_MASKER, VALIDATION_SPLIT, VIEW, run_settings, trained_run

from align.attribution import ATTRIBUTIONS
from align.methods import METHODS
from align.metrics import METRICS
from align.metrics.evaluate import measure, measurements
from align.metrics.explain import explain
from align.metrics.settings import EvaluationSettings
from align.registry import load
from align.training.run import restore, write_run
from align.training.settings import EngineSettings

pytestmark = needs_gpu
GPU = torch.device("cuda")


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """Compute in float32 without TF32. The number of the masker's steps is fixed, so that rounding does not change it."""
    for name in ("align", "align-plus"):
        monkeypatch.setitem(HYPER_PARAMETERS, name, SMALL_MASKER | {"masker_steps_at_most": SMALL_MASKER["masker_steps"]})
    with torch.backends.cudnn.flags(allow_tf32=False):
        yield


def assert_alike(found, expected):
    """Check that two histories have the same rows. Values of a loss may differ by a little, and an image may change its side."""
    assert [row[:3] for row in found.history.rows] == [row[:3] for row in expected.history.rows]
    values = [[row[3] for row in trained.history.rows] for trained in (found, expected)]
    np.testing.assert_allclose(*values, rtol=0.05, atol=0.12)


def random_numbers(state):
    return [state["batches"]["generator"], state["batches"]["pass_start"], state["method"]["generator"]]


@pytest.mark.parametrize("method", METHODS)
def test_a_run_that_goes_on_draws_the_random_numbers_of_the_whole_run(method, tmp_path):
    done = 4

    def stop(current):
        states.append(random_numbers(current()))
        if len(states) == done:
            torch.save(current(), tmp_path / "state.pt")
            raise KeyboardInterrupt

    states = []
    whole, account = trained_run(method, device=GPU, precision="float32", after_step=lambda c: states.append(random_numbers(c())))
    assert account["device"] == torch.cuda.get_device_name()
    expected, states = states, []
    with pytest.raises(KeyboardInterrupt):
        trained_run(method, device=GPU, precision="float32", after_step=stop)
    saved = torch.load(tmp_path / "state.pt", map_location="cpu", weights_only=True)
    parts, _ = trained_run(
        method, device=GPU, precision="float32", state=saved, after_step=lambda c: states.append(random_numbers(c()))
    )
    assert len(states) == len(expected)
    assert all(torch.equal(*pair) for found, other in zip(states, expected) for pair in zip(found, other))
    assert_alike(parts, whole)


def test_a_streamed_run_is_the_resident_run():
    streamed, resident = (
        trained_run("align", device=GPU, precision="float32", engine=EngineSettings(memory_share=share))[0]
        for share in (1e-9, 0.4)
    )
    assert_alike(streamed, resident)


def test_a_run_with_cuda_graphs_is_the_plain_run():
    compiled, plain = (
        trained_run("align", device=GPU, precision="float32", engine=EngineSettings(compile=mode))[0]
        for mode in ("reduce-overhead", "none")
    )
    assert_alike(compiled, plain)


@pytest.mark.parametrize("method", ["erm", "align"])
def test_a_checkpoint_of_a_gpu_has_the_same_metrics_on_both_devices(method, tmp_path):
    settings, options = run_settings(method), EvaluationSettings(batch_size=4)
    trained, account = trained_run(method, device=GPU)
    assert account["precision"] == "bfloat16"
    write_run(trained, settings, ["circle", "cross", "square"], VIEW, account, tmp_path)
    ground_truth = np.random.default_rng(0).integers(0, 2, VALIDATION_SPLIT.images.shape[:3], dtype=np.uint8)
    images = replace(VALIDATION_SPLIT, ground_truth=ground_truth)
    metrics = [load(METRICS[name].implementation) for name in options.metrics]
    attribution = load(ATTRIBUTIONS[options.attribution])

    def means(device):
        restored, _ = restore(settings, tmp_path / "checkpoint.pt", device)
        measured = measurements(measure(explain(restored, attribution, images, options, device), metrics))
        return {row["metric"]: row["value"] for row in measured}

    found, expected = means(GPU), means(CPU)
    # Two cells of a map may be equal but for rounding. Then an image has its highest cell elsewhere on the other device.
    assert found.pop("pointing_game") == pytest.approx(expected.pop("pointing_game"), abs=1 / len(images.labels) + 1e-6)
    assert found == pytest.approx(expected, rel=0.01, abs=0.01)
