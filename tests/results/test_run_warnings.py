"""What a reader must know about the runs behind the results."""

import pytest

from align.results.run_warnings import NAMED_AT_MOST, run_warnings

COLLAPSE = {"name": "mask collapse", "epoch": 3, "detail": "…"}
DRIFT = {"name": "explanation drift", "epoch": 7, "detail": "…"}


def account(method="align", seed=0, protocol="single_source", failures=(), torch="2.15.0", precision="float32"):
    settings = {"dataset": "digit_scenes", "protocol": protocol, "domain": "china", "method": method, "seed": str(seed)}
    return {"settings": settings, "failures": list(failures), "versions": {"torch": torch}, "precision": precision}


def test_of_sound_runs_there_is_nothing_to_say():
    assert run_warnings([]) == []
    assert run_warnings([account(), account("erm"), account(seed=1)]) == []


def test_failed_runs_are_counted_and_named():
    failed = account("align-lambda3=0.3", seed=2, failures=[COLLAPSE, DRIFT])
    (warning,) = run_warnings([account("erm"), failed])
    assert warning == (
        "digit scenes · single source: 1 of 2 runs failed, and tables include them: ALIGN (lambda3=0.3), china, seed 2: mask "
        "collapse from epoch 3; explanation drift from epoch 7."
    )


@pytest.mark.parametrize("more", [0, 1, 100])
def test_of_many_failed_runs_the_first_are_named(more):
    (warning,) = run_warnings([account(seed=seed, failures=[DRIFT]) for seed in range(NAMED_AT_MOST + more)])
    assert f"{NAMED_AT_MOST + more} of {NAMED_AT_MOST + more} runs failed" in warning
    assert warning.count("explanation drift") == NAMED_AT_MOST
    assert warning.endswith(f"; and {more} more." if more else "epoch 7.")


def test_mixtures_count_side_by_side():
    elsewhere = account("group_dro", protocol="leave_one_domain_out", torch="2.16.0", precision="bfloat16")
    assert run_warnings([account(), elsewhere]) == []
    versions, precisions = run_warnings([account(), elsewhere, account(seed=1, torch="2.9.0", precision="bfloat16")])
    assert versions.startswith("digit scenes · single source: trained with several versions of libraries (torch 2.15.0, 2.9.0)")
    assert precisions.startswith("digit scenes · single source: trained in several precisions (1 in bfloat16, 1 in float32)")
