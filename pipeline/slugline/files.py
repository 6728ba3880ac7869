"""Files and folders that are written whole or not at all."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

from slugline.errors import InputError


@contextmanager
def write_atomically(target: Path) -> Iterator[Path]:
    """Give a path to write to, which becomes `target` once the block ends without an error.

    Parameters
    ----------
    target : Path
        A file or a folder, which need not exist; neither do the folders above it. What stood there before is replaced
        at the very end, and stays as it was after an error or a kill.

    Yields
    ------
    Path
        A path on the same disk, in a folder of its own, for the block to make a file or a folder at.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    workplace = Path(mkdtemp(prefix=f".{target.name[:100]}-", suffix=".tmp", dir=target.parent))
    try:
        draft = workplace / target.name
        yield draft
        if target.is_dir() and draft.is_dir():
            shutil.rmtree(target, ignore_errors=True)  # a folder is not replaced by a rename
        draft.replace(target)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write several files, all of them or none.

    Parameters
    ----------
    contents : mapping of Path to bytes
        What each file is to hold.

    Raises
    ------
    InputError
        When the disk refuses one of them; then no file is changed.
    """
    target = None
    try:
        with ExitStack() as stack:
            for target, content in contents.items():
                stack.enter_context(write_atomically(target)).write_bytes(content)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from error


def shipped(folder: str) -> Path:
    """Return a folder that ships with Slugline: inside the package when installed from a wheel, else beside it."""
    package = Path(__file__).parent
    inside = package / Path(folder).name
    return inside if inside.is_dir() else package.parents[1] / folder
