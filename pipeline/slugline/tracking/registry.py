"""The registry: versions of a registered model, and the alias of the one in use."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from slugline.errors import InputError, listing
from slugline.tracking.store import list_models, model_folder, open_existing, sqlite_file, store_uri

_PREVIOUS_TAG = "champion_before"  # tag of a version: which one had the alias until it came


class Version(NamedTuple):
    """A version of a registered model, and the folder with its files."""

    number: str
    run_id: str
    folder: Path


@dataclass(frozen=True)
class Registry:
    """One registered model of a store, and the alias that says which version is in use."""

    name: str
    alias: str
    uri: str | None = None

    @cached_property
    def client(self) -> Any:
        """MLflow's client; raise `InputError` where there is no store."""
        return open_existing(self.uri, f"no model '{self.name}'").MlflowClient()

    def numbers(self) -> list[str]:
        """Return the numbers of all versions, the oldest first."""
        found = self.client.search_model_versions(f"name='{self.name}'")
        return sorted((str(version.version) for version in found), key=int)

    def version(self, number: str | int | None) -> Version:
        """Return a version, the newest for None; raise `InputError` where there is none."""
        numbers = self.numbers()
        wanted = str(number) if number is not None else numbers[-1] if numbers else "none"
        if wanted not in numbers:
            raise InputError(
                f"no version {wanted} of '{self.name}' in {store_uri(self.uri)}; allowed: {listing(numbers)}"
            )
        found = self.client.get_model_version(self.name, wanted)
        return Version(wanted, found.run_id, model_folder(f"models:/{self.name}/{wanted}", self.uri))

    def holder(self) -> str | None:
        """Return the number of the version that has the alias, None where none has."""
        if not self.numbers():
            mlflow = open_existing(self.uri, f"no model '{self.name}'")
            raise InputError(f"no model '{self.name}' in {store_uri(self.uri)}; {list_models(mlflow)}")
        number = self.client.get_registered_model(self.name).aliases.get(self.alias)
        return None if number is None else str(number)

    def champion(self) -> Version | None:
        """Return the version that has the alias, None where none has."""
        number = self.holder()
        return None if number is None else self.version(number)

    def record(self, version: Version, verdict: Mapping[str, Any]) -> None:
        """Keep a verdict as tags of the version, and whole as an artifact of its run."""
        tags = {
            "promotion": "failed" if verdict["failed"] else "passed",
            "promotion_failed": listing(verdict["failed"]),
        }
        for model in ("candidate", "champion"):
            for key, value in verdict.get(model, {}).items():
                if isinstance(value, float):
                    tags[f"{model}_{key}"] = f"{value:.4f}"
        for key, value in tags.items():
            self.client.set_model_version_tag(self.name, version.number, key, value)
        text = json.dumps(verdict, indent=1)
        self.client.log_text(version.run_id, text, f"promotion_{version.number}.json")

    def move(self, version: Version, champion: Version | None) -> None:
        """Give the alias to a version; raise `InputError` when another promotion was quicker."""
        with self._lock():
            if (now := self.holder()) != (champion.number if champion else None):
                raise InputError(
                    f"{self.alias} of '{self.name}' became version {now} meanwhile; promote against that one"
                )
            self.client.set_model_version_tag(self.name, version.number, _PREVIOUS_TAG, now or "")
            self.client.set_registered_model_alias(self.name, self.alias, version.number)

    def move_back(self, champion: Version | None) -> str:
        """Give the alias back to the version that had it before, and return what was done."""
        before = champion and self.client.get_model_version(self.name, champion.number).tags.get(_PREVIOUS_TAG)
        if champion is None or not before:
            raise InputError(f"{self.alias} of '{self.name}' was never moved by a promotion: nothing to roll back to")
        with self._lock():
            if self.holder() != champion.number:
                raise InputError(
                    f"{self.alias} of '{self.name}' was moved by someone else meanwhile; run the command again"
                )
            self.client.set_registered_model_alias(self.name, self.alias, before)
        return f"{self.alias} of {self.name}: {champion.number} -> {before}"

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Let one process at a time look and move; only stores that are files have a lock."""
        from filelock import FileLock

        database = sqlite_file(store_uri(self.uri))
        with FileLock(f"{database}.promote.lock") if database else nullcontext():
            yield
