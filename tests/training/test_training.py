import copy
import io
import json
import logging
import math
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from small_runs import (
    CLASSES,
    CPU,
    NO_AUGMENTATION,
    SIZE,
    TRAINING_SPLIT,
    VALIDATION_SPLIT,
    VIEW,
    run_settings,
    same_states,
    trained_run,
)

from align.attribution.grad_cam import grad_cam
from align.augmentation.settings import AugmentationSettings
from align.errors import InputError
from align.imaging.imagenet import MEAN, STANDARD_DEVIATION
from align.imaging.normalisation import normalise, to_unit
from align.methods import METHODS
from align.methods.base import Batch, Failure
from align.methods.erm import ERM
from align.metrics.explain import explain
from align.metrics.settings import EvaluationSettings
from align.training import batches, trainer
from align.training.batches import TrainingBatches
from align.training.device import processor
from align.training.history import History, NonFiniteLossError, mean_terms
from align.training.images import Images, on_device
from align.training.progress import epochs_with_progress
from align.training.run import RunData, restore, train_run, write_run
from align.training.settings import TrainingSettings
from align.training.trainer import Interruption, Trainer, validate


class TestRepeatability:
    @pytest.mark.parametrize("method", METHODS)
    def test_the_same_seed_gives_the_same_files_bit_for_bit(self, method, tmp_path):
        runs = []
        for folder, global_seed in ((tmp_path / "first", 1), (tmp_path / "second", 2)):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(global_seed)
                trained, _ = trained_run(method)
            write_run(trained, run_settings(method), CLASSES, VIEW, {}, folder)
            runs.append(trained)
        first, second = runs
        assert first.history.rows == second.history.rows
        assert first.states.keys() == second.states.keys()
        assert same_states(first.states, second.states)
        for name in ("checkpoint.pt", "history.csv", "run.json"):
            assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()

    @pytest.mark.parametrize("method", METHODS)
    def test_another_seed_gives_another_run(self, method):
        (first, _), (second, _) = trained_run(method, seed=0, epochs=1), trained_run(method, seed=1, epochs=1)
        assert first.history.rows != second.history.rows
        assert not same_states(first.states, second.states)


@pytest.mark.parametrize(
    "settings",
    [{}, {"consistency": 0.3, "sparsity_norm": "authors", "batch_norm": "frozen", "beta": 1.0}, {"forward_passes": "shared"}],
)
def test_align_without_guidance_is_dre_bit_for_bit(settings, tmp_path):
    """w/o EG of the paper's ablation, whose row there equals DRE's. Every state of the run is compared, and what it leaves."""
    runs = {}
    for method, own in (("align", {"lambda3": 0}), ("dre", {})):
        states = []
        chosen = run_settings(method)._replace(hyper_parameters=METHODS[method].settings(**settings, **own))
        data = RunData([TRAINING_SPLIT], [VALIDATION_SPLIT], CLASSES)
        after_step = lambda current, states=states: states.append(copy.deepcopy(current()["method"]))  # noqa: E731
        trained, _ = train_run(chosen, data, 0, CPU, interruption=Interruption(after_step=after_step))
        write_run(trained, chosen, CLASSES, VIEW, {}, tmp_path / method)
        checkpoint = torch.load(tmp_path / method / "checkpoint.pt", weights_only=True)
        runs[method] = states, [(epoch, name, value) for epoch, _, name, value in trained.history.rows], checkpoint["classifier"]
    (align_states, align_history, align_weights), (dre_states, dre_history, dre_weights) = runs.values()
    assert len(align_states) == len(dre_states) == 9
    for found, expected in zip(align_states, dre_states):
        for key in ("networks", "optimisers", "generator"):
            torch.testing.assert_close(found[key], expected[key], rtol=0, atol=0)
    assert align_history == dre_history
    assert same_states({"classifier": align_weights}, {"classifier": dre_weights})


