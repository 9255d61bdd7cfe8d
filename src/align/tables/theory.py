"""The paper's lemmas in numbers: what each bounds, and its bound."""

import pandas as pd

from align.methods.naming import method_of
from align.metrics.titles import measure_title
from align.results.collect import study_rows
from align.results.summary import averages, over_seeds
from align.results.titles import setting_title
from align.tables.printing import Table
from align.tables.summary import comparison

LEMMAS = {
    "lemma 1, sensitivity to the background": ("local_lipschitz", "local_lipschitz_95", "local_lipschitz_maximum"),
    "lemma 2, squared error": ("mse_gap", "output_gap", "mse_gap_bound", "mse_gap_bound_holds"),
    "lemma 3, cross-entropy": ("ce_gap", "output_distance", "ce_gap_constant", "ce_gap_bound"),
}
LEMMA_4 = "lemma 4, whole objects against parts, in distribution, %"


def theory(metrics: pd.DataFrame) -> Table:
    """Return a block per data set, protocol and lemma: methods × quantities.

    Lemmas 1 to 3 are measured on pairs of images that show the same object in the source and in the target domain, the mean
    over pairs of domains; lemma 4 by classifiers that are shown everything, objects, or objects without their edges, the mean
    over source domains.

    Args:
        metrics: ``results/metrics.csv``.
    """
    lemmas = {measure: lemma for lemma, measures in LEMMAS.items() for measure in measures}
    compared, masked = study_rows(metrics, "comparison"), study_rows(metrics, "mask_quality")
    shifted = compared[compared["distribution"].eq("out") & compared["metric"].isin(lemmas)]
    own = masked[
        masked["distribution"].eq("in") & masked["metric"].eq("accuracy") & masked["method"].map(_is_of_lemma_4).astype(bool)
    ]
    measured = pd.concat([shifted.assign(lemma=shifted["metric"].map(lemmas)), own.assign(lemma=LEMMA_4)])
    values = measured.assign(pair=measured["source_domain"] + "/" + measured["target_domain"])[
        ["dataset", "protocol", "lemma", "metric", "pair", "method", "seed", "value"]
    ]
    data = over_seeds(averages(values, "pair").drop(columns="pair"))
    blocks = [
        comparison(f"{setting_title(dataset, protocol)}: {lemma}", _in_order(rows), "metric", measure_title)
        for (dataset, protocol), of_dataset in data.groupby(["dataset", "protocol"], sort=False)
        for lemma, rows in of_dataset.groupby("lemma", sort=True)
    ]
    return Table(data, blocks)


def _is_of_lemma_4(variant: str) -> bool:
    """Return whether ``variant`` is shown everything, whole objects by their true masks, or such objects eroded."""
    shown = variant.removeprefix("masked_erm")
    return method_of(variant) == "masked_erm" and (shown in ("", "-mask=none") or shown.startswith("-degradation=eroded"))


def _in_order(summary: pd.DataFrame) -> pd.DataFrame:
    order = [*(measure for measures in LEMMAS.values() for measure in measures), "accuracy"]
    return summary.sort_values("metric", key=lambda names: names.map(order.index), kind="stable")
