"""The paper's lemmas in numbers: each bounded quantity and its bound."""

import pandas as pd

from align.methods.naming import method_of
from align.metrics import LEMMA_1, LEMMA_2, LEMMA_3, MEASURES
from align.metrics.printing import measure_title
from align.results.collect import compared_rows, study_rows
from align.results.summary import averages
from align.results.titles import setting_title
from align.tables.method_block import in_registry_order, method_block
from align.tables.method_summary import method_summary
from align.tables.printing import Table

CAPTION = """
The paper's lemmas in numbers. They use pairs of test images: x′ shows an object before a background of the source
domain, and x shows the same object before a background of a target domain. If there are several source domains, the
first is taken. Values are means over pairs of domains, then mean ± standard deviation over seeds.

- *Lemma 1*: how far the predicted probabilities move for each step of the image, ‖p(x) − p(x′)‖ / ‖x − x′‖. The table
  gives mean, 95th percentile and maximum of all pairs.
- *Lemma 2*: the gap between the mean squared errors of the two domains, against its bound. The bound is four times the
  gap of the expected outputs, ‖E_T[p] − E_S[p]‖. The table also gives the share of runs and targets in which the bound
  holds.
- *Lemma 3*: the gap of the cross-entropies against C·ε. Here ε is the mean of ‖p(x) − p(x′)‖. The paper does not say
  how to find C. We take C = 1 / min p_y over the images of both domains. So the lemma holds by construction. The
  numbers only tell how wide the bound is.
- *Lemma 4*: accuracy in per cent, in distribution, of classifiers that are trained and tested on whole images, on whole
  objects, or on objects without their edges. The rest is blurred. This part is there if the study of mask quality is
  configured.
"""

LEMMA_4 = "lemma 4, whole objects against parts, in distribution, %"


def theory(metrics: pd.DataFrame) -> Table:
    """Return a block for each data set, protocol and lemma: methods × quantities.

    Lemmas 1 to 3 are measured on pairs of images that show the same object in the source and in the target domain. Their values
    are means over pairs of domains. Lemma 4 is measured by classifiers that see whole images, whole objects, or objects without
    their edges. Its values are means over source domains.

    Args:
        metrics: ``metrics.csv``.
    """
    compared = compared_rows(metrics)
    compared = compared.assign(lemma=compared["metric"].map({name: measure.family for name, measure in MEASURES.items()}))
    on_pairs = compared[compared["distribution"].eq("out") & compared["lemma"].isin([LEMMA_1, LEMMA_2, LEMMA_3])]
    masked = study_rows(metrics, "mask_quality").assign(lemma=LEMMA_4)
    on_parts = masked[
        masked["distribution"].eq("in") & masked["metric"].eq("accuracy") & masked["method"].map(_is_of_lemma_4).astype(bool)
    ]
    rows = pd.concat([on_pairs, on_parts])
    values = rows.assign(pair=rows["source_domain"] + "/" + rows["target_domain"])[
        ["dataset", "protocol", "lemma", "metric", "pair", "method", "seed", "value"]
    ]
    data = method_summary(averages(values, "pair").drop(columns="pair"))
    blocks = [
        method_block(f"{setting_title(dataset, protocol)}: {lemma}", in_registry_order(lemma_rows), "metric", measure_title)
        for (dataset, protocol), setting_rows in data.groupby(["dataset", "protocol"], sort=False)
        for lemma, lemma_rows in setting_rows.groupby("lemma", sort=True)
    ]
    return Table(data, blocks)


def _is_of_lemma_4(variant: str) -> bool:
    """Return whether ``variant`` sees whole images, whole objects by their true masks, or such objects eroded."""
    changes = variant.removeprefix("masked_erm")
    return method_of(variant) == "masked_erm" and (changes in ("", "-mask=none") or changes.startswith("-degradation=eroded"))
