import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from align.datasets import digit_scenes
from align.datasets.digit_scenes import BACKGROUNDS, CLASSES, generate, render_digit
from align.datasets.folders import require_settings
from align.datasets.image_folder import index
from align.datasets.source_settings import DigitScenesSettings
from align.errors import InputError

DOMAINS = tuple(BACKGROUNDS)
PER_CLASS = 8


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("data") / "digit_scenes"
    generate(root, DigitScenesSettings(images_per_class=PER_CLASS, background_correlation=0))
    return root


def content(root: Path) -> dict[str, str]:
    files = root.rglob("*.png")
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def test_the_same_settings_give_the_same_bytes(root, tmp_path):
    generate(tmp_path / "again", DigitScenesSettings(images_per_class=PER_CLASS, background_correlation=0))
    assert content(tmp_path / "again") == content(root)


def test_another_seed_gives_other_images_under_the_same_names(root, tmp_path):
    generate(tmp_path / "other", DigitScenesSettings(images_per_class=PER_CLASS, background_correlation=0, seed=1))
    other, ours = content(tmp_path / "other"), content(root)
    assert other.keys() == ours.keys()
    assert all(other[name] != ours[name] for name in ours)


def test_a_scene_does_not_depend_on_how_many_others_there_are(root, tmp_path):
    generate(tmp_path / "fewer", DigitScenesSettings(images_per_class=3, background_correlation=0))
    fewer = content(tmp_path / "fewer")
    assert len(fewer) == 2 * 3 * len(CLASSES) * len(DOMAINS)
    assert fewer.items() <= content(root).items()


def test_a_folder_says_what_it_was_made_with(root):
    settings = DigitScenesSettings(images_per_class=PER_CLASS, background_correlation=0).model_dump(mode="json")
    require_settings(root, settings)
    with pytest.raises(InputError, match="found images made with seed: 0, expected 1 as configured; remove the folder"):
        require_settings(root, settings | {"seed": 1})
    require_settings(root / "china", {"seed": 1})  # nothing is said there


def test_a_broken_record_of_settings_is_named(tmp_path):
    (tmp_path / "settings.json").write_text('{"seed": ')
    with pytest.raises(InputError, match=r"settings\.json: found no settings \(.*\); restore it with `dvc pull`"):
        require_settings(tmp_path, {"seed": 0})


def test_layout_and_sizes(root):
    manifest = index(root).manifest
    assert tuple(sorted(set(manifest["domain"]))) == ("china", "flower", "noise", "stripes")
    assert set(manifest["class"]) == {"zero", "one", "two", "three", "four"}
    assert set(manifest.groupby(["domain", "class"]).size()) == {PER_CLASS}
    for path in manifest["path"]:
        assert pixels(root / path).shape == (48, 48, 3)
        assert set(np.unique(pixels(root / "masks" / path))) == {0, 255}


def test_file_names_tell_the_sample_and_its_reuse(tmp_path):
    generate(tmp_path / "many", DigitScenesSettings(images_per_class=180, image_size=32))
    target = load_digits().target
    for label, name in enumerate(CLASSES):
        names = [path.stem for path in (tmp_path / "many" / "noise" / name).iterdir()]
        samples = [int(stem.split("-")[0].removeprefix("digit")) for stem in names]
        assert (target[samples] == label).all()
        assert len(set(samples)) == min(180, (target == label).sum())
        assert sum(stem.endswith("-1") for stem in names) == 180 - len(set(samples))


def test_domains_share_the_digit_and_its_place(root):
    for path in (root / "masks" / DOMAINS[0]).glob("*/*.png"):
        copies = {(root / "masks" / domain / path.parent.name / path.name).read_bytes() for domain in DOMAINS}
        assert len(copies) == 1


def test_domains_share_the_colour_and_opacity_of_the_digit(root):
    for path in (root / "masks" / "noise").glob("*/*.png"):
        strokes = np.array([pixels(root / domain / path.parent.name / path.name)[pixels(path) > 0] for domain in DOMAINS])
        # Under the densest stroke at most 0.3 · 0.65 of a background's contrast is left.
        assert (np.ptp(strokes, axis=0).min(axis=0) <= 0.3 * 0.65 * 255 + 2).all()


def test_the_backgrounds_differ_and_the_mask_covers_the_digit(root):
    for name in CLASSES:
        for path in (root / "masks" / "noise" / name).iterdir():
            outside = np.asarray(Image.open(path)) == 0
            inside_difference, outside_difference = [], []
            for domain in ("china", "flower", "stripes"):
                difference = np.abs(pixels(root / domain / name / path.name) - pixels(root / "noise" / name / path.name))
                inside_difference.append(difference[~outside].mean())
                outside_difference.append(difference[outside].mean())
            assert np.mean(inside_difference) < np.mean(outside_difference)


def test_a_digit_covers_about_a_tenth(root):
    shares = [(pixels(path) > 0).mean() for path in (root / "masks" / "noise").glob("*/*.png")]
    assert 0.08 < np.mean(shares) < 0.13
    assert min(shares) > 0.03


def background_strength(root: Path) -> float:
    """Return the share of the variance between classes in the redness of the flower scenes' backgrounds."""
    colours = []
    for name in CLASSES:
        paths = sorted((root / "flower" / name).iterdir())
        colours.append([pixels(path)[pixels(root / "masks" / "flower" / name / path.name) == 0][:, 0].mean() for path in paths])
    values = np.array(colours)
    return float(values.mean(axis=1).var() / values.var())


def test_background_correlation_ties_the_background_to_the_class(tmp_path):
    # Without it, a share of about (classes - 1) / images, 0.02, lies between the classes by chance.
    for correlation in (0.0, 0.3):
        settings = DigitScenesSettings(images_per_class=60, image_size=32, background_correlation=correlation)
        generate(tmp_path / str(correlation), settings)
    assert background_strength(tmp_path / "0.0") < 0.04
    assert background_strength(tmp_path / "0.3") > 0.06


def test_the_background_is_drawn_independently_of_the_digit(tmp_path, monkeypatch):
    themes: dict[str, list[float]] = {domain: [] for domain in DOMAINS}
    sides: list[int] = []

    def record(domain, size, theme, generator):
        themes[domain].append(theme)
        return np.zeros((size, size, 3))

    def record_side(strokes, size, generator):
        digit = render_digit(np.full((8, 8), 16.0), size, generator)
        sides.append(int(digit.coverage.any(axis=0).sum()))
        return digit

    monkeypatch.setattr(digit_scenes, "BACKGROUNDS", {domain: partial(record, domain) for domain in DOMAINS})
    monkeypatch.setattr(digit_scenes, "render_digit", record_side)
    generate(tmp_path / "scenes", DigitScenesSettings(images_per_class=40, background_correlation=0))
    correlations = np.corrcoef([sides, *themes.values()])
    assert np.abs(correlations - np.eye(5)).max() < 0.2  # of 200 scenes: 0.14 is exceeded by chance in 5 %


def test_nothing_is_left_of_a_run_that_breaks(tmp_path, monkeypatch):
    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(InputError, match=r"scenes: cannot be written \(No space left"):
        generate(tmp_path / "scenes", DigitScenesSettings(images_per_class=3))
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_not_overwritten(tmp_path):
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="scenes: found something there already"):
        generate(tmp_path / "scenes", DigitScenesSettings(images_per_class=3))
    assert {path: path.read_text() for path in tmp_path.rglob("*.*")} == {tmp_path / "scenes/mine.txt": "mine"}
