"""The configuration, whole: every key, its type, its range, its default, and why where the paper gives none."""

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, create_model, field_validator, model_validator

from align.attribution import ATTRIBUTIONS
from align.configuration.base import Section, UserPath, declared
from align.datasets import SOURCES
from align.methods import COMPARED, METHODS
from align.metrics import METRICS
from align.registry import require

PositiveInt = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Part = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]  # it becomes part of a path
Seed = Annotated[int, Field(ge=0)]
MethodOrVariant = Annotated[
    dict[str, dict[str, Any]],
    Field(min_length=1),
    BeforeValidator(lambda entry: {entry: {}} if isinstance(entry, str) else entry),
]
Values = Annotated[list[Any], Field(min_length=1)]
Grid = Annotated[dict[str, Values], Field(min_length=1)]
Sweep = Annotated[dict[str, Grid], Field(min_length=1)]


class GroundTruth(Section):
    """Where the true masks of a data set's images are; an image without one simply has none."""

    kind: Literal["masks", "voc_boxes", "colours"] = Field(
        description="masks: PNGs, not zero on the object; voc_boxes: PASCAL VOC XML; colours: PNGs where a colour means a class"
    )
    folder: UserPath = Field(description="masks: laid out as the images; else files of the image's name in one folder")
    domain: Name | None = Field(None, description="the only domain that it is for")
    colours: dict[Name, tuple[int, int, int]] = Field({}, description="for colours: the RGB value of each class")


