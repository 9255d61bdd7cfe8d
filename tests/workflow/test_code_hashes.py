"""What a change of code concerns: everything that imports it, and nothing else."""

import shutil

import pytest
from conftest import REPOSITORY

from align.configuration.loading import load
from align.methods import METHODS
from align.metrics import METRICS
from align.workflow import code_hashes
from align.workflow.code_hashes import NOT_COUNTED, code_hash, counted_modules, is_exception
from align.workflow.run_plan import RunPlan

SCRIPTS = REPOSITORY / "workflow_scripts"


@pytest.fixture
def forget():
    """Forget what was read of modules, as a new process would; in the end, all that a test has made up."""

    def clear():
        for cached in vars(code_hashes).values():
            if hasattr(cached, "cache_clear"):
                cached.cache_clear()

    yield clear
    clear()


@pytest.fixture
def package(tmp_path, monkeypatch, forget):
    """A function that writes a module of a made-up package in place of this one, or a script beside it."""
    monkeypatch.setattr(code_hashes, "PACKAGE", tmp_path / "align")

    def write(module, source):
        path = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        forget()
        return path

    return write


CODE = '''
"""What the module is for."""
import math

LIMIT = 3

class Shape:
    """A shape."""

    def area(self, side):
        """Return the area."""
        return math.fabs(side * side)
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LIMIT = 3", "# Why three.\nLIMIT = 3  # as published"),
        ("LIMIT = 3", "\n\nLIMIT   =   3\n\n"),
        ("side * side)", "\n            side * side\n        )"),
        ("What the module is for.", "Another account of it."),
        ('"""What the module is for."""', ""),
        ("A shape.", "Any shape.\n\n    And more of it.\n    "),
        ('        """Return the area."""\n', ""),
    ],
)
@pytest.mark.parametrize("place", ["script", "align.shapes"])
def test_comments_docstrings_and_layout_do_not_count(package, before, after, place):
    script = package("script", "import align.shapes")
    package("align.shapes", "")
    package(place, CODE + "import align.shapes")
    first = code_hash(script)
    assert before in CODE
    package(place, CODE.replace(before, after) + "import align.shapes")
    assert code_hash(script) == first


@pytest.mark.parametrize(
    ("before", "after"), [("LIMIT = 3", "LIMIT = 4"), ("side * side", "side + side"), ("area", "surface"), ("import math", "")]
)
@pytest.mark.parametrize("place", ["script", "align.shapes"])
def test_code_counts(package, before, after, place):
    script = package("script", "import align.shapes")
    package("align.shapes", "")
    package(place, CODE + "import align.shapes")
    first = code_hash(script)
    package(place, CODE.replace(before, after) + "import align.shapes")
    assert code_hash(script) != first


@pytest.mark.parametrize(
    "statement",
    [
        "from align.inner import value",
        "from align import inner",
        "import align.inner",
        "import align.inner as other",
        "def late():\n    from align.inner import value",
    ],
)
def test_imported_modules_count_however_they_are_imported(package, statement):
    script = package("script", "from align.middle import thing")
    package("align.middle", statement)
    package("align.inner", "value = 1")
    package("align.unrelated", "value = 1")
    first = code_hash(script)
    package("align.unrelated", "value = 2")
    assert code_hash(script) == first
    package("align.inner", "value = 2")
    assert code_hash(script) != first


def test_what_settings_name_counts_with_all_that_it_imports(package):
    script = package("script", "")
    package("align.named", "import align.inner")
    package("align.inner", "value = 1")
    first = code_hash(script, "align.named:thing")
    assert first != code_hash(script)
    package("align.inner", "value = 2")
    assert code_hash(script, "align.named:thing") != first


def test_modules_that_import_each_other(package):
    package("align.one", "import align.two")
    package("align.two", "import align.one")
    assert counted_modules(package("script", "import align.one")) == {"align.one", "align.two"}


def test_the_order_of_names_does_not_count(package):
    script = package("script", "")
    package("align.one", "a = 1")
    package("align.two", "a = 2")
    assert code_hash(script, "align.one:a", "align.two:a") == code_hash(script, "align.two:a", "align.one:a")
    assert code_hash(script, "align.one:a", "align.two:a") != code_hash(script, "align.one:a")


def test_an_unknown_module(package):
    with pytest.raises(ModuleNotFoundError, match=r"align\.absent"):
        code_hash(package("script", ""), "align.absent:thing")


@pytest.fixture
def own_copy(tmp_path, monkeypatch, forget):
    """A copy of this package, to be edited; a function that appends to one of its modules."""
    shutil.copytree(code_hashes.PACKAGE, tmp_path / "align", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code_hashes, "PACKAGE", tmp_path / "align")
    forget()

    def append(module, line):
        path = tmp_path.joinpath(*module.split("."))
        path = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
        with path.open("a") as file:
            file.write(f"\n{line}\n")
        forget()

    return append


def train(method):
    return code_hash(SCRIPTS / "train.py", METHODS[method].implementation, *METHODS[method].settings().implementations)


def evaluate(method):
    metrics = (METRICS[name].implementation for name in ("accuracy", "iou"))
    names = METHODS[method].implementation, *METHODS[method].settings().implementations
    return code_hash(SCRIPTS / "evaluate.py", *names, *metrics, "align.attribution.grad_cam:grad_cam")


COMPARED = ("erm", "sgt", "dre", "align")


@pytest.mark.parametrize(
    ("module", "trained", "evaluated"),
    [
        ("align.methods.erm", {"erm"}, {"erm"}),
        ("align.methods.align.method", {"align"}, {"align"}),
        ("align.methods.align.masker", {"align"}, {"align"}),
        ("align.methods.attribution_mixup", {"dre", "align"}, {"dre", "align"}),
        ("align.training.trainer", COMPARED, COMPARED),
        ("align.augmentation.colour", COMPARED, COMPARED),
        ("align.models.weights", COMPARED, COMPARED),
        ("align.preparation.listing", COMPARED, COMPARED),
        ("align.metrics.localisation.iou", (), COMPARED),
        ("align.metrics.prediction.auc", (), ()),  # not among the metrics here
        ("align.metrics.explain", (), COMPARED),
        ("align.figures.costs", (), ()),
        # What is registered counts by itself, a registry does not: a method more trains nothing again.
        ("align.methods", (), ()),
        ("align.metrics", (), ()),
        ("align.attribution", (), ()),
        # Exceptions.
        ("align.methods.settings", (), ()),
        ("align.configuration.schema", (), ()),
        ("align.training.progress", (), ()),
        ("align.training.state", (), ()),
        ("align.workflow.jobs", (), ()),
    ],
)
def test_which_runs_a_change_of_this_package_concerns(own_copy, module, trained, evaluated):
    before = {method: (train(method), evaluate(method)) for method in COMPARED}
    own_copy(module, "# a comment")
    assert {method: (train(method), evaluate(method)) for method in COMPARED} == before
    own_copy(module, "CHANGED = True")
    assert {method for method in COMPARED if train(method) != before[method][0]} == set(trained)
    assert {method for method in COMPARED if evaluate(method) != before[method][1]} == set(evaluated)


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_every_imported_module_counts(script, monkeypatch):
    read, first = code_hashes._syntax, code_hash.__wrapped__(script)
    for module in counted_modules(script):
        monkeypatch.setattr(code_hashes, "_syntax", lambda name, changed=module: f"{read(name)}{name == changed}")
        everything_else = code_hash.__wrapped__(script)
        monkeypatch.setattr(code_hashes, "_syntax", lambda name: f"{read(name)}False")
        assert code_hash.__wrapped__(script) not in (first, everything_else), module
        monkeypatch.setattr(code_hashes, "_syntax", read)


def test_every_exception_has_a_reason_and_stands_for_something():
    modules = [
        ".".join(path.relative_to(code_hashes.PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in code_hashes.PACKAGE.rglob("*.py")
    ]
    assert all(len(reason) > 10 for reason in NOT_COUNTED.values())
    for pattern in NOT_COUNTED:
        assert any(code_hashes.fnmatchcase(module, pattern) for module in modules), f"{pattern} matches no module"
    assert is_exception("align.training.progress")
    assert not is_exception("align.training.trainer")


def test_runs_that_are_given_learned_masks_depend_on_who_makes_them():
    content = {
        "datasets": {"scenes": {"source": {"digit_scenes": {}}, "root": "data/scenes"}},
        "experiments": {
            "one": {"dataset": "scenes", "methods": ["align"], "domains": ["china"], "seeds": [0]},
            "two": {"dataset": "scenes", "methods": [{"masked_erm": {"mask": "learned"}}], "domains": ["china"], "seeds": [0]},
        },
    }
    plan = RunPlan(load(content))
    align, masked = plan.runs
    assert "align.methods.align:ALIGN" in plan.run_code(masked)
    assert {"align.training.teacher", "align.methods.align.method"} <= counted_modules(
        SCRIPTS / "train.py", *plan.run_code(masked)
    )
    assert "align.training.teacher" not in counted_modules(SCRIPTS / "train.py", *plan.run_code(align))
