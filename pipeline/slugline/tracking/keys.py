"""Metric keys as MLflow takes them: topics may have any name, MLflow's keys may not."""

import re
from hashlib import blake2b

MAX_KEY_LENGTH = 250
REFUSED = re.compile(r"[^\w/. -]|(?<=/)/|^/|/$|(?:^|(?<=/))\.{1,2}(?=/|$)")


def to_mlflow_key(key: str) -> str:
    """Return a metric key with every sign that MLflow refuses as its code point between colons.

    No two keys become one: `:` itself is replaced, too. A key that is too long ends in a digest of the whole.

    Parameters
    ----------
    key : str
        As `test/f1/law & order`.

    Examples
    --------
    >>> to_mlflow_key("test/f1/law & order"), to_mlflow_key("test/f1/C++")
    ('test/f1/law :26: order', 'test/f1/C:2b::2b:')
    """
    escaped = REFUSED.sub(lambda match: "".join(f":{ord(sign):x}:" for sign in match[0]), key)
    if len(escaped) <= MAX_KEY_LENGTH:
        return escaped
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{escaped[: MAX_KEY_LENGTH - len(digest) - 1].rstrip('/')}:{digest}"