class _Source(Section):
    """What makes or brings a data set's folder: one of the known sources, with its settings."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.chosen) != 1:
            raise ValueError(f"expected exactly one of {', '.join(SOURCES)}")
        return self

    @property
    def chosen(self) -> list[str]:
        """Return the names of the sources that are set."""
        return [name for name, settings in self if settings is not None]


_sources: dict[str, Any] = {name: (entry.settings | None, None) for name, entry in SOURCES.items()}
Source: Any = create_model("Source", __base__=_Source, **_sources)


class Dataset(Section):
    """A folder ``<root>/<domain>/<class>/*.{jpg,jpeg,png}``."""

    root: UserPath
    source: Source | None = Field(None, description="what makes the folder; none: the folder is yours and must exist")
    domains: tuple[Name, ...] = Field((), description="default: every folder in root that has class folders with images")
    classes: tuple[Name, ...] | None = Field(None, description="default: every class found; their order is that of the labels")
    test_only: tuple[Name, ...] = Field((), description="domains that are never trained on: all their images are test images")
    allow_partial: bool = Field(
        False, description="go on where a published data set has other numbers of images than published; the report says so"
    )
    ground_truth: tuple[GroundTruth, ...] = ()
    paired: bool = Field(
        False, description="images of one path below their domains show the same objects on other backgrounds, as DigitScenes' do"
    )
    split_group: str | None = Field(
        None, description="regular expression; images whose file names have its first group in common share a split"
    )
    image_size: Annotated[int, Field(ge=8, le=1024)] = declared(224, "side of the square images, pixels", "DomainBed's and DRE's")
    resize: Literal["crop", "stretch"] = declared(
        "crop", "crop: shorter side to image_size, centre crop; stretch: both sides (DomainBed)", "keeps the shape of objects"
    )

    @field_validator("domains", "classes", "test_only")
    @classmethod
    def _each_once(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name, times in Counter(names).items():
            if times > 1:
                raise ValueError(f"found {name!r} {times} times, expected each name once")
        return names

    @field_validator("split_group")
    @classmethod
    def _has_a_group(cls, pattern: str | None) -> str | None:
        try:
            groups = 1 if pattern is None else re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"found {pattern!r}, expected a regular expression ({error})") from None
        if groups < 1:
            raise ValueError(f"found {pattern!r}, expected a regular expression with a group in brackets")
        return pattern

    @property
    def source_name(self) -> str:
        """Return the name of the source, which must be set."""
        assert self.source is not None
        return str(self.source.chosen[0])

    def published_as(self, name: str) -> str | None:
        """Return under which name the numbers of its images would be published: its source's, else ``name``, its own."""
        return SOURCES[self.source_name].published_as if self.source else name

    @property
    def source_settings(self) -> Section:
        """Return the settings of the source, which must be set."""
        settings: Section = getattr(self.source, self.source_name)
        return settings


class Splits(Section):
    """Shares of each class in each domain."""

    train: Part = declared(0.6, "share of the images to train on", "not published; 60/20/20 leaves enough to test on")
    validation: Part = declared(0.2, "share of the images to select the checkpoint on", "as above")
    test: Annotated[float, Field(ge=0, lt=1)] = declared(
        0.2,
        "share of the images to test on; 0: tested on the source's validation part and on all of the other domains, as DomainBed "
        "(0.8, 0.2, 0) and JiGen (0.7, 0.3, 0) do",
        "as above",
    )
    seed: Seed = declared(0, "seed of the split, the same for all runs", "all methods and seeds are compared on the same images")

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train + validation + test is {total:g}, expected 1")
        return self


class Augmentation(Section):
    """Random changes of training images, the same for all methods; evaluation sees none."""

    crop_scale: tuple[Share, Share] = declared((0.7, 1.0), "share of the area that a random crop keeps", "DomainBed's and DRE's")
    crop_ratio: tuple[float, float] = declared((3 / 4, 4 / 3), "width over height of a random crop", "torchvision's default")
    flip: Share = declared(0.5, "probability of a horizontal flip", "DomainBed's and DRE's")
    jitter: Share = declared(
        0.3, "strength of brightness, contrast, saturation and (at most 0.5) hue jitter", "DomainBed's and DRE's"
    )
    grey: Share = declared(0.1, "probability of grey", "DomainBed's and DRE's")

    @field_validator("crop_scale", "crop_ratio")
    @classmethod
    def _ordered(cls, bounds: tuple[float, float]) -> tuple[float, float]:
        if not 0 < bounds[0] <= bounds[1]:
            raise ValueError(f"found {bounds[0]:g} to {bounds[1]:g}, expected a positive number and one that is not smaller")
        return bounds


class Classifier(Section):
    """The network that predicts."""

    architecture: Literal["resnet18", "small_resnet"] = Field("resnet18", description="the paper: ResNet-18")
    weights: str | None = Field(
        "IMAGENET1K_V1", description="a torchvision name, a file with a state dict, or none; the paper: ImageNet weights"
    )
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=2)] = declared(
        (16, 32, 64), "channels of small_resnet's stages", "for the embedded benchmark only"
    )


class Training(Section):
    """The budget and the optimiser, the same for all methods."""

    epochs: PositiveInt = declared(60, "passes over the training split", "not published; DRE trains 5,000 steps")
    batch_size: Annotated[int, Field(ge=2)] = declared(32, "images per step", "not published; DRE: 16 per domain")
    learning_rate: Annotated[float, Field(gt=0)] = declared(5e-5, "Adam's step size", "DomainBed's and DRE's")
    weight_decay: Annotated[float, Field(ge=0)] = declared(0.0, "Adam's weight decay", "DomainBed's and DRE's")
    precision: Literal["auto", "float32", "bfloat16"] = declared(
        "auto",
        "what the networks compute in; losses are float32; auto: bfloat16 on a GPU that has it, else float32",
        "a GPU's fast arithmetic",
    )
    eligible_from: Annotated[float, Field(ge=0, lt=1)] = declared(
        0.5,
        "share of the epochs after which a checkpoint may be selected",
        "ALIGN's warm-up is over by then, and every method is selected alike",
    )


class Engine(Section):
    """How runs are computed; beyond rounding, no number depends on it."""

    compile: Literal["none", "default", "reduce-overhead"] = Field(
        "none", description="torch.compile of the backbone in training; reduce-overhead: with CUDA graphs"
    )
    memory_share: Share = Field(
        0.4,
        description="of a GPU's free memory, what a split may take to stay there; a larger one is streamed from the host; "
        "where k runs share a GPU, at most 0.8/k",
    )
    runs_per_gpu: PositiveInt = Field(
        1,
        description="runs that may share a GPU; with k GPUs on a machine, --resources gpu=<k times that> starts so many jobs, "
        "each on the GPU on which the fewest run",
    )
    save_every: Annotated[float, Field(ge=0)] = Field(
        30.0,
        description="seconds after which a run's state is saved again, to be gone on from after an interruption; later where "
        "saving would take more than 2 % of the time",
    )


class Evaluation(Section):
    """What is measured on test images."""

    metrics: tuple[str, ...] = Field(tuple(METRICS), min_length=1)
    attribution: str = Field("grad_cam", description="the saliency map that is judged; the paper: Grad-CAM")
    batch_size: PositiveInt = 256
    removed_shares: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = declared(
        (0.01, 0.05, 0.1, 0.2, 0.5), "shares of pixels of sufficiency and comprehensiveness", "ERASER (arXiv:1911.03429)"
    )
    curve_steps: Annotated[int, Field(ge=2)] = declared(
        28, "steps of the insertion and deletion curves", "DRE: 224 · 8 pixels of 224²"
    )
    blur: Annotated[float, Field(gt=0)] = declared(5.0, "σ of the insertion curve's blurred start, for 224 pixels", "DRE")
    images_per_target: PositiveInt | None = Field(
        None, description="faithfulness metrics on so many evenly drawn test images of a target; none: on all"
    )

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for metric in self.metrics:
            require("metric", metric, METRICS)
        require("attribution", self.attribution, ATTRIBUTIONS)
        return self


class Experiment(Section):
    """Runs to make: every method, for every domain, with every seed."""

    dataset: str
    study: Literal["comparison", "masker_ablation", "sensitivity", "mask_quality"] = Field(
        "comparison", description="which tables and figures show it"
    )
    protocol: Literal["single_source", "leave_one_domain_out"] = Field(
        "single_source",
        description="single_source: each domain trains; leave_one_domain_out: all domains but one train, that one is the target",
    )
    domains: tuple[Name, ...] | None = Field(
        None, min_length=1, description="source domains, or those left out; default: all that are not test_only"
    )
    methods: tuple[MethodOrVariant, ...] = Field(
        tuple({method: {}} for method in COMPARED), description="names, or variants such as {align: {lambda1: 0.5}}"
    )
    sweeps: tuple[Sweep, ...] = Field(
        (),
        description="variants, one for each combination of the listed values: {align: {lambda3: [0.3, 1], warm_up: [0.25, 0.5]}}",
    )
    seeds: tuple[Seed, ...] = Field((0, 1, 2), min_length=1)

    @model_validator(mode="after")
    def _something_to_run(self) -> Self:
        if not self.methods and not self.sweeps:
            raise ValueError("found neither methods nor sweeps, expected one or more")
        return self


class Checkpoints(Section):
    """Where trained networks come from."""

    source: Literal["trained", "published", "published_or_trained"] = Field(
        "trained",
        description="published: all are taken from folder, an error where one is missing or was made with other settings; "
        "published_or_trained: such runs are trained",
    )
    folder: UserPath = Field(Path("artifacts/checkpoints"), description="finished checkpoints, versioned by DVC")


class SegmentAnything(Section):
    """What makes the masks of ``masker: sam``: Segment Anything (arXiv:2304.02643), asked at a grid of points."""

    checkpoint: UserPath | None = Field(
        None, description="folder of a SamModel as the transformers library saves it; none: runs that need it are left out"
    )
    points_per_side: PositiveInt = declared(32, "points of the grid along each side", "the authors' code")
    points_per_batch: PositiveInt = Field(64, description="points that are asked at once: for memory")
    predicted_iou: Share = declared(0.88, "masks of which the model expects no higher IoU are dropped", "the authors' code")
    stability: Share = declared(
        0.95, "masks whose area keeps no larger share when their threshold moves by ±1 are dropped", "the authors' code"
    )
    largest_area: Share = declared(
        0.7,
        "a mask of a larger share of the image is background; the union of all others is the foreground",
        "the paper says nothing; a close view fills more than half",
    )
    largest_border: Share = declared(
        0.3,
        "a mask on a larger share of the image's outermost pixels is background",
        "an object may be cut off along one side, a quarter of them",
    )


class CaseStudies(Section):
    """Images that are drawn with every method's saliency map."""

    images: PositiveInt = Field(2, description="images per target domain")


_methods: dict[str, Any] = {name: (entry.settings, Field(default_factory=entry.settings)) for name, entry in METHODS.items()}
Methods: Any = create_model("Methods", __base__=Section, **_methods)


class Configuration(Section):
    """Everything that a user can set."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU where there is one")
    datasets: dict[Name, Dataset]
    experiments: dict[Name, Experiment] = Field(min_length=1)
    splits: Splits = Splits()
    augmentation: Augmentation = Augmentation()
    classifier: Classifier = Classifier()
    training: Training = Training()
    engine: Engine = Engine()
    methods: Methods = Field(default_factory=Methods)
    evaluation: Evaluation = Evaluation()
    segment_anything: SegmentAnything = SegmentAnything()
    case_studies: CaseStudies = CaseStudies()
    checkpoints: Checkpoints = Checkpoints()
