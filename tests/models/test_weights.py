"""Initial weights in the forms in which people have them: what is read, and what is refused with one clear message."""

import argparse
import collections
import io
import os
import pickle
import subprocess
import sys
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save, save_file
from torch import nn
from torchvision.models import ResNet18_Weights, get_model, resnet18

from align.errors import InputError
from align.models.classifier import build_classifier
from align.models.resnet18 import resnet18_stages
from align.models.settings import ClassifierSettings
from align.models.weights import load_weights
from align.models.weights_file import TORCHVISION_NAMES

COUNTERS = 20  # batch normalisations of a ResNet-18
CHILDREN = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}  # their numbers in an nn.Sequential


@pytest.fixture(scope="module")
def state():
    """Return the state dict of a ResNet-18 that nobody else has: no value is still 0 or 1."""
    network = resnet18()
    generator = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif name.endswith("num_batches_tracked"):
            tensor.fill_(7)
    return network.state_dict()


def without_head(state):
    return {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}


def under(prefix, state):
    return {prefix + name: tensor for name, tensor in state.items()}


def without_counters(state):
    return {name: tensor for name, tensor in state.items() if "num_batches" not in name}


def with_head(state, classes):
    return state | {"fc.weight": torch.zeros(classes, 512), "fc.bias": torch.zeros(classes)}


def numbered(state):
    parts = (name.partition(".") for name in without_head(state))
    return {f"{CHILDREN[child]}.{rest}": state[f"{child}.{rest}"] for child, _, rest in parts}


def network_of_zeros(name):
    """Return the state dict of one of torchvision's networks: its names and shapes, with a stored value for each tensor."""
    with torch.device("meta"):
        network = get_model(name)
    return {key: torch.zeros(()).expand(tensor.shape) for key, tensor in network.state_dict().items()}


def loaded(path):
    """Return the stages of a ResNet-18 that has loaded a file, as a state dict, and the line that says so."""
    network = resnet18_stages()
    line = load_weights(network, str(path))
    return network.state_dict(), line


def refusal(path):
    """Return the message of the refusal of a file. The network must stay as it was, and the message name the file."""
    network = resnet18_stages()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(InputError) as error:
        load_weights(network, str(path))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    return str(error.value)


class AttributeDict(dict):
    """The name of Lightning's class for hyper-parameters."""


def lightning(state):
    options = argparse.Namespace(lr=1e-3, out=Path("out"), score=np.float64(0.5), seen=np.arange(3))
    return {
        "epoch": 3,
        "global_step": 9,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": under("model.", state),
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-3, "params": [0]}]}],
        "hyper_parameters": AttributeDict(options=options, counts=collections.defaultdict(int, a=1)),
    }


def domainbed(state):
    """Return a checkpoint of DomainBed's ERM. It has its network twice, once as a part of an nn.Sequential."""
    network = without_head(state)
    return {
        "args": {"algorithm": "ERM", "seed": 0},
        "model_hparams": {"lr": np.float64(5e-5), "resnet18": True},
        "model_dict": under("featurizer.network.", network)
        | under("network.0.network.", network)
        | {"classifier.bias": torch.ones(3)},
    }


