"""`slugline guide`: the guide, a page for each subject."""

from collections.abc import Sequence

from slugline.errors import InputError, listing
from slugline.files import shipped_folder

HELP = """slugline guide: the guide, a page for each subject.

  slugline guide                 the pages that there are
  slugline guide first-steps     one of them"""
_PAGES = ("first-steps", "gold", "comparing", "production", "report", "components")


def guide(arguments: Sequence[str]) -> str:
    """Return a page of the guide, or the titles of all."""
    texts = {page: (shipped_folder("pipeline/guide") / f"{page}.md").read_text(encoding="utf-8") for page in _PAGES}
    if not arguments:
        titles = [
            f"  slugline guide {page:<14}{text.partition(chr(10))[0].lstrip('# ')}" for page, text in texts.items()
        ]
        return "\n".join(["The guide:", "", *titles])
    if len(arguments) > 1 or arguments[0] not in _PAGES:
        raise InputError(f"no page '{' '.join(arguments)}' in the guide; allowed: {listing(_PAGES)}")
    return texts[arguments[0]]
