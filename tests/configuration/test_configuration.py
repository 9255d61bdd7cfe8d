"""The configuration: what is filled in, how variants are called, what is run, and what every mistake is answered with."""

import os
import shutil
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from align.configuration.loading import load
from align.configuration.run import Run
from align.configuration.runs import flat_maps, left_out_variants, planned_runs, planned_studies, source_domains, variant_settings
from align.configuration.schema import Configuration
from align.datasets import SOURCES
from align.errors import InputError
from align.methods import DEFAULT_METHODS, METHODS
from align.methods.naming import method_of
from align.metrics import METRICS

ROOT = Path(__file__).parents[2]
SMALL = {
    "datasets": {"scenes": {"source": {"digit_scenes": {}}, "root": "data/scenes"}},
    "experiments": {"one": {"dataset": "scenes", "seeds": [0]}},
}

SMALL_RESNET = {"architecture": "small_resnet"}


def with_value(place, value):
    """Return a small configuration with ``value`` at ``place``, keys joined by dots."""
    content = deepcopy(SMALL)
    *sections, key = place.split(".")
    section = content
    for name in sections:
        section = section.setdefault(name, {})
    section[key] = value
    return content


def of_experiment(**changes):
    content = deepcopy(SMALL)
    content["experiments"]["one"] |= changes
    return load(content)


@pytest.fixture
def photographs(tmp_path):
    """Return a folder of two domains, of which only names are looked at."""
    for domain in ("paris", "rome"):
        for label in ("cat", "dog"):
            folder = tmp_path / "photographs" / domain / label
            folder.mkdir(parents=True)
            (folder / "1.png").touch()
    return tmp_path / "photographs"


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("trainig", {}, "trainig: unknown key; did you mean 'training'?"),
        ("training.epoch", 3, "training.epoch: unknown key; did you mean 'epochs'?"),
        ("methods.algn", {}, "methods.algn: unknown key; did you mean 'align'?"),
        ("methods.align.lambda_1", 1, "methods.align.lambda_1: unknown key; did you mean 'lambda1'?"),
        ("datasets.scenes.sorce", {}, "datasets.scenes.sorce: unknown key; did you mean 'source'?"),
        (
            "datasets.scenes.ground_truth",
            [{"kind": "masks", "folder": "x"}, {"kind": "masks", "folder": "x", "colour": {}}],
            "datasets.scenes.ground_truth.1.colour: unknown key; did you mean 'colours'?",
        ),
        (
            "datasets.scenes.source.digit_scenes",
            {"images_per_clas": 1},
            "datasets.scenes.source.digit_scenes.images_per_clas: unknown key; did you mean 'images_per_class'?",
        ),
        ("experiments.one.seed", [0], "experiments.one.seed: unknown key; did you mean 'seeds'?"),
        (
            "xyz",
            1,
            "xyz: unknown key; known: augmentation, case_studies, checkpoints, classifier, datasets, device, engine, evaluation",
        ),
    ],
)
def test_unknown_key_is_answered_with_the_nearest_known_one(place, value, expected):
    with pytest.raises(InputError) as error:
        load(with_value(place, value), "my.yaml")
    assert str(error.value).startswith(f"my.yaml cannot be used:\n  {expected}")
    assert str(error.value).count("\n") == 1


