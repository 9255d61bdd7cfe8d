"""Checks that a file can be read as a configuration, before Snakemake reads it. Snakemake's errors do not name the file."""

from pathlib import Path

import yaml

from align.errors import InputError

SUFFIXES = (".yaml", ".yml", ".json")


def require_yaml_file(file: Path) -> None:
    """Check that ``file`` is a YAML or JSON file of sections.

    Raises:
        InputError: the file is absent, a folder, not readable, empty, no UTF-8, no YAML, or no mapping.
    """
    try:
        root = yaml.compose(file.read_text("utf-8-sig"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise InputError(f"{file}: found no such file{_nearest(file)}, expected a configuration; correct the path") from None
    except IsADirectoryError:
        raise InputError(f"{file}: found a folder, expected a configuration; name a file in it") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}), expected a configuration; give permission") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{file}: found bytes in line {line} that are no UTF-8, expected UTF-8; save the file as UTF-8"
        ) from None
    except yaml.YAMLError as error:
        raise InputError(f"{file}: {_problem(error)}") from None
    if root is None:
        raise InputError(f"{file}: found nothing in it, expected sections such as datasets: and experiments:; write them")
    if not isinstance(root, yaml.MappingNode):
        found = "a list" if isinstance(root, yaml.SequenceNode) else "a single value"
        raise InputError(f"{file}: found {found}, expected sections such as datasets: and experiments:; write them")


def _nearest(file: Path) -> str:
    """Return configurations beside an absent file, as part of a message."""
    beside = sorted(str(path) for path in file.parent.glob("*") if path.suffix in SUFFIXES) if file.parent.is_dir() else []
    return f" ({file.parent} has {', '.join(beside[:5])})" if beside else ""


def _problem(error: yaml.YAMLError) -> str:
    """Return what is wrong with the text of a file, in one line."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:  # a character that no YAML file may have
        return f"found {' '.join(str(error).split())}, expected YAML; remove it"
    line = f"line {mark.line + 1}"
    if "'\\t'" in str(error):
        return f"{line}: found a tab at the beginning, expected spaces; indent with spaces"
    problem = getattr(error, "problem", None)
    return f"{line}: found no valid YAML ({problem}), expected key: value; correct this line or the one above"
