"""How a run of ALIGN fails: its mask collapses, or its explanations drift off the mask."""

from collections.abc import Mapping, Sequence

from align.methods.base import Failure

# Declared: the mean of M above or below which the mask says nothing about the image.
EVERYTHING = 0.95
NOTHING = 0.02
# Declared: the standard deviation of M within an image, its mean over images, below which M is a grey that dims all of it
# (0.07 in a pixel masker that found nothing on photographs, 0.13 and more in those that found objects: docs/masker_study.md).
GREY = 0.1


def is_collapsed(mask_area: float) -> bool:
    """Tell whether a mask of this mean covers everything or nothing."""
    return not NOTHING <= mask_area <= EVERYTHING


def mask_collapse(areas: Mapping[int, float], spreads: Mapping[int, float]) -> Failure | None:
    """Return the first epoch in which the mask keeps everything or nothing, or is grey all over.

    Args:
        areas: the mask's mean by epoch.
        spreads: its standard deviation within an image, in the same epochs.
    """
    for epoch, area in areas.items():
        if is_collapsed(area):
            kind = "everything" if area > EVERYTHING else "nothing"
            return Failure("mask collapse", epoch, f"the mask's mean is {area:.3f}: it keeps {kind}")
        if spreads[epoch] < GREY:
            detail = f"the mask's mean is {area:.3f} and its spread within an image {spreads[epoch]:.3f}: it is grey all over"
            return Failure("mask collapse", epoch, detail)
    return None


def explanation_drift(accuracies: Sequence[float], energies_outside: Sequence[float], first_epoch: int) -> Failure | None:
    """Return a drift of explanations off the mask while accuracy rises.

    Declared: between the first and the last third of the guided epochs, the mean validation accuracy and the mean share
    of Grad-CAM's energy outside of the mask both rise by more than 0.02.

    Args:
        accuracies: validation accuracy of each guided epoch, in [0, 1].
        energies_outside: share of the energy outside of the mask in the same epochs, in [0, 1].
        first_epoch: number of the first guided epoch.
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