class TestLearningRate:
    def rates(self, monkeypatch, **training):
        """The classifier's step size in each of 6 epochs, as Adam has it."""
        found = {}

        def record(method, batch, step=ERM.step):
            found.setdefault(len(epochs), set()).add(method.optimiser.param_groups[0]["lr"])
            return step(method, batch)

        epochs = []
        monkeypatch.setattr(ERM, "step", record)
        monkeypatch.setattr(trainer, "validate", lambda *_: epochs.append(1) or {"validation_accuracy": 0.5})
        trained_run(epochs=6, learning_rate=0.008, **training)
        return [rate for (rate,) in found.values()]

    def test_it_stays(self, monkeypatch):
        assert self.rates(monkeypatch) == [0.008] * 6

    def test_it_falls_by_half_a_cosine(self, monkeypatch):
        expected = [0.008 * share for share in (1, 0.9330127, 0.75, 0.5, 0.25, 0.0669873)]
        assert self.rates(monkeypatch, decay="cosine") == pytest.approx(expected)

    def test_it_rises_in_equal_steps(self, monkeypatch):
        expected = [0.008 * share for share in (1 / 3, 2 / 3, 1, 1, 1, 1)]
        assert self.rates(monkeypatch, learning_rate_warm_up=0.3) == pytest.approx(expected)

    def test_it_falls_from_the_end_of_its_warm_up(self, monkeypatch):
        expected = [0.008 * share for share in (1 / 3, 2 / 3, 1, 0.8535534, 0.5, 0.1464466)]
        assert self.rates(monkeypatch, learning_rate_warm_up=0.3, decay="cosine") == pytest.approx(expected)

    def test_a_method_may_have_its_own(self):
        settings = run_settings()._replace(hyper_parameters=METHODS["erm"].settings(learning_rate=0.5))
        optimiser = settings.build(3, 0, CPU).optimiser
        assert [group["lr"] for group in optimiser.param_groups] == [0.5]

    def test_the_masker_keeps_its_own(self):
        method = run_settings("align", decay="cosine").build(3, 0, CPU)
        Trainer(method, self.batches(), on_device([VALIDATION_SPLIT], CPU), run_settings(decay="cosine").training).train()
        rates = {name: optimiser.param_groups[0]["lr"] for name, optimiser in method.optimisers.items()}
        assert rates == pytest.approx({"classifier": 1e-3 * 0.25, "masker": method.settings.masker_learning_rate})

    def batches(self):
        return TrainingBatches(on_device([TRAINING_SPLIT], CPU), 6, NO_AUGMENTATION, torch.Generator())


class TestSelection:
    def selected(self, monkeypatch, accuracies, eligible_from):
        """What is selected where validation gives these accuracies, and the networks at the end of each epoch."""
        snapshots = []

        def made_up(method, split):
            snapshots.append(copy.deepcopy(method.classifier.state_dict()))
            return {"validation_accuracy": accuracies[len(snapshots) - 1]}

        monkeypatch.setattr(trainer, "validate", made_up)
        trained, _ = trained_run(epochs=len(accuracies), eligible_from=eligible_from)
        return trained, snapshots

    @pytest.mark.parametrize(
        ("accuracies", "eligible_from", "expected"),
        [
            ([0.1, 0.9, 0.5, 0.2], 0.0, 2),  # the best
            ([0.9, 0.9, 0.5, 0.9, 0.3], 0.0, 4),  # of equals, the latest
            ([0.9, 0.8, 0.5, 0.4], 0.5, 3),  # never before it is eligible
            ([0.9, 0.8, 0.5, 0.4], 0.49, 2),
            ([0.9, 0.8, 0.5, 0.4], 0.99, 4),
            ([0.0, 0.0], 0.0, 2),
        ],
    )
    def test_epoch(self, monkeypatch, accuracies, eligible_from, expected):
        trained, snapshots = self.selected(monkeypatch, accuracies, eligible_from)
        assert trained.selected_epoch == expected
        assert trained.validation_accuracy == accuracies[expected - 1]
        assert same_states(trained.states, {"classifier": snapshots[expected - 1]})
        assert not same_states(trained.states, {"classifier": snapshots[expected - 2]})

    def test_phase(self):
        trained, _ = trained_run("align", eligible_from=0.9)
        assert (trained.selected_epoch, trained.selected_phase) == (3, "guided")


