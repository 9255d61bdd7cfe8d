"""The validation after an epoch: accuracy, and the quantities that ALIGN watches."""

from functools import partial

import pandas as pd

from align.training.trainer import validate
from benchmarks.setting import Setting
from benchmarks.timing import interleaved, table


def validation(setting: Setting, rounds: int) -> pd.DataFrame:
    """Return a row for ERM and one for guided ALIGN: seconds for ``batch_size`` images, images/s, and the ratio to ERM."""
    split = setting.split(setting.batch_size)
    contenders = {name: partial(validate, setting.method(name), split) for name in ("erm", "align")}
    return table("validation", setting.columns, setting.batch_size, interleaved(contenders, rounds), "erm")
