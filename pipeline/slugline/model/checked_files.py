"""Reading files that a stranger may have written: each is checked before it is believed."""

import json
import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from slugline.errors import InputError, listing, one_line


def check(holds: bool, folder: Path, problem: str) -> None:
    """Raise `InputError` with the folder and the problem unless a condition holds."""
    if not holds:
        raise InputError(f"model {folder}: {problem}")


def check_count(folder: Path, name: str, count: int, limit: int) -> None:
    """Raise `InputError` unless there is at least one item and at most so many."""
    check(0 < count <= limit, folder, f"{count} {name}; allowed: 1 to {limit}")


def check_choice(folder: Path, name: str, value: Any, allowed: Sequence[str | None]) -> None:
    """Raise `InputError` unless a value of the header is among those allowed, which are named as JSON writes them."""
    names = listing("null" if choice is None else choice for choice in allowed)
    check(value in allowed, folder, f"{name} {show(value)}; allowed: {names}")


def show(value: Any) -> str:
    """Return a value of the header for a message: as JSON where it is null, true or false, and cut where it is long."""
    return json.dumps(value) if value is None or isinstance(value, bool) else f"{value!r:.40}"


def regular_file(folder: Path, name: str) -> Path:
    """Return a file of the model; raise `InputError` if it does not exist or is a link."""
    file = folder / name
    check(not file.is_symlink(), folder, f"{name} is a link")
    check(file.is_file(), folder, f"there is no {name}")
    return file


def read_json(folder: Path, name: str, max_bytes: int) -> dict[str, Any]:
    """Return the object in a JSON file; raise `InputError` for anything else, NaN and infinity included."""
    file = regular_file(folder, name)
    check(file.stat().st_size <= max_bytes, folder, f"{name} is larger than {max_bytes} bytes")
    try:
        content = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"model {folder}: {name} is not valid JSON: {one_line(error, 80)}") from error
    if not isinstance(content, dict):
        raise InputError(f"model {folder}: {name} does not hold an object")
    return content


def _refuse_constant(name: str) -> None:
    """Raise ValueError for NaN and infinity, which Python reads although JSON has no such numbers."""
    raise ValueError(f"{name} is not a number")


def read_array(folder: Path, name: str, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Read an array of exactly this type and shape, in C order and of finite numbers; refuse any other file.

    Its size is checked before memory is allocated.
    """
    with regular_file(folder, name).open("rb") as stream:
        try:
            found_shape, fortran_order, found_dtype = read_array_header(stream, os.fstat(stream.fileno()).st_size)
        except ValueError as error:
            raise InputError(f"model {folder}: {name} is not a NumPy array: {error}") from error

        expected = np.dtype(dtype)
        check(found_dtype == expected, folder, f"{name} holds {found_dtype!s:.40}, not {expected}")
        is_right = found_shape == shape and not fortran_order
        check(is_right, folder, f"{name} has shape {found_shape!s:.40}, not {shape} in C order")
        array = np.fromfile(stream, dtype=expected).reshape(shape)

    is_finite = expected.kind != "f" or bool(np.isfinite(array).all())
    check(is_finite, folder, f"{name} holds numbers that are not finite")
    return array


def read_array_header(stream: IO[bytes], size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, Fortran order and dtype from NumPy's header of an array, in a file of `size` bytes.

    Raises ValueError for objects, and unless header and array have exactly `size` bytes together, so that no array is
    larger than its file.
    """
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"version {version}")
        # NumPy repairs headers that Python 2 wrote, with a warning; a model never has such headers
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream, max_header_size=1000)
    except Exception as error:  # NumPy reads the header as a Python literal: random bytes fail there in many ways
        raise ValueError(f"no header: {one_line(error, 60)}") from error

    if dtype.hasobject or not dtype.isnative or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"type {dtype!s:.40} or shape {shape!s:.40}; allowed: plain numbers")
    if size - stream.tell() != math.prod(shape) * dtype.itemsize:
        raise ValueError("its size is not what its shape says")
    return shape, bool(fortran_order), dtype