class TestBatches:
    images = torch.arange(20, dtype=torch.uint8).view(20, 1, 1, 1).expand(20, SIZE, SIZE, 3)
    split = Images(images, torch.arange(20))

    def batches(self, batch_size, generator):
        return list(TrainingBatches(self.split, batch_size, NO_AUGMENTATION, generator))

    def test_the_last_partial_batch_is_left_out(self, generator):
        batches = self.batches(6, generator)
        assert [len(batch.labels) for batch in batches] == [6, 6, 6]
        seen = torch.cat([batch.labels for batch in batches]).tolist()
        assert len(set(seen)) == 18
        assert len(self.batches(5, generator)) == 4

    def test_a_split_smaller_than_a_batch_is_one_batch(self, generator):
        (batch,) = self.batches(32, generator)
        assert sorted(batch.labels.tolist()) == list(range(20))

    def test_images_stay_with_their_labels_in_an_order_of_each_pass(self, generator):
        first, second = self.batches(20, generator)[0], self.batches(20, generator)[0]
        assert first.labels.tolist() != second.labels.tolist()
        for batch in (first, second):
            unit = batch.labels.float() / 255
            expected = (unit[:, None] - torch.tensor(MEAN)) / torch.tensor(STANDARD_DEVIATION)
            torch.testing.assert_close(batch.images.mean((2, 3)), expected, rtol=0, atol=1e-5)

    def test_what_is_trained_on_is_augmented(self, monkeypatch, generator):
        monkeypatch.setattr(batches, "augment", lambda images, **arguments: torch.zeros_like(images))
        expected = -torch.tensor(MEAN) / torch.tensor(STANDARD_DEVIATION)
        for batch in self.batches(6, generator):
            torch.testing.assert_close(batch.images[:, :, 0, 0], expected.expand(6, 3))


class TestNoAugmentation:
    @pytest.fixture
    def method(self, monkeypatch):
        def forbidden(*arguments):
            raise AssertionError("augmentation outside of training")

        monkeypatch.setattr(batches, "augment", forbidden)
        return run_settings("align").build(3, 0, CPU)

    @staticmethod
    def as_the_network_sees_them(packed):
        unit = packed.images.transpose(0, 3, 1, 2) / 255
        normalised = (unit - np.array(MEAN)[:, None, None]) / np.array(STANDARD_DEVIATION)[:, None, None]
        return torch.from_numpy(normalised).float()

    def test_validation_sees_the_images_as_they_are(self, method, monkeypatch):
        monkeypatch.setattr(trainer, "VALIDATION_BATCH", 4)
        method.phase = "guided"
        before = copy.deepcopy(method.classifier.state_dict())
        found = validate(method, on_device([VALIDATION_SPLIT], CPU))
        assert method.classifier.training
        assert same_states({"classifier": before}, {"classifier": method.classifier.state_dict()})

        method.classifier.eval()
        images, labels = self.as_the_network_sees_them(VALIDATION_SPLIT), torch.from_numpy(VALIDATION_SPLIT.labels)
        watched = method.diagnose(Batch(images, labels), method.classifier.features(images))
        predicted = method.classifier(images).argmax(1)
        expected = {
            "validation_accuracy": accuracy_score(labels, predicted),
            "validation_macro_accuracy": balanced_accuracy_score(labels, predicted),
            **{name: values.nanmean().item() for name, values in watched.items()},  # NaN: a map without energy
        }
        assert found == pytest.approx(expected, rel=1e-5)

    def test_the_warm_up_watches_accuracies_only(self, method):
        names = {"validation_accuracy", "validation_macro_accuracy"}
        assert set(validate(method, on_device([VALIDATION_SPLIT], CPU))) == names

    def test_evaluation_sees_the_images_as_they_are(self, method):
        for network in method.networks.values():
            network.eval()
        found = explain(method, grad_cam, VALIDATION_SPLIT, EvaluationSettings(batch_size=4), CPU)
        images = self.as_the_network_sees_them(VALIDATION_SPLIT)
        torch.testing.assert_close(found.images, images, rtol=0, atol=1e-5)
        assert found.labels.tolist() == VALIDATION_SPLIT.labels.tolist()
        assert found.ground_truth is None

        with torch.no_grad():
            features = method.classifier.features(images)
            probabilities = method.classifier.classify(features).softmax(1)
            predicted = grad_cam(method.classifier, images, features, probabilities.argmax(1))
            of_class = grad_cam(method.classifier, images, features, found.labels)
        close = {"rtol": 1e-3, "atol": 1e-5}
        torch.testing.assert_close(found.probabilities, probabilities, **close)
        torch.testing.assert_close(found.saliency, predicted, **close)
        torch.testing.assert_close(found.class_saliency, of_class, **close)
        torch.testing.assert_close(found.learned_mask, method.used_masks(Batch(images, found.labels)), **close)
        torch.testing.assert_close(found.predict(images), probabilities, **close)


