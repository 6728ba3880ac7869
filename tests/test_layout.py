"""The package keeps to its design: imports go one way, heavy ones come late, and all that is public is explained."""

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pipeline" / "slugline"
FILES = sorted(PACKAGE.rglob("*.py"))
# From top to bottom, never back. Rooms of one line do not import each other; inside a room there are no circles.
ORDER = [
    ["errors", "launch"],
    ["components", "files", "known_sentences", "spreadsheets", "terminal"],
    ["project"],
    ["cache"],
    ["data"],
    ["duplicates"],
    ["labels", "splits", "ngrams", "encoder", "svm", "scoring"],
    ["dataset"],
    ["model"],
    ["finetune"],
    ["training", "prediction", "monitoring", "promotion", "review", "annotate"],
    ["report"],
    ["tracking"],
    ["candidates", "recording"],
    ["job"],
    ["fitting"],
    ["workflow"],
    ["config"],
    ["commands"],
    ["cli"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
HEAVY = {"sklearn", "pandas", "mlflow", "scipy", "matplotlib", "pyarrow", "hydra"}


def dotted(file: Path) -> str:
    """Return the name of a file's module below the package: `labels.rules`, "labels" for the room itself."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {dotted(file): file for file in FILES if file.parent != PACKAGE or not file.name.startswith("__")}


def imports(file: Path) -> set[str]:
    """Return the full names of everything a file imports, at the top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def ours(file: Path) -> set[str]:
    """Return the modules of Slugline that a file imports, each by its longest name that is a module."""
    names = {name.removeprefix("slugline.") for name in imports(file) if name.startswith("slugline.")}
    found = set()
    for name in names:
        parts = name.split(".")
        known = [".".join(parts[:end]) for end in range(len(parts), 0, -1) if ".".join(parts[:end]) in MODULES]
        found |= set(known[:1])
    return found - {dotted(file)}


def room(name: str) -> str:
    """Return the room of a module: the first word of its name."""
    return name.partition(".")[0]


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_from_top_to_bottom_of_the_design_and_never_back(name):
    assert room(name) in RANK, f"{room(name)} has no place in the order; give it one"
    others = {other for other in ours(MODULES[name]) if room(other) != room(name)}
    assert {other for other in others if RANK[room(other)] >= RANK[room(name)]} == set()


def test_no_file_imports_itself_by_way_of_others():
    graph = {name: ours(file) for name, file in MODULES.items()}

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' -> '.join([*path[path.index(name) :], name])}"
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*path, name))
            done.add(name)

    done: set[str] = set()
    for name in graph:
        visit(name, ())


def test_commands_do_not_import_each_other():
    commands = [name for name in MODULES if name.startswith("commands.")]
    assert {(name, other) for name in commands for other in ours(MODULES[name]) if other in commands} == set()


EDGES = {
    "mlflow": {"tracking"},
    "torch": {"finetune"},
    "hydra": {"cli", "config"},
    "omegaconf": {"config"},
}


@pytest.mark.parametrize("library", EDGES)
def test_a_library_at_the_edge_is_imported_there_alone(library):
    users = {room(name) for name, file in MODULES.items() for used in imports(file) if room(used) == library}
    assert users == EDGES[library]


def test_only_the_command_line_prints_and_exits():
    users = set()
    for name, file in MODULES.items():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.exit"):
                users.add(room(name))
    assert users == {"cli", "commands", "config"}


def test_the_guide_to_the_layout_names_every_room():
    table = (PACKAGE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Where is")[0]
    rooms = {name for row in ORDER for name in row}
    assert {name for name in rooms if f"`{name}/`" not in table and f"`{name}.py`" not in table} == set()


PROBES = {
    "the command line": ("import slugline.cli", HEAVY | {"numpy", "omegaconf"}),
    "help": (
        "import sys; sys.argv = ['slugline', '--help']; import slugline.cli; slugline.cli.main()",
        HEAVY | {"numpy", "omegaconf"},
    ),
    "the package": ("import slugline", HEAVY | {"numpy", "omegaconf"}),
    "the reading of articles": ("import slugline.data.readers, slugline.data.sentences", HEAVY | {"numpy", "ftfy"}),
    "the model": (
        "import slugline.model; slugline.load_model",
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


def test_every_word_of_the_order_is_a_room():
    assert set(RANK) == {room(name) for name in MODULES}


def test_every_name_that_a_room_offers_is_there():
    rooms = [".".join(file.relative_to(PACKAGE.parent).parent.parts) for file in FILES if file.name == "__init__.py"]
    modules = {room: import_module(room) for room in rooms}
    assert not [
        (room, name)
        for room, module in modules.items()
        for name in getattr(module, "__all__", ())
        if not hasattr(module, name)
    ]


@pytest.mark.parametrize(
    "script", sorted((PACKAGE.parents[1] / "experiments").glob("*.py")), ids=lambda file: file.stem
)
def test_what_a_study_imports_of_the_package_is_there(script):
    names = [name.rpartition(".") for name in imports(script) if name.startswith("slugline.")]
    assert [name for module, _, name in names if not hasattr(import_module(module), name)] == []


@pytest.mark.slow
def test_every_experiment_can_be_imported():
    code = """
import importlib, sys
folder, *names = sys.argv[1:]
sys.path.insert(0, folder)
for name in names:
    sys.argv = [name]
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in ("re2", "fasttext", "spacy", "setfit"):  # what is compared with, installed by hand
            raise
"""
    folder = Path(__file__).parents[1] / "experiments"
    names = sorted(file.stem for file in folder.glob("*.py"))
    assert len(names) > 10
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), *names], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
