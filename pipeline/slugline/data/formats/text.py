"""Text files: each is one article."""

from slugline.data.opening import InputFile
from slugline.data.schema import Rows


def read_text(file: InputFile) -> Rows:
    """Yield the whole file as one row, with `article_id` and `text`."""
    yield file.name, {"article_id": file.name, "text": file.read_text()}