FORMS = {
    # name: what is saved, the prefix that is found, tensors that are loaded and ignored
    "plain": (lambda s: s, "", 120, 2),
    "torchvision before 0.2.2": (without_counters, "", 100, 2),
    "DataParallel": (lambda s: under("module.", s), "module.", 120, 2),
    "training script": (
        lambda s: {"epoch": 3, "arch": "resnet18", "state_dict": under("module.", s), "best_acc1": torch.tensor(54.0)},
        "state_dict.module.",
        120,
        3,
    ),
    "Lightning": (lightning, "state_dict.model.", 120, 3),
    "ten classes": (lambda s: with_head(s, 10), "", 120, 2),
    "no head": (without_head, "", 120, 0),
    "head of another name": (lambda s: without_head(s) | {"head.2.weight": torch.ones(3), "queue": torch.ones(5)}, "", 120, 2),
    "MoCo v2, the query encoder": (
        lambda s: {"state_dict": under("module.encoder_q.", without_head(s)) | {"module.encoder_q.fc.0.weight": torch.ones(2)}},
        "state_dict.module.encoder_q.",
        120,
        1,
    ),
    "DomainBed": (domainbed, "model_dict.featurizer.network.", 120, 121),
    "numbered children": (lambda s: {"net": under("backbone.", numbered(s))}, "net.backbone.", 120, 0),
    "deep in wrappers": (lambda s: [3, {"a": {"b": ({"c.d": s},)}}], "1.a.b.0.c.d.", 120, 2),
    "torch.compile": (lambda s: under("_orig_mod.", s), "_orig_mod.", 120, 2),
    "OrderedDict": (collections.OrderedDict, "", 120, 2),
    "parameters": (lambda s: {n: nn.Parameter(t) if t.is_floating_point() else t for n, t in s.items()}, "", 120, 2),
    "half": (lambda s: {n: t.half() if t.is_floating_point() else t for n, t in s.items()}, "", 120, 2),
    "bfloat16": (lambda s: {n: t.bfloat16() if t.is_floating_point() else t for n, t in s.items()}, "", 120, 2),
    "counters of shape 1": (lambda s: {n: t.reshape(1) if t.ndim == 0 else t for n, t in s.items()}, "", 120, 2),
    "double": (lambda s: {n: t.double() if t.is_floating_point() else t for n, t in s.items()}, "", 120, 2),
    "a student beside a larger teacher": (
        lambda s: under("teacher.", network_of_zeros("resnet50")) | under("student.", s),
        "student.",
        120,
        322,
    ),
}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("form", FORMS)
def test_forms_that_are_read(form, zipped, state, tmp_path):
    content, prefix, number, ignored = FORMS[form]
    torch.save(content(state), tmp_path / "weights.pth", _use_new_zipfile_serialization=zipped)
    found, line = loaded(tmp_path / "weights.pth")
    for name, tensor in found.items():
        expected = torch.tensor(0) if number == 100 and name.endswith("num_batches_tracked") else state[name]
        precision = {"half": 1e-3, "bfloat16": 1e-2}.get(form, 0)
        torch.testing.assert_close(tensor, expected, rtol=precision, atol=0)
    place = f"under {prefix!r}" if prefix else "without a prefix"
    assert f"weights.pth: loaded {number} of 120 tensors {place}; missing: " in line
    assert ("num_batches_tracked and 17 more; ignored" if number == 100 else "missing: none; ignored") in line
    said = line.partition("ignored: ")[2]
    assert said.count(",") + 1 + int(said.split(" and ")[1].split()[0] if " and " in said else 0) == max(ignored, 1)
    assert (said == "none") == (ignored == 0)