@pytest.mark.parametrize(
    ("place", "value", "found", "expected"),
    [
        ("training.epochs", "many", "training.epochs: found 'many'", "valid integer"),
        ("training.epochs", 2.5, "training.epochs: found 2.5", "valid integer"),
        ("training.epochs", 0, "training.epochs: found 0", "greater than or equal to 1"),
        ("training.learning_rate", float("nan"), "training.learning_rate: found nan", "finite number"),
        ("training", None, "training: found None", "valid dictionary"),
        ("augmentation.flip", 2, "augmentation.flip: found 2", "less than or equal to 1"),
        ("splits.train", "much", "splits.train: found 'much'", "valid number"),
        ("splits.train", 0.9, "splits: train + validation + test is 1.3", "expected 1"),
        ("evaluation.target_part", "train", "evaluation.target_part: train and splits.test: 0.2", "expected splits.test: 0"),
        ("device", "gpu", "device: found 'gpu'", "'auto', 'cpu' or 'cuda'"),
        ("classifier.weights", "", "classifier.weights: found ''", "for random weights write none or null"),
        ("classifier.weights", False, "classifier.weights: found False", "(IMAGENET1K_V1, DEFAULT), a file, or none"),
        ("classifier.weights", "None", "classifier.weights: found 'None'", "for random weights write none or null"),
        ("classifier.weights", "https://a.b/c.pth", "classifier.weights: found the address https://a.b/c.pth", "download"),
        ("classifier", SMALL_RESNET | {"weights": "a.pth"}, "classifier.weights: found 'a.pth' for small_resnet", "remove"),
        ("classifier", SMALL_RESNET | {"weights": "DEFAULT"}, "found 'DEFAULT' for small_resnet", "architecture: resnet18"),
        ("classifier.widths", [3], "classifier.widths: found [3]", "at least 2 items"),
        ("methods.sgt.masked_fraction", 1, "methods.sgt.masked_fraction: found 1", "less than 1"),
        ("experiments", {}, "experiments: found {}", "at least 1 item"),
        ("experiments.a/b", {"dataset": "scenes"}, "found 'a/b'", "expected the name of a folder"),
        ("experiments.one.methods", 3, "experiments.one.methods.0: found 3", "valid dictionary"),
        ("experiments.one.domains", [False], "experiments.one.domains.0: found False", "YAML reads yes, no"),
        ("experiments.one.domains", [1.1], "experiments.one.domains.0: found 1.1", "put the name into quotes"),
        ("experiments.one.domains", [None], "experiments.one.domains.0: found nothing", "put the name into quotes"),
        ("experiments.one.domains", [".hidden"], "experiments.one.domains.0: found '.hidden'", "a dot at the beginning"),
        ("experiments.one.seeds", [True], "experiments.one.seeds: found True", "expected a number"),
        ("training.epochs", True, "training.epochs: found True", "expected a number"),
        ("experiments.one.methods", [{"align": {"lambda3": True}}], "found True", "expected a number"),
        ("experiments.one.methods", [], "experiments.one: found neither methods nor sweeps", "expected one or more"),
        ("experiments.one.sweeps", [{"align": {"lambda3": []}}], "sweeps.0.align.lambda3: found []", "at least 1 item"),
        ("experiments.one.sweeps", [{"align": {"lamda3": [1]}}], "unknown key 'lamda3' of method 'align'", "'lambda3'"),
        ("experiments.one.study", "sensitivty", "experiments.one.study: found 'sensitivty'", "'sensitivity'"),
        ("experiments.one.methods", ["irm"], "found method 'irm', which compares source domains", "leave_one_domain_out"),
        (
            "experiments.one.methods",
            [{"align": {"masker": "sam"}}],
            "no run that is possible (align-masker=sam",
            "one or more",
        ),
        ("experiments.one.methods", ["erm", 3], "experiments.one.methods.1: found 3", "valid dictionary"),
        ("experiments.one.methods", [{"align": 3}], "experiments.one.methods.0.align: found 3", "valid dictionary"),
        ("experiments.one.seeds", [0, -1], "experiments.one.seeds.1: found -1", "greater than or equal to 0"),
        ("experiments.one.domains", [], "experiments.one.domains: found []", "at least 1 item"),
        ("datasets.scenes.source", {}, "datasets.scenes.source", "expected exactly one of digit_scenes"),
        ("datasets.scenes.source", {"digit_scene": {}}, "digit_scene: unknown key", "did you mean 'digit_scenes'?"),
        ("datasets.scenes.ground_truth", [{"kind": "masks"}], "datasets.scenes.ground_truth.0.folder: missing", "a value"),
        ("datasets.scenes.ground_truth", [{"kind": "boxes", "folder": "x"}], "found 'boxes'", "'voc_boxes'"),
        ("datasets.scenes.domains", ["china", "china"], "datasets.scenes.domains: found 'china' 2 times", "each name once"),
        ("datasets.scenes.split_group", "(", "datasets.scenes.split_group: found '('", "expected a regular expression"),
        ("datasets.scenes.part_of", "vlc", "unknown published data set 'vlc'", "did you mean 'vlcs'"),
        ("datasets.scenes.part_of", "vlcs", "found part_of and a source", "a source makes the whole data set"),
        ("datasets.scenes.split_group", "digit", "datasets.scenes.split_group: found 'digit'", "with a group in brackets"),
        ("datasets.scenes.domains", ["chian"], "unknown domain of datasets.scenes 'chian'", "did you mean 'china'?"),
        ("datasets.scenes.test_only", ["chian"], "unknown domain of datasets.scenes 'chian'", "did you mean 'china'?"),
        ("datasets.scenes.test_only", ["china", "flower", "noise", "stripes"], "found 0 trainable domains", "to train on"),
        ("evaluation.metrics", ["acuracy"], "unknown metric 'acuracy'", "did you mean 'accuracy'?"),
        ("evaluation.attribution", "gradcam", "unknown attribution 'gradcam'", "did you mean 'grad_cam'?"),
        ("experiments.one.dataset", "scene", "unknown data set in experiments.one 'scene'", "did you mean 'scenes'?"),
        ("experiments.one.domains", ["chian"], "unknown source domain of scenes 'chian'", "did you mean 'china'?"),
        ("experiments.one.methods", ["algin"], "unknown method in experiments.one 'algin'", "did you mean 'align'?"),
        ("experiments.one.methods", [{"align": {"lamda1": 1}}], "unknown key 'lamda1' of method 'align'", "'lambda1'"),
        ("experiments.one.methods", [{"align": {"lambda1": -1}}], "align {'lambda1': -1}: found -1", "or equal to 0"),
        ("experiments.one.methods", [{"align": {"lamda1": 1}}], "experiments.one: unknown key 'lamda1'", "'lambda1'"),
        (
            "experiments.one.methods",
            [{"align": {"masker": "gray"}}],
            "experiments.one: align {'masker': 'gray'}: found",
            "'grey'",
        ),
        (
            "experiments.one.methods",
            [{"masked_erm": {"degree": 0.2}}],
            "experiments.one: masked_erm {'degree': 0.2}: found mask ground_truth, degradation none and degree 0.2",
            "expected a mask",
        ),
        (
            "experiments.one.methods",
            [{"align-swap": {"regulariser": "sgt"}}],
            "experiments.one: align-swap {'regulariser': 'sgt'}: found regulariser sgt with lambda4 0",
            "expected a lambda4 above 0",
        ),
        ("experiments.one.sweeps", [{}], "experiments.one.sweeps.0: found {}", "at least 1 item"),
        ("experiments.one.sweeps", [{"align": {}}], "experiments.one.sweeps.0.align: found {}", "at least 1 item"),
    ],
)
def test_wrong_value_is_answered_with_what_was_found_and_expected(place, value, found, expected):
    with pytest.raises(InputError) as error:
        load(with_value(place, value), "my.yaml")
    message = str(error.value)
    assert message.startswith("my.yaml cannot be used:\n")
    assert found in message
    assert expected in message
    assert message.count("\n") == 1  # one problem, one line


