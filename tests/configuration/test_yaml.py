"""Configuration files that cannot be read, and keys that stand twice. tests/workflow/test_anywhere.py has more of the first."""

import re
from pathlib import Path

import pytest

from align.configuration.doubled_keys import require_single_keys
from align.configuration.runs import LONGEST_NAME, _variant_name
from align.configuration.yaml_file import require_yaml_file
from align.datasets.settings import stated_dataset
from align.errors import InputError


@pytest.fixture
def written(tmp_path):
    def write(content, name="my.yaml"):
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ["a: found in line 1 and in line 3"]),
        ("x:\n  a: 1\n  a: 2\n", ["x.a: found in line 2 and in line 3"]),
        ("x:\n- {a: 1}\n- {b: 1, b: 2}\n", ["x.1.b: found in line 3 and in line 3"]),
        ("x: {1: a, '1': b}\n", ["x.1: found in line 1 and in line 1"]),  # both become the name '1'
        ("a: 1\na: 2\na: 3\n", ["a: found in line 1 and in line 2", "a: found in line 2 and in line 3"]),
        ("'a b': 1\n\n'a b': 2\ny: {é: 1, é: 2}\n", ["a b: found in line 1 and in line 3", "y.é: found in line 4 and in line 4"]),
        ('{"a": 1,\n "a": 2}', ["a: found in line 1 and in line 2"]),
        ("\ufeffa: 1\r\na: 2\r\n", ["a: found in line 1 and in line 2"]),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(written, content, expected):
    with pytest.raises(InputError) as caught:
        require_single_keys(written(content))
    assert "my.yaml: found keys twice, expected each key once" in str(caught.value)
    assert "and the first one would be lost" in str(caught.value)
    for part in expected:
        assert part in str(caught.value)
    assert str(caught.value).count("found in line") == len(expected)


@pytest.mark.parametrize(
    "content",
    [
        "a: {x: 1}\nb: {x: 1}\n",
        "a: [{x: 1}, {x: 2}]\n",
        "base: &base {x: 1}\na: {<<: *base, x: 2}\nb: {<<: *base, <<: *base}\n",
        "a: &loop\n  b: 1\n",
        "",
        b"\xff\xfe",
        "a: [",
    ],
)
def test_other_files_pass(written, content):
    require_single_keys(written(content))


def test_an_absent_file_passes(tmp_path):
    require_single_keys(tmp_path / "absent.yaml")
    require_single_keys(tmp_path)


@pytest.mark.parametrize("content", ["a: 1\n", '{"a": 1}', "\ufeffa: 1\r\n", "# first\n---\na: 1\n", "!!map {a: 1}\n"])
def test_a_file_of_sections_is_read(written, content):
    require_yaml_file(written(content))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: 1\n---\nb: 2\n", "line 2: found no valid YAML"),
        ("a: b: c\n", "line 1: found no valid YAML (mapping values are not allowed here)"),
        ("a:\n  b: 1\n c: 2\n", "line 3: found no valid YAML"),
        ("a: 'b\n", "found no valid YAML"),
        ("a:\n  b: 1\n\tc: 2\n", "line 3: found a tab at the beginning, expected spaces"),
        ("a: é\n".encode("utf-16"), "no UTF-8"),
        ("null\n", "found a single value"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(written, content, expected):
    file = written(content)
    with pytest.raises(InputError, match=f"^{re.escape(str(file))}: ") as caught:
        require_yaml_file(file)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_variant_with_a_long_or_odd_name_gets_a_short_one():
    many = [f"lambda{number}=0.12345" for number in range(17)]
    assert _variant_name("align", ["lambda1=0.5", "masker=grey"]) == "align-lambda1=0.5-masker=grey"
    assert _variant_name("align", []) == "align"
    long, other = _variant_name("align", many), _variant_name("align", [*many[:-1], "lambda16=0.12346"])
    assert re.fullmatch(r"align-variant=[0-9a-f]{10}", long)
    assert long == _variant_name("align", many)
    assert long != other
    assert re.fullmatch(r"align-variant=[0-9a-f]{10}", _variant_name("align", ["given_masks=../a b"]))
    exact = ["x" * (LONGEST_NAME - len("align-"))]
    assert len(_variant_name("align", exact)) == LONGEST_NAME
    assert "variant=" not in _variant_name("align", exact)
    assert "variant=" in _variant_name("align", [f"{exact[0]}x"])


@pytest.mark.parametrize("name", ["birds", 2019])
def test_a_data_set_is_read_as_it_is_stated(name):
    content = {"datasets": {"other": {"root": "nowhere"}, name: {"root": "~/birds", "domains": 2020}}}
    dataset = stated_dataset(content, str(name))
    assert dataset.domains == ("2020",)
    assert dataset.root == Path("~/birds").expanduser()
    assert stated_dataset(content, "other").domains == ()  # those that are found come later
