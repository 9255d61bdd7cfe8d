"""Checks what a user has typed before Snakemake uses it. The profiles call it: Snakemake reads them first."""

import sys
from argparse import ArgumentError, ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from align.configuration.yaml_file import SUFFIXES, require_yaml_file
from align.errors import InputError
from align.files import require_working_folder
from align.interruptions import announce_interruptions


def check_command_line(configuration: str) -> None:
    """End with one line if Snakemake could not use its command line.

    Args:
        configuration: the configuration file that is used if the command line names none.
    """
    announce_interruptions()
    try:
        require_command_line(sys.argv[1:], configuration)
    except InputError as error:
        raise SystemExit(str(error)) from None


def require_command_line(arguments: Sequence[str], configuration: str) -> None:
    """Check configuration files, values and the working folder of Snakemake's command line.

    Args:
        arguments: the command line without the name of the program.
        configuration: the configuration file that is used if the command line names none.

    Raises:
        InputError: a configuration file cannot be read, a value is not written as Snakemake reads it, a target stands behind an
            option that swallows it, or the working folder cannot be written.
    """
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+")
    parser.add_argument("--config", "-C", nargs="*", default=[])
    parser.add_argument("--directory", "-d", default=".")
    try:
        given, _ = parser.parse_known_args(list(arguments))
    except ArgumentError:
        return  # Snakemake says what is wrong
    if given.configfile is None:
        _require_default(Path(configuration))
    else:
        _require_configuration_files(given.configfile)
    for entry in given.config:
        _require_value(entry)
    require_working_folder(Path(given.directory))


def _require_default(file: Path) -> None:
    if not file.exists():
        raise InputError(
            f"{file.absolute()}: found no such file, expected a configuration; name one: snakemake [TARGET] … --configfile FILE, "
            "or work in a folder that has it"
        )
    require_yaml_file(file)


def _require_configuration_files(files: Sequence[str]) -> None:
    first, *others = files
    require_yaml_file(Path(first))
    for name in others:
        try:
            require_yaml_file(Path(name))
        except InputError:
            if Path(name).suffix in SUFFIXES:
                raise
            raise InputError(
                f"--configfile: found {name}, which is no configuration; Snakemake takes every word that follows for one; put "
                f"targets first: snakemake {name} --configfile {first}"
            ) from None


def _require_value(entry: str) -> None:
    key, equals, value = entry.partition("=")
    if not equals:
        raise InputError(
            f"--config: found {entry}, expected key=value; Snakemake takes every word that follows for one; put targets first: "
            f"snakemake {entry} --config …"
        )
    if "." in key:
        section, *keys = key.split(".")
        nested = "".join(f"{{{part}: " for part in keys) + value + "}" * len(keys)
        raise InputError(f"--config: found {entry}, expected a section in braces: --config {section}='{nested}'")