def test_all_mistakes_are_in_one_message():
    content = with_value("training.epochs", 0) | {"devise": "cpu"}
    with pytest.raises(InputError) as error:
        load(content, "my.yaml")
    assert [line.split(":")[0].strip() for line in str(error.value).splitlines()[1:]] == ["training.epochs", "devise"]


def test_a_missing_section_is_named():
    with pytest.raises(InputError, match="datasets: missing; expected a value"):
        load({"experiments": SMALL["experiments"]})


ONE_CELL = (
    "resnet18 reduces 32×32 pixels to one cell, and datasets.scenes.image_size is 32; expected an image_size above 32, such as "
    "64, or a classifier that reduces less"
)


def one_cell(**sections):
    """Return the configuration of one run of ERM on images that ResNet-18 reduces to one cell."""
    content = deepcopy(SMALL) | sections
    content["datasets"]["scenes"]["image_size"] = 32
    content["experiments"]["one"]["methods"] = ["erm"]
    return content


@pytest.mark.parametrize(
    "method",
    ["align", "align-plus", "dre", "cgc", {"align": {"lambda3": 0}}, {"align": {"lambda4": 0}},
     {"rsc": {"muted": "channels_or_positions"}}, {"align-swap": {"lambda3": 0, "lambda4": 1}},
     {"align": {"attribution": "input_gradient"}}],
)  # fmt: skip
def test_a_loss_of_cells_needs_more_than_one(method):
    content = one_cell()
    content["experiments"]["one"]["methods"] = ["erm", method]
    with pytest.raises(InputError) as error:
        load(content)
    message = str(error.value)
    name = method if isinstance(method, str) else next(iter(method))
    assert f"experiments.one: found method '{name}" in message
    assert "whose loss compares cells of the last feature map, and one cell only" in message
    assert message.endswith(f": {ONE_CELL}, or leave the method out")
    content["datasets"]["scenes"]["image_size"] = 33
    assert load(content)
    content["datasets"]["scenes"]["image_size"] = 32
    content["classifier"] = SMALL_RESNET
    assert load(content)


