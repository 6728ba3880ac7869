"""Dates as people and machines write them, read as ISO 8601; the order of day and month is found from all."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache

from slugline.data.month_names import to_english
from slugline.data.opening import ReadOptions, sibling_key
from slugline.data.schema import Row, Rows
from slugline.errors import InputError, listing

DAY_FIRST, MONTH_FIRST = ORDERS = ("day_first", "month_first")
_HELD_ROWS = 10_000  # that wait for a date which tells the order of day and month

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?( ?(Z|[+-]\d\d(:?\d\d)?))?)?")
_YEAR_OR_MONTH = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?")
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})(?!\d)")
_TWO_ORDERS = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4}|\d\d)(?!\d)")
_DOTTED = re.compile(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4}|\d\d)(?!\d)")
_NUMBER = re.compile(r"\d+(\.\d*)?")
_MAIL = re.compile(r"[A-Z][a-z]{2}, ?\d{1,2} ")
_FIRST_SECOND, _LAST_SECOND = 1e8, 1e11  # since 1970: what is less is no date, what is more is in smaller units
_ZONES = {"UTC": 0, "GMT": 0, "Z": 0, "BST": 1, "CET": 1, "CEST": 2}
_ZONES |= {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}


def standardise_dates(rows: Rows, column: str, options: ReadOptions | None, key: str) -> Rows:
    """Yield rows, the dates in a column as ISO 8601; those that are not understood stay as they are.

    `options.dates` says how 03/04/2024 is read; without it, the other dates of the rows tell. Raises `InputError` where
    they do not tell or contradict each other; `key` is the setting beside which that of the dates stands.
    """
    order, setting = options.dates if options else None, sibling_key(key, "dates")
    if order is not None and order not in ORDERS:
        raise InputError(f"{setting}={order}; allowed: {listing(ORDERS)}, or null: as the other dates tell")
    if order is None:
        yield from _standardise_by_each_other(rows, column, setting)
    else:
        for where, row in rows:
            yield where, _with_date(row, column, order)


def count_dates(published: Iterable[str | None]) -> dict[str, int]:
    """Count the dates of articles: `dated`, and `undated` where something else than a date stands in its place."""
    texts = [text for text in published if isinstance(text, str)]
    dated = sum(map(is_date, texts))
    return {"dated": dated, "undated": len(texts) - dated}


def describe_dates(dated: int, undated: int) -> str:
    """Return how many dates are understood, from the counts of `count_dates`; "" where there are no dates."""
    advice = (
        "; the others count as none: allowed are ISO 8601 and most ways to write year, month and day in digits or words"
    )
    return f"{dated} of {dated + undated} dates understood{advice if undated else ''}" if dated + undated else ""


def is_date(text: str | None) -> bool:
    """Tell whether a text is a date in ISO 8601."""
    return bool(text) and (_is_iso(str(text)) or bool(_YEAR_OR_MONTH.fullmatch(str(text))))


@lru_cache(maxsize=1 << 14)
def parse_date(text: str, order: str | None = None) -> str | None:
    """Return a date in ISO 8601, or None for what is no date with a year, or one of two possible orders.

    Read are ISO 8601, as it is; seconds (milli-, micro-, nanoseconds) since 1970; e-mail's (RFC 5322); and with
    dateutil, days beside months in digits or words, of English and ten other languages.

    Examples
    --------
    >>> parse_date("1-Dec-23"), parse_date("Tue, 5 Mar 2024 10:00 GMT"), parse_date("27.02.2024")
    ('2023-12-01', '2024-03-05T10:00:00+00:00', '2024-02-27')
    >>> parse_date("03/04/2024"), parse_date("03/04/2024", "day_first"), parse_date("soon")
    (None, '2024-04-03', None)
    """
    text = text.strip()
    if is_date(text):
        return text
    if _NUMBER.fullmatch(text):
        return _parse_number(text)
    if order is None and _has_two_orders(text):
        return None
    moment = _parse_mail_date(text) or _parse_words(text, order)
    if moment is None and (translated := to_english(text)) != text:
        moment = _parse_words(translated, order)
    if moment is None:
        return None
    has_time = moment.tzinfo or (moment.hour, moment.minute, moment.second) != (0, 0, 0) or ":" in text
    return moment.isoformat() if has_time else moment.date().isoformat()


# ---- cells


def _standardise_by_each_other(rows: Rows, column: str, setting: str) -> Rows:
    """Yield rows with their dates in ISO 8601; those from the first of two orders on wait for one that tells which."""
    order, told_by = None, ""
    held: list[tuple[str, Row | str]] = []
    for where, row in rows:
        cell = _date_cell(row, column)
        shown = _shown_order(cell)
        if shown and order and shown != order:
            problem = f"{where}: {column} is {cell!r}, which has another order of day and month than {told_by!r} before"
            raise InputError(f"{problem}; say by {setting}={' or '.join(ORDERS)} how those that fit both are read")
        if shown and order is None:
            order, told_by = shown, str(cell)

        held.append((where, row))
        if order is None and (len(held) > 1 or _has_two_orders(cell)):
            if len(held) < _HELD_ROWS:
                continue
            break
        for place, waiting in held:
            yield place, _with_date(waiting, column, order)
        held = []
    if held:
        raise InputError(_describe_ambiguous(*held[0], column, setting))


def _with_date(row: Row | str, column: str, order: str | None) -> Row | str:
    """Return a row with its date in ISO 8601, if it is understood."""
    cell = _date_cell(row, column)
    date = parse_date(cell, order) if cell else None
    return row if date is None or date == cell or isinstance(row, str) else {**row, column: date}


def _date_cell(row: Row | str, column: str) -> str | None:
    """Return what a row has for a date, as text; None for nothing, and for what is a date already."""
    value = None if isinstance(row, str) else row.get(column)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def _has_two_orders(cell: str | None) -> bool:
    """Tell whether a date could begin with the day or with the month."""
    match = _TWO_ORDERS.match(cell.strip()) if cell else None
    return match is not None and max(int(match[1]), int(match[3])) <= 12 and int(match[1]) != int(match[3])


def _shown_order(cell: str | None) -> str | None:
    """Return the order of day and month that a date shows, None where it shows none."""
    match = _TWO_ORDERS.match(cell.strip()) if cell else None
    if not match or max(int(match[1]), int(match[3])) <= 12 or min(int(match[1]), int(match[3])) > 12:
        return None
    return DAY_FIRST if int(match[1]) > 12 else MONTH_FIRST


def _describe_ambiguous(where: str, row: Row | str, column: str, setting: str) -> str:
    """Return that no date tells the order of day and month, with both readings of the first."""
    cell = str(_date_cell(row, column))
    readings = [f"{parse_date(cell, order)} with {setting}={order}" for order in ORDERS]
    return f"{where}: {column} is {cell!r}, and no other date tells which is the day: {' or '.join(readings)}"


# ---- ways to write a date


def _is_iso(text: str) -> bool:
    """Tell whether a text is a day or moment in ISO 8601."""
    if not _ISO.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _parse_number(text: str) -> str | None:
    """Return the day of 20240305, or the moment of a count since 1970: seconds, or smaller units where it is larger."""
    try:
        if len(text) == len("20240305"):
            return datetime.strptime(text, "%Y%m%d").date().isoformat()
        count = float(text)
        if count < _FIRST_SECOND:
            return None
        unit = next(unit for unit in (1, 1e3, 1e6, 1e9) if count / unit < _LAST_SECOND or unit == 1e9)
        return datetime.fromtimestamp(count / unit, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _parse_mail_date(text: str) -> datetime | None:
    """Return the moment of a date as e-mails and feeds have it."""
    if not _MAIL.match(text):
        return None
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _parse_words(text: str, order: str | None) -> datetime | None:
    """Return a day or moment that has year, month and day, in digits or with a name of the month."""
    from dateutil.parser import parse

    year_first = _YEAR_FIRST.match(text)
    day_first = not year_first and (bool(_DOTTED.match(text)) or order == DAY_FIRST)
    if year_first:
        text = "-".join(year_first.groups()) + text[year_first.end() :]
    try:
        # What the text lacks comes from the default: two of them show whether it lacks anything.
        defaults = (datetime(2000, 1, 1), datetime(2001, 2, 2))
        dates = [parse(text, dayfirst=day_first, default=default, tzinfos=_zone) for default in defaults]
    except (ValueError, OverflowError, TypeError):  # the last: of some texts without any date
        return None
    return dates[0] if dates[0] == dates[1] else None


def _zone(name: str | None, offset: int | None) -> timezone | None:
    """Return a time zone by its offset in seconds or its abbreviation, None without both; refuse an unknown one."""
    if name is None and offset is None:
        return None
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    if name not in _ZONES:
        raise ValueError(f"unknown time zone {name}")
    return timezone(timedelta(hours=_ZONES[name]))
