"""Finds keys that stand twice in a YAML file. YAML's readers keep the last one and say nothing."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from align.errors import InputError


def require_single_keys(file: Path) -> None:
    """Check that no key of a mapping stands twice in a YAML or JSON file. A file that cannot be read passes: its reader says why.

    Raises:
        InputError: a key stands twice. The message has the lines.
    """
    try:
        root = yaml.compose(file.read_text("utf-8-sig"), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return
    problems = [
        f"  {key}: found in line {first} and in line {second}, and the first one would be lost"
        for key, first, second in _doubled(root, "")
    ]
    if problems:
        raise InputError(
            f"{file}: found keys twice, expected each key once:\n" + "\n".join(problems) + "\n  merge or rename them"
        )


def _doubled(node: yaml.Node | None, place: str) -> Iterator[tuple[str, int, int]]:
    """Yield each key that stands twice in one mapping, with its place, and the lines of both."""
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield from _doubled(item, f"{place}{position}.")
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines and key.tag != "tag:yaml.org,2002:merge":
                yield f"{place}{name}", lines[name], line
            lines[name] = line
            yield from _doubled(value, f"{place}{name}.")