@pytest.mark.parametrize(
    "method",
    ["erm", "mixup", "rsc", "sgt", "masked_erm", {"dre": {"consistency": 0, "sparsity": 0}}, {"cgc": {"contrast": 0}},
     {"align": {"attribution": "input_gradient", "lambda4": 0}}, {"align-swap": {"lambda3": 0}},
     {"align-swap": {"lambda3": 0, "lambda4": 1, "regulariser": "sgt"}}],
)  # fmt: skip
def test_a_loss_of_pixels_works_with_one_cell(method):
    content = one_cell()
    content["datasets"]["scenes"]["ground_truth"] = [{"kind": "masks", "folder": "data/scenes/masks"}]
    content["experiments"]["one"]["methods"] = [method]
    assert load(content)


def test_flat_maps_are_warned_of():
    (warning,) = flat_maps(load(one_cell()))
    assert warning.startswith("evaluation.attribution: every grad_cam map of scenes has one cell and ranks no pixel")
    assert ONE_CELL in warning
    assert flat_maps(load(one_cell(evaluation={"attribution": "input_gradient"}))) == []
    assert flat_maps(load(one_cell(evaluation={"metrics": ["accuracy", "auc"]}))) == []
    assert flat_maps(load(SMALL)) == []


@pytest.mark.parametrize("chosen", [None, ["cat"]])
def test_one_class_is_nothing_to_learn(photographs, chosen):
    if chosen is None:
        for domain in ("paris", "rome"):
            shutil.rmtree(photographs / domain / "dog")
    dataset = {"root": str(photographs)} | ({"classes": chosen} if chosen else {})
    with pytest.raises(
        InputError, match=r"datasets\.scenes: found one class only, 'cat', in .*photographs, expected two or more"
    ):
        load(with_value("datasets.scenes", dataset))
    with pytest.raises(InputError, match=r"datasets\.scenes: found one class only, '3', in data/scenes, expected two or more"):
        load(with_value("datasets.scenes.classes", ["3"]))


def test_a_missing_root_is_named(tmp_path):
    with pytest.raises(InputError, match=r"datasets\.scenes: .*nowhere: found no such folder, .*; correct `root:`"):
        load(with_value("datasets.scenes", {"root": str(tmp_path / "nowhere")}))


def test_a_root_without_images_is_named(tmp_path):
    (tmp_path / "paris/cat").mkdir(parents=True)
    with pytest.raises(InputError, match=r"datasets\.scenes: .*: found no <domain>/<class>/<image> in it; correct"):
        load(with_value("datasets.scenes", {"root": str(tmp_path)}))


