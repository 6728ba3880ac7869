r"""Rows of CSV whose quotes are not those of RFC 4180: stray, escaped by backslashes, or after a blank.

Such a row is read if there is exactly one way to cut it into as many fields as the first line has.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

_MOST_SEGMENTS, _MOST_WORK = 10_000, 100_000  # beyond, a row is not tried


def read_loosely(text: str, separator: str, width: int) -> list[str] | str:
    r"""Return the `width` fields of a row without its line end, or why they cannot be told.

    A field is a text without separator, or one between quotes, in which there may be separators, line ends and quotes
    of any kind.

    Examples
    --------
    >>> read_loosely('"He said "no, thanks"",x', ",", 2)
    ['He said "no, thanks"', 'x']
    >>> read_loosely(r'"He said \"no\"",x', ",", 2)
    ['He said "no"', 'x']
    >>> read_loosely('"open,y', ",", 2)
    'its quotes do not close'
    """
    segments = text.split(separator)
    starts = {place for place, segment in enumerate(segments) if segment.lstrip(" ").startswith('"')}
    ends = [place for place, segment in enumerate(segments) if _closes(segment.rstrip(" "))]
    if not starts and "\n" not in text and "\r" not in text:
        return segments if len(segments) == width else _describe_width(len(segments), width)
    if len(segments) > _MOST_SEGMENTS or len(starts) * len(ends) * width > _MOST_WORK:
        return "its quotes do not match"

    ways = _find_ways(segments, starts, ends, width)
    if not ways:
        return "its quotes do not close" if text.count('"') % 2 else _describe_width(len(segments), width)
    if len(ways) > 1:
        return "its quotes can be read in several ways"
    bounds = [0, *ways[0]]
    return [_unquote(separator.join(segments[i:j])) for i, j in pairwise(bounds)]


def is_balanced(text: str) -> bool:
    """Tell whether each quote may have its other one; those after a backslash are set aside."""
    return (text.count('"') - text.count('\\"')) % 2 == 0


def _describe_width(found: int, width: int) -> str:
    """Return that a row has too few or too many fields, or that it is the first one and broken."""
    if not width:
        return "the quotes of the first line do not match"
    return f"{found} fields where the first line has {width}"


def _find_ways(segments: Sequence[str], starts: set[int], ends: Sequence[int], width: int) -> list[tuple[int, ...]]:
    """Return up to two ways to join segments into `width` fields, each as the places where a field ends."""
    ways: list[dict[int, list[tuple[int, ...]]]] = [{} for _ in segments] + [{0: [()]}]
    for place in reversed(range(len(segments))):
        for end in _field_ends(segments[place], place, starts, ends):
            for count, rest in ways[end].items():
                known = ways[place].setdefault(count + 1, []) if count < width else []
                known += [(end, *way) for way in rest[: 2 - len(known)]]
    return ways[0].get(width, [])


def _field_ends(segment: str, place: int, starts: set[int], ends: Sequence[int]) -> Iterable[int]:
    """Yield where a field that begins with a segment may end."""
    is_quoted = place in starts and place in ends and len(segment.strip(" ")) > 1
    is_bare = not ("\n" in segment or "\r" in segment) and (place not in starts or segment.count('"') % 2 == 0)
    if is_quoted or is_bare:
        yield place + 1
    if place in starts and not _is_whole(segment.strip(" ")):
        yield from (end + 1 for end in ends if end > place)


def _is_whole(segment: str) -> bool:
    """Tell whether a segment is a field between quotes, with none inside that are not doubled or escaped."""
    inside = segment[1:-1].replace('""', "").replace('\\"', "")
    return len(segment) > 1 and _closes(segment) and '"' not in inside


def _closes(segment: str) -> bool:
    r"""Tell whether a segment ends with a quote that may close a field; one after a backslash is part of the text."""
    return segment.endswith('"') and not (segment.endswith('\\"') and not segment.endswith('\\\\"'))


def _unquote(field: str) -> str:
    """Return the text of a field, quotes around it taken off and those inside it as they were meant."""
    stripped = field.strip(" ")
    if not (len(stripped) > 1 and stripped.startswith('"') and _closes(stripped)):
        return field
    inside = stripped[1:-1]
    if '\\"' in inside:
        return inside.replace('\\"', '"').replace("\\\\", "\\")
    return inside.replace('""', '"')
