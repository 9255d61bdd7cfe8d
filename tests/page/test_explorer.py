"""The explorer's images: which are chosen, and what is said of them."""

import io
from base64 import b64decode

import numpy as np
import pandas as pd
from PIL import Image

from align.figures.case_studies import Explanations, collect_cases
from align.page.explorer import DISAGREEMENT, EVENLY, LARGEST, choose_by_domain, choose_images, data_uri, explorer_data
from align.preparation.packed import Packed

CLASSES = ["cat", "dog"]


def evaluation(paths, of_cat, target="a"):
    """Return the images of an evaluation, with the probability of the first class."""
    table = pd.DataFrame({"path": paths, "p:cat": of_cat, "p:dog": 1 - np.array(of_cat), "target_domain": target})
    return table.sample(frac=1, random_state=0)  # the order of the file does not count


def packed(paths, labels, side=8):
    images = np.full((len(paths), side, side, 3), 100, np.uint8)
    return Packed(images, np.array(labels), paths, np.ones((len(paths), side, side), np.uint8))


def picture(uri):
    kind, data = uri.split(",")
    assert kind == "data:image/webp;base64"
    return Image.open(io.BytesIO(b64decode(data)))


class TestChoice:
    PATHS = ("a/0", "a/1", "a/2", "a/3", "a/4", "a/5")
    NAMES = ("cat", "cat", "cat", "dog", "dog", "dog")

    def choose(self, first, second, evenly, disagreements):
        evaluations = [evaluation(self.PATHS, first), evaluation(self.PATHS, second)]
        return choose_images(self.PATHS, self.NAMES, evaluations, evenly, disagreements)

    def test_evenly_drawn_then_the_largest_disagreements_in_the_order_of_the_list(self):
        # The probabilities of the true class lie apart by 0, 0.2, 0.9, 0, 0.5 and 0.
        found = self.choose([0.5, 0.5, 0.0, 0.5, 0.0, 0.5], [0.5, 0.7, 0.9, 0.5, 0.5, 0.5], evenly=2, disagreements=2)
        assert found == {0: EVENLY, 2: DISAGREEMENT, 3: EVENLY, 4: DISAGREEMENT}

    def test_an_evenly_drawn_image_is_not_shown_twice(self):
        found = self.choose([0.0, 0.5, 0.5, 0.5, 0.5, 0.5], [1.0, 0.5, 0.5, 0.5, 0.6, 0.5], evenly=1, disagreements=1)
        assert found == {0: EVENLY, 4: DISAGREEMENT}

    def test_of_equal_disagreements_the_first_counts(self):
        assert self.choose([0.5] * 6, [0.5] * 6, evenly=1, disagreements=2) == {0: EVENLY, 1: DISAGREEMENT, 2: DISAGREEMENT}

    def test_no_more_than_there_are(self):
        assert list(self.choose([0.5] * 6, [0.5] * 6, evenly=12, disagreements=4)) == list(range(6))

    def test_each_domain_by_its_own_rows(self):
        evaluations = [
            pd.concat([evaluation(["a/0", "a/1"], [0.1, 0.1], "a"), evaluation(["b/0", "b/1"], of_b, "b")])
            for of_b in ([0.5, 0.5], [0.5, 0.9])
        ]
        tested = {"a": packed(["a/0", "a/1"], [0, 1]), "b": packed(["b/0", "b/1"], [0, 1])}
        found = choose_by_domain(tested, CLASSES, evaluations, evenly=1, disagreements=1)
        assert found == {"a": {0: EVENLY, 1: DISAGREEMENT}, "b": {0: EVENLY, 1: DISAGREEMENT}}


class TestData:
    def data(self, domains=("a", "b")):
        cases = collect_cases({domain: packed([f"{domain}/0"], [1]) for domain in domains}, CLASSES)
        probabilities = np.array([[0.25, 0.75], [0.9, 0.1]], np.float32)
        map_and_flat = np.stack([np.eye(8, dtype=np.float32), np.zeros((8, 8), np.float32)])
        mask = np.full((2, 8, 8), 0.5, np.float32)
        said = {
            "erm": Explanations(probabilities.argmax(1), probabilities, map_and_flat, None),
            "align": Explanations(probabilities.argmax(1), probabilities, map_and_flat, mask),
        }
        return explorer_data("digit_scenes", "single_source", "a", cases, [EVENLY, DISAGREEMENT], said, ["a"])

    def test_what_is_said_of_an_image(self):
        data = self.data()
        assert (data["dataset"], data["protocol"], data["source"]) == ("digit scenes", "single source", "a")
        assert data["methods"] == {"erm": "ERM", "align": "ALIGN"}
        first, second = data["images"]
        assert (first["target"], first["distribution"], first["class"], first["reason"]) == (
            "a",
            "in distribution",
            "dog",
            EVENLY,
        )
        assert (second["target"], second["distribution"], second["reason"]) == ("b", "out of distribution", DISAGREEMENT)
        right, wrong = first["methods"]["align"], second["methods"]["align"]
        assert (right["predicted"], right["right"], right["probabilities"]) == (1, True, [0.25, 0.75])
        assert (wrong["predicted"], wrong["right"], wrong["probabilities"]) == (0, False, [0.9, 0.1])

    def test_maps_masks_and_truth_are_pictures(self):
        first, second = self.data()["images"]
        align, erm = first["methods"]["align"], first["methods"]["erm"]
        mask = np.asarray(picture(align["mask"]).convert("L"))
        assert np.allclose(mask, 128, atol=3)
        assert align["area"] == 0.5
        assert (erm["mask"], erm["area"]) == (None, None)
        assert np.asarray(picture(first["truth"]).convert("L")).min() > 250
        overlaid = np.asarray(picture(align["map"]).convert("RGB")).astype(int)
        assert overlaid[4, 4].sum() > overlaid[0, 7].sum() + 100  # bright on the map's diagonal
        assert second["methods"]["align"]["map"] is None  # a flat map

    def test_a_model_of_several_source_domains(self):
        cases = collect_cases({"a": packed(["a/0"], [1])}, CLASSES)
        assert explorer_data("d", "leave_one_domain_out", "a", cases, [EVENLY], {}, ["b", "c"])["source"] == "all but a"

    def test_large_images_are_reduced(self):
        assert picture(data_uri(np.zeros((400, 400, 3), np.uint8))).size == (LARGEST, LARGEST)
        assert picture(data_uri(np.zeros((48, 48), np.uint8))).size == (48, 48)
