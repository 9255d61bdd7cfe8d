import io
import pickle
import urllib.error
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models import resnet18

from align.errors import InputError
from align.methods.align.masker import ConvolutionalMasker
from align.methods.align.settings import ALIGNSettings
from align.models.classifier import build_classifier
from align.models.settings import ClassifierSettings
from align.models.weights import load_weights

SMALL = ClassifierSettings(architecture="small_resnet", weights=None, widths=(4, 6, 8))
RESNET18 = ClassifierSettings(architecture="resnet18", weights=None)


def equal(first, second):
    """Return whether two networks or state dicts have the same names and, bit for bit, the same values."""
    first, second = (some.state_dict() if isinstance(some, nn.Module) else some for some in (first, second))
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


class TestClassifier:
    def test_small_resnet_has_a_map_of_6_by_6(self, generator):
        classifier = build_classifier(SMALL, 5, generator)
        images = torch.randn(2, 3, 48, 48, generator=generator)
        assert classifier.features(images).shape == (2, 8, 6, 6)
        assert classifier.intermediate_features(images).shape == (2, classifier.intermediate_channels, 12, 12)
        assert classifier(images).shape == (2, 5)

    def test_resnet18_is_torchvisions(self, generator, tmp_path):
        reference = resnet18().eval()
        torch.save(reference.state_dict(), tmp_path / "weights.pth")
        settings = ClassifierSettings(architecture="resnet18", weights=str(tmp_path / "weights.pth"))
        classifier = build_classifier(settings, 7, generator).eval()
        with torch.no_grad():
            reference.fc = classifier.head  # the only part that is new for other classes
            images = torch.randn(2, 3, 70, 64, generator=generator)
            torch.testing.assert_close(classifier(images), reference(images))
            torch.testing.assert_close(
                classifier.intermediate_features(images), nn.Sequential(*list(reference.children())[:7])(images)
            )
        assert classifier.intermediate_channels == 256

    def test_logits_are_a_linear_function_of_the_pooled_map(self, generator):
        classifier = build_classifier(SMALL, 3, generator)
        features = torch.randn(2, 8, 4, 5, generator=generator)
        pooled = features.sum((2, 3)) / 20
        torch.testing.assert_close(classifier.classify(features), pooled @ classifier.head.weight.T + classifier.head.bias)

    @pytest.mark.parametrize("settings", [SMALL, RESNET18], ids=["small_resnet", "resnet18"])
    def test_initial_weights_depend_on_the_generator_only(self, settings):
        def built(seed, global_seed):
            torch.manual_seed(global_seed)
            before = torch.get_rng_state()
            classifier = build_classifier(settings, 3, torch.Generator().manual_seed(seed))
            assert torch.equal(torch.get_rng_state(), before)
            return classifier

        with torch.random.fork_rng(devices=[]):
            assert equal(built(0, 1), built(0, 2))
            assert not equal(built(0, 1), built(1, 1))


class TestMasker:
    @pytest.mark.parametrize("masker_input", ["pixels", "features"])
    @pytest.mark.parametrize("size", [(31, 45), (48, 48), (17, 9)])
    def test_size_in_is_size_out(self, masker_input, size, generator):
        classifier = build_classifier(SMALL, 3, generator).eval()
        settings = ALIGNSettings(masker_input=masker_input, masker_width=4)
        masker = ConvolutionalMasker(settings, classifier.intermediate_channels, generator)
        masks = masker(torch.randn(2, 3, *size, generator=generator), classifier)
        assert masks.shape == (2, 1, *size)
        assert 0 < masks.min() < masks.max() < 1

    @pytest.mark.parametrize("masker_input", ["pixels", "features"])
    def test_three_convolutions_of_the_configured_width(self, masker_input, generator):
        masker = ConvolutionalMasker(ALIGNSettings(masker_input=masker_input, masker_width=4), 6, generator)
        channels = [(c.in_channels, c.out_channels) for c in masker.modules() if isinstance(c, nn.Conv2d)]
        assert channels == [(3 if masker_input == "pixels" else 6, 4), (4, 4), (4, 1)]

    def test_a_masker_of_features_sends_no_gradient_into_the_classifier(self, generator):
        classifier = build_classifier(SMALL, 3, generator).eval()
        masker = ConvolutionalMasker(ALIGNSettings(masker_input="features"), classifier.intermediate_channels, generator)
        masker(torch.randn(2, 3, 24, 24, generator=generator), classifier).sum().backward()
        assert all(weight.grad is None for weight in classifier.parameters())
        assert all(weight.grad is not None for weight in masker.parameters())

    def test_initial_weights_depend_on_the_generator_only(self):
        def built(seed, global_seed):
            torch.manual_seed(global_seed)
            before = torch.get_rng_state()
            masker = ConvolutionalMasker(ALIGNSettings(), 8, torch.Generator().manual_seed(seed))
            assert torch.equal(torch.get_rng_state(), before)
            return masker

        with torch.random.fork_rng(devices=[]):
            assert equal(built(0, 1), built(0, 2))
            assert not equal(built(0, 1), built(1, 1))


