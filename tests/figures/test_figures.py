"""Figures: their data against values worked out by hand, and that they draw these data."""

import hashlib
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from align.figures import FIGURES
from align.figures.accuracy_vs_explanation import accuracy_and_explanation, draw_accuracy_vs_explanation
from align.figures.average_ranks import average_ranks
from align.figures.case_studies import Cases, Explanations, collect_cases, draw_case_studies, predictions, sample_evenly
from align.figures.costs import draw_costs, job_costs
from align.figures.performance import draw_performance, speeds
from align.figures.rule_graph import draw_rule_graph, rule_edges
from align.figures.style import METHOD_COLOURS, NEW_METHOD_COLOURS, WRONG, Drawing, method_colours, style, write_figure
from align.figures.training_curves import curves, draw_training_curves, failures
from align.methods import METHODS
from align.preparation.packed import Packed
from align.results.collect import COLUMNS
from align.tables import TABLES

DOT = """digraph snakemake_dag {
    graph[bgcolor=white, margin=0];
    0[label = "all", color = "0.5 0.6 0.85", style="rounded"];
    1[label = "draw", color = "0.1 0.6 0.85", style="rounded"];
    2[label = "train_run", color = "0.2 0.6 0.85", style="rounded"];
    3[label = "assumptions", color = "0.3 0.6 0.85", style="rounded"];
    1 -> 0
    2 -> 0
    2 -> 1
    3 -> 0
}
"""


@pytest.fixture(autouse=True)
def drawing():
    with style():
        yield
    plt.close("all")


def history(*rows):
    return pd.DataFrame(rows, columns=["epoch", "phase", "name", "value"])


HISTORIES = {
    ("erm", 0): history((1, "train", "total", 1.0), (2, "train", "total", 0.5)),
    ("erm", 1): history((1, "train", "total", 2.0), (2, "train", "total", 1.5)),
    ("align", 0): history(
        (1, "warm_up", "total", 3.0),
        (2, "masker", "mask_area", 0.9),
        (2, "guided", "mask_area", 0.4),
        (2, "guided", "total", 2.0),
    ),
}
COLLAPSED = {"settings": {"method": "align", "seed": "0"}, "failures": [{"name": "mask collapse", "epoch": 2, "detail": ""}]}


def lines(panel):
    """The lines of a panel, without the empty ones that seaborn makes its legend from."""
    return [line for line in panel.lines if len(line.get_xdata())]


def test_steps_of_the_masker_come_half_an_epoch_earlier():
    data = curves(HISTORIES)
    areas = data[data["name"] == "mask_area"]
    assert list(areas["epoch"]) == [1.5, 2.0]
    assert list(areas["value"]) == [0.9, 0.4]
    assert len(data) == 8


def test_training_curves_draw_means_phases_and_failures():
    figure = draw_training_curves(curves(HISTORIES), failures([COLLAPSED]))
    panels = {panel.get_title(): panel for panel in figure.axes}
    assert list(panels) == ["total", "mask area"]
    erm, align, end_of_warm_up, failure = lines(panels["total"])
    assert list(erm.get_ydata()) == [1.5, 1.0]
    assert list(align.get_ydata()) == [3.0, 2.0]
    assert set(end_of_warm_up.get_xdata()) == {1.5}
    assert list(failure.get_xdata()) == [2]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["ERM", "ALIGN", "end of warm-up", "mask collapse"]


