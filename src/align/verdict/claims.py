"""The paper's claims, as ``reference/claims.yaml`` lists them, checked."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from align.errors import InputError
from align.methods import METHODS
from align.methods.naming import method_of
from align.metrics import MEASURES
from align.registry import require
from align.settings import Section

Distribution = Literal["in", "out", "both"]


class _Claim(Section):
    """What every claim has."""

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
        min_length=1, description="names; of a pattern such as a-degree=* the variant of the highest degree counts"
    )
    distribution: Distribution
    over: Literal["domain", "dataset", "settings"] = Field(
        description="domain: a row for each source domain, the mean over its targets; dataset: a row for each data set, the mean "
        "over its settings; settings: one row, counting the settings in which the claim holds"
    )
    places: dict[str, tuple[str, ...]] = Field(
        {}, description="the source domains that the claim names, by data set; no data set: a general claim"
    )
    at_least: tuple[int, int] = Field((1, 1), description="for settings: in how many of how many it holds")
    published: str | None = Field(None, description="the column `setting` of reference/align_paper.csv where its numbers are")
    amount: bool = Field(False, description="whether the published difference is claimed, not its direction alone")

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for name in (*self.better, *self.worse):
            require(f"method of claim {self.id}", method_of(name), METHODS)
        require(f"metric of claim {self.id}", self.metric, MEASURES)
        if MEASURES[self.metric].higher_is_better is None:
            raise ValueError(f"found metric {self.metric!r}, of which neither direction is better, expected one that judges")
        return self

    @property
    def sign(self) -> int:
        """Return 1 where higher values of the metric are better, −1 where lower ones are."""
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
    """Return the claims of a YAML file: a mapping with the key ``claims``, and others that its anchors are defined under.

    Raises:
        InputError: a claim lacks something, has an unknown key or metric, or its id is not its own; the message names the file.
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
