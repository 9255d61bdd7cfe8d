"""The program `align`, on real image files and a run that the library has trained."""

import json
import re
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from small_runs import CLASSES, CPU, SIZE, VIEW, packed_images, run_settings, trained_run

import align
from align.attribution import ATTRIBUTIONS
from align.attribution.grad_cam import grad_cam
from align.commands.app import main
from align.errors import InputError
from align.files import sha256
from align.imaging.imagenet import MEAN
from align.imaging.scaling import min_max_scale
from align.imaging.view import View
from align.metrics.explain import explain
from align.metrics.settings import EvaluationSettings
from align.preparation.packed import read_array
from align.preparation.packing import pack_domain
from align.training.run import restore, write_run

ORIENTATION = 0x0112


def write_trained(folder, method="align", view=VIEW):
    trained, account = trained_run(method, precision="float32")
    write_run(trained, run_settings(method), CLASSES, view, account, folder)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_trained(tmp_path_factory.mktemp("align"))


@pytest.fixture
def photographs(tmp_path):
    """Six photographs of other sizes than the network's, in two folders, one of them turned by EXIF, and what is no image."""
    folder = tmp_path / "photographs"
    random = np.random.default_rng(0)
    for number, packed in enumerate(packed_images(6, 7).images):
        pixels = np.kron(packed, np.ones((3, 3, 1), np.uint8))[: 40 + number]
        exif = Image.Exif()
        exif[ORIENTATION] = 6 if number == 3 else 1
        path = folder / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, exif=exif, quality=95)
    Image.fromarray(random.integers(0, 255, (20, 90), dtype=np.uint8)).save(folder / "wide grey.png")
    (folder / "notes.txt").write_text("not an image")
    return folder


