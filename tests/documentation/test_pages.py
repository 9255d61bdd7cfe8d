"""The pages of the documentation site that are made from code, and the pages of methods."""

import re

import pytest
import yaml
from test_repository import ROOT

from align.configuration.assumptions import declared_in
from align.configuration.schema import Configuration
from align.documentation.allowed_values import allowed_values, as_written
from align.documentation.markdown import prose, table
from align.documentation.metric_pages import metrics_reference
from align.documentation.repository_links import without_repository_links
from align.documentation.settings_tables import section_settings, settings_reference, settings_tables
from align.methods import METHODS
from align.metrics import MEASURES, METRICS
from align.registry import module_of

LONGEST_PAGE = 60  # lines; the site adds the settings


def rows(place):
    """Return the settings of the section at ``place``, by key."""
    (found,) = (table for table in settings_tables() if place in table.places)
    return {setting.key.strip("`"): setting for setting in found.settings}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_page_with_loss_code_source_and_settings(name):
    page = (ROOT / f"docs/methods/{name}.md").read_text()
    assert f"| Name | `{name}` |" in page
    assert module_of(METHODS[name].implementation).replace(".", "/") in page
    assert re.search(r"\| Source \| .+ \|", page)
    assert re.search(r"## Loss(es)?\n.*```text\n.*L", page, re.DOTALL)
    assert f"<!-- settings methods.{name} -->" in page
    assert len(page.splitlines()) <= LONGEST_PAGE
    assert f"| `{name}` | [{METHODS[name].title}]({name}.md) |" in (ROOT / "docs/methods/index.md").read_text()


def test_every_section_of_the_configuration_has_a_table():
    places = {place for table in settings_tables() for place in table.places}
    assert {"", *Configuration.model_fields} - {"results", "device", "datasets", "experiments", "ratings"} <= places
    assert {f"methods.{name}" for name in METHODS} <= places
    assert {"datasets.NAME", "datasets.NAME.ground_truth", "experiments.NAME"} <= places
    assert "datasets.NAME.source.terra_incognita.annotations" in places


def test_every_key_of_the_schema_is_listed_with_its_meaning():
    listed = {(found.section, setting.key.strip("`")) for found in settings_tables() for setting in found.settings}
    assert listed == {(found.section, key) for found in settings_tables() for key in found.section.model_fields}
    assert [setting for found in settings_tables() for setting in found.settings if not setting.meaning] == []


def test_every_choice_that_the_paper_does_not_give_has_its_reason():
    content = {"datasets": {"n": {"root": "n"}}, "experiments": {"n": {"dataset": "n"}}}
    declared = list(declared_in(Configuration.model_validate(content)))
    assert len(declared) > 50
    for assumption in declared:
        place, key = assumption.setting.replace("datasets.n.", "datasets.NAME.").rsplit(".", 1)
        assert rows(place)[key].reason == prose(assumption.because)


@pytest.mark.parametrize(
    ("place", "key", "values", "default"),
    [
        ("", "device", "`auto`, `cpu` or `cuda`", "`auto`"),
        ("", "training", "[section](#training)", ""),
        ("", "datasets", "[a section for each name](#datasetsname)", ""),
        ("datasets.NAME", "root", "path", "required"),
        ("datasets.NAME", "classes", "list, any number: text, or none", "none"),
        ("datasets.NAME", "ground_truth", "[list of sections](#datasetsnameground_truth)", ""),
        ("training", "learning_rate", "number > 0", "`5e-05`"),
        ("training", "eligible_from", "number ≥ 0 and < 1", "`0.5`"),
        ("augmentation", "crop_scale", "list, 2 values: number ≥ 0 and ≤ 1", "`[0.7, 1]`"),
        ("classifier", "widths", "list, 2 or more: whole number ≥ 1", "`[8, 32, 64]`"),
        ("methods.dre", "detach_weights", "`true` or `false`", "`true`"),
        ("experiments.NAME", "methods", "list, any number: mapping", "`[erm, mixup, rsc, cgc, sgt, dre, align, align-plus]`"),
    ],
)
def test_a_setting_in_words(place, key, values, default):
    assert (rows(place)[key].values, rows(place)[key].default) == (values, default)


def test_the_examples_of_the_page_on_configurations_are_valid():
    first, second = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/configuration.md").read_text(), re.DOTALL)
    assert Configuration.model_validate(yaml.safe_load(first)).methods.align.lambda3 == 0.5
    assert Configuration.model_validate(yaml.safe_load(first) | yaml.safe_load(second)).experiments["first"].sweeps


def test_variants_and_other_mappings_as_written_in_yaml():
    assert as_written([{"align": {}}, "x", 1e-4, True, None]) == "[align, x, 0.0001, true, null]"
    assert as_written({"align": {"lambda1": 1}}) == '{"align": {"lambda1": 1}}'
    assert allowed_values({}) == "any value"


def test_the_defaults_of_align_plus_are_its_own():
    assert rows("methods.align")["masker_input"].default == "`pixels`"
    assert rows("methods.align-plus")["masker_input"].default == "`features`"
    assert "| `masker_input` |" in section_settings("methods.align-plus")


def test_sections_with_the_same_settings_stand_once():
    reference = settings_reference()
    assert reference.count("| `sha256` |") == 1
    assert "The same" not in section_settings("training")
    assert "`datasets.NAME.source.pacs.images`" in reference


def test_every_metric_has_its_definition_its_direction_and_its_code():
    reference = metrics_reference()
    assert re.findall(r"^### `(\w+)`$", reference, re.MULTILINE) == list(METRICS)
    for name, measure in MEASURES.items():
        direction = {True: "higher", False: "lower", None: "neither"}[measure.higher_is_better]
        assert re.search(rf"^\| `{name}` \| {re.escape(measure.title)} \| {direction} \|", reference, re.MULTILINE)
    for path in re.findall(r"^Code: `(.*)`\.$", reference, re.MULTILINE):
        assert (ROOT / path).is_file()
    assert "[arXiv:1806.07421](https://arxiv.org/abs/1806.07421)" in reference


def test_a_table_escapes_bars_and_leaves_out_empty_columns():
    assert table(("a", "b", "c"), [("1|2", "", "3"), ("4", "", "")]) == "| a | c |\n| --- | --- |\n| 1\\|2 | 3 |\n| 4 |  |"


def test_prose_has_no_tags_and_code_stays_code():
    assert prose("in <root> or ``<root>``") == "in &lt;root&gt; or `<root>`"


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("a.md", "[x](b.md#c)", "[x](b.md#c)"),
        ("a.md", "[x](https://x.org)", "[x](https://x.org)"),
        ("a.md", "[`src/align/x.py`](../src/align/x.py)", "`src/align/x.py`"),
        ("a.md", "[`align/x.py`](../src/align/x.py)", "`src/align/x.py`"),
        ("a.md", "[the README](../README.md#start)", "the README (`README.md`)"),
        ("methods/a.md", "[`src/align/x/`](../../src/align/x)", "`src/align/x`"),
        ("methods/a.md", "[x](../b.md)", "[x](../b.md)"),
        ("a.md", "```\n[x](../y)\n```", "```\n[x](../y)\n```"),
    ],
)
def test_links_to_files_that_the_site_does_not_have_become_paths(page, link, expected):
    assert without_repository_links(link, page) == expected
