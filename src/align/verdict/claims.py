"""The paper's claims as ``reference/claims.yaml`` lists them, and the checks of that file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from align.errors import InputError
from align.methods import METHODS
from align.methods.naming import method_of
from align.metrics import MEASURES
from align.registry import require
from align.settings import Section

Distribution = Literal["in", "out", "both"]


class _Claim(BaseModel):
    """The fields that every claim has."""

    # Not a Section: pydantic tells claims apart by their kind before any validator runs.
    model_config = Section.model_config

    id: str = Field(pattern="^[a-z0-9_]+$")
    text: str = Field(description="the claim in our words")
    made_in: str = Field(description="where the paper makes it")
    remark: str = Field("", description="what a reader of the verdict must know")


class Superiority(_Claim):
    """Each of some methods is better than each of others, by one metric."""

    kind: Literal["superiority"]
    metric: str
    better: tuple[str, ...] = Field(min_length=1)
    worse: tuple[str, ...] = Field(
        min_length=1, description="names, or a pattern such as a-degree=*, for its match with the highest degree"
    )
    distribution: Distribution
    over: Literal["domain", "dataset", "settings"] = Field(
        description="domain: a row for each source domain, with the mean over its targets; dataset: a row for each data set, "
        "with the mean over its settings; settings: one row that counts the settings in which the claim holds"
    )
    places: dict[str, tuple[str, ...]] = Field(
        {}, description="the source domains that the claim names, by data set; empty for a general claim"
    )
    at_least: tuple[int, int] = Field((1, 1), description="for settings: the least number that it holds in, and their number")
    stands_in: dict[str, str] = Field(
        {},
        description="methods of ours that stand in for those of the paper, as align-masker=salient_object for align-masker=sam: "
        "the claim is then one by analogy, beside the paper's numbers, and there is no row for it where they did not run",
    )
    published: str | None = Field(None, description="the value of `setting` in reference/align_paper.csv that its numbers have")
    ours: bool = Field(
        False, description="whether the claim is this project's and not the paper's: there is no row for it where it was not run"
    )
    margin: float = Field(0.0, ge=0, description="how much worse it may be, in the metric's units, and still be as claimed")
    amount: bool = Field(False, description="whether the claim includes the published difference, and not only its direction")

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for name in (*self.better, *self.worse, *self.stands_in.values()):
            require(f"method of claim {self.id}", method_of(name), METHODS)
        require(f"metric of claim {self.id}", self.metric, MEASURES)
        if MEASURES[self.metric].higher_is_better is None:
            raise ValueError(f"found metric {self.metric!r}, which only describes, expected one with a better direction")
        return self

    @property
    def sign(self) -> int:
        """1 where higher values of the metric are better, −1 where lower ones are."""
        return 1 if MEASURES[self.metric].higher_is_better else -1


class Bound(_Claim):
    """One metric is never above another, whatever the method."""

    kind: Literal["bound"]
    lesser: str
    greater: str

    @model_validator(mode="after")
    def _known_metrics(self) -> Self:
        for metric in (self.lesser, self.greater):
            require(f"metric of claim {self.id}", metric, MEASURES)
        return self


Claim = Annotated[Superiority | Bound, Field(discriminator="kind")]


def read_claims(path: Path | str) -> list[Superiority | Bound]:
    """Return the claims of a YAML file. It is a mapping: ``claims`` has the claims, and other keys may define its anchors.

    Raises:
        InputError: a claim lacks a key, has an unknown key or metric, or shares its id; the message names the file.
    """
    content: dict[str, Any] = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    try:
        claims: list[Superiority | Bound] = TypeAdapter(list[Claim]).validate_python(content["claims"])
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise InputError(f"{path}: claims.{place}: {problem['msg']}; correct the claim") from None
    _require_each_once(path, [claim.id for claim in claims])
    return claims


def _require_each_once(path: Path | str, names: Sequence[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise InputError(f"{path}: found id {name!r} {times} times, expected each once; rename one")
