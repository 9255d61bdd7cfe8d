"""Draw accuracy against how far masks are degraded."""

import pandas as pd

from align.figures.mask_degradation import draw_mask_degradation, mask_degradation
from align.figures.style import style, write_figure
from align.workflow import job

with job(snakemake), style():
    data = mask_degradation(pd.read_csv(snakemake.input[0]), snakemake.params.variants)
    write_figure(draw_mask_degradation(data), data, **dict(snakemake.output.items()))
