"""The failures of a run of ALIGN: its mask collapses, or its explanations drift off the mask."""

from collections.abc import Mapping, Sequence

from align.methods.base import Failure

# Declared: above or below these means of M, the mask says nothing about the image.
EVERYTHING = 0.95
NOTHING = 0.02
# Declared: the least spread of M, its standard deviation within an image averaged over images. A mask with a smaller spread is
# grey all over. On photographs the spread was 0.07 for a pixel masker that found nothing, and 0.13 or more for maskers that
# found objects (docs/masker_study.md).
GREY = 0.1


def collapse(area: float, spread: float) -> str:
    """Return how masks are collapsed, in words. Empty if they are not.

    Args:
        area: the mean of the masks, in [0, 1].
        spread: their standard deviation within an image, averaged over images. NaN counts as collapsed, and so for ``area``.
    """
    if area > EVERYTHING:
        return f"the mask's mean is {area:.3f}: it keeps everything"
    if not area >= NOTHING:  # NaN too
        return f"the mask's mean is {area:.3f}: it keeps nothing"
    if not spread >= GREY:
        return f"the mask's mean is {area:.3f} and its spread within an image {spread:.3f}: it is grey all over"
    return ""


def mask_collapse(areas: Mapping[int, float], spreads: Mapping[int, float]) -> Failure | None:
    """Return a failure for the first epoch in which the mask keeps everything or nothing, or is grey all over. Otherwise None.

    Args:
        areas: the mean of the mask, by epoch.
        spreads: the standard deviation of the mask within an image, in the same epochs.
    """
    details = {epoch: collapse(area, spreads[epoch]) for epoch, area in areas.items()}
    return next((Failure("mask collapse", epoch, detail) for epoch, detail in details.items() if detail), None)


def explanation_drift(accuracies: Sequence[float], energies_outside: Sequence[float], first_epoch: int) -> Failure | None:
    """Return a failure if the explanations drift off the mask while the accuracy rises. Otherwise None.

    Declared: it is a drift if both the mean validation accuracy and the mean share of Grad-CAM's energy outside of the mask rise
    by more than 0.02 from the first to the last third of the guided epochs.

    Args:
        accuracies: the validation accuracy of each guided epoch, in [0, 1].
        energies_outside: the share of the energy outside of the mask in the same epochs, in [0, 1].
        first_epoch: the number of the first guided epoch.
    """
    third = len(accuracies) // 3
    if third == 0:
        return None

    def rise(values: Sequence[float]) -> float:
        return sum(values[-third:]) / third - sum(values[:third]) / third

    accuracy, energy = rise(accuracies), rise(energies_outside)
    if accuracy > 0.02 and energy > 0.02:
        detail = f"energy outside of the mask +{energy:.3f} while validation accuracy +{accuracy:.3f}"
        return Failure("explanation drift", first_epoch + len(accuracies) - third, detail)
    return None
