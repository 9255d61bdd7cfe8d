"""How a run of ALIGN fails, and how it says so."""

import math

import pytest
from small_runs import CPU, HYPER_PARAMETERS, run_settings, trained_run

from align.methods.align.collapse import collapse, explanation_drift, mask_collapse
from align.training.history import History


@pytest.mark.parametrize(
    ("area", "spread", "collapsed"),
    [
        (0.019, 0.2, True),
        (0.02, 0.2, False),
        (0.5, 0.2, False),
        (0.95, 0.2, False),
        (0.951, 0.2, True),
        (math.nan, 0.2, True),
        (0.3, 0.099, True),
        (0.3, 0.1, False),
        (0.3, math.nan, True),
    ],
)
def test_what_is_collapsed(area, spread, collapsed):
    assert bool(collapse(area, spread)) is collapsed


def test_mask_collapse_names_the_first_epoch_and_what_the_mask_keeps():
    clear = dict.fromkeys((5, 6, 7), 0.2)
    everything, nothing = "the mask's mean is 0.970: it keeps everything", "the mask's mean is 0.010: it keeps nothing"
    assert mask_collapse({5: 0.5, 6: 0.97, 7: 0.01}, clear) == ("mask collapse", 6, everything)
    assert mask_collapse({5: 0.5, 6: 0.01}, clear) == ("mask collapse", 6, nothing)
    assert mask_collapse({5: 0.5, 6: 0.3}, clear) is None
    assert mask_collapse({}, {}) is None


def test_a_mask_that_is_grey_all_over_is_collapsed_too():
    grey = "the mask's mean is 0.300 and its spread within an image 0.040: it is grey all over"
    assert mask_collapse({5: 0.5, 6: 0.3}, {5: 0.11, 6: 0.04}) == ("mask collapse", 6, grey)


RISING = (0.5, 0.5, 0.5, 0.6, 0.7, 0.7, 0.7)


def test_explanation_drift_by_hand():
    found = explanation_drift(RISING, [0.1, 0.3, 0.9, 0.9, 0.9, 0.4, 0.6], first_epoch=11)
    # A third of 7 epochs is 2: energy (0.4 + 0.6) / 2 − (0.1 + 0.3) / 2; the last third starts with epoch 16.
    assert found == ("explanation drift", 16, "energy outside of the mask +0.300 while validation accuracy +0.200")


@pytest.mark.parametrize(
    ("accuracies", "energies"),
    [
        (RISING, RISING[::-1]),  # explanations move onto the mask
        (RISING[::-1], RISING),  # accuracy falls
        (RISING, [0.5] * 6 + [0.52]),  # too little
        ([0.1, 0.9], [0.1, 0.9]),  # too few epochs to tell
        ([], []),
    ],
)
def test_no_drift(accuracies, energies):
    assert explanation_drift(accuracies, energies, 1) is None


def test_a_history_reports_both_by_name():
    history = History()
    history.add(1, "warm_up", {"validation_accuracy": 0.99})  # no part of the drift
    for epoch, (accuracy, outside) in enumerate(zip((0.5, 0.6, 0.7), (0.2, 0.3, 0.4)), start=2):
        mask = {"validation_energy_outside": outside, "validation_mask_area": 0.99, "validation_mask_spread": 0.2}
        history.add(epoch, "guided", {"validation_accuracy": accuracy, **mask})
    assert [(failure.name, failure.epoch) for failure in run_settings("align").build(3, 0, CPU).failures(history.by_name())] == [
        ("mask collapse", 2),
        ("explanation drift", 4),
    ]


def test_a_method_without_a_mask_reports_none():
    assert trained_run()[0].failures == []


def test_a_run_reports_a_collapsed_mask(monkeypatch, caplog):
    monkeypatch.setitem(HYPER_PARAMETERS, "align", HYPER_PARAMETERS["align"] | {"lambda1": 1e4, "masker_learning_rate": 1.0})
    trained, _ = trained_run("align", epochs=4)
    (failure,) = (failure for failure in trained.failures if failure.name == "mask collapse")
    assert "it keeps nothing" in failure.detail
    assert f"training: mask collapse in epoch {failure.epoch}" in caplog.text
