"""Text files: each is one article."""

from slugline.data.opening import InputFile
from slugline.data.schema import Rows


def read_text(file: InputFile) -> Rows:
    """Yield the whole file as one row, with `article_id` and `text`; in its place the reason if it is not all text."""
    text, undecoded = file.read_text()
    yield file.name, undecoded or {"article_id": file.name, "text": text}
