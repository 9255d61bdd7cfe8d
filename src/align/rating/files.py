"""Where the files of a study are. Snakemake asks for them at every parse, so this module imports nothing heavy."""

from pathlib import Path

from align.errors import InputError

KEY, PAGE, ANSWERS = "key.json", "index.html", "answers"


def study_files(folder: Path) -> list[str]:
    """Return the files of a study that its ratings depend on: the key, and those of the raters.

    Raises:
        InputError: the folder holds no study.
    """
    require_study(folder)
    return [str(folder / KEY), *map(str, rater_files(folder))]


def require_study(folder: Path) -> Path:
    """Return the key of the study in a folder.

    Raises:
        InputError: the folder holds no study.
    """
    if not (folder / KEY).is_file():
        raise InputError(f"{folder}: found no {KEY}, expected the folder that `align rate prepare` wrote; name that folder")
    return folder / KEY


def rater_files(folder: Path) -> list[Path]:
    """Return the files of the raters of a study."""
    return sorted((folder / ANSWERS).glob("*.json"))
