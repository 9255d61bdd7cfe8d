"""Where a claim is tested: on which of the configured data sets, and in which settings."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from math import ceil
from types import MappingProxyType
from typing import NamedTuple

from align.methods.naming import method_title
from align.results.published import comparable_name
from align.verdict.claims import Superiority
from align.verdict.evaluations import Evaluations, Setting
from align.verdict.parts import Part


class Question(NamedTuple):
    """One row of the verdict: a claim and where it is tested.

    Attributes:
        claim: the claim.
        scope: ``named`` on a data set that the claim names, ``a part of VLCS`` on some of its images, ``by analogy`` on another
            one, with all its domains in place of the named ones, and ``general`` where the claim names no data set. Where a
            method stands in for one of the paper's, it says so. ``ours`` for a claim of this project.
        dataset: the data set, or several of them, by the configuration's names; by the claim's where they are not configured.
        whole: the claim's name of the data set that ``dataset`` is a part of; empty where it is whole.
        domains: the source domains that the claim names there, by the claim's names.
        units: groups of settings; the means over the settings of a group are compared.
        at_least: the number of units in which the claim must hold.
        reason: why the claim cannot be tested here; empty where it can.
        remark: what of the named data set is missing; empty where nothing is.
    """

    claim: Superiority
    scope: str
    dataset: str
    whole: str = ""
    domains: tuple[str, ...] = ()
    units: tuple[tuple[Setting, ...], ...] = ()
    at_least: int = 1
    reason: str = ""
    remark: str = ""


def claim_questions(
    claim: Superiority, evaluations: Evaluations, parts: Mapping[str, Part] = MappingProxyType({})
) -> Iterator[Question]:
    """Yield the questions of ``claim``: first those on its own data sets, then by analogy one or more for each other data set.

    Args:
        claim: the claim.
        evaluations: the results of single images.
        parts: the data sets that are a part of a published one. Each stands in its place, if the whole is not configured.
    """
    names = dict.fromkeys(setting.dataset for setting in evaluations.settings)
    configured = {comparable_name(parts[name].whole): name for name in names if name in parts}
    configured |= {comparable_name(name): name for name in names}
    by_dataset = {name: _settings(claim, evaluations, name) for name in names}
    claimed_as = {configured.get(comparable_name(name), name): name for name in claim.places}
    named = {name: claim.places[claimed] for name, claimed in claimed_as.items()}
    if claim.over == "settings":
        questions = [_counted(claim, by_dataset, named)] if named else []
        tested = {name for question in questions if not question.reason for name in named}
    else:
        questions = [
            question for name, domains in named.items() for question in _named(claim, by_dataset, name, domains, name in parts)
        ]
        tested = set(named)
    for name, settings in by_dataset.items():
        if name in tested:
            continue
        if name in named and name in parts:
            settings = [setting for setting in settings if _is_named(setting, named[name])]
        questions += _unnamed(claim, name, settings)
    for question in questions:
        if question.dataset in parts and question.dataset in claimed_as:
            question = _on_part(question, parts[question.dataset], claimed_as[question.dataset])
        if claim.ours:
            if not question.reason:
                yield question._replace(scope="ours")
        elif not claim.stands_in:
            yield question
        elif not question.reason and _ran_everywhere(claim.stands_in, question, evaluations):
            yield _with_stand_in(question)


def matching_method(name: str, methods: Collection[str]) -> str:
    """Return the method that ``name`` stands for: for a pattern its match with the highest degree, else ``name`` itself."""
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


def _on_part(question: Question, part: Part, whole: str) -> Question:
    """Return the question under a heading of its own, with a remark on how much of ``whole`` there is."""
    remark = "; ".join(filter(None, [part.remark, question.remark]))
    return question._replace(scope=f"a part of {whole}", whole=whole, remark=remark)


def _with_stand_in(question: Question) -> Question:
    """Return the question under a heading that says which method stands in for which."""
    pairs = question.claim.stands_in.items()
    replaced = (f"{method_title(ours)} in place of {method_title(theirs)}" for ours, theirs in pairs)
    return question._replace(scope=f"by analogy: {', '.join(replaced)}")


def _ran_everywhere(methods: Collection[str], question: Question, evaluations: Evaluations) -> bool:
    return all(name in evaluations.methods(setting) for unit in question.units for setting in unit for name in methods)


def _counted(claim: Superiority, by_dataset: Mapping[str, Sequence[Setting]], named: Mapping[str, tuple[str, ...]]) -> Question:
    """Return one question for all named settings together. It can be tested only where all of them ran."""
    at_least, total = claim.at_least
    found = [s for name, domains in named.items() for s in by_dataset.get(name, []) if _is_named(s, domains)]
    question = Question(
        claim, "named", ", ".join(named), domains=tuple(domain for domains in named.values() for domain in domains)
    )
    if len(found) != total:
        absent = [name for name in named if name not in by_dataset]
        reason = _absent(absent) if absent else f"found {len(found)} of its {total} settings among those that were run"
        return question._replace(reason=reason)
    return question._replace(units=tuple((setting,) for setting in found), at_least=at_least)


def _named(
    claim: Superiority, by_dataset: Mapping[str, Sequence[Setting]], name: str, domains: tuple[str, ...], is_part: bool
) -> Iterator[Question]:
    """Yield a question for a data set that the claim names, or one for each of its named domains.

    A whole data set is tested only where all of its named domains were trained and tested on. A part of one is tested as it is.
    """
    for chosen in [(domain,) for domain in domains] if claim.over == "domain" else [domains]:
        question = Question(claim, "named", name, domains=chosen)
        settings = tuple(setting for setting in by_dataset.get(name, []) if _is_named(setting, chosen))
        if name not in by_dataset:
            yield question._replace(reason=_absent([name]))
        elif not settings:
            yield question._replace(reason=_not_run(claim))
        else:
            incomplete = _incomplete(settings, domains) if claim.over == "dataset" else []
            remark = f"not both trained and tested on: {', '.join(incomplete)}" if incomplete else ""
            if remark and not is_part:
                yield question._replace(reason=remark)
            else:
                yield question._replace(units=(settings,), remark=remark)


def _unnamed(claim: Superiority, name: str, settings: Sequence[Setting]) -> Iterator[Question]:
    """Yield the questions of a data set that the claim does not name."""
    question = Question(claim, "by analogy" if claim.places else "general", name)
    if not settings:
        yield question._replace(reason=_not_run(claim))
    elif claim.over == "settings":
        at_least, total = claim.at_least
        yield question._replace(units=tuple((s,) for s in settings), at_least=ceil(len(settings) * at_least / total))
    elif claim.over == "domain":
        for source in dict.fromkeys(setting.source for setting in settings):
            yield question._replace(units=(tuple(s for s in settings if s.source == source),))
    else:
        yield question._replace(units=(tuple(settings),))


def _not_run(claim: Superiority) -> str:
    return f"no setting in which both sides were run: {_titles(claim.better)}; {_titles(claim.worse)}"


def _titles(names: Sequence[str]) -> str:
    return " or ".join(map(method_title, names))


def _absent(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not in the configuration"


def _incomplete(settings: Sequence[Setting], domains: Sequence[str]) -> list[str]:
    """Return the domains that are not both a source and a target."""
    sources, targets = ({comparable_name(name) for name in names} for names in zip(*((s.source, s.target) for s in settings)))
    return [domain for domain in domains if comparable_name(domain) not in sources & targets]


def _is_named(setting: Setting, domains: Sequence[str]) -> bool:
    return comparable_name(setting.source) in map(comparable_name, domains)


def _degree(variant: str) -> float:
    degree = re.search(r"-degree=(.+?)(?=-\w+=|$)", variant)
    return float(degree[1]) if degree else 0.0