def test_a_missing_folder_of_ground_truth_is_named(photographs):
    truth = [{"kind": "masks", "folder": str(photographs / "truth")}]
    with pytest.raises(InputError, match=r"datasets\.scenes\.ground_truth\.0: found no folder .*truth"):
        load(with_value("datasets.scenes", {"root": str(photographs), "ground_truth": truth}))


def with_truth(photographs, *files, kind="masks", methods=("erm",), **settings):
    """Return a configuration of photographs with ground truth, of which only names are looked at."""
    folder = photographs.parent / "truth"
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    dataset = {"root": str(photographs), "ground_truth": [{"kind": kind, "folder": str(folder), **settings}]}
    content = with_value("datasets.scenes", dataset)
    content["experiments"]["one"]["methods"] = list(methods)
    return content


@pytest.mark.parametrize(
    ("files", "settings", "expected"),
    [
        (
            ["paris/cat/1.png"],
            {"domain": "pari"},
            "unknown domain in datasets.scenes.ground_truth.0 'pari': did you mean 'paris'?",
        ),
        (
            ["paris/cat/1.png"],
            {"kind": "colours", "colours": {"cats": [1, 2, 3]}},
            "unknown class in datasets.scenes.ground_truth.0.colours 'cats': did you mean 'cat'?",
        ),
        (
            ["paris/cat/1.png"],
            {"kind": "colours", "colours": {"cat": [300, 0, 0]}},
            "datasets.scenes.ground_truth.0.colours.cat.0: found 300; input should be less than or equal to 255",
        ),
        (["paris/cat/1.png"], {"kind": "colours"}, "datasets.scenes.ground_truth.0: found no colours, expected the RGB value"),
        (
            ["paris/cat/1.png"],
            {"colours": {"cat": [1, 2, 3]}},
            "found colours with kind masks, expected it with kind colours only",
        ),
        (["1.xml"], {"kind": "voc_boxes", "object": [1]}, "found object with kind voc_boxes, expected it with kind masks only"),
        (["paris/cat/1_x.png"], {}, "such as 'paris/cat/1_x.png', expected 'paris/cat/1.png' for the image 'paris/cat/1.png'"),
        (["rome/cat/1.png"], {"domain": "paris"}, "such as 'rome/cat/1.png', expected 'paris/cat/1.png'"),
        (["1.txt"], {}, "but only 1 others such as '1.txt' in "),
        (["1.xml"], {}, "but only 1 others such as '1.xml' in "),
        (["1.png"], {}, "with the name of the images 'paris/cat/1.png' and 'rome/cat/1.png'"),
        (["1.png"], {"domain": "rome"}, "with the name of the images 'rome/cat/1.png' and 'rome/dog/1.png'"),
        (["paris/cat/1.png", "paris/cat/1.jpg"], {}, "'paris/cat/1.jpg' and 'paris/cat/1.png' in "),
    ],
)
def test_ground_truth_that_cannot_serve_is_refused_by_names_alone(photographs, files, settings, expected):
    with pytest.raises(InputError) as error:
        load(with_truth(photographs, *files, **settings), "my.yaml")
    assert str(error.value).startswith("my.yaml cannot be used:\n  ")
    assert expected in str(error.value)


def test_ground_truth_of_a_domain_that_is_not_chosen_is_no_error(photographs):
    content = with_truth(photographs, "paris/cat/1.png", domain="paris")
    content["datasets"]["scenes"]["domains"] = ["rome"]
    assert load(content).datasets["scenes"].domains == ("rome",)


def test_methods_that_need_true_masks_are_left_out_where_a_source_has_none(photographs):
    methods = ["erm", {"masked_erm": {"mask": "ground_truth"}}, {"align": {"masker": "ground_truth"}}]
    configuration = load(with_truth(photographs, "rome/dog/1.png", methods=methods))
    assert [(run.domain, run.method) for run in planned_runs(configuration)] == [
        ("paris", "erm"),
        ("rome", "erm"),
        ("rome", "masked_erm"),
        ("rome", "align-masker=ground_truth"),
    ]
    reason = "it is given true masks, and no image of paris has one"
    assert left_out_variants(configuration) == {
        ("scenes", "masked_erm"): reason,
        ("scenes", "align-masker=ground_truth"): reason,
    }


