"""ALIGN (arXiv:2511.06944): the method, its masker and the masker's training, the losses, and the check for a collapse."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from align.methods.align.method import ALIGN

__all__ = ["ALIGN"]


def __getattr__(name: str) -> Any:
    """Import the method only when it is used. Every parse of the workflow reads its settings, and should not import torch."""
    if name == "ALIGN":
        from align.methods.align.method import ALIGN

        return ALIGN
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