def run_align(monkeypatch, *words):
    """Run the program in this process. Return its exit code."""
    monkeypatch.setattr(sys, "argv", ["align", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class TestModel:
    def test_the_checkpoint_alone_is_enough(self, run, tmp_path):
        shutil.copy(run / "checkpoint.pt", tmp_path / "any name.pt")
        model = align.load(tmp_path / "any name.pt", "cpu")
        assert (model.name, model.classes, model.view, model.learns_masks) == ("align", tuple(CLASSES), VIEW, True)
        assert model.settings == run_settings("align")
        account = json.loads((run / "run.json").read_text())
        assert account["images"] == VIEW.record()
        assert account["images"]["mean"] == list(MEAN)

    def test_it_answers_as_the_evaluation_of_packed_images_does(self, run, photographs, tmp_path):
        paths = [*sorted(photographs.rglob("*.jpg")), photographs / "wide grey.png"]
        rows = pd.DataFrame({"path": [path.relative_to(photographs) for path in paths], "sha256": list(map(sha256, paths))})
        pack_domain(photographs, rows, SIZE, "crop", tmp_path / "packed.npy")
        images = read_array(tmp_path / "packed.npy", 4)
        packed = packed_images(len(paths), 0)
        packed = type(packed)(images, packed.labels, packed.paths, None)
        method, _ = restore(run_settings("align"), run / "checkpoint.pt", CPU)
        expected = explain(method, grad_cam, packed, EvaluationSettings(batch_size=64), CPU)

        found = list(align.load(run, "cpu").explain(paths))
        assert [explanation.photograph.path for explanation in found] == paths
        np.testing.assert_array_equal([explanation.photograph.square for explanation in found], images)
        for name, of_each in (
            ("probabilities", expected.probabilities),
            ("mask", expected.learned_mask),
        ):
            np.testing.assert_allclose([getattr(e, name) for e in found], of_each, rtol=1e-4, atol=1e-6)
        maps = torch.nn.functional.interpolate(expected.saliency[:, None], (SIZE, SIZE), mode="bilinear").squeeze(1)
        np.testing.assert_allclose([e.saliency for e in found], min_max_scale(maps), rtol=1e-3, atol=1e-4)

    @pytest.mark.parametrize("attribution", ATTRIBUTIONS)
    def test_every_attribution_explains(self, run, photographs, attribution):
        (explanation,) = align.load(run, "cpu").explain([photographs / "wide grey.png"], attribution)
        assert explanation.saliency.shape == (SIZE, SIZE)
        assert explanation.saliency.max() == 1

    def test_loading_changes_nothing_else_of_the_process(self, run):
        def state():
            smallest = torch.finfo(torch.float32).tiny
            halved = (torch.tensor(smallest) / 2).item()  # 0 where denormal numbers are flushed
            return torch.get_num_threads(), torch.get_deterministic_debug_mode(), torch.get_float32_matmul_precision(), halved

        before = state()
        align.load(run, "cpu")
        assert state() == before

    @pytest.mark.parametrize("method", ["align", "align-plus", "erm"])
    def test_a_model_knows_its_method_by_its_settings(self, tmp_path, method):
        assert align.load(write_trained(tmp_path, method), "cpu").name == method

    def test_a_run_without_a_masker_has_no_masks(self, tmp_path, photographs):
        model = align.load(write_trained(tmp_path / "erm", "erm"), "cpu")
        (explanation,) = model.explain([photographs / "wide grey.png"])
        assert explanation.mask is None


class TestOlderCheckpoints:
    @pytest.fixture
    def older(self, run, tmp_path):
        """A run as earlier versions left it: the settings stand in run.json only, and the view of an image nowhere."""
        folder = tmp_path / "older"
        shutil.copytree(run, folder)
        content = torch.load(folder / "checkpoint.pt", weights_only=True)
        settings = content.pop("settings")
        del content["images"]
        torch.save(content, folder / "checkpoint.pt")
        (folder / "run.json").write_text(json.dumps({"settings": settings}))
        return folder

    def test_they_ask_for_the_view(self, older):
        with pytest.raises(InputError, match=r"does not say how its images were made.*--image-size 224 --resize crop"):
            align.load(older, "cpu")

    def test_they_take_it(self, older, run, photographs):
        path = photographs / "wide grey.png"
        (found,) = align.load(older, "cpu", View(SIZE)).explain([path])
        (expected,) = align.load(run, "cpu").explain([path])
        np.testing.assert_array_equal(found.probabilities, expected.probabilities)

    def test_without_run_json_they_cannot_be_used(self, older):
        (older / "run.json").write_text("{}")
        with pytest.raises(InputError, match="no settings of the run"):
            align.load(older, "cpu", View(SIZE))


@pytest.mark.parametrize("content", [None, b"", b"no checkpoint", "a tensor"])
def test_what_is_no_checkpoint_is_one_clear_error(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    if content == "a tensor":
        torch.save(torch.zeros(2), path)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{re.escape(str(path))}: found no"):
        align.load(tmp_path, "cpu")


class TestExplain:
    def test_a_picture_of_each_photograph_a_page_and_the_arrays(self, run, photographs, tmp_path, monkeypatch, capsys):
        out = tmp_path / "out"
        assert run_align(monkeypatch, "explain", run, photographs, "--out", out, "--export", "npz") == 0
        names = ["a/0", "a/2", "a/4", "b/1", "b/3", "b/5", "wide grey"]
        assert files_of(out) == sorted([*(f"{name}.png" for name in names), "index.html", "explanations.npz"])
        printed = capsys.readouterr().out.splitlines()
        assert printed[-1] == f"Pictures: {out / 'index.html'}"
        arrays = np.load(out / "explanations.npz")
        assert list(arrays["classes"]) == CLASSES
        assert arrays["saliency"].shape == arrays["masks"].shape == (7, SIZE, SIZE)
        for line, path, probabilities in zip(printed, arrays["paths"], arrays["probabilities"], strict=False):
            best = probabilities.argmax()
            assert line.startswith(f"{path}: {CLASSES[best]} {probabilities[best]:.2f}, ")
        page = (out / "index.html").read_text()
        assert page.count("<img ") == 7
        assert 'src="wide%20grey.png"' in page
        with Image.open(out / "a/0.png") as picture:
            assert picture.width > 3 * 256

    def test_two_photographs_with_one_name_are_refused(self, run, photographs, tmp_path, monkeypatch, capsys):
        twin = tmp_path / "elsewhere" / "0.jpg"
        twin.parent.mkdir()
        shutil.copy(photographs / "a/0.jpg", twin)
        out = tmp_path / "out"
        assert run_align(monkeypatch, "explain", run, photographs / "a/0.jpg", twin, "--out", out) == 1
        assert f"{twin}: found a second photograph with the name 0" in capsys.readouterr().err
        assert not out.exists()

    def test_a_broken_photograph_is_passed_over_and_named(self, run, photographs, tmp_path, monkeypatch, capsys):
        broken = photographs / "a/2.jpg"
        broken.write_bytes(broken.read_bytes()[:300])
        out = tmp_path / "out"
        assert run_align(monkeypatch, "explain", run, photographs, "--out", out) == 1
        assert len(files_of(out)) == 6 + 1
        assert f"passed over: {broken}: found no whole image" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["nowhere.jpg"], "nowhere.jpg: found nothing there, expected a photograph or a folder"),
            (["."], "found no image in this folder"),
            (["{photograph}", "--attribution", "gradcam"], "unknown attribution 'gradcam': did you mean 'grad_cam'?"),
        ],
    )
    def test_bad_input_is_one_clear_error_and_leaves_nothing(
        self, run, photographs, tmp_path, monkeypatch, capsys, words, message
    ):
        empty = tmp_path / "empty"
        empty.mkdir()
        monkeypatch.chdir(empty)
        words = [word.format(photograph=photographs / "wide grey.png") for word in words]
        assert run_align(monkeypatch, "explain", run, *words) == 1
        error = capsys.readouterr().err
        assert message in error
        assert "Traceback" not in error
        assert files_of(empty) == []


