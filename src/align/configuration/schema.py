"""The whole configuration: every key with its type, its range and its default."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, NonNegativeInt, create_model, model_validator

from align.augmentation.settings import AugmentationSettings
from align.datasets.settings import Dataset
from align.methods import DEFAULT_METHODS, METHODS
from align.metrics.settings import EvaluationSettings
from align.models.settings import ClassifierSettings
from align.preparation.settings import SplitSettings
from align.segmentation.settings import SalientObjectSettings, SegmentAnythingSettings
from align.settings import Name, PositiveInt, Section, Seed, UserPath
from align.training.settings import EngineSettings, TrainingSettings

MethodOrVariant = Annotated[
    dict[str, dict[str, Any]],
    Field(min_length=1),
    BeforeValidator(lambda entry: {entry: {}} if isinstance(entry, str) else entry),
]
Values = Annotated[list[Any], Field(min_length=1)]
Grid = Annotated[dict[str, Values], Field(min_length=1)]
Sweep = Annotated[dict[str, Grid], Field(min_length=1)]


class Experiment(Section):
    """The runs of every method, on every domain, with every seed."""

    dataset: Name = Field(description="a name among datasets")
    study: Literal["comparison", "controls", "masker_ablation", "sensitivity", "mask_quality"] = Field(
        "comparison", description="the study that the runs belong to; it decides which tables and figures show them"
    )
    protocol: Literal["single_source", "leave_one_domain_out"] = Field(
        "single_source",
        description="single_source: a run trains on one domain; leave_one_domain_out: a run trains on all domains but one",
    )
    domains: tuple[Name, ...] | None = Field(
        None, min_length=1, description="the source domains, or those that are left out; default: all that are not test_only"
    )
    methods: tuple[MethodOrVariant, ...] = Field(
        tuple({method: {}} for method in DEFAULT_METHODS), description="names, or variants such as {align: {lambda1: 0.5}}"
    )
    sweeps: tuple[Sweep, ...] = Field(
        (),
        description="grids: {align: {lambda3: [0.3, 1], warm_up: [0.25, 0.5]}} gives a variant for each combination of values",
    )
    seeds: tuple[Seed, ...] = Field(
        (0, 1, 2), min_length=1, description="a run for each; a seed sets the first weights and all random draws"
    )

    @model_validator(mode="after")
    def _something_to_run(self) -> Self:
        if not self.methods and not self.sweeps:
            raise ValueError("found neither methods nor sweeps, expected one or more")
        return self


class Checkpoints(Section):
    """Where trained networks come from."""

    source: Literal["trained", "published", "published_or_trained"] = Field(
        "trained",
        description="trained: every run is trained here; published: every checkpoint is taken from folder, and it is an error if "
        "one is missing or was made with other settings; published_or_trained: such a run is trained here",
    )
    folder: UserPath = Field(Path("artifacts/checkpoints"), description="finished checkpoints, versioned by DVC")


class CaseStudies(Section):
    """The figures that show test images with the saliency map of each method."""

    images: PositiveInt = Field(2, description="images per target domain")


class Explorer(Section):
    """The images that the explorer of the results page shows, with models of the first seed."""

    evenly: PositiveInt = Field(12, description="images per target domain that are spread evenly over its list")
    disagreements: NonNegativeInt = Field(
        4, description="further images per target domain: those of whose true class the methods' probabilities differ most"
    )


_methods: dict[str, Any] = {name: (entry.settings, Field(default_factory=entry.settings)) for name, entry in METHODS.items()}
Methods: Any = create_model("Methods", __base__=Section, __doc__="The hyper-parameters of each method.", **_methods)


class Configuration(Section):
    """Everything that a user can set."""

    results: Name | None = Field(
        None,
        description="the folder below results/ for metrics, tables, figures, verdict and report; default: the name of this file",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU if there is one, else the CPU")
    datasets: dict[Name, Dataset]
    experiments: dict[Name, Experiment] = Field(min_length=1)
    splits: SplitSettings = SplitSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    classifier: ClassifierSettings = ClassifierSettings()
    training: TrainingSettings = TrainingSettings()
    engine: EngineSettings = EngineSettings()
    methods: Methods = Field(default_factory=Methods)
    evaluation: EvaluationSettings = EvaluationSettings()
    segment_anything: SegmentAnythingSettings = SegmentAnythingSettings()
    salient_object: SalientObjectSettings = SalientObjectSettings()
    case_studies: CaseStudies = CaseStudies()
    explorer: Explorer = Explorer()
    checkpoints: Checkpoints = Checkpoints()
    ratings: UserPath | None = Field(None, description="folder of a study in which people rated masks: align rate")

    @model_validator(mode="after")
    def _one_part_of_targets(self) -> Self:
        if self.splits.test and self.evaluation.target_part != "all":
            raise ValueError(
                f"found evaluation.target_part: {self.evaluation.target_part} and splits.test: {self.splits.test:g}, expected "
                "splits.test: 0, since a test split is always what is tested; set it to 0, or remove target_part"
            )
        return self
