"""What a person sees at the terminal: short lines, and at the end what came out."""

import json
import re

import pytest
import yaml
from conftest import REPOSITORY, only, run_snakemake

TINY = ["--configfile", "config/tiny.yaml"]
LONGEST_LINE = 400  # characters: the summary of reasons lists every rule
LONGEST_MESSAGE = 100
ENDING = re.compile(
    r"\nOn tiny scenes, ALIGN's advantage over six baselines is inconclusive in accuracy in distribution, .*\.\n"
    r"(Claims of the paper: 0 reproduced, 0 not reproduced, \d+ inconclusive, \d+ not tested\.\n)"
    r"((?:Warning: .*\n)*)"
    r"Results: results/tiny/index\.html\n$"
)


def succeeds(folder, *arguments):
    done = run_snakemake(folder, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def changed(scratch, change):
    """Write the tiny configuration after ``change`` has worked on it, and return its path. Its results go to the same folder."""
    content = yaml.safe_load((REPOSITORY / "config/tiny.yaml").read_text()) | {"results": "tiny"}
    change(content)
    path = scratch / "changed.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_a_whole_run_ends_with_what_came_out(finished):
    account = only(finished, "results/runs/tiny_scenes/single_source/china/dre/seed0/*/run.json")
    failed = json.loads(account.read_text()) | {"failures": [{"name": "explanation drift", "epoch": 2, "detail": "…"}]}
    account.write_text(json.dumps(failed))
    for record in finished.glob("results/checksums/**/run.json.json"):
        record.unlink()
    done = succeeds(finished, "--forcerun", "results_page", *TINY)
    counts, warnings = ENDING.fullmatch(done.stdout).groups()
    assert counts in (REPOSITORY / "docs/running.md").read_text()
    assert re.search(
        r"Warning: tiny scenes · single source: \d+ of 11 runs failed, .*DRE, china, seed 0: explanation drift", warnings
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["theory", "--forcerun", "theory"],
        ["--until", "theory", "--forcerun", "theory"],
        ["--dry-run", "--forceall"],
        ["--report", "own.html"],
        ["--forcerun", "report", "--quiet", "all"],
    ],
    ids=["part", "until", "dry run", "report", "quiet"],
)
def test_other_calls_end_without_it(finished, arguments):
    done = succeeds(finished, *arguments, *TINY)
    assert "Nothing to be done" not in done.stderr
    assert "Claims of the paper" not in done.stdout


CHANGES = {
    "training": lambda content: content["training"].update(epochs=5),
    "evaluation": lambda content: content["evaluation"].update(curve_steps=5),
    "seeds": lambda content: content["experiments"]["tiny"]["seeds"].append(1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_dry_run_after_one_changed_setting_is_short(tiny_results, tmp_path, change):
    configuration = changed(tmp_path, CHANGES[change])
    said = succeeds(tiny_results, "--dry-run", "--nolock", "--configfile", configuration).stdout
    assert "Putting the metrics of all runs into one table\n" in said
    assert "\nReasons:\n" in said  # their summary
    assert [line for line in said.splitlines() if len(line) > LONGEST_LINE] == []
    assert len(said) < 12_000


def test_the_reasons_of_each_job_are_there_on_request_and_name_hashes(tiny_results, tmp_path):
    configuration = changed(tmp_path, CHANGES["training"])
    asked = ["--quiet", "host", "--dry-run", "--nolock", "--configfile", configuration]
    reasons = dict(re.findall(r"Job \d+: (.+)\n +Reason: (.*)", succeeds(tiny_results, *asked).stdout))
    assert re.search(r"before: '\w{16}' now: '\w{16}'", reasons["Making table assumptions"])
    assert len(reasons["Making table assumptions"]) < LONGEST_LINE


def test_the_message_of_every_job_is_short(tiny_results):
    said = succeeds(tiny_results, "--dry-run", "--forceall", "--nolock", *TINY).stdout
    messages = re.findall(r"Job \d+: (.*)", said)
    assert len(messages) > 50
    assert [message for message in messages if len(message) > LONGEST_MESSAGE] == []
    assert "rule " not in said  # of a rule without a message, Snakemake prints every file
