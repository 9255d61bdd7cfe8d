"""What two folders of results differ in: settings, code, data, libraries and devices."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from align.comparison.results import Results

ABSENT, UNKNOWN = "–", "unknown"


class Difference(NamedTuple):
    """Something that two folders of results differ in.

    Attributes:
        what: a setting as a path of keys, or a property of the runs.
        first: its value in the first folder.
        second: its value in the second folder.
    """

    what: str
    first: str
    second: str


def settings_that_differ(first: Results, second: Results) -> list[Difference]:
    """Return the settings that differ, in the order of the configuration."""
    ours, theirs = (dict(_flat(results.configuration)) for results in (first, second))
    names = [*ours, *(name for name in theirs if name not in ours)]
    return [
        Difference(name, ours.get(name, ABSENT), theirs.get(name, ABSENT)) for name in names if ours.get(name) != theirs.get(name)
    ]


def origins_that_differ(first: Results, second: Results) -> list[Difference]:
    """Return what differs in the code, the data, the versions and the devices of the runs. A folder may have several of each."""
    ours, theirs = (_origins(results) for results in (first, second))
    names = [*ours, *(name for name in theirs if name not in ours)]
    values = [(name, *(", ".join(sorted(origins.get(name, {ABSENT}))) for origins in (ours, theirs))) for name in names]
    return [Difference(*value) for value in values if value[1] != value[2]]


def _origins(results: Results) -> dict[str, set[str]]:
    """Return the values that the runs have. An older version did not record all of them."""
    found: dict[str, set[str]] = {}
    for account in results.accounts.values():
        hashes = account.get("hashes", {})
        own = {
            "code": hashes.get("code"),
            "git revision": account.get("git_revision"),
            "device": account.get("device"),
            "precision": account.get("precision"),
            **{f"data of {_data_name(path)}": checksum[:16] for path, checksum in hashes.get("data", {}).items()},
            **account.get("versions", {}),
        }
        for name, value in own.items():
            found.setdefault(name, set()).add(str(value or UNKNOWN))
    return found


def _data_name(path: str) -> str:
    """Return a file of a run without the keys in its path, which stand for settings: data set, and domain or listing."""
    parts = path.split("/")
    return f"{parts[2]}, {parts[-1]}" if path.startswith("results/data/") else parts[-1]


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value of nested mappings as text, with its keys joined by dots."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, str(value)
