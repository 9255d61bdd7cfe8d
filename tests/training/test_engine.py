"""How training uses the device: nothing waits for it, precision, compilation, streaming."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import needs_gpu
from method_terms import SIZE, SMALL, TRAINING, generator_of
from small_runs import same_states, trained_run
from torch.utils._python_dispatch import TorchDispatchMode

from align.attribution.input_gradient import class_gradient
from align.augmentation.settings import AugmentationSettings
from align.errors import InputError
from align.imaging.masks import FULL, UNKNOWN
from align.methods import METHODS
from align.methods.adam import Adam
from align.methods.align.settings import ALIGNSettings
from align.training.batches import TrainingBatches
from align.training.device import choose_device, device_name, has_bfloat16, precision_on, prepare, processor
from align.training.images import Images, StreamedImages, prefetched
from align.training.run import RunSettings

CPU = torch.device("cpu")
CPUINFO = Path("/proc/cpuinfo")
LISTED = CPUINFO.read_text().splitlines() if CPUINFO.is_file() else []
FLAGS = {flag for line in LISTED if line.startswith("flags") for flag in line.split()}
wrong_with_amx = pytest.mark.skipif(
    "amx_bf16" in FLAGS, reason="with AMX and few images torch's second derivative is wrong: docs/performance.md"
)
# Of the masks of masked_erm one kind is made on the host: it is drawn from a checksum of the image.
VARIANTS = {name: entry.settings() for name, entry in METHODS.items()} | {
    "masked_erm": METHODS["masked_erm"].settings(mask="grey"),
    "rsc, positions": METHODS["rsc"].settings(muted="channels_or_positions"),
    "align, remedies": ALIGNSettings(even_classes=True, reference="batch", mask_sparsity="adaptive", mask_values="binary"),
    "align, given masks": ALIGNSettings(masker="ground_truth"),
}


def split_of(count, device=CPU):
    """Images of three classes and two domains; every fourth has no mask."""
    drawn = generator_of(1)
    images = torch.randint(0, 256, (count, SIZE, SIZE, 3), generator=drawn, dtype=torch.uint8)
    masks = torch.randint(0, FULL + 1, (count, SIZE, SIZE), generator=drawn, dtype=torch.uint8)
    masks[::4] = UNKNOWN
    domains = torch.arange(count) % 2 == torch.arange(2)[:, None]
    return Images(*(tensor.to(device) for tensor in (images, torch.arange(count) % 3, masks, domains)))


def batches_of(count, device=CPU):
    return iter(TrainingBatches(split_of(count, device), 8, AugmentationSettings(), torch.Generator(device).manual_seed(0)))


def method_of(variant, device=CPU, precision="float32", compile_mode="none"):
    name = variant.split(",")[0]
    training = TRAINING.model_copy(update={"precision": precision})
    settings = RunSettings(METHODS[name].implementation, VARIANTS[variant], SMALL, training, AugmentationSettings())
    method = settings.build(3, 0, device, compile_mode)
    if name.startswith("align"):
        method.phase = "guided"
    return method


class HostNeverAsks(TorchDispatchMode):
    """Forbids what makes the host wait for a GPU: values that it asks for, and shapes that depend on values.

    It sees operators. Tensors that are made of lists or moved it cannot tell from others on a CPU: see :func:`no_transfers`.
    """

    ASKING = ("_local_scalar_dense", "nonzero", "masked_select", "bincount", "_unique2", "unique_dim", "equal", "is_nonzero")

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        name = function.overloadpacket.__name__
        chosen = arguments[1] if name.startswith("index") and len(arguments) > 1 else ()
        by_truth = isinstance(chosen, list | tuple) and any(index is not None and index.dtype == torch.bool for index in chosen)
        if name in self.ASKING or by_truth:
            raise AssertionError(f"the host waits for {function}")
        return function(*arguments, **keywords or {})


@pytest.fixture
def no_transfers(monkeypatch):
    """Gives a function that forbids what would cross to a GPU or from it, if there were one."""

    def forbidden(*arguments, **keywords):
        raise AssertionError("the host waits for a transfer")

    def forbid():
        for owner, name in ((torch, "tensor"), (torch.Tensor, "tolist"), (torch.Tensor, "cpu"), (torch.Tensor, "numpy")):
            monkeypatch.setattr(owner, name, forbidden)

    yield forbid
    monkeypatch.undo()


class TestNothingWaits:
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_from_the_second_batch_to_the_end_of_an_epoch(self, variant, no_transfers):
        method = method_of(variant)
        batches = batches_of(24)
        method.step(next(batches))  # the first brings the orders of the whole epoch
        no_transfers()
        with HostNeverAsks():
            steps = [method.step(batch) for batch in batches]
        assert len(steps) == 2

    @pytest.mark.parametrize(
        "asking", [lambda x: x.sum().item(), lambda x: x[x > 0], lambda x: bool(x.any()), lambda x: x.unique()]
    )
    def test_what_makes_it_wait_is_noticed(self, asking):
        with HostNeverAsks(), pytest.raises(AssertionError, match="the host waits for"):
            asking(torch.ones(3))

    @needs_gpu
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_on_a_gpu(self, variant):
        device = torch.device("cuda")
        method = method_of(variant, device)
        batches = batches_of(24, device)
        method.step(next(batches))
        torch.cuda.set_sync_debug_mode("error")
        try:
            for batch in batches:
                method.step(batch)
        finally:
            torch.cuda.set_sync_debug_mode("default")


class TestPrecision:
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_bfloat16_changes_the_losses_by_little_and_nothing_but_networks(self, variant):
        terms = {}
        for precision in ("float32", "bfloat16"):
            method = method_of(variant, precision=precision)
            batch = next(batches_of(8))
            terms[precision] = method.step(batch)
            assert all(term.dtype == torch.float32 for term in terms[precision].values())
            assert all(weight.dtype == torch.float32 for weight in method.classifier.parameters())
            assert method.classifier.features(batch.images).dtype == torch.float32
        assert terms["float32"].keys() == terms["bfloat16"].keys()
        found = torch.stack(list(terms["bfloat16"].values()))
        torch.testing.assert_close(found, torch.stack(list(terms["float32"].values())), rtol=0.03, atol=0.01)
        assert not torch.equal(found, torch.stack(list(terms["float32"].values())))

    def test_by_name(self):
        assert precision_on(CPU, "float32") == torch.float32
        assert precision_on(CPU, "bfloat16") == torch.bfloat16

    @pytest.mark.parametrize(
        ("capabilities", "expected"),
        [
            ({"avx2": True, "avx512_f": True, "avx512_vnni": True, "avx512_bf16": False, "amx_bf16": False}, torch.float32),
            ({"avx512_bf16": True, "amx_bf16": False}, torch.bfloat16),  # AMD since Zen 4, Intel's Cooper Lake
            ({"avx512_bf16": True, "amx_bf16": True}, torch.bfloat16),  # Intel since Sapphire Rapids
            ({"amx_tile": True, "amx_int8": True, "avx512_bf16": False, "amx_bf16": False}, torch.float32),
            ({"architecture": "arm64", "neon": True, "bf16": True}, torch.float32),  # its speed was not measured
            ({}, torch.float32),
        ],
    )
    def test_auto_is_what_the_processor_has(self, monkeypatch, capabilities, expected):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
        assert precision_on(CPU, "auto") == expected

    def test_auto_is_float32_where_torch_cannot_say_what_the_processor_has(self, monkeypatch):
        monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
        assert precision_on(CPU, "auto") == torch.float32

    @pytest.mark.skipif(not FLAGS, reason="the system does not list the flags of its processor")
    def test_torch_says_of_this_processor_what_linux_says(self):
        assert has_bfloat16(CPU) == bool({"avx512_bf16", "amx_bf16"} & FLAGS)

    @pytest.mark.parametrize("method", METHODS)
    def test_two_runs_in_bfloat16_are_equal_to_the_last_bit(self, method):
        (first, account), (second, _) = (trained_run(method, precision="bfloat16") for _ in range(2))
        assert account["precision"] == "bfloat16"
        assert first.history.rows == second.history.rows
        assert same_states(first.states, second.states)
        assert not same_states(first.states, trained_run(method, precision="float32")[0].states)

    def test_statistics_of_batch_normalisation_are_float32(self):
        method = method_of("erm", precision="bfloat16")
        normalisations = [module for module in method.classifier.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        seen = []
        normalisations[0].register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
        method.classifier(next(batches_of(8)).images)
        (values,) = seen
        assert values.dtype == torch.bfloat16
        by_hand = values.detach().double().var((0, 2, 3)) * normalisations[0].momentum + (1 - normalisations[0].momentum)
        # Sums in bfloat16 would be wrong by 2 to the power of -8, which is 0.4 %.
        torch.testing.assert_close(normalisations[0].running_var.double(), by_hand, rtol=1e-5, atol=0)
        statistics = {key: value.dtype for key, value in method.classifier.state_dict().items() if "running" in key}
        assert len(statistics) == 2 * len(normalisations)
        assert set(statistics.values()) == {torch.float32}

    @pytest.mark.parametrize("masker_input", ["pixels", "features"])
    def test_masks_and_weights_of_the_masker_are_float32(self, masker_input):
        masks = {}
        for precision in ("float32", "bfloat16"):
            training = TRAINING.model_copy(update={"precision": precision})
            values = METHODS["align"].implementation, ALIGNSettings(masker_input=masker_input), SMALL
            method = RunSettings(*values, training, AugmentationSettings()).build(3, 0, CPU)
            masks[precision] = method.networks["masker"](next(batches_of(8)).images, method.classifier)
            assert all(weight.dtype == torch.float32 for weight in method.networks["masker"].parameters())
        assert masks["bfloat16"].dtype == torch.float32
        torch.testing.assert_close(masks["bfloat16"], masks["float32"], rtol=0, atol=0.02)
        assert not torch.equal(masks["bfloat16"], masks["float32"])

    @pytest.mark.parametrize("count", [pytest.param(8, marks=wrong_with_amx), 16])
    def test_first_and_second_derivatives_in_bfloat16_are_nearly_those_in_float32(self, count):
        found = {}
        batches = list(batches_of(count))
        images, labels = torch.cat([batch.images for batch in batches]), torch.cat([batch.labels for batch in batches])
        for precision in ("float32", "bfloat16"):
            classifier = method_of("sgt", precision=precision).classifier
            gradient = class_gradient(classifier, images, labels)
            assert gradient.dtype == torch.float32
            weights = list(classifier.backbone.parameters())
            of_penalty = torch.autograd.grad(gradient.square().sum(), weights, allow_unused=True, materialize_grads=True)
            found[precision] = gradient.detach().flatten(), torch.cat([part.flatten() for part in of_penalty])
        for exact, rounded in zip(found["float32"], found["bfloat16"], strict=True):
            assert exact.norm() > 0
            assert torch.cosine_similarity(exact, rounded, dim=0) > 0.97  # processors round in different orders

    @needs_gpu
    def test_auto_on_a_gpu(self):
        assert precision_on(torch.device("cuda"), "auto") == torch.bfloat16


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++")
@pytest.mark.parametrize(
    ("device", "mode"),
    [("cpu", "default"), *(pytest.param("cuda", mode, marks=needs_gpu) for mode in ("default", "reduce-overhead"))],
)
def test_a_compiled_backbone_takes_the_same_steps(device, mode):
    losses = {}
    torch.compiler.reset()
    torch._dynamo.utils.counters.clear()
    with torch.backends.cudnn.flags(allow_tf32=False):
        for compile_mode in ("none", mode):
            method = method_of("align", torch.device(device), compile_mode=compile_mode)
            batches = batches_of(16, torch.device(device))
            losses[compile_mode] = torch.stack([method.step(batch)["total"] for batch in batches])
            assert set(method.classifier.state_dict()) == set(
                method_of("align").classifier.state_dict()
            )  # a checkpoint is the same
    torch.testing.assert_close(losses[mode], losses["none"], rtol=1e-3, atol=1e-4)
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert graphs == 2  # the whole backbone at once, for training and for the masker


class TestStreaming:
    def test_the_next_one_is_asked_for_before_one_is_used(self):
        asked, used = [], []
        for item in prefetched(asked.append(number) or number for number in range(4)):
            used.append((item, list(asked)))
        assert used == [(0, [0, 1]), (1, [0, 1, 2]), (2, [0, 1, 2, 3]), (3, [0, 1, 2, 3])]
        assert list(prefetched(iter([]))) == []

    @needs_gpu
    def test_a_streamed_split_gives_the_batches_of_a_resident_one(self):
        device = torch.device("cuda")
        resident, host = split_of(4000, device), split_of(4000)
        streamed = StreamedImages(host.images, resident.labels, host.given_masks, resident.domains)
        order = list(torch.randperm(4000, device=device).split(64))
        names = ("images", "labels", "given_masks", "domains")
        copies = []
        for part in streamed.parts(order):
            torch.cuda._sleep(10_000_000)  # the batch is not yet used when the next ones are asked for
            copies.append([getattr(part, name).clone() for name in names])
        for copied, expected in zip(copies, resident.parts(order), strict=True):
            assert all(torch.equal(found, getattr(expected, name)) for found, name in zip(copied, names))


@pytest.mark.parametrize("variant", ["erm", "sgt", "dre", "align"])
def test_memory_layout_and_fused_adam_change_nothing_but_rounding(variant):
    methods = [method_of(variant), method_of(variant)]
    plain = methods[1].classifier.to(memory_format=torch.contiguous_format)
    methods[1].optimiser = torch.optim.Adam(plain.parameters(), lr=TRAINING.learning_rate, foreach=False)
    totals = [[method.step(batch)["total"].item() for batch in batches_of(40)] for method in methods]
    assert totals[0] == pytest.approx(totals[1], rel=1e-3)


def test_adam_is_torch_s():
    networks = [torch.nn.Linear(5, 3), torch.nn.Linear(5, 3)]
    networks[1].load_state_dict(networks[0].state_dict())
    settings = {"lr": 0.1, "weight_decay": 0.01, "fused": True}
    for network, kind in zip(networks, (Adam, torch.optim.Adam)):
        optimiser = kind(network.parameters(), **settings)
        for scale in (1.0, -2.0, 3.0):
            optimiser.zero_grad(set_to_none=True)
            (scale * network(torch.arange(5.0)).square().sum()).backward()
            optimiser.step()
        optimiser.load_state_dict(optimiser.state_dict())
    assert all(torch.equal(*weights) for weights in zip(*(network.parameters() for network in networks)))


FOLDERS = [Path(__file__).parent, Path(__file__).parents[1]]


def test_training_of_the_small_network_imports_no_torchvision_and_no_compiler():
    check = """
