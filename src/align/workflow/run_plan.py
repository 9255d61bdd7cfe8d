"""Answers what the rules ask about a configuration: its runs, and the files, settings and code of their jobs."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from align import paths
from align.acquisition.archives import Mirror
from align.attribution import ATTRIBUTIONS
from align.configuration.ground_truth import annotation_place
from align.configuration.places import Places, preparation_settings
from align.configuration.run import Run
from align.configuration.runs import (
    LeftOut,
    flat_maps,
    left_out_variants,
    planned_studies,
    source_domains,
    teacher_run,
    variant_settings,
)
from align.configuration.schema import Configuration
from align.errors import InputError
from align.files import require_no_braces
from align.methods import METHODS
from align.methods.naming import method_of
from align.methods.passes import PASSES
from align.metrics import METRICS
from align.models.weights_file import weights_file
from align.segmentation.checkpoint import checkpoint_files
from align.versioning.agreement import taken_runs
from align.workflow.acquisition import Download, archive_downloads, datasets_to_make

GIVEN_MASKS = {
    "ground_truth": paths.GROUND_TRUTH,
    "folder": paths.GUIDING_MASKS,
    "sam": paths.SAM_MASKS,
    "salient_object": paths.SALIENT_MASKS,
}


class RunPlan:
    """The runs of a checked configuration. It is made at every parse of the workflow, so it imports nothing heavy.

    Attributes:
        configuration: the checked configuration.
        settings: the configuration as plain values, with every default.
        studies: every run, with the studies that it is part of.
        variants: the hyper-parameters of every variant, by its name.
        datasets: the data sets of the runs, by name.
        places: where the files of its data, runs and evaluations are.
        taken: the runs whose published checkpoint takes the place of training.

    Raises:
        InputError: the configuration asks for something that cannot be done.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.settings: dict[str, Any] = configuration.model_dump(mode="json")
        self.studies = planned_studies(configuration)
        self.variants = variant_settings(configuration)
        self.datasets = {run.dataset: configuration.datasets[run.dataset] for run in self.studies}
        self.places = Places(configuration)
        self.to_make = datasets_to_make(self.datasets, self.places)
        self.sam_files = self._sam_files()
        self.salient_object_files = self._salient_object_files()
        self.taken = dict.fromkeys(taken_runs(configuration))
        if self.taken:
            require_no_braces("checkpoints.folder", configuration.checkpoints.folder)

    @property
    def runs(self) -> list[Run]:
        """Return every run, in the order of the experiments."""
        return list(self.studies)

    @property
    def trained(self) -> list[Run]:
        """Return the runs that are trained here."""
        return [run for run in self.studies if run not in self.taken]

    @cached_property
    def left_out(self) -> LeftOut:
        """Return why variants are not run, by data set and variant."""
        reasons: dict[str, dict[str, str]] = {}
        for (dataset, variant), reason in left_out_variants(self.configuration).items():
            reasons.setdefault(dataset, {})[variant] = reason
        return reasons

    @property
    def warnings(self) -> list[str]:
        """Return what a user must know before the first job: what is left out, and what will have no value."""
        left_out = [
            f"left out: {name} on {place}: {why}" for place, reasons in self.left_out.items() for name, why in reasons.items()
        ]
        return [*left_out, *flat_maps(self.configuration)]

    @cached_property
    def archives(self) -> dict[str, dict[str, tuple[str, Download]]]:
        """Return the downloads of each data set that a rule makes; see :func:`~align.workflow.acquisition.archive_downloads`."""
        return {name: archive_downloads(name, dataset) for name, dataset in self.to_make.items()}

    @cached_property
    def downloads(self) -> dict[str, Download]:
        """Return every download by its path below ``downloads/``."""
        return dict(download for archives in self.archives.values() for download in archives.values())

    @property
    def mirrors(self) -> dict[str, tuple[Mirror, ...]]:
        """Return the addresses of every archive that is taken from one, by its path below ``downloads/``."""
        chosen = {name: dataset for name, dataset in self.datasets.items() if dataset.source}
        downloads = (download for name, dataset in chosen.items() for download in archive_downloads(name, dataset).values())
        return {path: download.mirrors for path, download in downloads if download.mirrors}

    @cached_property
    def pages(self) -> dict[str, list[Run]]:
        """Return the runs on every page of a figure with pages. A page has one data set, protocol and domain."""
        pages: dict[str, list[Run]] = {}
        for run in self.study_runs("comparison"):
            pages.setdefault(paths.PAGE.format(**run._asdict()), []).append(run)
        return pages

    def study_runs(self, study: str) -> list[Run]:
        """Return the runs of a study."""
        return [run for run, studies in self.studies.items() if study in studies]

    def hyper_parameters(self, variant: str) -> dict[str, Any]:
        """Return the hyper-parameters of a variant as plain values."""
        return self.variants[variant].model_dump(mode="json")

    def source_domains(self, run: Run) -> list[str]:
        """Return the domains that a run is trained on."""
        return list(source_domains(self.configuration, run))

    def run_settings(self, run: Run) -> dict[str, Any]:
        """Return everything that a training or an evaluation job is told about its run, as plain values."""
        dataset = self.datasets[run.dataset]
        return {
            "source_domains": self.source_domains(run),
            "classes": self.settings["datasets"][run.dataset]["classes"],
            "view": {"size": dataset.image_size, "resize": dataset.resize},
            "teacher": self._teacher(run),
            **self._method(run.method),
            **{section: self.settings[section] for section in ("classifier", "training", "augmentation")},
        }

    def run_code(self, run: Run) -> list[str]:
        """Return what a job loads by name for its run: the method, what its settings name, and its teacher."""
        settings = self.variants[run.method]
        names = [METHODS[method_of(run.method)].implementation, *settings.implementations]
        return [*names, METHODS[settings.mask_teacher].implementation] if settings.mask_teacher else names

    def training_priority(self, run: Run) -> float:
        """Return the priority of a run's training, in [0, 1]. Long runs come first, so that at the end no core waits for one.

        This is the rule *longest processing time first* (Graham 1969, doi:10.1137/0117039).
        """
        return PASSES.get(method_of(run.method), PASSES["erm"]) / max(PASSES.values())

    def evaluation_settings(self, dataset: str) -> dict[str, Any]:
        """Return everything else that an evaluation job is told, as plain values."""
        return {
            "evaluation": self.settings["evaluation"],
            "metrics": [METRICS[name].implementation for name in self.configuration.evaluation.metrics],
            "attribution": self.attribution,
            "domains": self.settings["datasets"][dataset]["domains"],
            "paired": self.configuration.datasets[dataset].paired,
        }

    @property
    def attribution(self) -> str:
        """Return the implementation of the saliency maps that are evaluated."""
        return ATTRIBUTIONS[self.configuration.evaluation.attribution]

    def evaluation_code(self, run: Run) -> list[str]:
        """Return what an evaluation job loads by name."""
        evaluation = self.evaluation_settings(run.dataset)
        return [*self.run_code(run), *evaluation["metrics"], evaluation["attribution"]]

    def ground_truth_files(self, pattern: str, dataset: str) -> list[str]:
        """Return ``pattern`` for each domain of a data set. Empty if the data set has no ground truth."""
        chosen = self.datasets[dataset]
        return self.places.domains(pattern, dataset, chosen.domains) if chosen.ground_truth else []

    def annotation_entries(self, dataset: str, key: str) -> dict[str, dict[str, Any]]:
        """Return the entries of a data set's ``ground_truth`` or ``guiding_masks`` as plain values, by their place."""
        entries = self.settings["datasets"][dataset][key]
        return {annotation_place(dataset, key, position): entry for position, entry in enumerate(entries)}

    def first_seeds(self, page: str) -> list[Run]:
        """Return the runs of a page, each method with its first seed only."""
        first: dict[str, Run] = {}
        for run in self.pages[page]:
            first.setdefault(run.method, run)
        return list(first.values())

    def given_mask_files(self, run: Run, domains: Iterable[str]) -> list[str]:
        """Return the files from which a run's given masks come.

        Args:
            run: the run.
            domains: the domains of the images.
        """
        settings = self.variants[run.method]
        if settings.given_masks in GIVEN_MASKS:
            return self.places.domains(GIVEN_MASKS[settings.given_masks], run.dataset, domains)
        if settings.mask_teacher:
            return [self.places.run(paths.CHECKPOINT, teacher_run(run, settings.mask_teacher))]
        return []

    def weights_files(self) -> list[str]:
        """Return the file of the initial weights of the runs that are trained here. Random and torchvision's weights have none.

        Raises:
            InputError: see :func:`align.models.weights_file.weights_file`.
        """
        weights = self.configuration.classifier.weights
        file = weights_file(weights) if weights and self.trained else None
        return [str(file)] if file else []

    def publishable(self) -> dict[str, dict[str, Any]]:
        """Return, for every run that is trained here, by its path, its folder, its metrics and the settings of its data."""
        return {
            run.path: {
                "folder": str(Path(self.places.run(paths.CHECKPOINT, run)).parent),
                "metrics": self.places.run(paths.RUN_METRICS, run),
                "preparation": preparation_settings(self.configuration, run.dataset, self.variants[run.method]),
            }
            for run in self.trained
        }

    def listings(self) -> dict[str, dict[str, str]]:
        """Return the manifest and the splits of every data set of those runs, by the name of the data set."""
        files = {"manifest.csv": paths.MANIFEST, "splits.csv": paths.SPLITS}
        names = dict.fromkeys(run.dataset for run in self.trained)
        return {name: {file: self.places.dataset(path, name) for file, path in files.items()} for name in names}

    def _method(self, variant: str) -> dict[str, Any]:
        return {
            "implementation": METHODS[method_of(variant)].implementation,
            "hyper_parameters": self.hyper_parameters(variant),
        }

    def _teacher(self, run: Run) -> dict[str, Any] | None:
        """Return the method whose finished run makes the given masks of ``run``, and its hyper-parameters."""
        teacher = self.variants[run.method].mask_teacher
        return self._method(teacher) if teacher else None

    def _sam_files(self) -> list[str]:
        folder = self.configuration.segment_anything.checkpoint
        if folder:
            require_no_braces("segment_anything.checkpoint", folder)
        return checkpoint_files(folder) if folder else []

    def _salient_object_files(self) -> list[str]:
        model = self.configuration.salient_object.model
        if model:
            require_no_braces("salient_object.model", model)
            if not model.is_file():
                raise InputError(
                    f"salient_object.model: {model}: found no such file, expected an ONNX file such as u2netp.onnx; correct the "
                    "path, or remove it from the configuration"
                )
        return [str(model)] if model else []