def test_domains_are_those_of_the_folder_or_of_the_source(photographs):
    assert load(with_value("datasets.scenes", {"root": str(photographs)})).datasets["scenes"].domains == ("paris", "rome")
    assert load(SMALL).datasets["scenes"].domains == SOURCES["digit_scenes"].domains


def test_domains_can_be_chosen(photographs):
    chosen = load(with_value("datasets.scenes", {"root": str(photographs), "domains": ["rome"]}))
    assert {run.domain for run in planned_runs(chosen)} == {"rome"}


def test_everything_has_a_default_but_datasets_and_experiments():
    configuration = load(SMALL)
    assert configuration.evaluation.metrics == tuple(METRICS)
    assert configuration.training.epochs == 60
    assert configuration.methods.align.lambda3 == 1.0
    assert load(configuration.model_dump(mode="json")) == configuration


def test_every_compared_method_and_seed_is_run_by_default():
    runs = planned_runs(load({**SMALL, "experiments": {"one": {"dataset": "scenes"}}}))
    assert len(runs) == len(set(runs)) == 4 * len(DEFAULT_METHODS) * 3
    assert runs[0] == Run("scenes", "single_source", "china", "erm", 0)
    assert runs[0].path == "scenes/single_source/china/erm/seed0"


def test_a_run_that_two_experiments_ask_for_is_made_once():
    content = deepcopy(SMALL)
    content["experiments"]["two"] = {"dataset": "scenes", "methods": ["erm"], "seeds": [0, 1]}
    runs = planned_runs(load(content))
    assert len(runs) == len(set(runs)) == 4 * (len(DEFAULT_METHODS) + 1)


def test_a_test_only_domain_is_never_a_source():
    content = with_value("datasets.scenes.test_only", ["china", "noise"])
    assert {run.domain for run in planned_runs(load(content))} == {"flower", "stripes"}
    content["experiments"]["one"]["domains"] = ["china"]
    with pytest.raises(InputError, match="unknown source domain of scenes 'china'"):
        load(content)


def leaving_one_out(available, test_only=(), **changes):
    content = deepcopy(SMALL)
    content["datasets"]["scenes"] |= {"domains": list(available), "test_only": list(test_only)}
    content["experiments"]["one"] |= {"protocol": "leave_one_domain_out", "methods": ["erm"]} | changes
    return load(content)


def test_leaving_one_domain_out_trains_on_all_others_that_may_be_trained_on():
    configuration = leaving_one_out(["china", "flower", "noise", "stripes"], test_only=["noise"])
    runs = planned_runs(configuration)
    assert [run.path for run in runs] == [
        f"scenes/leave_one_domain_out/{name}/erm/seed0" for name in ("china", "flower", "stripes")
    ]
    assert source_domains(configuration, runs[1]) == ("china", "stripes")
    alone = of_experiment(methods=["erm"], domains=["noise"])
    assert [source_domains(alone, run) for run in planned_runs(alone)] == [("noise",)]


def test_a_domain_that_is_never_trained_on_can_be_the_one_left_out():
    configuration = leaving_one_out(["china", "flower", "noise"], test_only=["noise"], domains=["noise"])
    assert [source_domains(configuration, run) for run in planned_runs(configuration)] == [("china", "flower")]


@pytest.mark.parametrize("method", ["irm", "group_dro"])
def test_a_method_that_compares_source_domains_has_two_or_more(method):
    configuration = leaving_one_out(["china", "flower", "noise"], methods=[method])
    assert {len(source_domains(configuration, run)) for run in planned_runs(configuration)} == {2}
    with pytest.raises(InputError, match=f"experiments.one: found method '{method}', which compares source domains, with one"):
        leaving_one_out(["china", "flower"], methods=[method])


