"""`align export`: exported files give the model's values, and the card says what the run was."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from huggingface_hub import ModelCard
from small_runs import CLASSES, SIZE, VALIDATION_SPLIT, VIEW, run_settings, trained_run
from test_program import run_align, write_trained
from torchvision.models import resnet18

import align
from align.imaging.normalisation import normalise, to_unit
from align.imaging.view import View
from align.methods.base import Failure
from align.models.settings import ClassifierSettings
from align.training.run import write_run

IMAGES = to_unit(torch.from_numpy(VALIDATION_SPLIT.images))


def logits_of(model):
    with torch.no_grad():
        return model.method.classifier(normalise(IMAGES)).numpy()


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A run where the workflow has its runs, with an evaluation beside it."""
    results = tmp_path_factory.mktemp("results")
    place = "d/single_source/a/align/seed0/1a2b3c4d"
    trained, account = trained_run("align", precision="float32")
    account["settings"] = {"dataset": "d", "protocol": "single_source", "domain": "a", "method": "align", "seed": "0"}
    failed = trained._replace(failures=[Failure("mask collapse", 2, "area 0.000")])
    write_run(failed, run_settings("align"), CLASSES, VIEW, account, results / "runs" / place)
    evaluation = results / "evaluations" / place / "5e6f7a8b"
    evaluation.mkdir(parents=True)
    (evaluation / "metrics.csv").write_text(
        "target_domain,metric,value,n\na,accuracy,0.9375,20\nb,accuracy,0.5,20\nb,pointing_game,,0\n"
    )
    return results / "runs" / place


def test_onnx_gives_the_logits_and_the_masks_of_the_model(evaluated, tmp_path, monkeypatch):
    assert run_align(monkeypatch, "export", evaluated, tmp_path) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "classifier.onnx", "masker.onnx", "model.json"]
    model = align.load(evaluated, "cpu")
    found = {
        name: onnxruntime.InferenceSession(tmp_path / f"{name}.onnx").run(None, {"images": IMAGES.contiguous().numpy()})[0]
        for name in ("classifier", "masker")
    }
    np.testing.assert_allclose(found["classifier"], logits_of(model), rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        masks = model.method.networks["masker"](normalise(IMAGES), model.method.classifier)
    np.testing.assert_allclose(found["masker"], masks, rtol=1e-4, atol=1e-5)
    described = json.loads((tmp_path / "model.json").read_text())
    assert described["classes"] == CLASSES
    assert described["images"] == VIEW.record()


def test_the_card_has_the_results_and_the_failures_of_the_run(evaluated, tmp_path, monkeypatch):
    run_align(monkeypatch, "export", evaluated, tmp_path)
    card = ModelCard.load(tmp_path / "README.md")
    values = {(result.dataset_name, result.metric_type): result.metric_value for result in card.data.eval_results}
    assert values == {("d, a (in distribution)", "accuracy"): 0.9375, ("d, b (out of distribution)", "accuracy"): 0.5}
    assert card.data.tags == ["explanation-guided-learning", "align"]
    assert "| b (out of distribution) | Accuracy | 50.0% |" in card.text
    assert "mask collapse in epoch 2 (area 0.000)" in card.text
    assert "Classes: circle, cross, square." in card.text


def test_a_run_that_was_not_evaluated_says_so(tmp_path, monkeypatch):
    erm = write_trained(tmp_path / "erm", "erm")
    assert run_align(monkeypatch, "export", erm, tmp_path / "out") == 0
    assert "The run was not evaluated where this card was made." in (tmp_path / "out/README.md").read_text()
    assert not (tmp_path / "out/masker.onnx").exists()


def resnet18_run(name, folder):
    """Write a run of a ResNet-18 with random weights, and return its method."""
    settings = run_settings(name)._replace(classifier=ClassifierSettings(architecture="resnet18", weights=None))
    method = settings.build(len(CLASSES), 0, torch.device("cpu"))
    trained, account = trained_run(name, precision="float32")
    states = {name: network.state_dict() for name, network in method.networks.items()}
    write_run(trained._replace(states=states), settings, CLASSES, View(SIZE), account, folder)
    return method


def test_a_resnet18_becomes_torchvision_s(tmp_path, monkeypatch):
    method = resnet18_run("align", tmp_path / "run")
    assert run_align(monkeypatch, "export", tmp_path / "run", tmp_path / "out", "--format", "torchvision") == 0
    network = resnet18(num_classes=len(CLASSES)).eval()
    network.load_state_dict(torch.load(tmp_path / "out/resnet18.pth", weights_only=True))
    with torch.no_grad():
        found = network(normalise(IMAGES)).numpy()
    np.testing.assert_allclose(found, logits_of(align.load(tmp_path / "run", "cpu")), rtol=1e-4, atol=1e-4)
    masker = torch.load(tmp_path / "out/masker.pth", weights_only=True)
    assert masker.keys() == method.networks["masker"].state_dict().keys()


def test_a_small_network_has_no_torchvision_form(evaluated, tmp_path, monkeypatch, capsys):
    assert run_align(monkeypatch, "export", evaluated, tmp_path / "out", "--format", "torchvision") == 1
    assert "found a small_resnet, which torchvision does not have" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_resnet18_with_a_gate_has_no_torchvision_form_but_an_onnx(tmp_path, monkeypatch, capsys):
    resnet18_run("align-gate", tmp_path / "run")
    assert run_align(monkeypatch, "export", tmp_path / "run", tmp_path / "out", "--format", "torchvision") == 1
    assert "found a gate behind the last feature map" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run_align(monkeypatch, "export", tmp_path / "run", tmp_path / "out") == 0
    session = onnxruntime.InferenceSession(tmp_path / "out/classifier.onnx")
    (found,) = session.run(None, {"images": IMAGES.numpy()})
    np.testing.assert_allclose(found, logits_of(align.load(tmp_path / "run", "cpu")), rtol=1e-3, atol=1e-4)
