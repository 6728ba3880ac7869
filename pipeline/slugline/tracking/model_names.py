"""What a model is called in messages: the version behind an alias, and the aliases of a version."""

from contextlib import suppress

from slugline.tracking.store import REGISTERED, open_existing
from slugline.tracking.store_errors import store_exceptions


def name_model(source: str, uri: str | None = None) -> str:
    """Return the name of a model with its version and aliases, `slugline version 3 (champion)`; others by their source.

    Parameters
    ----------
    source : str
        A model that was found in the store: a folder or an MLflow URI.
    uri : str, optional
        Of the store.
    """
    found = REGISTERED.fullmatch(source)
    if found is None:
        return source
    name, number, alias = found.groups()
    client = open_existing(uri, f"no model at '{source}'").MlflowClient()
    with suppress(*store_exceptions()):  # a name is no reason to fail
        aliases = {alias: str(version) for alias, version in client.get_registered_model(name).aliases.items()}
        number = number or aliases[alias]
        held = [alias for alias, version in aliases.items() if version == number]
        return f"{name} version {number}" + (f" ({', '.join(held)})" if held else "")
    return source
