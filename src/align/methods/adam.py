"""Torch's Adam (Kingma and Ba, arXiv:1412.6980)."""

from typing import Any

import torch


def _as_written(method: Any) -> Any:
    """Return a method of torch without the decorators that exclude it from compilation."""
    while hasattr(method, "__wrapped__"):
        method = method.__wrapped__
    return method


class Adam(torch.optim.Adam):
    """``torch.optim.Adam`` without the import of torch's compiler.

    Torch's decorators import the compiler only to exclude these methods from compilation. The import takes a second at the start
    of every job, and half a second at its end.
    """

    add_param_group = _as_written(torch.optim.Adam.add_param_group)
    state_dict = _as_written(torch.optim.Adam.state_dict)
    load_state_dict = _as_written(torch.optim.Adam.load_state_dict)
    zero_grad = _as_written(torch.optim.Adam.zero_grad)
    step = torch.no_grad()(_as_written(torch.optim.Adam.step))
