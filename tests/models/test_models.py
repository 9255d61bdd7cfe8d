import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from align.methods.align.masker import ConvolutionalMasker
from align.methods.align.settings import ALIGNSettings
from align.models.classifier import build_classifier
from align.models.settings import ClassifierSettings
from align.models.small_resnet import SlicedConvolution

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

    def test_small_resnets_convolutions_begin_orthogonal(self, generator):
        convolutions = [module for module in build_classifier(SMALL, 5, generator).modules() if isinstance(module, nn.Conv2d)]
        assert len(convolutions) == 9
        for convolution in convolutions:
            rows = convolution.weight.detach().flatten(1)
            rows = rows if len(rows) <= rows.shape[1] else rows.T  # of the shorter side
            torch.testing.assert_close(rows @ rows.T, 2 * torch.eye(len(rows)))  # 2 is the gain of ReLU, squared

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

    @pytest.mark.parametrize("widths", [None, (4, 4), (4, 4, 4), (4, 4, 4, 4)])
    def test_the_last_map_has_one_cell_where_the_settings_say_so(self, widths, generator):
        settings = RESNET18 if widths is None else ClassifierSettings(architecture="small_resnet", widths=widths)
        classifier = build_classifier(settings, 2, generator).eval()
        side = settings.reduction
        for size in (8, side - 1, side, side + 1, 2 * side):
            cells = classifier.features(torch.zeros(1, 3, size, size))[0, 0].numel()
            assert settings.has_one_cell(size) == (cells == 1)

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


@pytest.mark.parametrize(("channels", "width", "stride"), [(3, 5, 2), (4, 8, 2), (6, 4, 3)])
@pytest.mark.parametrize("size", [(12, 12), (7, 10)])
def test_a_sliced_convolution_equals_a_strided_one(channels, width, stride, size, generator):
    sliced = SlicedConvolution(channels, width, 1, stride, dtype=torch.float64)
    strided = nn.Conv2d(channels, width, 1, stride, dtype=torch.float64)  # contiguous memory, where oneDNN is right
    strided.load_state_dict(sliced.state_dict())
    images = torch.randn(2, channels, *size, generator=generator, dtype=torch.float64).contiguous()
    results = []
    for convolution in (sliced, strided):
        seen = images.clone().requires_grad_()
        features = convolution(seen)
        gradients = torch.autograd.grad(features.square().sum(), [seen, convolution.weight, convolution.bias])
        results.append((features, *gradients))
    assert results[0][0].shape == results[1][0].shape
    for found, expected in zip(*results):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


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
