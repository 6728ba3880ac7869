"""The examples in docstrings run, and give what they show."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pipeline" / "slugline"


def modules_with_examples() -> list[str]:
    """Return the names of the modules whose docstrings have examples."""
    names = []
    for file in sorted(PACKAGE.rglob("*.py")):
        if ">>>" in file.read_text(encoding="utf-8"):
            parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
            names.append(".".join(part for part in parts if part != "__init__"))
    return names


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "slugline")) for name in modules_with_examples()],
)
def test_the_examples_of_a_module_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = doctest.testmod(import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0
    assert results.attempted > 0


def test_what_a_newcomer_calls_first_has_an_example() -> None:
    assert {"slugline", "slugline.components", "slugline.data.sentences", "slugline.labels.taxonomy"} <= set(
        modules_with_examples()
    )