import sys, torch
sys.path[:0] = sys.argv[1:]
import test_engine
from align.training.device import prepare
prepare("cpu", 1)
for variant in test_engine.VARIANTS:
    test_engine.method_of(variant).step(next(test_engine.batches_of(8)))
print(*{"torchvision", "torch._dynamo", "triton"} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", check, *FOLDERS], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == []


class TestDevice:
    def test_the_processor_has_the_name_that_linux_gives_it(self, tmp_path):
        (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel\t\t: 17\nmodel name\t: Some CPU @ 2 GHz\n")
        assert processor(tmp_path / "cpuinfo") == "Some CPU @ 2 GHz"
        assert processor(tmp_path / "absent")
        assert device_name(CPU) == f"CPU, {processor()}"

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_without_a_gpu(self):
        assert choose_device("auto") == choose_device("cpu") == CPU
        with pytest.raises(InputError, match="device: found no GPU that torch can use, expected one for 'cuda'; set device to"):
            choose_device("cuda")

    @pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
    def test_memory_is_not_given_back_to_the_system_for_each_batch(self):
        check = """
import resource, sys, torch
from align.training.device import prepare
prepare("cpu", 1) if sys.argv[1] == "prepared" else torch.set_num_threads(1)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def batch():
    parts = [torch.ones(10_000_000) for _ in range(3)]  # glibc itself never learns to keep blocks of more than 32 MiB
for _ in range(20):
    batch()
before = faults()
for _ in range(10):
    batch()
print(faults() - before)
"""
        plain, prepared = (
            int(subprocess.run([sys.executable, "-c", check, kind], stdout=subprocess.PIPE, text=True, check=True).stdout)
            for kind in ("plain", "prepared")
        )
        assert prepared < plain / 5, (prepared, plain)

    def test_a_cpu_is_made_repeatable(self):
        before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        try:
            assert prepare("cpu", 1) == CPU
            assert torch.get_num_threads() == 1
            assert torch.are_deterministic_algorithms_enabled()
            assert (torch.tensor(1e-40) * 1).item() == 0  # a denormal number
        finally:
            torch.set_num_threads(before[0])
            torch.use_deterministic_algorithms(before[1])
            torch.set_flush_denormal(False)