def test_training_curves_without_warm_up_or_failure_mark_neither():
    figure = draw_training_curves(curves({("erm", 0): HISTORIES["erm", 0]}), failures([]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ERM"]
    assert len(lines(figure.axes[0])) == 1


def test_accuracy_against_explanation_averages_targets_and_leaves_out_what_was_not_measured():
    rows = [
        ("a", "a", "accuracy", 0.9),
        ("a", "a", "insertion_auc", 0.5),
        ("a", "b", "accuracy", 0.2),
        ("a", "b", "insertion_auc", 0.1),
        ("a", "c", "accuracy", 0.4),
        ("a", "c", "insertion_auc", 0.3),
    ]
    metrics = pd.DataFrame(rows, columns=["source_domain", "target_domain", "metric", "value"])
    where = metrics["target_domain"].map({"a": "in", "b": "out", "c": "out"})
    metrics = metrics.assign(
        study="comparison", dataset="vlcs", protocol="single_source", method="erm", seed=0, distribution=where
    )
    others = [metrics.assign(study=study, value=0.0) for study in ("sensitivity", "controls")]
    data = accuracy_and_explanation(pd.concat([metrics, *others]))
    assert list(data["measure"]) == ["insertion_auc"] * 2
    assert list(data["accuracy"]) == pytest.approx([0.9, 0.3])
    assert list(data["value"]) == pytest.approx([0.5, 0.2])
    figure = draw_accuracy_vs_explanation(data)
    (panel,) = figure.axes
    assert panel.get_xlabel() == "Insertion AUC ↑"
    assert panel.collections[0].get_offsets().tolist() == pytest.approx(np.array([[0.5, 90], [0.2, 30]]))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["ERM", "in distribution", "out of distribution"]


@pytest.mark.parametrize(
    ("metric", "study"), [("sufficiency", "comparison"), ("accuracy", "comparison"), ("sufficiency", "masker_ablation")]
)
def test_accuracy_vs_explanation_of_which_one_was_not_measured_says_so(metric, study):
    run = {"dataset": "vlcs", "protocol": "single_source", "method": "erm", "source_domain": "a", "seed": 0, "distribution": "in"}
    data = accuracy_and_explanation(pd.DataFrame([run | {"study": study, "metric": metric, "value": 0.5}]))
    assert data.empty
    figure = draw_accuracy_vs_explanation(data)
    assert [text.get_text() for text in figure.texts] == ["No accuracy and explanation of a compared method were measured."]


def test_costs_leave_out_what_was_not_measured():
    rows = pd.DataFrame({"s": [1.5, 2.5], "max_rss": ["NA", "300.5"], "step": "train", "dataset": "vlcs", "method": "erm"})
    data = job_costs([rows])
    assert list(data["quantity"]) == ["seconds", "seconds", "memory, MiB"]
    assert list(data["value"]) == [1.5, 2.5, 300.5]
    figure = draw_costs(data)
    assert [(panel.get_title(), panel.get_xlabel()) for panel in figure.axes] == [
        ("vlcs: train", "seconds"),
        ("vlcs: train", "memory, MiB"),
    ]
    assert all(panel.get_xlim()[0] == 0 for panel in figure.axes)


def test_figures_of_nothing_say_so():
    nothing = pd.DataFrame(
        [("comparison", "vlcs", "single_source", "erm", "a", "a", "in", 0, "accuracy", 0.5)],
        columns=COLUMNS[:-1],
    )
    explanation = draw_accuracy_vs_explanation(accuracy_and_explanation(nothing))
    assert [text.get_text() for text in explanation.texts] == ["No accuracy and explanation of a compared method were measured."]
    assert [text.get_text() for text in draw_costs(job_costs([])).texts] == ["No benchmark file was found."]
    assert [text.get_text() for text in draw_performance(speeds([])).texts] == [
        "No measurement was found; `make bench` writes one."
    ]


def measurement(device, network, precision, benchmark, name, **values):
    """Return a row as of ``make bench``."""
    empty = dict.fromkeys(("loader", "per_second", "ratio", "bound", "goal", "goal_of"))
    configuration = {"network": network, "size": 224, "batch_size": 32, "precision": precision, "compile": "none"}
    row = {"benchmark": benchmark, "name": name, "device": device, "torch": "2.15.0", "git_revision": "0123456789abcdef"}
    return empty | configuration | row | values


@pytest.fixture
def measurements():
    def of(device, precision):
        def row(network, benchmark, name, **values):
            return measurement(device, network, precision, benchmark, name, **values)

        return pd.DataFrame(
            [
                row("resnet18", "training step", "align", ratio=3.5, bound=3.3, goal=3.7, goal_of="ratio"),
                row("resnet18", "training step", "erm", ratio=1.0, bound=1.0, goal=2.5, goal_of="per_second"),
                row("resnet18", "end to end", "align", loader="packed", per_second=25),
                row("resnet18", "end to end", "align", loader="plain", per_second=10),
                row("resnet18", "data side", "align", loader="packed", per_second=400),
                row("small_resnet", "training step", "erm", ratio=1.0, bound=1.0),
            ]
        )

    return [of("CPU", "float32"), of("GPU", "bfloat16").assign(git_revision="0123456789abcdef-dirty")]


def test_performance_is_that_of_what_was_measured_end_to_end(measurements):
    data = speeds(measurements)
    assert len(data) == 8
    assert set(data["benchmark"]) == {"training step", "end to end"}
    assert set(data["network"]) == {"resnet18"}


def test_performance_has_panels_for_each_device(measurements):
    figure = draw_performance(speeds(measurements))
    assert [panel.get_title() for panel in figure.axes] == [
        "CPU\ntorch 2.15.0; commit 012345678",
        "resnet18 · 224 pixels · batch 32 · float32",
        "GPU\ntorch 2.15.0; commit 012345678-dirty",
        "resnet18 · 224 pixels · batch 32 · bfloat16",
    ]
    throughput, steps = figure.axes[:2]
    assert [bar.get_width() for bar in throughput.patches if bar.get_width()] == [25, 10]
    assert [bar.get_width() for bar in steps.patches] == [3.5, 1.0]
    bounds, goals = ([offset[0] for offset in marks.get_offsets().filled(np.nan)] for marks in steps.collections)
    assert bounds == [3.3, 1.0]
    assert goals == pytest.approx([3.7, np.nan], nan_ok=True)


def test_rule_graph_leaves_out_what_follows():
    edges = list(rule_edges(DOT).itertuples(index=False, name=None))
    assert edges == [("assumptions", "all"), ("draw", "all"), ("train_run", "draw")]


def test_rule_graph_leaves_out_what_a_rule_needs_of_itself():
    assert rule_edges(DOT.replace("2 -> 1", "2 -> 1\n    2 -> 2")).equals(rule_edges(DOT))


def test_rule_graph_goes_from_left_to_right():
    figure = draw_rule_graph(rule_edges(DOT))
    x = {text.get_text(): text.get_position()[0] for text in figure.axes[0].texts if text.get_text()}
    assert x["train_run"] < x["draw"] == x["assumptions"] < x["all"]


def test_rule_names_lie_in_their_boxes():
    files = Path(__file__).parents[2].glob("rules/*.smk")
    written_out = {rule for file in files for rule in re.findall(r"^\s*rule (\w+):", file.read_text(), re.MULTILINE)}
    rules = sorted(written_out | TABLES.keys() | FIGURES.keys())
    with style():
        figure = draw_rule_graph(pd.DataFrame({"rule": rules, "needed_by": "all"}))
        figure.canvas.draw()
    axes = figure.axes[0]
    names = [text.get_window_extent() for text in axes.texts if text.get_text()]
    boxes = [patch.get_window_extent() for patch in axes.patches]
    assert len(names) == len(boxes) == len(rules) + 1
    for name, box in zip(names, boxes):
        assert box.contains(name.x0, name.y0), (name, box)
        assert box.contains(name.x1, name.y1), (name, box)


def packed(n, masks=None):
    images = np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    return Packed(images, np.arange(n) % 2, [f"{i}.png" for i in range(n)], masks)


def test_images_are_sampled_evenly():
    sampled = sample_evenly(packed(10, np.zeros((10, 8, 8), np.uint8)), 4)
    assert sampled.paths == ["0.png", "2.png", "5.png", "7.png"]
    assert list(sampled.images[:, 0, 0, 0]) == [0, 2, 5, 7]
    assert list(sampled.labels) == [0, 0, 1, 1]
    assert sampled.ground_truth is not None
    assert len(sampled.ground_truth) == 4


def test_no_more_images_are_sampled_than_there_are():
    assert sample_evenly(packed(2), 5).paths == ["0.png", "1.png"]


def explained(predicted, *, masks):
    n = len(predicted)
    mask = np.full((n, 8, 8), 0.25, np.float32) if masks else None
    return Explanations(np.array(predicted), np.full((n, 2), 0.5, np.float32), np.zeros((n, 8, 8), np.float32), mask)


def studies(*, known):
    one = np.ones((2, 8, 8), np.uint8) if known else None
    cases: Cases = collect_cases({"a": packed(2, one), "b": packed(1)}, ["cat", "dog"])
    return cases, {"erm": explained([0, 0, 0], masks=False), "align": explained([0, 1, 1], masks=True)}


def test_case_studies_call_a_flat_map_flat():
    cases, explanations = studies(known=False)
    explanations["align"].saliency[0, 2, 3] = 1
    figure = draw_case_studies(cases, explanations, source_domains=["a"])
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert texts.count(["flat"]) == 5  # three maps of ERM, two of ALIGN


def test_predictions_of_case_studies():
    data = predictions(*studies(known=True))
    assert list(data.columns) == ["domain", "path", "class", "method", "predicted", "confidence", "correct"]
    assert list(data["domain"]) == ["a", "a", "b"] * 2
    assert list(data["predicted"]) == ["cat", "cat", "cat", "cat", "dog", "dog"]
    assert list(data["correct"]) == [True, False, True, True, True, False]


def test_case_studies_mark_wrong_predictions_and_name_what_is_not_known():
    figure = draw_case_studies(*studies(known=True), source_domains=["a"])
    grid = np.array(figure.axes).reshape(3, 5)
    assert [axes.get_title() for axes in grid[0]] == ["image", "ground truth", "ERM", "ALIGN", "ALIGN: mask"]
    assert [axes.get_ylabel() for axes in grid[:, 0]] == [
        "a\nin distribution",
        "a\nin distribution",
        "b\nout of distribution",
    ]
    labels = [[axes.get_xlabel() for axes in row] for row in grid]
    assert labels[0] == ["class cat", "area 1.00", "✓ cat, 0.50", "✓ cat, 0.50", "area 0.25"]
    assert labels[1][2:4] == ["✗ cat, 0.50", "✓ dog, 0.50"]
    assert to_rgb(grid[1, 2].xaxis.label.get_color()) == to_rgb(WRONG)
    assert grid[2, 1].texts[0].get_text() == "not known"
    assert all(axes.images or axes.texts for axes in figure.axes)


def test_case_studies_of_several_source_domains_say_which_was_left_out():
    figure = draw_case_studies(*studies(known=False), source_domains=["b", "c"])
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == ["a\nout of distribution"] * 2 + ["b\nin distribution"]


def test_case_studies_without_ground_truth_have_no_column_for_it():
    figure = draw_case_studies(*studies(known=False), source_domains=["a"])
    assert [axes.get_title() for axes in figure.axes[:4]] == ["image", "ERM", "ALIGN", "ALIGN: mask"]


def test_files_of_a_figure_are_the_same_each_time(tmp_path):
    data = pd.DataFrame({"x": [1.5, 2.5]})

    def hashes(name):
        figure = draw_training_curves(curves(HISTORIES), failures([COLLAPSED]))
        paths = {kind: tmp_path / f"{name}.{kind}" for kind in ("svg", "png", "csv")}
        write_figure(Drawing(data, figure), **paths)
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths.values()]

    assert hashes("first") == hashes("second")
    assert pd.read_csv(tmp_path / "first.csv").equals(data)
    assert Image.open(tmp_path / "first.png").info["dpi"] == pytest.approx((200, 200), abs=0.1)
    assert len(list(tmp_path.iterdir())) == 6


def contrast_to_white(colour: str) -> float:
    """The contrast of a colour to white (WCAG 2.2, "contrast ratio")."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 1.05 / (np.dot([0.2126, 0.7152, 0.0722], linear) + 0.05)


def test_every_method_has_its_own_colour_that_can_be_seen():
    assert METHOD_COLOURS.keys() == METHODS.keys()
    assert len(set(METHOD_COLOURS.values())) == len(METHODS)
    assert [colour for colour in (*METHOD_COLOURS.values(), *NEW_METHOD_COLOURS) if contrast_to_white(colour) < 3] == []


def test_align_has_the_strongest_colour():
    chroma = {name: max(to_rgb(colour)) - min(to_rgb(colour)) for name, colour in METHOD_COLOURS.items()}
    assert max(chroma, key=chroma.get) == "align"
    assert contrast_to_white(METHOD_COLOURS["align"]) > 4.5


def test_a_variant_beside_its_method_has_a_darker_colour():
    found = method_colours(["align-swap", "align-swap-swap_mask=permuted", "erm"])
    own, control = found["ALIGN-swap"], found["ALIGN-swap, another image's mask"]
    assert contrast_to_white(control) > 2 * contrast_to_white(own)
    assert found["ERM"] == METHOD_COLOURS["erm"]


def test_a_variant_has_the_colour_of_its_method():
    found = method_colours(["erm", "align-lambda3=0.0", "align-plus-lambda1=2.0"])
    assert found == {
        "ERM": METHOD_COLOURS["erm"],
        "w/o EG": METHOD_COLOURS["align"],
        "ALIGN-plus (lambda1=2.0)": METHOD_COLOURS["align-plus"],
    }


def test_average_ranks_of_few_settings_are_not_drawn():
    rows = [
        (method, source, source, 0, "accuracy", value) for source in "abcd" for method, value in (("erm", 0.5), ("align", 0.6))
    ]
    frame = pd.DataFrame(rows, columns=["method", "source_domain", "target_domain", "seed", "metric", "value"])
    drawn = average_ranks(frame.assign(study="comparison", dataset="d", protocol="single_source", distribution="in", n=9))
    assert drawn.data.empty
    assert drawn.figure.texts[0].get_text().startswith("Fewer than 5 settings")
