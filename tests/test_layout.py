"""The package keeps to its design: imports go one way, heavy ones come late, and all that is public is explained."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pipeline"
FILES = sorted(PACKAGE.rglob("*.py"))
# top to bottom, never back, and nothing from its own line; a command and what stands beside it share a line of their own
ORDER = [
    ["tables"],
    ["cache"],
    ["articles", "sentences", "labels", "splits", "features", "metrics", "sampling", "config"],
    ["corpus", "annotations"],
    ["material"],
    ["models"],
    ["evaluation", "drift"],
    ["report"],
    ["tracking"],
    ["crews", "records", "search", "stream", "sweep", "ui", "export"],
    ["train", "predict", "label", "review", "compare", "promote", "reproduce", "monitor"],
    ["cli", "plugins"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
HEAVY = {"sklearn", "pandas", "mlflow", "scipy", "matplotlib", "pyarrow", "hydra"}


def module(file: Path) -> str:
    """Return the module, one word, that a file belongs to."""
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(file: Path) -> set[str]:
    """Return the full names of everything a file imports, at the top, inside functions, or by `import_module`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def ours(file: Path) -> set[str]:
    """Return the modules of Slugline that a file imports, its own left out."""
    names = {name.split(".")[1] for name in imports(file) if name.startswith("pipeline.")}
    return {name for name in names if (PACKAGE / f"{name}.py").exists() or (PACKAGE / name).is_dir()} - {module(file)}


MODULES = [file for file in FILES if file.parent != PACKAGE or not file.name.startswith("__")]


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_from_top_to_bottom_of_the_design_and_never_back(file):
    assert module(file) in RANK, f"{module(file)} has no place in the order; give it one"
    back = {name for name in ours(file) if RANK[name] >= RANK[module(file)]}
    if module(file) == "tracking":
        back -= {"models"}
    assert back == set()


def test_commands_do_not_import_each_other():
    commands = {"train", "predict", "label", "review", "compare", "promote", "reproduce", "monitor", "ui", "export"}
    assert {
        (module(file), name) for file in FILES if module(file) in commands for name in ours(file) & commands
    } == set()


@pytest.mark.parametrize(("library", "allowed"), [("mlflow", {"tracking"}), ("hydra", {"cli", "config", "plugins"})])
def test_a_library_at_the_edge_is_imported_there_alone(library, allowed):
    users = {module(file) for file in FILES for name in imports(file) if name.split(".")[0] == library}
    assert users == allowed


PROBES = {
    "the command line": ("import pipeline.cli", HEAVY | {"numpy", "omegaconf"}),
    "help": (
        "import sys; sys.argv = ['slugline', '--help']; import pipeline.cli; pipeline.cli.main()",
        HEAVY | {"numpy", "omegaconf"},
    ),
    "the package": ("import pipeline", HEAVY | {"numpy", "omegaconf"}),
    "the reading of articles": ("import pipeline.articles, pipeline.sentences", HEAVY | {"numpy", "ftfy"}),
    "the model": (
        "import pipeline.models; pipeline.load_model",
        {"sklearn", "pandas", "mlflow", "hydra", "matplotlib"},
    ),
}


@pytest.mark.parametrize("what", PROBES)
def test_heavy_libraries_are_imported_late(what):
    code, heavy = PROBES[what]
    probe = f"{code}\nimport json, sys\nprint(json.dumps(sorted({heavy!r} & set(sys.modules))))"
    run = subprocess.run([sys.executable, "-c", probe], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.splitlines()[-1]) == []


def public(file: Path) -> list[tuple[str, ast.AST]]:
    """Return the public functions, classes and methods of a file, and the file itself."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    top = [node for node in tree.body if isinstance(node, kinds)]
    classes = [node for node in top if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    inside = [node for owner in classes for node in owner.body if isinstance(node, kinds)]
    return [(file.name, tree), *((node.name, node) for node in [*top, *inside] if not node.name.startswith("_"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_all_that_is_public_is_explained_in_a_line_to_begin_with(file):
    for name, node in public(file):
        text = ast.get_docstring(node)
        assert text, f"{file.name}: {name} has no docstring"
        assert text.splitlines()[0].rstrip().endswith((".", ":")), f"{file.name}: {name}: {text.splitlines()[0]}"


def test_no_module_has_a_name_that_says_nothing():
    assert {file.stem for file in FILES} & {"utils", "helpers", "common", "base", "core", "misc"} == set()


def test_every_word_of_the_order_is_a_module():
    assert {name for name in RANK if not ((PACKAGE / f"{name}.py").exists() or (PACKAGE / name).is_dir())} == set()