@pytest.mark.parametrize(
    ("available", "test_only", "changes", "expected"),
    [
        (
            ["china"],
            [],
            {},
            "experiments.one: found 1 trainable domains of data set 'scenes', expected two or more, one of them to leave out, to",
        ),
        (["china", "noise"], ["noise"], {}, "found 1 trainable domains of data set 'scenes', expected two or more"),
        (["china", "noise"], [], {"domains": ["nois"]}, "unknown domain to leave out of scenes 'nois': did you mean 'noise'?"),
    ],
)
def test_no_domain_can_be_left_out_of_too_few(available, test_only, changes, expected):
    with pytest.raises(InputError) as error:
        leaving_one_out(available, test_only, **changes)
    assert expected in str(error.value)


def test_a_sweep_is_every_combination_the_default_among_them():
    configuration = of_experiment(
        study="sensitivity", domains=["china"], methods=["erm"], sweeps=[{"align": {"lambda3": [0, 1], "warm_up": [0.5, 0.75]}}]
    )
    assert [run.method for run in planned_runs(configuration)] == [
        "erm",
        "align-lambda3=0.0",
        "align-lambda3=0.0-warm_up=0.75",
        "align",
        "align-warm_up=0.75",
    ]


def test_a_run_belongs_to_every_study_that_asks_for_it():
    content = deepcopy(SMALL)
    content["experiments"] = {
        "one": {"dataset": "scenes", "domains": ["china"], "methods": ["erm", "align"], "seeds": [0]},
        "two": {"dataset": "scenes", "domains": ["china"], "methods": [], "seeds": [0], "study": "sensitivity"}
        | {"sweeps": [{"align": {"lambda3": [1, 2]}}]},
    }
    studies = {run.method: names for run, names in planned_studies(load(content)).items()}
    assert studies == {"erm": ("comparison",), "align": ("comparison", "sensitivity"), "align-lambda3=2.0": ("sensitivity",)}


def test_what_cannot_be_run_is_left_out_with_its_reason(tmp_path):
    asked = [{"align": {"masker": "sam"}}, {"align": {"masker": "ground_truth"}}, "erm"]
    without = of_experiment(methods=asked)
    assert {run.method for run in planned_runs(without)} == {"erm"}
    assert left_out_variants(without) == {
        ("scenes", "align-masker=sam"): "no checkpoint of Segment Anything is configured (segment_anything.checkpoint)",
        ("scenes", "align-masker=ground_truth"): "the data set has no ground truth",
    }
    content = with_value("datasets.scenes.ground_truth", [{"kind": "masks", "folder": "data/scenes/masks"}])
    content["experiments"]["one"]["methods"] = asked
    content["segment_anything"] = {"checkpoint": str(tmp_path)}
    assert left_out_variants(load(content)) == {}
    assert len(planned_runs(load(content))) == 4 * len(asked)


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("align", "align"),
        ({"align": {}}, "align"),
        ({"align": {"lambda1": 2.0}}, "align"),  # its default
        ({"align": {"lambda1": 0.5}}, "align-lambda1=0.5"),
        ({"align": {"lambda1": 1}}, "align-lambda1=1.0"),
        ({"align": {"lambda1": 1e-05}}, "align-lambda1=1e-05"),
        ({"align": {"lambda3": 0, "lambda1": 0.5}}, "align-lambda1=0.5-lambda3=0.0"),
        ({"align": {"masker_input": "features"}}, "align-masker_input=features"),
        ({"align": {"masker_strides": [2, 1, 1]}}, "align-masker_strides=2x1x1"),
    ],
)
def test_a_variant_is_named_by_what_differs_from_the_defaults(entry, name):
    configuration = of_experiment(methods=[entry])
    assert list(variant_settings(configuration)) == [name]
    assert {run.method for run in planned_runs(configuration)} == {name}
    assert method_of(name) == "align"