class TestHistory:
    def test_align_reports_every_term_by_phase(self):
        trained, _ = trained_run("align")
        frame = trained.history.frame()
        assert list(frame.columns) == ["epoch", "phase", "name", "value"]
        names = {key: set(rows["name"]) for key, rows in frame.groupby(["epoch", "phase"])}
        regularisation = {"consistency", "sparsity", "mixed_classification"}
        classifier = {"classification", *regularisation, "total", "validation_accuracy", "validation_macro_accuracy"}
        masker = {"mask_distinction", "mask_sparsity", "mask_smoothness", "mask_total", "mask_area", "mask_spread"}
        watched = {"validation_mask_area", "validation_mask_spread", "validation_energy_outside"}
        guided = classifier | masker | watched | {"guidance"}
        assert names == {(1, "warm_up"): classifier, (2, "masker"): masker, (2, "guided"): guided, (3, "guided"): guided}

    def test_terms_are_means_over_the_steps(self):
        steps = [{"a": torch.tensor(1.0), "b": torch.tensor(4.0)}, {"a": torch.tensor(3.0), "b": torch.tensor(4.0)}]
        assert mean_terms(steps) == {"a": 2.0, "b": 4.0}
        assert mean_terms([]) == {}

    def test_values_by_name_and_epoch(self):
        history = History()
        history.add(1, "train", {"total": 2.0, "other": 0.0})
        history.add(2, "train", {"total": 1.0})
        assert history.by_name() == {"total": {1: 2.0, 2: 1.0}, "other": {1: 0.0}}

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_a_value_that_is_not_finite(self, value):
        with pytest.raises(
            NonFiniteLossError, match=rf"epoch 7 \(guided\): guidance is {value}, expected a finite number; lower"
        ):
            History().add(7, "guided", {"classification": 1.0, "guidance": value})

    @pytest.mark.parametrize("method", METHODS)
    def test_training_stops_at_a_loss_that_is_not_finite(self, method):
        with pytest.raises(NonFiniteLossError, match=r"epoch [12] \((train|warm_up|masker|guided)\): \w+ is (nan|inf), expected"):
            trained_run(method, learning_rate=1e30)

    def test_weights_that_are_not_finite_are_named_in_the_first_epoch(self, generator):
        method = run_settings().build(3, 0, CPU)
        torch.nn.init.constant_(method.classifier.head.weight, math.nan)
        with pytest.raises(NonFiniteLossError, match=r"epoch 1 \(train\): classification is nan"):
            images, validation = (on_device([split], CPU) for split in (TRAINING_SPLIT, VALIDATION_SPLIT))
            batches = TrainingBatches(images, 6, AugmentationSettings(), generator)
            Trainer(method, batches, validation, TrainingSettings(epochs=2)).train()

    def test_a_line_for_every_epoch(self, caplog):
        caplog.set_level(logging.INFO, logger="align")
        status = {}
        for epoch in epochs_with_progress(2, 50, "erm seed 0", status):
            status["loss"] = epoch / 4
        lines = [record.message for record in caplog.records]
        assert len(lines) == 2
        for epoch, line in enumerate(lines, start=1):
            assert re.fullmatch(rf"erm seed 0: epoch {epoch}/2, loss {epoch / 4} images/s \d+, \d+ s left", line), line


