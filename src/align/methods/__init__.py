"""The registry of training methods. Each has a class and a line here. ``docs/extending.md`` shows how to add one."""

from typing import NamedTuple

from align.methods import settings
from align.methods.align.settings import ALIGNGateSettings, ALIGNPlusSettings, ALIGNSettings, ALIGNSwapSettings
from align.methods.settings import MethodSettings


class Entry(NamedTuple):
    """A registered method.

    Attributes:
        implementation: the method's class, as ``module:attribute``.
        settings: the class of its hyper-parameters.
        title: its name in print.
    """

    implementation: str
    settings: type[MethodSettings]
    title: str


METHODS = {
    "erm": Entry("align.methods.erm:ERM", settings.MethodSettings, "ERM"),
    "mixup": Entry("align.methods.mixup:Mixup", settings.MixupSettings, "Mixup"),
    "rsc": Entry("align.methods.rsc:RSC", settings.RSCSettings, "RSC"),
    "cgc": Entry("align.methods.cgc:CGC", settings.CGCSettings, "CGC"),
    "irm": Entry("align.methods.irm:IRM", settings.IRMSettings, "IRM"),
    "group_dro": Entry("align.methods.group_dro:GroupDRO", settings.GroupDROSettings, "GroupDRO"),
    "sgt": Entry("align.methods.sgt:SGT", settings.SGTSettings, "SGT"),
    "dre": Entry("align.methods.dre:DRE", settings.DRESettings, "DRE"),
    "align": Entry("align.methods.align:ALIGN", ALIGNSettings, "ALIGN"),
    "align-plus": Entry("align.methods.align:ALIGN", ALIGNPlusSettings, "ALIGN-plus"),
    "align-swap": Entry("align.methods.align.swap:ALIGNSwap", ALIGNSwapSettings, "ALIGN-swap"),
    "align-gate": Entry("align.methods.align.gate:ALIGNGate", ALIGNGateSettings, "ALIGN-gate"),
    "masked_erm": Entry("align.methods.masked_erm:MaskedERM", settings.MaskedERMSettings, "ERM on masked images"),
}
# The methods of an experiment that names none.
DEFAULT_METHODS = ("erm", "mixup", "rsc", "cgc", "sgt", "dre", "align", "align-plus")
