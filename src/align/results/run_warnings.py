"""What a reader must know about the runs behind the results: those that failed, and those that were not trained alike."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from align.methods.naming import method_title
from align.results.collect import trained_on
from align.results.titles import plain, setting_title

AGAIN = "snakemake --forcerun train_run trains all runs again"
ONE_PRECISION = "with training.precision float32 or bfloat16 in the configuration, all runs have the same"
NAMED_AT_MOST = 5

Account = Mapping[str, Any]
"""The content of a ``run.json``."""


def run_warnings(accounts: Sequence[Account]) -> list[str]:
    """Return a warning for each data set and protocol with failed runs, mixed versions or mixed precisions. Each is a sentence.

    Args:
        accounts: the content of every ``run.json``.
    """
    side_by_side: dict[str, list[Account]] = {}
    for account in accounts:
        settings = account["settings"]
        side_by_side.setdefault(setting_title(settings["dataset"], settings["protocol"]), []).append(account)
    checks = (failed_runs, mixed_versions, mixed_precisions)
    return [f"{title}: {said}" for title, runs in side_by_side.items() for check in checks if (said := check(runs))]


def failures_text(account: Account) -> str:
    """Return the failures of a run by name, with their first epoch. Empty if it has none."""
    return "; ".join(f"{failure['name']} from epoch {failure['epoch']}" for failure in account["failures"])


def failed_runs(accounts: Sequence[Account]) -> str:
    """Return how many runs have failed, and the first of them with their failures. Empty if none has."""
    failed = list(_failed(accounts))
    if not failed:
        return ""
    more = f"; and {len(failed) - NAMED_AT_MOST} more" if len(failed) > NAMED_AT_MOST else ""
    return f"{len(failed)} of {len(accounts)} runs failed, and tables include them: {'; '.join(failed[:NAMED_AT_MOST])}{more}."


def mixed_versions(accounts: Sequence[Account]) -> str:
    """Return the libraries of which runs side by side have several versions. Empty if there are none."""
    found: dict[str, set[str]] = {}
    for account in accounts:
        for name, version in account["versions"].items():
            found.setdefault(name, set()).add(version)
    mixed = [f"{name} {', '.join(sorted(several))}" for name, several in found.items() if len(several) > 1]
    if not mixed:
        return ""
    return f"trained with several versions of libraries ({'; '.join(mixed)}), which may round differently; {AGAIN}."


def mixed_precisions(accounts: Sequence[Account]) -> str:
    """Return the number of runs in each precision. Empty if runs side by side have the same."""
    counted = Counter(account["precision"] for account in accounts)
    if len(counted) < 2:
        return ""
    found = ", ".join(f"{count} in {precision}" for precision, count in sorted(counted.items()))
    return f"trained in several precisions ({found}), because auto depends on the device; {ONE_PRECISION}."


def _failed(accounts: Sequence[Account]) -> Iterator[str]:
    for account in accounts:
        if failures := failures_text(account):
            settings = account["settings"]
            source = plain(trained_on(settings["protocol"], settings["domain"]))
            yield f"{method_title(settings['method'])}, {source}, seed {settings['seed']}: {failures}"
