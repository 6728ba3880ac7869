"""`slugline new`: a project of one's own."""

import csv
import shlex
from collections.abc import Sequence
from pathlib import Path

from slugline.errors import InputError
from slugline.project import make_project

HELP = """slugline new: a project of your own, a folder in which all commands find your articles, topics and models.

  slugline new floods                                  with three topics to show how rules are written
  slugline new floods topics=flood,rescue,"law & order"    with topics of your own, whose keywords you fill in

Nothing that is there is overwritten."""


def new(arguments: Sequence[str]) -> str:
    """Make a project in the folder that is named, with the topics that are given; return what to do next."""
    options = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    folders = [argument for argument in arguments if "=" not in argument]
    if "folder" in options:
        folders.append(options.pop("folder"))
    if len(folders) != 1 or not folders[0] or folders[0].startswith("-") or options.keys() - {"topics"}:
        raise InputError(f"found '{' '.join(arguments)}'; allowed: slugline new FOLDER [topics=A,B,C]")
    written = [options.get("topics", "").strip("[]")]
    topics = [topic.strip() for topic in next(csv.reader(written, skipinitialspace=True))]  # "a,b" in quotes is one
    folder = Path(folders[0])
    name = make_project(folder, [topic for topic in topics if topic])
    lines = [
        f"made    {folder}, project '{name}': see {folder / 'README.md'}",
        f"next    put articles into {folder / 'articles'}, keywords into {folder / 'conf/labels/topics.yaml'}",
        f"next    cd {shlex.quote(str(folder))} && slugline label",
    ]
    return "\n".join(lines)
