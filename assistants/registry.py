"""The assistants of a worker: those that the operator named, found, configured and ready to answer."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assistants import configuration
from assistants.configuration import Configuration, Misconfigured
from assistants.preparation import WRONG, Ready, prepare
from assistants.sources import Folder, Offer, Unusable, installed
from productflo.settings import Settings

__all__ = ["Ready", "Registry", "Selection"]

log = logging.getLogger(__name__)

Fingerprint = tuple[tuple[str, int, int], ...]
"""Names, times and sizes of the files that were read."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The assistants of this worker by id, and why others that were named are not among them.

    `told` has the same reasons as people in a room may read them.
    """

    ready: Mapping[str, Ready] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)


class Selection:
    """What the operator wants to run: the names in the environment, and assistants.toml.

    `file` is the configuration's (None: assistants.toml of the working directory, where it is there),
    `folder` one with files of assistants.
    """

    def __init__(
        self,
        named: tuple[str, ...],
        file: Path | None = None,
        folder: Path | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._named = named
        self._file = file
        self._folder = Folder(folder) if folder else None
        self._environ = environ

    @classmethod
    def of(cls, settings: Settings) -> "Selection":
        """What these settings say."""
        return cls(settings.assistants, settings.assistants_file, settings.assistants_folder)

    def find(self, name: str) -> Ready:
        """One assistant, whether it is named or not, and no other. Raises `Misconfigured` and `Unusable`."""
        return self._prepare(name, self.read(), self.offers())

    def load(self) -> Registry:
        """Import and configure what is named, and nothing else. Raises `Misconfigured`.

        One that can not be loaded disables only itself; the reason is in `broken` and in the log.
        """
        return self.reload(Registry())

    def reload(self, present: Registry) -> Registry:
        """As `load`, from files that may have changed. Raises `Misconfigured`.

        One that runs at present and can not be loaded as it is now goes on as it was, which is logged.
        """
        found = self.read()
        offers = self.offers()
        ready: dict[str, Ready] = {}
        broken: dict[str, str] = {}
        told: dict[str, str] = {}
        for name in self._names(found):
            try:
                ready[name] = self._prepare(name, found, offers)
            except Unusable as error:
                if name in present.ready:
                    ready[name] = present.ready[name]
                    log.error("The assistant %s goes on as it was: %s", name, error, exc_info=error.__cause__)
                    continue
                broken[name], told[name] = str(error), error.told
                log.error("The assistant %s is disabled: %s", name, error, exc_info=error.__cause__)
        return Registry(ready, broken, told)

    def read(self) -> Configuration:
        """The configuration as the file says it now. Raises `Misconfigured`."""
        return configuration.read(configuration.locate(self._file))

    def names(self) -> list[str]:
        """Everything that runs, by the environment first. Raises `Misconfigured`."""
        return self._names(self.read())

    def offers(self) -> list[Offer]:
        """All assistants with code that there are. Raises `Misconfigured` for a folder that is not there."""
        try:
            return [*installed(), *(self._folder.offers() if self._folder else ())]
        except OSError as error:
            raise Misconfigured(f"PRODUCTFLO_ASSISTANTS_FOLDER: {error}") from None

    def fingerprint(self) -> Fingerprint:
        """Changes when a file that `load` reads does; what can not be read counts as gone."""
        try:
            paths = [path for path in (configuration.locate(self._file),) if path]
            paths += self._folder.files() if self._folder else []
            about = [(str(path), path.stat()) for path in paths]
        except (OSError, Misconfigured):
            return ()
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in about)

    def _names(self, found: Configuration) -> list[str]:
        return list(dict.fromkeys([*self._named, *found.named]))

    def _prepare(self, name: str, found: Configuration, offers: list[Offer]) -> Ready:
        if name in found.wrong:
            raise Unusable(found.wrong[name], WRONG)
        table = found.tables.get(name)
        own = [offer for offer in offers if offer.id == name]
        known = [offer.id for offer in offers]
        return prepare(name, table, found.defaults, own, known, self._environ)
