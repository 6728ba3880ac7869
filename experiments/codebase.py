"""How a package reads, in numbers: sizes, arguments, comments, blank lines, names that nobody else uses, docstrings.

python experiments/codebase.py                        # this package
python experiments/codebase.py PATH/TO/PACKAGE ...    # others beside it, such as semhash in site-packages
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

OURS = Path(__file__).parents[1] / "pipeline" / "slugline"
LONG = 40  # lines of code of a function, docstring, comments and blank lines not counted
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SECTION = re.compile(r"^\s*(Parameters|Args|Arguments|Attributes|:param\b)", re.MULTILINE)
EXAMPLE = re.compile(r"^\s*>>>", re.MULTILINE)


def main(packages: list[Path]) -> None:
    """Print a row of figures for each measure, a column for each package."""
    table = {package.name: measure(package) for package in packages}
    print(pd.DataFrame(table).to_string())


def measure(package: Path) -> dict[str, Any]:
    """Return the figures of a package."""
    files = {file: file.read_text(encoding="utf-8") for file in sorted(package.rglob("*.py"))}
    trees = {file: ast.parse(text) for file, text in files.items()}
    functions = [(file, node) for file, tree in trees.items() for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    lines = sum(len(text.splitlines()) for text in files.values())
    comprehensions = sum(isinstance(node, COMPREHENSIONS) for tree in trees.values() for node in ast.walk(tree))
    blank, inside = map(sum, zip(*(blank_lines(files[file], node) for file, node in functions), strict=True))
    public = list(public_functions(trees))
    unused = [name for file, name in public if not used_elsewhere(file, name, files)]
    docstrings = [text for tree in trees.values() for text in docstrings_of(tree)]
    return {
        "lines": lines,
        "lines without docstrings": lines - sum(text.count("\n") + 1 for text in docstrings),
        "largest file, lines": max(len(text.splitlines()) for text in files.values()),
        f"functions above {LONG} lines of code": f"{sum(code_lines(files[f], n) > LONG for f, n in functions)} of {len(functions)}",
        "most arguments of a function": max(count_arguments(node) for _, node in functions),
        "most positional arguments": max(len(node.args.posonlyargs + node.args.args) for _, node in functions),
        "comments in 100 lines": f"{100 * sum(map(count_comments, files.values())) / lines:.1f}",
        "comprehensions in 100 lines": f"{100 * comprehensions / lines:.1f}",
        "blank lines inside functions": f"{blank / max(1, inside):.1%}",
        "public functions that no other module names": f"{len(unused)} of {len(public)}",
        "docstrings with parameters": f"{sum(bool(SECTION.search(text)) for text in docstrings)} of {len(docstrings)}",
        "docstrings with an example": sum(bool(EXAMPLE.search(text)) for text in docstrings),
    }


def body_range(node: Any) -> range:
    """Return the lines of a function's body, its docstring left out."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return range(body[0].lineno, node.end_lineno + 1) if body else range(0)


def code_lines(text: str, node: Any) -> int:
    """Return how many lines of a function hold code."""
    lines = text.splitlines()
    held = [lines[number - 1].strip() for number in body_range(node)]
    return sum(bool(line) and not line.startswith("#") for line in held)


def blank_lines(text: str, node: Any) -> tuple[int, int]:
    """Return how many lines of a function's body are blank, and how many there are."""
    lines = text.splitlines()
    held = [lines[number - 1].strip() for number in body_range(node)]
    return sum(not line for line in held), len(held)


def count_arguments(node: Any) -> int:
    """Return how many arguments a function takes, `self` and `cls` left out."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in arguments)


def count_comments(text: str) -> int:
    """Return how many comments a file has."""
    return sum(token.type == tokenize.COMMENT for token in tokenize.generate_tokens(io.StringIO(text).readline))


def public_functions(trees: dict[Path, ast.Module]) -> Iterator[tuple[Path, str]]:
    """Yield the functions of modules whose names do not begin with an underscore."""
    for file, tree in trees.items():
        for node in tree.body:
            if isinstance(node, FUNCTIONS) and not node.name.startswith("_"):
                yield file, node.name


def used_elsewhere(file: Path, name: str, files: dict[Path, str]) -> bool:
    """Tell whether another file of the package names a function."""
    word = re.compile(rf"\b{name}\b")
    return any(word.search(text) for other, text in files.items() if other != file)


def docstrings_of(tree: ast.Module) -> Iterator[str]:
    """Yield the docstrings of a module, its classes and functions."""
    kinds = (ast.Module, ast.ClassDef, *FUNCTIONS)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            yield text


if __name__ == "__main__":
    main([OURS, *map(Path, sys.argv[1:])])
