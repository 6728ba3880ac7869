"""Mails (`.eml`): the text part, or else the HTML part, with subject, date and sender."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from slugline.data.encodings import decode_exactly, describe_undecoded, is_text_encoding
from slugline.data.formats.foreign import foreign_errors
from slugline.data.formats.html import page_row
from slugline.data.opening import InputFile
from slugline.data.schema import Rows


def read_mail(file: InputFile) -> Rows:
    """Yield a mail as one row; attachments are noted."""
    data = file.read_bytes(_SHARE)
    if (lines := data.count(b"\n")) > _MAX_LINES:
        yield file.name, f"{lines} lines in one mail; allowed: {_MAX_LINES}"
        return
    with foreign_errors("no mail that can be read"):
        message = message_from_bytes(data, policy=policy.default)
        body = message.get_body(("plain", "html"))
        attachments = sum(1 for _ in message.iter_attachments())
        cells = {name: _header(message, header) for name, header in _HEADERS.items()}
        date = getattr(message["date"], "datetime", None)
        sender = next(iter(getattr(message["from"], "addresses", ())), None)
    if not cells["source"] and not cells["title"]:
        yield file.name, "no mail: it has neither sender nor subject"
        return
    if attachments:
        file.notes.append(f"attachments left out: {attachments}")
    text = _read_body(body, file.options.encoding)
    cells["published"] = date.isoformat() if date else cells["published"]
    cells["source"] = (sender and (sender.display_name or sender.addr_spec)) or cells["source"]
    yield file.name, text if isinstance(text, str) else {"article_id": file.name, **cells, **text}


_SHARE = 2  # of the largest file: headers take 35 times their size
_MAX_LINES = 500_000  # each may be a header, which takes some time
_HEADERS = {
    "title": "subject",
    "published": "date",
    "source": "from",
    "language": "content-language",
    "url": "archived-at",
}


def _header(message: EmailMessage, name: str) -> str | None:
    """Return a header as text."""
    value = message[name]
    return None if value is None else " ".join(str(value).split())


def _read_body(body: Any, encoding: str | None) -> dict[str, Any] | str:
    """Return the text of a part, or why there is none."""
    if body is None:
        return "no text in the mail"
    with foreign_errors("no text that can be read"):
        data: bytes = body.get_payload(decode=True) or b""
        encoding = _said_encoding(body, data) or encoding
    if body.get_content_type() == "text/html":
        row = page_row(data, encoding)
        return row if isinstance(row, str) else {"text": row["text"]}
    _, encoding, text = decode_exactly(data, encoding)
    return describe_undecoded(text, encoding) or {"text": text.strip()}


def _said_encoding(body: Any, data: bytes) -> str | None:
    """Return the encoding that a part says it has, if its bytes are in it."""
    said: str | None = body.get_content_charset()
    if said is None or not is_text_encoding(said):
        return None
    try:
        data.decode(said)
    except UnicodeError:  # it is not what it says
        return None
    return said