@pytest.mark.parametrize(
    "name", ["WEIGHTS.PTH", "weights.pth.tar", "model.ckpt", "model.pkl", "weights", "a b, ü.bin", "DEFAULT.pt"]
)
def test_the_name_of_a_file_does_not_matter(name, state, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(state, name)
    assert torch.equal(loaded(name)[0]["conv1.weight"], state["conv1.weight"])
    monkeypatch.setenv("HOME", str(tmp_path))
    assert f"{tmp_path}/{name}: loaded 120" in loaded(f"~/{name}")[1]


@pytest.mark.parametrize("name", ["model.safetensors", "MODEL.SAFETENSORS", "pytorch_model.bin"])
def test_safetensors(name, state, tmp_path):
    save_file(under("resnet.", state), tmp_path / name, metadata={"format": "pt"})
    found, line = loaded(tmp_path / name)
    assert all(torch.equal(tensor, state[key]) for key, tensor in found.items())
    assert "under 'resnet.'" in line


def test_a_checkpoint_of_this_project(state, tmp_path, generator):
    torch.save(state, tmp_path / "weights.pth")
    settings = ClassifierSettings(architecture="resnet18", weights=str(tmp_path / "weights.pth"))
    classifier = build_classifier(settings, 3, generator)
    assert "weights.pth: loaded 120 of 120" in classifier.initial_weights
    torch.save({"classifier": classifier.state_dict(), "classes": ["a", "b", "c"]}, tmp_path / "checkpoint.pt")
    found, line = loaded(tmp_path / "checkpoint.pt")
    assert torch.equal(found["conv1.weight"], state["conv1.weight"])
    assert "under 'classifier.backbone.'; missing: none; ignored: classifier.head.bias, classifier.head.weight" in line


def test_random_weights_have_no_account(generator):
    assert build_classifier(ClassifierSettings(weights=None), 3, generator).initial_weights is None


def other_values(state):
    return {name: tensor + 1 for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("state_dict.module.encoder_q.", "state_dict.module.encoder_k."),
        ("student.", "teacher."),
        ("state_dict.", "state_dict_ema."),
        ("model.", "ema.module."),
    ],
)
def test_several_networks_are_named(first, second, state, tmp_path):
    torch.save(under(first, state) | under(second, other_values(state)), tmp_path / "weights.pth")
    assert (
        f"found 2 networks with different weights (under '{first}', under '{second}'), expected one; save the one that you mean"
        in refusal(tmp_path / "weights.pth")
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_values_that_are_not_finite_are_named(value, state, tmp_path):
    broken = state["layer1.0.conv1.weight"].double()
    broken[3, 2, 1, 0] = value
    torch.save({"net": state | {"layer1.0.conv1.weight": broken}}, tmp_path / "weights.pth")
    assert "found values that are NaN or infinite in net.layer1.0.conv1.weight, expected" in refusal(tmp_path / "weights.pth")


def test_a_broken_head_does_not_matter(state, tmp_path):
    torch.save(state | {"fc.bias": torch.full((1000,), float("nan"))}, tmp_path / "weights.pth")
    loaded(tmp_path / "weights.pth")


class Opens:
    """An object whose pickle makes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


class RunsCommand:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def as_bytes(content, **options):
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def legacy_bytes(content):
    return as_bytes(content, _use_new_zipfile_serialization=False)


def protocol_2(content):
    """Return a plain pickle, with the protocol of torch's own files."""
    return pickle.dumps(content, protocol=2)


class TestRefused:
    def message(self, content, tmp_path):
        (tmp_path / "weights.pth").write_bytes(content)
        return refusal(tmp_path / "weights.pth")

    @pytest.mark.parametrize(
        ("content", "found"), [([1, 2], "list"), (torch.zeros(3), "Tensor"), ({"epoch": 3}, "dict"), (None, "NoneType")]
    )
    def test_not_a_state_dict(self, content, found, tmp_path):
        assert f"found {found}, expected a state dict" in self.message(as_bytes(content), tmp_path)

    @pytest.mark.parametrize("written", [as_bytes, legacy_bytes], ids=["zip", "legacy"])
    def test_a_whole_model(self, written, tmp_path):
        for content in (resnet18(), {"epoch": 3, "model": resnet18()}):
            message = self.message(written(content), tmp_path)
            assert "it holds a whole pickled model, which only code can read: torchvision.models.resnet.BasicBlock" in message
            assert "save the state dict alone: torch.save(model.state_dict(), 'weights.pth')" in message

    def test_torchscript(self, tmp_path):
        torch.jit.trace(nn.Sequential(nn.Linear(2, 2)), torch.zeros(1, 2)).save(tmp_path / "weights.pth")
        assert "it holds a whole pickled model" in refusal(tmp_path / "weights.pth")

    @pytest.mark.parametrize("written", [as_bytes, legacy_bytes, protocol_2], ids=["zip", "legacy", "pickle"])
    @pytest.mark.parametrize("place", ["alone", "beside weights"])
    def test_a_pickle_that_would_run_code_is_never_run(self, written, place, state, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for object_, name in ((Opens(tmp_path / "executed"), "pathlib.Path.touch"), (RunsCommand(), "posix.mkdir")):
            content = written({"weight": object_} if place == "alone" else {"state_dict": dict(state), "other": object_})
            message = self.message(content, tmp_path)
            assert "cannot be read as tensors only, so it is not read at all (it would run code: " in message
            assert name in message or "getattr" in message
            assert not Path("executed").exists()

    def test_the_trap_works(self, tmp_path):
        pickle.loads(protocol_2(Opens(tmp_path / "executed")))
        assert (tmp_path / "executed").exists()

    @pytest.mark.parametrize("protocol", [2, 4])
    def test_a_pickle_that_torch_did_not_write(self, protocol, tmp_path):
        content = pickle.dumps({"conv1.weight": [1.0]}, protocol=protocol)
        assert "it is a pickle that torch.save did not write" in self.message(content, tmp_path)

    @pytest.mark.parametrize(
        ("network", "kind"),
        [
            ("resnet50", "but of a ResNet with bottlenecks, such as ResNet-50: layer1.0.conv3.weight is not part of a ResNet-18"),
            ("resnet34", "of a deeper ResNet, such as ResNet-34: layer1.2.conv1.weight is not part of a ResNet-18"),
            ("vit_b_16", "but of a vision transformer: found other names (state_dict.class_token, "),
            ("densenet121", "of a DenseNet"),
            ("convnext_tiny", "found other names (state_dict.classifier.0.bias, "),
            ("vgg11", "of a VGG, MobileNet or EfficientNet"),
        ],
    )
    def test_another_architecture(self, network, kind, tmp_path):
        message = self.message(as_bytes({"state_dict": network_of_zeros(network)}), tmp_path)
        assert "these are not weights of torchvision's ResNet-18" in message
        assert kind in message
        assert message.endswith("point classifier.weights at a state dict of torchvision.models.resnet18")

    def test_names_of_the_transformers_library(self, tmp_path):
        names = {"resnet.embedder.embedder.convolution.weight": torch.zeros(64, 3, 7, 7)}
        assert "but of a ResNet of the transformers library" in self.message(save(names), tmp_path)

    def test_another_stem(self, state, tmp_path):
        message = self.message(as_bytes(state | {"conv1.weight": torch.zeros(64, 3, 3, 3)}), tmp_path)
        assert "conv1.weight has shape (64, 3, 3, 3), expected (64, 3, 7, 7); point" in message

    def test_missing_and_unknown_names(self, state, tmp_path):
        wrong = {("module." + name if name.startswith("layer1") else name): tensor for name, tensor in state.items()}
        message = self.message(as_bytes(wrong), tmp_path)
        assert "layer1.0.conv1.weight is missing; " in message
        assert "(and 17 more); point" in message
        assert "conv1.bias is not part of a ResNet-18; point" in self.message(
            as_bytes(state | {"conv1.bias": torch.zeros(64)}), tmp_path
        )

    def test_values_of_integers(self, state, tmp_path):
        whole = {name: tensor.to(torch.int8) for name, tensor in state.items()}
        assert "conv1.weight has values of type int8, expected floats" in self.message(as_bytes(whole), tmp_path)

    def test_tensors_without_values(self, state, tmp_path):
        expected = "conv1.weight is stored without values or as a sparse tensor, expected a dense one"
        for other in (state["conv1.weight"].to("meta"), state["conv1.weight"].to_sparse()):
            assert expected in self.message(as_bytes(state | {"conv1.weight": other}), tmp_path)

    def test_another_protocol(self, state, tmp_path):
        message = self.message(as_bytes(state, pickle_protocol=4), tmp_path)
        assert "its pickle is of another protocol than torch.save's own; save it again without pickle_protocol" in message

    @pytest.mark.parametrize("written", [as_bytes, legacy_bytes, save], ids=["zip", "legacy", "safetensors"])
    def test_truncated_wherever_it_ends(self, written, tmp_path):
        whole = written({"weight": torch.ones(2, 2)})
        for end in {*range(0, 60), *range(60, len(whole) - 8, 37)}:
            (tmp_path / "weights.pth").write_bytes(whole[:end])
            with pytest.raises(InputError, match=r"weights\.pth: cannot be read as tensors only"):
                load_weights(nn.Linear(2, 2), str(tmp_path / "weights.pth"))

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "(it is empty)"),
            (b"junk", ""),
            (b"\x89PNG\r\n", ""),
            (bytes(64), ""),
            (b"PK\x03\x04", "its end is missing"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "a pointer of Git LFS"),
            (b"\n<!DOCTYPE html>\n<html>", "it is a web page"),
            (b"\x1f\x8b\x08rest", "a compressed archive"),
            (b"\x89HDF\r\n", "an HDF5 file"),
        ],
    )
    def test_files_of_another_kind(self, content, reason, tmp_path):
        message = self.message(content, tmp_path)
        assert "cannot be read as tensors only, so it is not read at all (" in message
        assert reason in message
        assert message.endswith("expected a state dict in a file of torch.save or safetensors")

    def test_an_archive_of_arrays(self, tmp_path):
        np.savez(tmp_path / "weights.npz", a=np.zeros(3))
        assert "it is an archive of a.npy and others, not of torch.save" in refusal(tmp_path / "weights.npz")