class Juggler(ERM):
    """A method with a preparation and failures of its own, unknown to the trainer."""

    preparation = "juggling"

    def start_epoch(self, epoch, epochs):
        return epoch == 2

    def is_prepared(self, steps):
        return len(steps) == 5

    def prepare(self, batch):
        return {"balls": torch.tensor(3.0)}

    def diagnose(self, batch, features):
        return {"validation_height": torch.arange(len(batch.labels)).float()}

    def failures(self, history):
        return [Failure("dropped", 2, "a ball")] if history["balls"] == {2: 3.0} else []


class TestPreparation:
    def test_any_method_may_prepare_watch_and_fail(self, generator, caplog):
        caplog.set_level(logging.INFO, logger="align")
        settings = run_settings(epochs=2)
        method = Juggler(run_settings().build(3, 0, CPU).classifier, settings.hyper_parameters, settings.training, generator)
        images, validation = (on_device([split], CPU) for split in (TRAINING_SPLIT, VALIDATION_SPLIT))
        batches = TrainingBatches(images, 6, AugmentationSettings(), generator)
        trained = Trainer(method, batches, validation, settings.training, "a title").train()
        assert [row for row in trained.history.rows if row[1] == "juggling"] == [(2, "juggling", "balls", 3.0)]
        assert [row[0] for row in trained.history.rows if row[2] == "validation_height"] == [1, 2]
        assert "a title: 5 steps that train only the juggling; balls 3" in caplog.text
        assert trained.failures == [("dropped", 2, "a ball")]
        assert "a title: dropped in epoch 2: a ball" in caplog.text

    def test_no_module_of_the_trainer_names_a_method(self):
        named = re.compile(
            "guided|masker|mask_area|lambda3|warm_up|" + "|".join(rf"align\.methods\.{name}\b" for name in METHODS)
        )
        for path in Path(trainer.__file__).parent.glob("*.py"):
            source = path.read_text() if path.name != "settings.py" else ""  # a reason there speaks of ALIGN
            assert not named.findall(source), path.name


