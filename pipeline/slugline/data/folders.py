"""The files in a folder: links that lead out of it, and what is no file, are counted in place of being followed."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

OUTWARD, BROKEN, SPECIAL = "links out of the folder (follow_links=true reads them)", "broken links", "special files"


def walk_folder(folder: Path, follow_links: bool, left_out: "Counter[str]") -> Iterator[Path]:
    """Yield the files below a folder, in no order; count into `left_out` what is not read.

    A link that stays inside the folder is read where it leads to a file; a folder inside is read in its own place. With
    `follow_links`, links out of it are followed too, to each folder once, so that loops end.
    """
    root = folder.resolve()
    seen, waiting = {root}, [folder]
    while waiting:
        for entry in _scan(waiting.pop(), left_out):
            path = Path(entry.path)
            if entry.is_symlink() and (reason := find_link_problem(path, root, follow_links)):
                left_out[reason] += 1
            elif entry.is_dir():
                if (place := path.resolve()) not in seen and not (entry.is_symlink() and place.is_relative_to(root)):
                    seen.add(place)
                    waiting.append(path)
            elif entry.is_file():
                yield path
            else:
                left_out[SPECIAL] += 1


def find_link_problem(link: Path, root: Path, follow_links: bool) -> str | None:
    """Return why a link below the folder `root` is not followed; None for one that is."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # a link to nothing, or to itself
        return BROKEN
    return None if follow_links or target.is_relative_to(root) else OUTWARD


def _scan(folder: Path, left_out: "Counter[str]") -> list[os.DirEntry[str]]:
    """Return what lies in a folder; one that may not be read is counted."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        left_out["folders that may not be read"] += 1
        return []
