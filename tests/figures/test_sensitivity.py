"""Sensitivity: the points and cells that each variant belongs to, and that the figure draws them."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from align.figures.sensitivity import draw_sensitivity, sensitivity_points
from align.figures.style import Drawing, style, write_figure

DEFAULTS = {"align": {"lambda1": 2.0, "lambda3": 1.0, "warm_up": 0.5, "masker_input": "pixels"}, "erm": {}}
VARIANTS = {
    name: DEFAULTS["align"] | changes
    for name, changes in {
        "align": {},
        "align-lambda3=0.0": {"lambda3": 0.0},
        "align-lambda3=10.0": {"lambda3": 10.0},
        "align-lambda3=0.1": {"lambda3": 0.1},
        "align-warm_up=0.0": {"warm_up": 0.0},
        "align-lambda3=10.0-warm_up=0.0": {"lambda3": 10.0, "warm_up": 0.0},
        "align-masker_input=features": {"masker_input": "features"},
        "align-lambda1=1.0-lambda3=0.0-warm_up=0.0": {"lambda1": 1.0, "lambda3": 0.0, "warm_up": 0.0},
    }.items()
} | {"erm": {}}


@pytest.fixture(autouse=True)
def drawing():
    with style():
        yield
    plt.close("all")


def metrics(variants, study="sensitivity"):
    """Two seeds of each variant; the i-th has accuracy 0.5 + i/100 at home (± 0.01) and 0.2 + i/100 elsewhere, on average."""
    rows = [
        (study, variant, target, "in" if target == "a" else "out", seed, value + i / 100 + seed / 50 - 0.01)
        for i, variant in enumerate(variants)
        for seed in (0, 1)
        for target, value in (("a", 0.5), ("b", 0.1), ("c", 0.3))
    ]
    frame = pd.DataFrame(rows, columns=["study", "method", "target_domain", "distribution", "seed", "value"])
    frame = frame.assign(dataset="scenes", protocol="single_source", source_domain="a", metric="accuracy", n=10)
    return pd.concat([frame, frame.assign(metric="iou", value=0.0), frame.assign(study="comparison", value=0.0)])


def points(data, setting, second=""):
    own = data[data["setting"].eq(setting) & data["second_setting"].eq(second) & data["distribution"].eq("out")]
    return {(row.value, row.second_value) if second else row.value: round(row.mean, 6) for row in own.itertuples(index=False)}


def test_a_variant_is_a_point_of_the_setting_that_it_changes():
    data = sensitivity_points(metrics(VARIANTS), VARIANTS, DEFAULTS)
    assert points(data, "lambda3") == {1.0: 0.2, 0.0: 0.21, 10.0: 0.22, 0.1: 0.23}
    assert points(data, "warm_up") == {0.5: 0.2, 0.0: 0.24}
    assert points(data, "masker_input") == {"pixels": 0.2, "features": 0.26}
    assert points(data, "lambda1") == {}  # changed only together with two others
    assert set(data.loc[data["default"], "mean"].round(6)) == {0.5, 0.2}
    home = data[data["setting"].eq("warm_up") & data["second_setting"].eq("") & data["distribution"].eq("in") & data["default"]]
    assert home[["mean", "standard_deviation", "seeds"]].to_numpy().tolist() == [pytest.approx([0.5, 0.02 / 2**0.5, 2])]


def test_a_grid_has_the_values_that_were_changed_together_and_the_default_s():
    data = sensitivity_points(metrics(VARIANTS), VARIANTS, DEFAULTS)
    assert points(data, "lambda3", "warm_up") == {
        (1.0, 0.5): 0.2,
        (10.0, 0.5): 0.22,
        (1.0, 0.0): 0.24,
        (10.0, 0.0): 0.25,
    }


def test_without_its_default_a_sweep_has_the_values_that_it_was_asked_for():
    names = ["align-lambda3=0.1", "align-lambda3=10.0"]
    data = sensitivity_points(metrics(names), VARIANTS, DEFAULTS)
    assert points(data, "lambda3") == {0.1: 0.2, 10.0: 0.21}
    assert not data["default"].any()


def test_lines_show_means_in_per_cent_spread_and_the_default():
    figure = draw_sensitivity(sensitivity_points(metrics(VARIANTS), VARIANTS, DEFAULTS))
    panels = {panel.get_xlabel(): panel for panel in figure.axes if panel.get_ylabel() == "accuracy, %"}
    assert list(panels) == ["lambda3", "warm up", "masker input"]
    inside, outside = panels["lambda3"].containers
    assert list(inside.lines[0].get_xdata()) == [0.0, 0.1, 1.0, 10.0]
    assert list(inside.lines[0].get_ydata()) == pytest.approx([51, 53, 50, 52])
    assert list(outside.lines[0].get_ydata()) == pytest.approx([21, 23, 20, 22])
    (bars,) = outside.lines[2]
    assert bars.get_segments()[0][:, 1] == pytest.approx([21 - 2**0.5, 21 + 2**0.5])
    assert panels["lambda3"].lines[-1].get_xdata() == [1.0, 1.0]
    assert (panels["lambda3"].get_xscale(), panels["warm up"].get_xscale()) == ("symlog", "linear")
    assert [text.get_text() for text in panels["masker input"].get_xticklabels()] == ["features", "pixels"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["default", "in distribution", "out of distribution"]


def test_one_panel_fills_the_figure():
    data = sensitivity_points(metrics(VARIANTS), VARIANTS, DEFAULTS).query("setting == 'lambda3' and second_setting == ''")
    figure = draw_sensitivity(data)
    (panel,) = figure.axes
    figure.canvas.draw()
    assert panel.get_position().width > 0.7


def test_grids_show_every_cell_and_frame_the_default():
    figure = draw_sensitivity(sensitivity_points(metrics(VARIANTS), VARIANTS, DEFAULTS))
    inside, outside = (panel for panel in figure.axes if panel.images)
    assert outside.images[0].get_array().ravel().tolist() == pytest.approx([24, 20, 25, 22])
    assert [text.get_text() for text in outside.get_yticklabels()] == ["1.0", "10.0"]
    assert [text.get_text() for text in outside.get_xticklabels()] == ["0.0", "0.5"]
    (frame,) = outside.patches
    assert frame.get_center() == pytest.approx([1, 0])
    assert {text.get_text() for text in outside.texts} == {"24.0\n± 1.4", "20.0\n± 1.4", "25.0\n± 1.4", "22.0\n± 1.4"}
    assert "in distribution" in inside.get_title()
    assert "out of distribution" in outside.get_title()


def test_nothing_configured_and_one_seed_are_no_errors(tmp_path):
    nothing = sensitivity_points(metrics([]), {}, DEFAULTS)
    figure = draw_sensitivity(nothing)
    assert [text.get_text() for text in figure.texts] == ["No sensitivity was studied."]
    write_figure(Drawing(nothing, figure), *(tmp_path / f"figure.{kind}" for kind in ("svg", "png", "csv")))
    rows = metrics(["erm"])
    assert sensitivity_points(rows, VARIANTS, DEFAULTS).empty
    one_seed = metrics(VARIANTS).query("seed == 0")
    data = sensitivity_points(one_seed, VARIANTS, DEFAULTS)
    assert data["standard_deviation"].isna().all()
    write_figure(Drawing(data, draw_sensitivity(data)), *(tmp_path / f"one.{kind}" for kind in ("svg", "png", "csv")))
    assert len(pd.read_csv(tmp_path / "one.csv")) == len(data)
