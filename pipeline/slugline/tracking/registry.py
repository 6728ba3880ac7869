"""The registry: versions of a registered model, and the alias of the one in use."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from slugline.errors import InputError, listing
from slugline.tracking.headlines import describe_score
from slugline.tracking.paging import search_all
from slugline.tracking.registered_model import write_description
from slugline.tracking.store import list_models, model_folder, open_existing, sqlite_file, store_uri
from slugline.tracking.store_errors import store_exceptions

_MAX_HELD = 500  # versions that a tag of the registered model holds


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

    @property
    def _held_tag(self) -> str:
        """Tag of the registered model: which versions had the alias, the first one first, without those taken back."""
        return f"{self.alias}_versions"

    @cached_property
    def client(self) -> Any:
        """MLflow's client; raise `InputError` where there is no store."""
        return open_existing(self.uri, f"no model '{self.name}'").MlflowClient()

    def numbers(self) -> list[str]:
        """Return the numbers of all versions, the oldest first."""
        found = search_all(self.client.search_model_versions, f"name='{self.name}'")
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

    def held_before(self) -> list[str]:
        """Return the numbers of the versions that have or had the alias, the last one first."""
        known, held = set(self.numbers()), dict.fromkeys(reversed(self._held()))
        return [number for number in held if number in known]

    def _held(self) -> list[str]:
        """Return the versions that had the alias, as the tag has them."""
        return re.findall(r"\d+", self.client.get_registered_model(self.name).tags.get(self._held_tag, ""))

    def _hold(self, held: Sequence[str]) -> None:
        """Give the alias to the last of these versions, and keep them as the tag."""
        self.client.set_registered_model_alias(self.name, self.alias, held[-1])
        self.client.set_registered_model_tag(self.name, self._held_tag, ", ".join(held[-_MAX_HELD:]))

    def describe(self, number: str) -> str:
        """Return what is known of a version beside its model: its run's name, and the macro F1 that this had."""
        found = self.client.get_model_version(self.name, number)
        with suppress(*store_exceptions()):  # the run may be gone
            run = self.client.get_run(found.run_id)
            score = describe_score(run.data.metrics, run.data.tags)
            return f"{run.info.run_name}{f', macro F1 {score}' if score else ''}"
        return "its run is gone"

    def record(self, version: Version, verdict: Mapping[str, Any]) -> None:
        """Keep a verdict as a tag of the version, and whole as an artifact of its run."""
        found = f"{'failed' if verdict['failed'] else 'passed'}: {listing(verdict['reasons'])}"
        self.client.set_model_version_tag(self.name, version.number, "promotion", found)
        text = json.dumps(verdict, indent=1)
        self.client.log_text(version.run_id, text, f"promotion_{version.number}.json")

    def write_description(self, version: Version | None = None) -> None:
        """Write what the registered model is, by the version that got the alias."""
        write_description(self.client, self.name, self.alias, version and version.folder)

    def move(self, version: Version, champion: Version | None) -> None:
        """Give the alias to a version; raise `InputError` when another promotion was quicker."""
        with self._lock():
            if (now := self.holder()) != (champion.number if champion else None):
                raise InputError(
                    f"{self.alias} of '{self.name}' became version {now} meanwhile; promote against that one"
                )
            held = self._held()
            moved = [] if now is None or now in held[-1:] else [now]  # also one that got the alias otherwise
            self._hold([*held, *moved, version.number])

    def move_back(self, champion: Version | None) -> str:
        """Give the alias back to the version that had it before, and return what was done."""
        with self._lock():
            held, known = self._held(), set(self.numbers())
            while champion and held and (held[-1] == champion.number or held[-1] not in known):
                held.pop()
            if champion is None or not held:
                raise InputError(
                    f"{self.alias} of '{self.name}' was never moved by a promotion: nothing to roll back to"
                )
            if self.holder() != champion.number:
                raise InputError(
                    f"{self.alias} of '{self.name}' was moved by someone else meanwhile; run the command again"
                )
            self._hold(held)
        return f"{self.alias} of {self.name}: {champion.number} -> {held[-1]}"

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Let one process at a time look and move; only stores that are files have a lock."""
        from filelock import FileLock

        database = sqlite_file(store_uri(self.uri))
        with FileLock(f"{database}.promote.lock") if database else nullcontext():
            yield
