"""What is read one at a time, collected: all at once or in chunks, with what was rejected."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from slugline.data.opening import ReadOptions
from slugline.data.readers import check_any_read, check_rejected
from slugline.data.schema import Rejected

_Item = TypeVar("_Item")


def read_all(
    stream: Iterable[_Item | Rejected], noun: str, key: str = "data.path"
) -> tuple[list[_Item], list[Rejected]]:
    """Return what was read, and what was rejected; raise `InputError` when nothing could be read."""
    items = list(stream)
    rejected = [item for item in items if isinstance(item, Rejected)]
    read = [item for item in items if not isinstance(item, Rejected)]
    check_any_read(read, rejected, noun, key)
    return read, rejected


def stop_at_rejected(items: Iterable[_Item | Rejected], options: ReadOptions, key: str) -> Iterator[_Item | Rejected]:
    """Yield items; raise `InputError` at the first that was rejected, if `options.on_error` says so."""
    for item in items:
        if isinstance(item, Rejected):
            check_rejected([item], options, key)
        yield item


def in_chunks(
    stream: Iterable[_Item | Rejected], size: int, noun: str, group: Callable[[_Item], object]
) -> Iterator[tuple[list[_Item], list[Rejected]]]:
    """Cut a stream into chunks of `size` items or more, so that neighbours of one `group` stay together.

    Each chunk comes with what was rejected among its items. Raises `InputError`, which calls an item by `noun`, when
    nothing at all could be read.
    """
    read: list[_Item] = []
    rejected: list[Rejected] = []
    is_first = True
    for item in stream:
        if isinstance(item, Rejected):
            rejected.append(item)
            continue
        if len(read) >= size and group(item) != group(read[-1]):
            yield read, rejected
            is_first, read, rejected = False, [], []
        read.append(item)

    if is_first:
        check_any_read(read, rejected, noun)
    yield read, rejected