class Opens:
    """An object whose pickle makes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def as_bytes(content, **options):
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def state():
    return resnet18().state_dict()


def protocol_2(content):
    """Return a plain pickle, with the protocol of torch's own files."""
    return pickle.dumps(content, protocol=2)


class TestWeights:
    def refused(self, content, tmp_path):
        """Return the message of the refusal of a file with this content. It must name the file."""
        path = tmp_path / "weights.pth"
        path.write_bytes(content)
        network = nn.Linear(2, 2)
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        with pytest.raises(InputError, match=str(path)) as error:
            load_weights(network, str(path))
        assert equal(network, before)
        return str(error.value)

    def test_missing_file(self, tmp_path):
        with pytest.raises(InputError, match=r"found no file .*absent\.pth"):
            load_weights(nn.Linear(2, 2), str(tmp_path / "absent.pth"))

    @pytest.mark.parametrize(
        ("content", "found"), [([1, 2], "list"), (torch.zeros(3), "Tensor"), ({"epoch": 3}, "dict"), (None, "NoneType")]
    )
    def test_not_a_state_dict(self, content, found, tmp_path):
        assert f"found {found}, expected a state dict" in self.refused(as_bytes(content), tmp_path)

    def test_wrong_shapes(self, state, tmp_path):
        torch.save(state | {"fc.bias": torch.zeros(7)}, tmp_path / "weights.pth")
        with pytest.raises(InputError, match=r"fc.bias has shape \(7,\), expected \(1000,\); point"):
            load_weights(resnet18(), str(tmp_path / "weights.pth"))

    def test_missing_and_unknown_names(self, state, tmp_path):
        wrong = {("module." + name if name.startswith("layer1") else name): tensor for name, tensor in state.items()}
        torch.save(wrong, tmp_path / "weights.pth")
        with pytest.raises(InputError, match=r"layer1\.0\.conv1\.weight is missing; .* \(and \d+ more\); point"):
            load_weights(resnet18(), str(tmp_path / "weights.pth"))
        with pytest.raises(InputError, match="extra is not part of a ResNet-18; point"):
            torch.save(state | {"extra": torch.zeros(1)}, tmp_path / "weights.pth")
            load_weights(resnet18(), str(tmp_path / "weights.pth"))

    @pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
    def test_truncated_wherever_it_ends(self, zipped, tmp_path):
        whole = as_bytes({"weight": torch.ones(2, 2)}, _use_new_zipfile_serialization=zipped)
        for end in {*range(0, 60), *range(60, len(whole) - 8, 37)}:
            assert "cannot be read as tensors only" in self.refused(whole[:end], tmp_path)

    @pytest.mark.parametrize("content", [b"", b"junk", b"\x89PNG\r\n", b"PK\x03\x04", bytes(64)])
    def test_not_written_by_torch(self, content, tmp_path):
        assert "cannot be read as tensors only" in self.refused(content, tmp_path)

    @pytest.mark.parametrize(
        "written",
        [as_bytes, lambda content: as_bytes(content, _use_new_zipfile_serialization=False), protocol_2],
        ids=["zip", "legacy", "pickle"],
    )
    def test_a_malicious_pickle_is_never_run(self, written, tmp_path):
        trace = tmp_path / "executed"
        content = written({"weight": Opens(trace)})
        assert "cannot be read as tensors only" in self.refused(content, tmp_path)
        assert not trace.exists()
        if written is protocol_2:  # the trap works
            pickle.loads(content)
            assert trace.exists()

    @pytest.mark.parametrize("name", ["IMAGENET1K_V9", "imagenet", ""])
    def test_unknown_torchvision_name(self, name):
        with pytest.raises(InputError, match=f"'{name}' is neither a file nor torchvision weights of ResNet-18"):
            load_weights(resnet18(), name)

    @pytest.mark.parametrize("error", [urllib.error.URLError("no route"), RuntimeError("invalid hash value")])
    def test_failed_download(self, error, monkeypatch):
        def download(*arguments, **options):
            raise error

        monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", download)
        with pytest.raises(InputError, match=r"IMAGENET1K_V1 could not be downloaded .*(no route|invalid hash)"):
            load_weights(resnet18(), "IMAGENET1K_V1")

    def test_torchvision_name(self, state, monkeypatch):
        monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", lambda url, **options: state)
        network = resnet18()
        load_weights(network, "IMAGENET1K_V1")
        assert equal(network, state)

    def test_given_imagenet_weights(self, shared_data, generator):
        source = shared_data / "resnet18_imagenet_fp16.pth"
        classifier = build_classifier(ClassifierSettings(architecture="resnet18", weights=str(source)), 5, generator)
        state = torch.load(source, weights_only=True)
        loaded = classifier.state_dict()
        assert len(loaded) == len(state)  # the head in place of fc
        for name, index in (("conv1.weight", 0), ("layer4.1.bn2.running_var", 3)):
            assert loaded[f"backbone.{name}"].dtype == torch.float32
            assert torch.equal(loaded[f"backbone.{name}"][index], state[name][index].float())