@pytest.fixture(scope="module", params=["erm", "align"])
def written(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    trained, cost = trained_run(request.param, precision="float32")
    account = {"settings": {"seed": 0}, **cost}
    write_run(trained, run_settings(request.param), CLASSES, VIEW, account, folder)
    return request.param, trained, cost, folder


class TestRun:
    def test_files(self, written):
        _, trained, _, folder = written
        assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.pt", "history.csv", "run.json"]
        frame = pd.read_csv(folder / "history.csv")
        pd.testing.assert_frame_equal(frame, trained.history.frame(), rtol=1e-5)

    def test_run_json(self, written):
        _, trained, cost, folder = written
        assert json.loads((folder / "run.json").read_text()) == {
            "settings": {"seed": 0},
            **cost,
            "images": VIEW.record(),
            "selected_epoch": trained.selected_epoch,
            "selected_phase": trained.selected_phase,
            "validation_accuracy": trained.validation_accuracy,
            "failures": [failure._asdict() for failure in trained.failures],
        }
        assert set(cost) == {"device", "precision", "compile", "wall_seconds", "images_per_second", "peak_memory_bytes"}
        assert cost["device"] == f"CPU, {processor()}"
        assert cost["precision"] == "float32"
        assert cost["peak_memory_bytes"] > 50e6  # torch alone takes more

    def test_restore(self, written):
        method, trained, _, folder = written
        # The file of the initial weights may be gone by then.
        settings = run_settings(method)._replace(
            classifier=run_settings(method).classifier.model_copy(update={"weights": "gone.pth"})
        )
        restored, classes = restore(settings, folder / "checkpoint.pt", CPU)
        assert classes == CLASSES
        assert restored.networks.keys() == trained.states.keys()
        assert same_states({name: network.state_dict() for name, network in restored.networks.items()}, trained.states)
        assert not any(network.training for network in restored.networks.values())

    def test_a_run_in_bfloat16_is_evaluated_in_float32(self, tmp_path):
        settings = run_settings(precision="bfloat16")
        trained, cost = trained_run(precision="bfloat16")
        write_run(trained, settings, CLASSES, VIEW, cost, tmp_path)
        restored, _ = restore(settings, tmp_path / "checkpoint.pt", CPU)
        images = normalise(to_unit(torch.from_numpy(VALIDATION_SPLIT.images)))
        in_double_precision = copy.deepcopy(restored.classifier).double()
        in_double_precision.precision = torch.float32  # no autocast
        with torch.no_grad():
            found, exact = restored.classifier(images), in_double_precision(images.double())
        assert json.loads((tmp_path / "run.json").read_text())["precision"] == "bfloat16"
        torch.testing.assert_close(found.double(), exact, rtol=1e-4, atol=1e-5)  # bfloat16 would be wrong by 0.4 %

    def test_the_restored_network_has_the_selected_accuracy(self, written):
        method, trained, _, folder = written
        restored, _ = restore(run_settings(method), folder / "checkpoint.pt", CPU)
        images = normalise(to_unit(torch.from_numpy(VALIDATION_SPLIT.images)))
        correct = restored.classifier(images).argmax(1).numpy() == VALIDATION_SPLIT.labels
        assert correct.mean() == pytest.approx(trained.validation_accuracy)

    def test_restoring_another_runs_checkpoint(self, written):
        method, _, _, folder = written
        others = [run_settings(method, widths=(4, 6)), run_settings("sgt"), run_settings("align" if method == "erm" else "erm")]
        for settings in others:
            with pytest.raises(InputError, match=r"checkpoint\.pt: found no checkpoint of \S+ .*; remove it to train again"):
                restore(settings, folder / "checkpoint.pt", CPU)

    @pytest.mark.parametrize(
        "content",
        [[1], {"classes": CLASSES}, {"classes": CLASSES, "implementation": METHODS["erm"].implementation, "classifier": 3}, 5],
    )
    def test_restoring_what_is_no_checkpoint(self, content, tmp_path):
        torch.save(content, tmp_path / "checkpoint.pt")
        with pytest.raises(InputError, match=r"checkpoint\.pt: found no checkpoint of align.methods.erm:ERM"):
            restore(run_settings(), tmp_path / "checkpoint.pt", CPU)

    def test_restoring_a_truncated_or_absent_file(self, written, tmp_path):
        method, _, _, folder = written
        whole = (folder / "checkpoint.pt").read_bytes()
        cuts = [b"", b"junk", b"\x80\x02.", bytes(40), *(whole[: len(whole) * i // 8] for i in range(1, 8))]
        for content in cuts:
            (tmp_path / "checkpoint.pt").write_bytes(content)
            with pytest.raises(InputError, match=r"checkpoint\.pt: found no checkpoint of"):
                restore(run_settings(method), tmp_path / "checkpoint.pt", CPU)
        with pytest.raises(InputError, match=r"absent\.pt: found no checkpoint of"):
            restore(run_settings(method), tmp_path / "absent.pt", CPU)

    def test_several_domains_are_one_after_the_other(self):
        joined = on_device([TRAINING_SPLIT, VALIDATION_SPLIT], CPU)
        assert len(joined) == 29
        assert torch.equal(joined.images[20:], torch.from_numpy(VALIDATION_SPLIT.images))
        assert joined.labels.tolist() == [*TRAINING_SPLIT.labels, *VALIDATION_SPLIT.labels]

    def test_methods_start_from_the_same_classifier(self):
        """ALIGN-gate's has one stage more."""
        states = {name: {"classifier": run_settings(name).build(3, 4, CPU).classifier.state_dict()} for name in METHODS}
        assert all(same_states(states["erm"], other) for other in states.values())


class TestProgress:
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    @pytest.mark.parametrize("terminal", [True, False])
    def test_there_is_a_bar_on_a_terminal_only(self, terminal, monkeypatch):
        shown = self.Terminal() if terminal else io.StringIO()
        monkeypatch.setattr("sys.stderr", shown)
        monkeypatch.setenv("COLUMNS", "200")
        status = {}
        for epoch in epochs_with_progress(2, 100, "erm", status):
            status["loss"] = 1 / epoch
            time.sleep(0.15)  # the bar is drawn anew after a tenth of a second
        assert bool(re.search(r"erm: 100%.*2/2 \[.*loss=0\.5, images/s=", shown.getvalue())) == terminal
        assert bool(shown.getvalue()) == terminal
