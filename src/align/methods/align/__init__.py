"""ALIGN (arXiv:2511.06944) in one room: the method, its masker and how it learns, the losses, and the check for collapse."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from align.methods.align.method import ALIGN

__all__ = ["ALIGN"]


def __getattr__(name: str) -> Any:
    """Import the method when it is asked for: its settings are read at every parse of the workflow, without torch."""
    if name == "ALIGN":
        from align.methods.align.method import ALIGN

        return ALIGN
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
