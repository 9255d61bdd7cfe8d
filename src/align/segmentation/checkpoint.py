"""The files of a checkpoint of Segment Anything. Snakemake asks for them at every parse, so this module imports nothing heavy."""

import json
from pathlib import Path

from align.errors import InputError


def checkpoint_files(folder: Path) -> list[str]:
    """Return the files of a checkpoint that its masks depend on: the JSON files and the tensors, never a pickle.

    Args:
        folder: the folder that ``save_pretrained`` of the transformers library's SamModel and SamProcessor wrote.

    Raises:
        InputError: it is no such folder.
    """
    tensors = sorted(folder.glob("*.safetensors"))
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
    elif (kind := _model_type(folder / "config.json")) != "sam":
        found = f"a model of type {kind!r} in config.json" if kind else "no config.json that names a type of model"
    elif not tensors:
        found = "no *.safetensors; a pickle (pytorch_model.bin) could run code and is not read"
    else:
        return [str(path) for path in (*sorted(folder.glob("*.json")), *tensors)]
    raise InputError(
        f"segment_anything.checkpoint: {folder}: found {found}, expected the folder of a SamModel and its SamProcessor as "
        "save_pretrained of the transformers library writes them; correct the path or remove it from the configuration"
    )


def _model_type(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text())["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
