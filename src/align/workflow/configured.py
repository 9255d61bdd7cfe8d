"""The folder of a configuration: its metrics, tables, figures, verdict and report. No other configuration writes there."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from align import paths
from align.errors import InputError
from align.files import whole_file

UNNAMED = "config"  # a configuration that comes from no file, as in a module
MADE_FROM = "# Made from: "
RUN_FILE = re.compile(r"results/(?:runs|evaluations)/((?:[^/]+/){5}[^/]+)")  # without the keys of settings
SHOWN_FILE = re.compile(r"results/((?:tables|figures)/.+|(?:metrics|verdict|report)\.\w+)")


def configuration_name(stated: str | None, files: Sequence[Path]) -> str:
    """Return the name of a configuration's folder below ``results/``.

    Args:
        stated: the setting ``results``.
        files: the files that the configuration comes from.

    Raises:
        InputError: a shared folder below ``results/`` has this name, or it has braces, which Snakemake would take for wildcards.
    """
    name = stated or "+".join(dict.fromkeys(file.stem for file in files)) or UNNAMED
    if name in paths.SHARED:
        raise InputError(
            f"results/{name}: found a configuration with the name {name!r}, expected none of {', '.join(sorted(paths.SHARED))}, "
            "which all configurations share; set `results: another_name` in the configuration"
        )
    if "{" in name or "}" in name:
        raise InputError(f"results/{name}: found braces in the name of a configuration; set `results: another_name` in it")
    return name


def require_own_folder(name: str, files: Sequence[Path]) -> None:
    """Check that the folder of a configuration was not made from other files. Files that are gone do not count.

    Raises:
        InputError: it was. The message names them.
    """
    record = Path(paths.CONFIGURATION.format(configuration=name))
    made_from = _made_from(record)
    if files and made_from and made_from != _names(files) and all(Path(file).is_file() for file in made_from):
        raise InputError(
            f"{record.parent}: found results of {' and '.join(made_from)}, expected those of {' and '.join(_names(files))}; "
            "set `results: another_name` in one of the two, or remove the folder"
        )


def require_present_names(words: Iterable[str], name: str) -> None:
    """Check that no target is named as in the layout before configurations had folders of their own, without name and keys.

    Args:
        words: the words of the command line.
        name: the name of the configuration's folder.

    Raises:
        InputError: a target is. The message has its present name.
    """
    for target in words:
        run, shown = RUN_FILE.fullmatch(target), SHOWN_FILE.fullmatch(target)
        if found := run or shown:
            present = f"results/{name}/{'runs/' * bool(run)}{found[1]}"
            raise InputError(f"{target}: found no such target, expected the name of the configuration in it: snakemake {present}")


def record_configuration(name: str, files: Sequence[Path], settings: Mapping[str, Any]) -> None:
    """Write the whole configuration, with every default, into its folder."""
    with whole_file(paths.CONFIGURATION.format(configuration=name)) as partial:
        made_from = f"{MADE_FROM}{json.dumps(_names(files))}\n" if files else ""
        partial.write_text(made_from + yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True), encoding="utf-8")


def former_results() -> list[str]:
    """Return results of the layout before configurations had folders of their own. Nothing reads or changes them."""
    top = (Path(paths.RESULTS, name) for name in ("metrics.csv", "report.html", "verdict.md", "tables", "figures"))
    runs = (run.parent for run in Path(paths.RUNS).glob("*/*/*/*/seed*/checkpoint.pt"))
    return [str(path) for path in (*top, *sorted(runs)) if path.exists()]


def _names(files: Sequence[Path]) -> list[str]:
    here = Path.cwd()
    absolute = (file.absolute() for file in files)
    return [str(file.relative_to(here) if file.is_relative_to(here) else file) for file in absolute]


def _made_from(record: Path) -> list[str]:
    try:
        first = record.read_text(encoding="utf-8").split("\n", 1)[0]
        return list(map(str, json.loads(first.removeprefix(MADE_FROM))))
    except (OSError, ValueError, TypeError):
        return []