def test_a_variant_differs_from_what_is_configured_for_all():
    content = with_value("methods.align", {"lambda1": 0.5, "lambda2": 0.1})
    content["experiments"]["one"]["methods"] = [{"align": {"lambda1": 0.5}}, {"align": {"lambda1": 2}}]
    variants = variant_settings(load(content))
    assert list(variants) == ["align", "align-lambda1=2.0"]
    assert [(settings.lambda1, settings.lambda2) for settings in variants.values()] == [(0.5, 0.1), (2.0, 0.1)]


def test_a_method_with_a_hyphen_in_its_name_has_settings_and_variants():
    content = with_value("methods.align-plus", {"lambda1": 0.5})
    content["experiments"]["one"]["methods"] = [
        "align-plus",
        {"align-plus": {"lambda1": 3.0}},
        {"align-plus": {"mask_values": "soft"}},
    ]
    configuration = load(content)
    variants = variant_settings(configuration)
    assert [(name, settings.lambda1, settings.mask_values) for name, settings in variants.items()] == [
        ("align-plus", 0.5, "hardened"),
        ("align-plus-lambda1=3.0", 3.0, "hardened"),
        ("align-plus-mask_values=soft", 0.5, "soft"),
    ]
    assert {method_of(name) for name in variants} == {"align-plus"}
    assert load(configuration.model_dump(mode="json")) == configuration


def test_align_plus_is_align_with_other_defaults_within_the_same_bounds():
    fields, plus = (METHODS[name].settings.model_fields for name in ("align", "align-plus"))
    assert plus.keys() == fields.keys()
    assert all(
        (plus[key].description, plus[key].metadata) == (field.description, field.metadata) for key, field in fields.items()
    )
    differing = {key for key, field in fields.items() if plus[key].default != field.default}
    assert all("masker_study.md" in plus[key].json_schema_extra["because"] for key in differing)
    with pytest.raises(InputError, match=r"methods\.align-plus\.lambda1"):
        load(with_value("methods.align-plus", {"lambda1": -1}))


def test_an_attribution_that_is_not_known_is_answered_with_the_nearest_known_one():
    with pytest.raises(InputError, match=r"unknown attribution 'layercam': did you mean 'layer_cam'\?"):
        load(with_value("methods.align", {"attribution": "layercam"}))


@pytest.mark.parametrize("path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_configuration_file_loads(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    content = yaml.safe_load(path.read_text())
    for dataset in content["datasets"].values():
        if "source" not in dataset and not Path(dataset["root"]).is_dir():
            pytest.skip(f"{os.path.normpath(dataset['root'])} is absent")
    assert planned_runs(load(content, str(path)))


@pytest.mark.parametrize("name", METHODS)
def test_every_hyper_parameter_says_what_it_is_and_why(name):
    for key, field in METHODS[name].settings.model_fields.items():
        assert field.description, f"{name}.{key}"
        if field.default is None:
            continue  # it stands for a setting that all methods share, which is declared there
        if isinstance(field.default, str) and not field.json_schema_extra:
            continue  # it names a variant, such as whose masks are used: nothing that the paper leaves open
        assert (field.json_schema_extra or {}).get("because"), f"{name}.{key}"


def test_the_configuration_cannot_be_changed_afterwards():
    configuration = load(SMALL)
    assert isinstance(configuration, Configuration)
    with pytest.raises(ValueError, match="frozen"):
        configuration.device = "cuda"


@pytest.mark.parametrize(
    ("values", "weights"),
    [
        ({}, "IMAGENET1K_V1"),
        ({"architecture": "resnet18"}, "IMAGENET1K_V1"),
        ({"weights": "~/some.pth"}, "~/some.pth"),
        ({"weights": None}, None),
        ({"weights": "none"}, None),
        ({"architecture": "small_resnet"}, None),
        ({"architecture": "small_resnet", "weights": None}, None),
        ({"architecture": "small_resnet", "weights": "none"}, None),
    ],
)
def test_initial_weights_depend_on_the_architecture(values, weights):
    classifier = load(SMALL | {"classifier": values}).classifier
    assert classifier.weights == weights
    assert type(classifier)(**classifier.model_dump()) == classifier  # a job gets the settings as plain values
