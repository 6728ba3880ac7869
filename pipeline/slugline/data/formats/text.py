"""Text files: each is one article."""

from slugline.data.encodings import describe_undecoded
from slugline.data.opening import InputFile
from slugline.data.schema import Rows


def read_text(file: InputFile) -> Rows:
    """Yield the whole file as one row, with `article_id` and `text`; in its place the reason if it is not all text."""
    with file.open_text() as stream:
        text = stream.read()
    undecoded = describe_undecoded(text, stream.encoding)
    yield file.name, undecoded or {"article_id": file.name, "text": text}
