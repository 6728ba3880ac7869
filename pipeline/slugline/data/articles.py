"""Articles: the rows of files become articles, their text cleaned and their cells made text."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import MISSING, dataclass, field, fields
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Any, TypeVar

from slugline.data.cleaning import DEFAULT_STEPS, Cleaned, clean
from slugline.data.dates import standardise_dates
from slugline.data.languages import primary_language
from slugline.data.opening import ReadOptions, sibling_key
from slugline.data.read_files import ReadFile
from slugline.data.readers import read_rows
from slugline.data.schema import ARTICLE_COLUMNS, NO_TEXT, Article, Rejected, Row, Rows, describe_no_header
from slugline.data.usual_names import OF_ARTICLES, find_usual
from slugline.errors import InputError, listing

_Item = TypeVar("_Item")
REPEATED_ID = "repeats the article_id"  # how the reason begins why such an article is rejected
_INEXACT = 2.0**53  # from which floats leave out whole numbers


@dataclass(frozen=True, kw_only=True)
class ArticleOptions(ReadOptions):
    """How articles are read from files, and what is done to their text.

    Parameters
    ----------
    language : str, optional
        The language of articles that do not say theirs, a tag as `de` or `pt-BR` (BCP 47); None: their text tells.
    cleaning : dict of str to bool
        Steps of cleaning to switch on or off: `mojibake, html_entities, control_characters, character_width,
        soft_hyphens, html_tags` change texts; `no_letters, comments, links, bylines, captions, notices, datelines,
        live_blog_stamps, boilerplate` mark debris. All are on but `soft_hyphens`, `html_tags` and `boilerplate`.
    """

    language: str | None = None
    cleaning: dict[str, bool] = field(default_factory=dict)


# Of each option with one value, what it is where nobody gives it
USUAL_OPTIONS = {option.name: option.default for option in fields(ArticleOptions) if option.default is not MISSING}


def read_articles(
    path: Any,
    options: ReadOptions | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    steps: Set[str] = DEFAULT_STEPS,
    cleaned: dict[str, list[str]] | None = None,
    key: str = "data.path",
    opened: list[ReadFile] | None = None,
) -> Iterator[tuple[str, Article | Rejected]]:
    """Read articles from the files that `find_files` finds, one at a time, each with its place (`file` or `file:line`).

    A row that is not an article, or repeats an id, comes as `Rejected`. `columns` says where the files have other names
    for article columns; those not given may have another usual name (body, headline, date); only `text` must be there.
    `keep` names further columns that the articles carry, in `Article.kept`; `key` and `opened` are as in `read_rows`,
    `steps` and `cleaned` as in `to_article`.
    """
    names = article_columns(columns or {}, sibling_key(key, "columns"))
    make = partial(read_article, columns=names, keep=keep, steps=steps, cleaned=cleaned)
    rows = read_article_rows(path, options, names, key=key, opened=opened)
    for where, row in reject_repeated_rows(rows, names):
        yield where, make(row, where)


def read_article_rows(
    path: Any,
    options: ReadOptions | None,
    columns: Mapping[str, str],
    *,
    key: str,
    opened: list[ReadFile] | None = None,
) -> Rows:
    """Read the rows that `to_article` makes articles of, usual names of columns understood and dates standardised.

    Which names these are is noted in `opened`, as what else is found out about the files.
    """
    files, named = [] if opened is None else opened, tuple(columns.items())
    rows = (
        (where, row if isinstance(row, str) else _under_our_names(row, named, files[-1].notes))
        for where, row in read_rows(path, options, key=key, columns=columns, opened=files)
    )
    return standardise_dates(rows, columns["published"], options, key)


def article_columns(columns: Mapping[str, str], key: str = "data.columns") -> dict[str, str]:
    """Return the name in the files of every article column.

    Raises `InputError` for an unknown article column; `key` is the setting that names them.
    """
    if not isinstance(columns, Mapping):
        raise InputError(f"{key}: found {columns!r}; allowed: a mapping as {{text: body}}")
    if unknown := [name for name in columns if name not in ARTICLE_COLUMNS]:
        raise InputError(f"{key}: unknown column '{unknown[0]}'; allowed: {listing(ARTICLE_COLUMNS)}")
    return {name: column_name(columns, name) for name in ARTICLE_COLUMNS}


def column_name(columns: Mapping[str, Any], name: str) -> str:
    """Return the name in the files of a column, its own unless another is given; a number names one without header."""
    given = columns.get(name)
    return name if given is None or given == "" else str(given)


def read_article(
    row: Row | str | Rejected, where: str, columns: Mapping[str, str], **options: Any
) -> Article | Rejected:
    """Make an article of what was read at a place, as `to_article` does; of what is none, say why, with its cells."""
    if isinstance(row, Rejected):
        return row
    return Rejected(where, row) if isinstance(row, str) else with_row(to_article(row, where, columns, **options), row)


def with_row(item: _Item | Rejected, row: Row) -> _Item | Rejected:
    """Return what was made of a row; what was rejected, with the cells of the row."""
    if not isinstance(item, Rejected):
        return item
    return item._replace(row={str(name): cell if _is_plain(cell) else cell_text(cell) for name, cell in row.items()})


def _is_plain(cell: object) -> bool:
    """Tell whether JSON has a cell as it is."""
    return cell is None or isinstance(cell, str | int | float)


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

    article_id = _get_id(row, where, columns)
    if isinstance(article_id, Rejected):
        return article_id
    if cleaned is not None:
        for step in text.steps:
            cleaned.setdefault(step, []).append(article_id)
    cells = {name: cell_text(row.get(column)) for name, column in columns.items()}
    title = clean(cells["title"], steps).text if cells["title"] else None
    metadata = (cells["published"], cells["source"], cells["url"], primary_language(cells["language"]))
    return Article(article_id, title, text.text, *metadata, tuple(cell_text(row.get(column)) for column in keep))


def reject_repeated_rows(rows: Rows, columns: Mapping[str, str]) -> Iterator[tuple[str, Row | str | Rejected]]:
    """Reject each row whose `article_id` an earlier row with a text has, even one that only cleaning shows to be empty.

    It takes about 160 bytes of memory a row: ids are remembered as 8 bytes of their BLAKE2b.
    """
    first_place: dict[bytes, str] = {}
    for where, row in rows:
        if isinstance(row, str) or not has_text(row, columns["text"]):
            yield where, row  # not an article, so it takes no id
            continue
        article_id = _get_id(row, where, columns)
        if isinstance(article_id, Rejected):
            yield where, with_row(article_id, row)
            continue
        key = blake2b(article_id.encode(), digest_size=8).digest()
        if first := first_place.get(key):
            yield where, with_row(Rejected(where, f"{REPEATED_ID} '{article_id}' of {first}"), row)
        else:
            first_place[key] = where
            yield where, row


def _under_our_names(row: Row, columns: tuple[tuple[str, str], ...], notes: list[str]) -> Row:
    """Return a row with a cell also under the name of each article column that it has under another usual name."""
    found = _find_columns(tuple(row), columns)
    notes.extend(note for _, _, note in found if note not in notes)
    return {**row, **{column: row[name] for column, name, _ in found}} if found else row


@lru_cache(maxsize=256)
def _find_columns(names: tuple[str, ...], columns: tuple[tuple[str, str], ...]) -> list[tuple[str, str, str]]:
    """Return the article columns that rows have under another usual name, each with that name and a note of it."""
    free = {name for name in names if name not in dict(columns).values()}
    missing = [column for column, name in columns if name == column and name not in names]
    usual = {column: find_usual((name for name in names if name in free), OF_ARTICLES[column]) for column in missing}
    return [(column, fitting[0], f"{column} from '{fitting[0]}'") for column, fitting in usual.items() if fitting]


def _get_id(row: Row, where: str, columns: Mapping[str, str]) -> str | Rejected:
    """Return the id of an article: its own, or its place; or why it cannot be one."""
    return read_id(row, columns["article_id"], where) or _spell_out(where)


def read_id(row: Row, column: str, where: str) -> str | Rejected | None:
    """Return the id in a column of a row as text, None where there is none, or why what is there is none.

    A number that is whole is written without a point: 7 and 7.0 are one id, as a column of ids with blanks is one of
    floats for pandas. Text stays as it is: "7.0" in CSV or in quotes in JSON is not "7".
    """
    value = row.get(column)
    if isinstance(value, Collection) and not isinstance(value, str):
        return Rejected(where, f"column '{column}' is {type(value).__name__}; an id is text or a number")
    if isinstance(value, float) and _INEXACT <= abs(value) < float("inf"):
        return Rejected(
            where, f"column '{column}' is {value}, a float that has lost digits; give ids as text or integers"
        )
    return cell_text(value)


def has_text(row: Row, column: str) -> bool:
    """Tell whether `get_text` finds a text, which only cleaning may show to be empty."""
    text = row.get(column)
    return isinstance(text, str) and "\0" not in text and bool(text.strip())


def get_text(row: Row, column: str, where: str, steps: Set[str] = DEFAULT_STEPS) -> Cleaned | Rejected:
    """Return the text in a column of a row, cleaned, or why there is none."""
    if column not in row:
        return Rejected(where, f"no column '{column}' {NO_TEXT}{listing(row)}{describe_no_header(row)}")

    text = row[column]
    if not isinstance(text, str):
        return Rejected(where, f"column '{column}' is {type(text).__name__}, not text")
    if "\0" in text:
        return Rejected(where, "binary, not text (NUL bytes)")

    cleaned = clean(text, steps)
    return cleaned if cleaned.text.strip() else Rejected(where, "empty text")


def cell_text(value: object) -> str | None:
    r"""Return a cell as text: dates as ISO 8601, the number 7.0 as "7", lists as JSON, an empty one as None.

    Lone surrogates (from JSON or from file names) are spelled out, as `\ud800`, since no file could hold them.
    """
    if value is None or value == "" or value != value:  # NaN alone differs from itself
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas makes whole numbers floats in a column with blanks
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Collection) and not isinstance(value, str):
        return _spell_out(json.dumps(value, ensure_ascii=False, default=str))
    return _spell_out(value.isoformat() if hasattr(value, "isoformat") else str(value))


def _spell_out(text: str) -> str:
    """Return a text with its lone surrogates spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()
