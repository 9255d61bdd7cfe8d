"""Shows the progress of a run: as a bar on a terminal, and as plain lines in a log."""

import logging
import sys
import time
from collections.abc import Iterator

from tqdm import tqdm

LOG = logging.getLogger("align")


def epochs_with_progress(
    epochs: int, images_per_epoch: int, title: str, status: dict[str, float], first: int = 1
) -> Iterator[int]:
    """Yield ``first`` … ``epochs``. After each epoch, show images/s, the time left, and what the caller has put in ``status``."""
    start, before = time.perf_counter(), first - 1
    bar = tqdm(total=epochs, initial=before, desc=title, unit="epoch", disable=not sys.stderr.isatty(), leave=False)
    with bar:
        for epoch in range(first, epochs + 1):
            yield epoch
            elapsed = time.perf_counter() - start
            values = {name: f"{value:.4g}" for name, value in status.items()}
            values["images/s"] = f"{(epoch - before) * images_per_epoch / elapsed:.0f}"
            bar.set_postfix(values, refresh=False)
            bar.update()
            left = elapsed / (epoch - before) * (epochs - epoch)
            line = " ".join(f"{name} {value}" for name, value in values.items())
            LOG.info("%s: epoch %d/%d, %s, %.0f s left", title, epoch, epochs, line, left)
