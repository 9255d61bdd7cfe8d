"""Training methods: a class and a line here each. ``docs/extending.md`` shows how to add one."""

from typing import NamedTuple

from align.methods import settings
from align.methods.settings import MethodSettings


class Entry(NamedTuple):
    """Where a method's class is, its hyper-parameters, and its name in print."""

    implementation: str
    settings: type[MethodSettings]
    title: str


METHODS = {
    "erm": Entry("align.methods.erm:ERM", settings.MethodSettings, "ERM"),
    "sgt": Entry("align.methods.sgt:SGT", settings.SGTSettings, "SGT"),
    "dre": Entry("align.methods.dre:DRE", settings.DRESettings, "DRE"),
    "align": Entry("align.methods.align:ALIGN", settings.ALIGNSettings, "ALIGN"),
}
COMPARED = ("erm", "sgt", "dre", "align")  # what an experiment runs unless it names its methods