class TestNames:
    def refused(self, source):
        with pytest.raises(InputError, match=r"^classifier\.weights: ") as error:
            load_weights(nn.Linear(2, 2), source)
        return str(error.value)

    def test_those_of_torchvision_are_known(self):
        assert set(TORCHVISION_NAMES) == set(ResNet18_Weights.__members__)

    @pytest.mark.parametrize("name", ["IMAGENET1K_V9", "imagenet", "resnet18", "resnet50", "default", "pretrained"])
    def test_unknown(self, name):
        message = self.refused(name)
        assert f"'{name}' is neither a file nor torchvision weights of ResNet-18" in message
        assert "did you mean 'IMAGENET1K_V1'?" in message

    def test_no_file(self, tmp_path):
        assert self.refused(f"{tmp_path}/absent.pth").endswith("absent.pth; correct the path in the configuration")
        (tmp_path / "resnet18_best.pth").touch()
        assert f"(did you mean '{tmp_path}/resnet18_best.pth'?)" in self.refused(f"{tmp_path}/resnet18-best.pth")

    def test_a_folder(self, tmp_path):
        (tmp_path / "model.safetensors").touch()
        assert f"found a folder, {tmp_path}, expected a file; name a file in it, such as {tmp_path}/model.s" in self.refused(
            str(tmp_path)
        )

    def test_braces(self, tmp_path):
        (tmp_path / "a{b}.pth").write_bytes(b"weights")
        assert "found braces in" in self.refused(f"{tmp_path}/a{{b}}.pth")

    def test_a_link_to_nothing(self, tmp_path):
        (tmp_path / "weights.pth").symlink_to("elsewhere.pth")
        assert "to a file that is not there (elsewhere.pth); fetch the file" in self.refused(f"{tmp_path}/weights.pth")

    def test_the_home_folder_of_nobody(self):
        assert "found '~nobody_here/weights.pth', but no user 'nobody_here'" in self.refused("~nobody_here/weights.pth")

    @pytest.mark.parametrize("error", [urllib.error.URLError("no route"), RuntimeError("invalid hash value")])
    def test_failed_download(self, error, monkeypatch):
        def download(*arguments, **options):
            raise error

        monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", download)
        assert "IMAGENET1K_V1 could not be downloaded" in self.refused("IMAGENET1K_V1")

    @pytest.mark.parametrize("name", TORCHVISION_NAMES)
    def test_a_download(self, name, state, monkeypatch):
        monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", lambda url, **options: state)
        found, line = loaded(name)
        assert all(torch.equal(tensor, state[key]) for key, tensor in found.items())
        assert line.startswith(f"initial weights: torchvision's {name}: loaded 120 of 120 tensors without a prefix")


def test_given_imagenet_weights(shared_data, generator):
    source = shared_data / "resnet18_imagenet_fp16.pth"
    classifier = build_classifier(ClassifierSettings(architecture="resnet18", weights=str(source)), 5, generator)
    state = torch.load(source, weights_only=True)
    found = classifier.state_dict()
    assert len(found) == len(state)  # the head in place of fc
    for name, index in (("conv1.weight", 0), ("layer4.1.bn2.running_var", 3)):
        assert found[f"backbone.{name}"].dtype == torch.float32
        assert torch.equal(found[f"backbone.{name}"][index], state[name][index].float())


def test_the_check_of_a_file_as_a_command(state, tmp_path):
    torch.save(under("module.", state), tmp_path / "weights.pth")
    command = [sys.executable, "-m", "align.models.check_weights"]
    done = subprocess.run([*command, str(tmp_path / "weights.pth")], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"initial weights: {tmp_path}/weights.pth: loaded 120 of 120 tensors under 'module.'; ")
    (tmp_path / "weights.pth").write_bytes(b"")
    done = subprocess.run([*command, str(tmp_path / "weights.pth")], capture_output=True, text=True)
    assert done.returncode == 1
    assert "(it is empty)" in done.stdout
    assert not done.stderr
