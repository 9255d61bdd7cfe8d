"""Settings of a data set. This module imports nothing heavy, see align.registry."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, create_model, field_validator, model_validator

from align.datasets import SOURCES
from align.registry import require
from align.settings import Name, Section, UserPath, declared

Byte = Annotated[int, Field(ge=0, le=255)]
Colour = tuple[Byte, Byte, Byte]
PixelValue = Annotated[int, Field(ge=0, le=65535)] | Colour
PixelValues = Annotated[
    tuple[PixelValue, ...], BeforeValidator(lambda values: (values,) if isinstance(values, int) else values)
]  # one value needs no brackets


class GroundTruth(Section):
    """Where masks of a data set's images are: the true ones, or others that guide. An image may have none."""

    kind: Literal["masks", "probability", "voc_boxes", "colours"] = Field(
        description="masks: pictures in black and one other colour, the object's; probability: grey pictures, in which the "
        "object is at least half as light as white; voc_boxes: PASCAL VOC XML; colours: pictures in which a colour means a class"
    )
    folder: UserPath = Field(
        description="a folder of files named as their images, in <domain>/<class>/, <domain>/, <class>/ or directly in it"
    )
    domain: Name | None = Field(None, description="the only domain that has these masks; default: every domain")
    colours: dict[Name, Colour] = Field({}, description="for colours: the RGB value of each class")
    object: PixelValues = Field(
        (), description="for masks: the values or RGB colours of the object, where pictures have more than black and one other"
    )
    unknown: PixelValues = Field(
        (), description="for masks: values or RGB colours that mean unknown, such as 255; they count as not the object"
    )
    drawn_on: Literal["upright", "stored"] | None = Field(
        None,
        description="for images that EXIF turns: whether annotations were drawn on the upright image or on the pixels as stored; "
        "default: their size says it, and where it cannot, they are not used",
    )

    @model_validator(mode="after")
    def _only_what_the_kind_uses(self) -> Self:
        for key, kind in (("colours", "colours"), ("object", "masks"), ("unknown", "masks")):
            if getattr(self, key) and self.kind != kind:
                raise ValueError(f"found {key} with kind {self.kind}, expected it with kind {kind} only; remove it")
        if self.kind == "colours" and not self.colours:
            raise ValueError(
                "found no colours, expected the RGB value of one or more classes, as in colours: {car: [128, 0, 128]}"
            )
        return self


class _Source(Section):
    """The source that makes a data set's folder: exactly one of the known sources, with its settings."""

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
    """A folder of images ``<root>/<domain>/<class>/<image>``, and how it is used."""

    root: UserPath = Field(description="the folder that holds <domain>/<class>/<image>")
    source: Source | None = Field(None, description="what makes the folder; without one, the folder is yours and must exist")
    domains: tuple[Name, ...] = Field((), description="default: every folder in root that has class folders with images")
    classes: tuple[Name, ...] | None = Field(None, description="default: every class found; their order is that of the labels")
    test_only: tuple[Name, ...] = Field((), description="domains that are never trained on: all their images are test images")
    part_of: str | None = Field(
        None,
        description="the published data set, such as vlcs, that the images in a folder of yours are a part of: the verdict then "
        "tests the paper's claims on that data set, says how many images there are, and gives the word for the part",
    )
    allow_partial: bool = Field(
        False, description="go on if the numbers of images differ from the published ones; the report then has a warning"
    )
    ground_truth: tuple[GroundTruth, ...] = Field(
        (), description="where the true masks are; of several entries, the first one that has a mask of an image counts"
    )
    guiding_masks: tuple[GroundTruth, ...] = Field(
        (),
        description="where the masks of masker: folder and mask: folder are, such as those of a segmenter of yours: read as "
        "ground_truth, and never taken for it",
    )
    paired: bool = Field(
        False, description="images with one path in several domains show the same object on other backgrounds, as DigitScenes' do"
    )
    split_group: str | None = Field(
        None, description="regular expression; images whose file names match its first group alike share a split"
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

    @field_validator("part_of")
    @classmethod
    def _is_published(cls, name: str | None) -> str | None:
        if name is not None:
            require("published data set", name, [source for source, entry in SOURCES.items() if entry.published_as])
        return name

    @model_validator(mode="after")
    def _a_part_is_a_folder(self) -> Self:
        if self.part_of and self.source:
            raise ValueError("found part_of and a source, expected one of them: a source makes the whole data set")
        return self

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
    def annotations(self) -> dict[str, tuple[GroundTruth, ...]]:
        """Return the entries that say where masks are, by their key in the configuration."""
        return {"ground_truth": self.ground_truth, "guiding_masks": self.guiding_masks}

    @property
    def annotation_folders(self) -> list[Path]:
        """Return the folders of all masks. They may lie beside the images, and are no domains."""
        return [entry.folder for entries in self.annotations.values() for entry in entries]

    @property
    def may_be_partial(self) -> bool:
        """Return whether it may have other numbers of images than the published ones."""
        return self.allow_partial or self.part_of is not None

    @property
    def source_name(self) -> str:
        """Return the name of the source. The data set must have one."""
        assert self.source is not None
        return str(self.source.chosen[0])

    def published_as(self, name: str) -> str | None:
        """Return the name under which numbers of its images may be published.

        It is that of its source, or of the data set that it is a part of, else its own name, ``name``.
        """
        if self.source:
            published_as = SOURCES[self.source_name].published_as
            return published_as.format(**dict(self.source_settings)) if published_as else None
        if self.part_of:
            return str(SOURCES[self.part_of].published_as).format(**dict(SOURCES[self.part_of].settings()))
        return name

    @property
    def source_settings(self) -> Section:
        """Return the settings of the source. The data set must have one."""
        settings: Section = getattr(self.source, self.source_name)
        return settings


def stated_dataset(content: Mapping[Any, Any], name: str) -> Dataset:
    """Return a data set as the content of a YAML file states it, without the domains that are found."""
    return Dataset(**next(values for key, values in content["datasets"].items() if str(key) == name))