class TestMasks:
    def test_a_mask_has_the_size_of_its_upright_photograph(self, run, photographs, tmp_path, monkeypatch):
        out = tmp_path / "masks"
        assert run_align(monkeypatch, "masks", run, photographs, out) == 0
        assert files_of(out) == sorted([*(f"{'ab'[n % 2]}/{n}.png" for n in range(6)), "wide grey.png"])
        with Image.open(out / "b/3.png") as mask:
            assert (mask.mode, mask.size) == ("L", (43, 48))  # stored as 48×43, and turned
        with Image.open(out / "wide grey.png") as mask:
            values = np.asarray(mask)
        assert values.shape == (20, 90)
        assert not values[:, :35].any()  # the network does not see what is outside of the centred square
        assert not values[:, 55:].any()
        (explanation,) = align.load(run, "cpu").explain([photographs / "wide grey.png"])
        assert values[:, 35:55].mean() / 255 == pytest.approx(explanation.mask.mean(), abs=0.01)

    def test_a_run_without_a_masker_is_refused(self, photographs, tmp_path, monkeypatch, capsys):
        erm = write_trained(tmp_path / "erm", "erm")
        assert run_align(monkeypatch, "masks", erm, photographs, tmp_path / "masks") == 1
        assert "found a run of erm, which learns no masks" in capsys.readouterr().err


@pytest.mark.parametrize("resize", ["crop", "stretch"])
@pytest.mark.parametrize(("width", "height"), [(90, 20), (20, 91), (16, 16)])
def test_the_way_back_to_the_photograph_hits_the_same_pixels(resize, width, height):
    """A bright square of the photograph is bright in the network's view, and the view's bright pixels lie on it again."""
    pixels = np.zeros((height, width, 3), np.uint8)
    upper, left = (height - 10) // 2, (width - 10) // 2
    pixels[upper : upper + 10, left : left + 10] = 255
    view = View(32, resize)
    back = view.on_photograph(view.square(Image.fromarray(pixels))[..., 0] / np.float32(255), width, height)
    assert back.shape == (height, width)
    assert np.abs(back - pixels[..., 0] / 255).mean() < 0.08
    assert back[upper + 3 : upper + 7, left + 3 : left + 7].min() > 0.9


def test_help_names_every_command(monkeypatch, capsys):
    assert run_align(monkeypatch, "--help") == 0
    text = capsys.readouterr().out
    assert all(f" {name} " in text for name in ("explain", "masks", "export", "compare", "plan"))
