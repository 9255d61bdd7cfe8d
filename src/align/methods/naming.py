"""The names of methods and of their variants, in paths and in print."""

import re

from align.methods import METHODS

# The paper's names for its masker ablation, and our names for the other variants of it.
VARIANT_TITLES = {
    "align-lambda3=0.0": "w/o EG",
    "align-masker=grey": "m-Gray",
    "align-masker=sam": "m-SAM",
    "align-masker=salient_object": "m-Salient",
    "align-masker=folder": "ALIGN, masks of a folder",
    "align-masker=ground_truth": "ALIGN, true masks",
    "align-masker=random": "ALIGN, random masks",
    "align-masker=centre": "ALIGN, centred masks",
    "align-swap-swap_mask=permuted": "ALIGN-swap, another image's mask",
    "align-swap-swap_mask=centre": "ALIGN-swap, centred masks",
    "align-swap-swap_mask=gradient": "ALIGN-swap, gradient masks",
    "align-swap-swap_mask=whole": "ALIGN-swap, noise all over",
    "align-swap-lambda3=0.0": "ALIGN-swap, w/o EG",
    "align-swap-lambda3=0.0-swap_mask=whole": "ERM, noise all over",
    "align-swap-lambda3=0.0-lambda4=1.0-swap_mask=whole": "DRE, noise all over",
    "align-swap-lambda3=0.0-lambda4=1.0-regulariser=sgt-swap_mask=whole": "SGT, noise all over",
    "align-swap-masker=ground_truth": "ALIGN-swap, true masks",
}


def method_of(variant: str) -> str:
    """Return the method of a variant: ``align-plus`` for ``align-plus-lambda1=0.5``."""
    return re.split(r"-(?=\w+=)", variant, maxsplit=1)[0]


def is_upper_bound(variant: str) -> bool:
    """Return whether a variant is given the true masks of the images, made worse or not. Other methods must find the object."""
    changes = dict(change.split("=", 1) for change in re.split(r"-(?=\w+=)", variant)[1:])
    given = changes.get("mask", "ground_truth") if method_of(variant) == "masked_erm" else changes.get("masker")
    return given == "ground_truth"


def method_title(variant: str) -> str:
    """Return a method's name in print, with its changed hyper-parameters in brackets: ``ALIGN (lambda1=0.5)``."""
    if variant in VARIANT_TITLES:
        return VARIANT_TITLES[variant]
    method = method_of(variant)
    changes = re.sub(r"-(?=\w+=)", ", ", variant[len(method) + 1 :])
    return f"{METHODS[method].title} ({changes})" if changes else METHODS[method].title
