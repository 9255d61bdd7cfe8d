"""What a claim asks of the data sets that are configured."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from math import ceil
from typing import Literal, NamedTuple

from align.methods.naming import method_title
from align.results.published import comparable_name
from align.verdict.claims import Superiority
from align.verdict.evaluations import Evaluations, Setting

Scope = Literal["named", "by analogy", "general"]


class Question(NamedTuple):
    """One row of the verdict: a claim and where it is tested.

    Attributes:
        claim: what is claimed.
        scope: on the data set that the claim names; on another one, all its domains in place of the named ones; or the claim
            names none.
        dataset: the data set, or those, as the configuration names them; as the claim does where they are not configured.
        domains: the source domains that it names there, as the claim names them.
        units: groups of settings; the mean over a group's settings is compared.
        at_least: in how many units the claim is to hold.
        reason: why it cannot be tested; empty where it can.
    """

    claim: Superiority
    scope: Scope
    dataset: str
    domains: tuple[str, ...] = ()
    units: tuple[tuple[Setting, ...], ...] = ()
    at_least: int = 1
    reason: str = ""


def questions_of(claim: Superiority, evaluations: Evaluations) -> Iterator[Question]:
    """Yield what ``claim`` asks: first where it names it, then by analogy of every other data set."""
    configured = {comparable_name(setting.dataset): setting.dataset for setting in evaluations.settings}
    of_datasets = {name: _settings(claim, evaluations, name) for name in configured.values()}
    named = {configured.get(comparable_name(name), name): domains for name, domains in claim.places.items()}
    if claim.over == "settings":
        asked = [_counted(claim, of_datasets, named)] if named else []
        tested = {name for question in asked if not question.reason for name in named}
    else:
        asked = [question for name, domains in named.items() for question in _named(claim, of_datasets, name, domains)]
        tested = set(named)
    yield from asked
    for name, settings in of_datasets.items():
        if name not in tested:
            yield from _everywhere(claim, name, settings)


def resolved(name: str, methods: Collection[str]) -> str:
    """Return the method that ``name`` means: of a pattern the variant of the highest degree; ``name`` where there is none."""
    matching = [method for method in methods if fnmatchcase(method, name)]
    return max(matching, key=_degree, default=name)


def _settings(claim: Superiority, evaluations: Evaluations, dataset: str) -> list[Setting]:
    """Return the settings of a data set in which a method of each side of the claim ran."""

    def ran(names: Sequence[str], setting: Setting) -> bool:
        return any(fnmatchcase(method, name) for method in evaluations.methods(setting) for name in names)

    return [
        setting
        for setting in evaluations.settings
        if setting.dataset == dataset
        and claim.distribution in ("both", setting.distribution)
        and ran(claim.better, setting)
        and ran(claim.worse, setting)
    ]


def _counted(claim: Superiority, of_datasets: Mapping[str, Sequence[Setting]], named: Mapping[str, tuple[str, ...]]) -> Question:
    """Return one row for all named settings together; all of them must be there."""
    at_least, of = claim.at_least
    found = [s for name, domains in named.items() for s in of_datasets.get(name, []) if _is_named(s, domains)]
    asked = Question(claim, "named", ", ".join(named), tuple(domain for domains in named.values() for domain in domains))
    if len(found) != of:
        absent = [name for name in named if name not in of_datasets]
        reason = _absent(absent) if absent else f"found {len(found)} of its {of} settings among those that were run"
        return asked._replace(reason=reason)
    return asked._replace(units=tuple((setting,) for setting in found), at_least=at_least)


def _named(
    claim: Superiority, of_datasets: Mapping[str, Sequence[Setting]], name: str, domains: tuple[str, ...]
) -> Iterator[Question]:
    """Yield a row for the data set, or one for each of its named domains."""
    for chosen in [(domain,) for domain in domains] if claim.over == "domain" else [domains]:
        asked = Question(claim, "named", name, chosen)
        settings = tuple(setting for setting in of_datasets.get(name, []) if _is_named(setting, chosen))
        if name not in of_datasets:
            yield asked._replace(reason=_absent([name]))
        elif not settings:
            yield asked._replace(reason=_nothing(claim))
        elif lacking := _lacking(settings, domains) if claim.over == "dataset" else []:
            yield asked._replace(reason=f"not both trained and tested on: {', '.join(lacking)}")
        else:
            yield asked._replace(units=(settings,))


def _everywhere(claim: Superiority, name: str, settings: Sequence[Setting]) -> Iterator[Question]:
    """Yield what is asked of a data set that the claim does not name."""
    asked = Question(claim, "by analogy" if claim.places else "general", name)
    if not settings:
        yield asked._replace(reason=_nothing(claim))
    elif claim.over == "settings":
        at_least, of = claim.at_least
        yield asked._replace(units=tuple((s,) for s in settings), at_least=ceil(len(settings) * at_least / of))
    elif claim.over == "domain":
        for source in dict.fromkeys(setting.source for setting in settings):
            yield asked._replace(units=(tuple(s for s in settings if s.source == source),))
    else:
        yield asked._replace(units=(tuple(settings),))


def _nothing(claim: Superiority) -> str:
    return f"no setting in which both sides were run: {_titles(claim.better)}; {_titles(claim.worse)}"


def _titles(names: Sequence[str]) -> str:
    return " or ".join(map(method_title, names))


def _absent(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not in the configuration"


def _lacking(settings: Sequence[Setting], domains: Sequence[str]) -> list[str]:
    """Return the domains that are not both a source and a target."""
    sources, targets = ({comparable_name(name) for name in names} for names in zip(*((s.source, s.target) for s in settings)))
    return [domain for domain in domains if comparable_name(domain) not in sources & targets]


def _is_named(setting: Setting, domains: Sequence[str]) -> bool:
    return comparable_name(setting.source) in map(comparable_name, domains)


def _degree(variant: str) -> float:
    degree = re.search(r"-degree=(.+?)(?=-\w+=|$)", variant)
    return float(degree[1]) if degree else 0.0
