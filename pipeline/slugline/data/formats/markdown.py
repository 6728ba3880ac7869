"""Markdown: an article a file, without its marks; the front matter says what is known about it."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from slugline.data.formats.foreign import foreign_errors, missing_extra
from slugline.data.formats.html import plain_text, without_title
from slugline.data.opening import InputFile
from slugline.data.schema import Rows

_FRONT_MATTER = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_SHARE = 32  # of the largest file: a mark may take 250 bytes in memory
_MARK, _MAX_MARKS = re.compile(r"[^\w \t\r]|_"), 100_000  # each takes some time
_MAX_FRONT_MATTER = 1 << 16  # characters; YAML is read slowly
_COLUMNS = {"date": "published", "link": "url", "lang": "language"}  # other names of columns


def read_markdown(file: InputFile) -> Rows:
    """Yield the whole file as one row: its text, and the texts and numbers of its front matter."""
    text, undecoded = file.read_text(_SHARE)
    if undecoded:
        yield file.name, undecoded
        return
    if (marks := len(_MARK.findall(text))) > _MAX_MARKS:
        yield file.name, f"{marks} marks and line ends in one file; allowed: {_MAX_MARKS}"
        return
    head = _FRONT_MATTER.match(text)
    cells = _read_front_matter(head[1]) if head else {}
    if isinstance(cells, str):
        yield file.name, cells
        return
    title, body = _to_text(text[head.end() :] if head else text)
    title = cells.get("title") or title
    yield file.name, {"article_id": file.name, **cells, "title": title, "text": without_title(body, title)}


def _read_front_matter(text: str) -> dict[str, Any] | str:
    """Return the cells of front matter, all as text, or why it cannot be read."""
    import yaml

    if len(text) > _MAX_FRONT_MATTER:
        return f"front matter of {len(text)} characters; allowed: {_MAX_FRONT_MATTER}"
    with foreign_errors("front matter"):
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes only text: `no` stays Norwegian
    if found in (None, ""):
        return {}
    if not isinstance(found, dict):
        return "front matter: no names with values; allowed: lines as `title: Truce holds`"
    texts = {str(name).strip().lower(): value for name, value in found.items() if isinstance(value, str)}
    return {_COLUMNS.get(name, name): value for name, value in texts.items()}


def _to_text(source: str) -> tuple[str | None, str]:
    """Return the first heading, if it is of the first level and stands first, and the text without marks."""
    try:
        from markdown_it import MarkdownIt
    except ImportError as error:
        raise missing_extra("markdown-it-py", "web") from error

    with foreign_errors("no Markdown that can be read"):
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source)
        blocks = [block for block in _blocks(tokens) if block.strip()]
    has_title = bool(tokens) and (tokens[0].type, tokens[0].tag) == ("heading_open", "h1") and blocks
    return (blocks[0] if has_title else None), "\n".join(blocks)


def _blocks(tokens: Sequence[Any]) -> Iterator[str]:
    """Yield the text of each block: a paragraph, a heading, an item, a cell, a piece of code."""
    for token in tokens:
        if token.type == "inline":
            yield "".join(_inline(token.children or []))
        elif token.type == "html_block":
            yield plain_text(token.content)
        elif token.type in ("fence", "code_block"):
            yield token.content.rstrip("\n")


def _inline(tokens: Sequence[Any]) -> Iterator[str]:
    """Yield the pieces of a line of text; pictures and tags are left out."""
    for token in tokens:
        if token.type == "softbreak":
            yield " "
        elif token.type == "hardbreak":
            yield "\n"
        elif token.type in ("text", "code_inline"):
            yield token.content
