"""Articles: the rows of files become articles, their text cleaned and their cells made text."""

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from hashlib import blake2b
from typing import Any

from slugline.data.cleaning import DEFAULT_STEPS, Cleaned, clean
from slugline.data.input_files import sibling_key
from slugline.data.languages import primary_language
from slugline.data.readers import Row, Rows, read_rows
from slugline.data.schema import ARTICLE_COLUMNS, Article, Rejected
from slugline.errors import InputError, listing

REPEATED_ID = "repeats the article_id"  # how the reason begins why such an article is rejected


def read_articles(
    path: Any,
    format: str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    keep: Sequence[str] = (),
    steps: Set[str] = DEFAULT_STEPS,
    cleaned: dict[str, list[str]] | None = None,
    key: str = "data.path",
) -> Iterator[tuple[str, Article | Rejected]]:
    """Read articles from the files that `find_files` finds, one at a time, each with its place (`file` or `file:line`).

    A row that is not an article comes as `Rejected`. `columns` says where the files have other names for article
    columns; only `text` must be there. `keep` names further columns that the articles carry, in `Article.kept`; `key`
    is the setting that names the path. `steps` and `cleaned` are as in `to_article`.
    """
    names = article_columns(columns or {}, sibling_key(key, "columns"))
    make = partial(to_article, columns=names, keep=keep, steps=steps, cleaned=cleaned)
    for where, row in read_rows(path, format, encoding, key=key):
        yield where, Rejected(where, row) if isinstance(row, str) else make(row, where)


def article_columns(columns: Mapping[str, str], key: str = "data.columns") -> dict[str, str]:
    """Return the name in the files of every article column.

    Raises `InputError` for an unknown article column; `key` is the setting that names them.
    """
    if not isinstance(columns, Mapping):
        raise InputError(f"{key}: found {columns!r}; allowed: a mapping as {{text: body}}")
    if unknown := [name for name in columns if name not in ARTICLE_COLUMNS]:
        raise InputError(f"{key}: unknown column '{unknown[0]}'; allowed: {listing(ARTICLE_COLUMNS)}")
    return {name: columns.get(name) or name for name in ARTICLE_COLUMNS}


def to_article(
    row: Row,
    where: str,
    columns: Mapping[str, str],
    keep: Sequence[str] = (),
    *,
    steps: Set[str] = DEFAULT_STEPS,
    cleaned: dict[str, list[str]] | None = None,
) -> Article | Rejected:
    """Make an article of a row, or say why it is not one.

    `where` is the place of the row, which becomes the `article_id` of an article without one; `columns` come from
    `article_columns`; the cells of the columns in `keep` become `Article.kept`. `steps` are those of cleaning; each
    adds the id of an article whose text it changes to its list in `cleaned`.
    """
    text = get_text(row, columns["text"], where, steps)
    if isinstance(text, Rejected):
        return text

    cells = {name: cell_text(row.get(column)) for name, column in columns.items()}
    article_id = _get_id(row, where, columns)
    if cleaned is not None:
        for step in text.steps:
            cleaned.setdefault(step, []).append(article_id)
    title = clean(cells["title"], steps).text if cells["title"] else None
    metadata = (cells["published"], cells["source"], cells["url"], primary_language(cells["language"]))
    return Article(article_id, title, text.text, *metadata, tuple(cell_text(row.get(column)) for column in keep))


def mark_repeated_ids(rows: Rows, columns: Mapping[str, str]) -> Rows:
    """Put in place of each row whose `article_id` an earlier article has why it is not one, as training does.

    It takes about 100 bytes of memory an article: ids are remembered as 8 bytes of their BLAKE2b.
    """
    seen: set[bytes] = set()
    for where, row in rows:
        text = None if isinstance(row, str) else row.get(columns["text"])
        if isinstance(row, str) or not isinstance(text, str) or not text.strip() or "\0" in text:
            yield where, row  # not an article, so it takes no id
            continue
        article_id = _get_id(row, where, columns)
        key = blake2b(article_id.encode(), digest_size=8).digest()
        yield where, f"{REPEATED_ID} '{article_id}' of an earlier article" if key in seen else row
        seen.add(key)


def _get_id(row: Row, where: str, columns: Mapping[str, str]) -> str:
    """Return the id of an article: its own, or its place."""
    return cell_text(row.get(columns["article_id"])) or _spell_out(where)


def get_text(row: Row, column: str, where: str, steps: Set[str] = DEFAULT_STEPS) -> Cleaned | Rejected:
    """Return the text in a column of a row, cleaned, or why there is none."""
    if column not in row:
        return Rejected(where, f"no column '{column}' for the text; found: {listing(row)}")

    text = row[column]
    if not isinstance(text, str):
        return Rejected(where, f"column '{column}' is {type(text).__name__}, not text")
    if "\0" in text:
        return Rejected(where, "binary, not text (NUL bytes)")

    cleaned = clean(text, steps)
    return cleaned if cleaned.text.strip() else Rejected(where, "empty text")


def cell_text(value: object) -> str | None:
    r"""Return a cell of a table as text: dates as ISO 8601, 7.0 as "7", None for an empty cell.

    Lone surrogates (from JSON or from file names) are spelled out, as `\ud800`, since no file could hold them.
    """
    if value is None or value == "" or value != value:  # NaN alone differs from itself
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas makes whole numbers floats in a column with blanks
    return _spell_out(value.isoformat() if hasattr(value, "isoformat") else str(value))


def clean_text(text: str) -> str:
    """Return a text cleaned by the default steps; see `slugline.data.cleaning.clean`."""
    return clean(text).text


def _spell_out(text: str) -> str:
    """Return a text with its lone surrogates spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()
