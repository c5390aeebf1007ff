"""The files of one embedded store inside (and, for its sockets, sometimes outside) the data folder."""

import fcntl
import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from productflo.store.valkey import Place, StoreFailed

SOCKET_PATH_BYTES = 103  # sockaddr_un holds 104 on macOS and 108 on Linux, one of them the closing zero.


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a folder: the keeper's and the server's process ids, and what its users call themselves."""

    keeper: int
    server: int | None
    users: tuple[str, ...]


class Folder:
    """Where a store's data, log, lock and sockets are. Makes the folders, for this user's eyes only.

    Raises `StoreFailed` where the folder can not be made or is not ours.
    """

    def __init__(self, data_dir: Path) -> None:
        root = data_dir.resolve()
        data = root / "store"
        try:
            root.mkdir(parents=True, exist_ok=True)
            data.mkdir(mode=0o700, exist_ok=True)
            sockets = _socket_folder(data)
        except OSError as error:
            raise StoreFailed(
                f"The data folder {root} is no use ({error.strerror}). Name another in PRODUCTFLO_DATA_DIR."
            ) from error
        self.root = root
        self.lock = root / "store.lock"
        self.log = root / "store.log"
        self.keeper_socket = sockets / "keeper.sock"
        self.place = Place(data=data, log=self.log, socket=sockets / "valkey.sock")

    @property
    def url(self) -> str:
        """The store's address as redis-py reads it."""
        return f"unix://{quote(str(self.place.socket))}"

    def holder(self) -> Holder | None:
        """Return who has the store now, None where nobody does."""
        with self.lock.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return self.read_holder()
        return None

    def read_holder(self) -> Holder | None:
        """Return what the lock file says, which is true only while the lock is held; None in mid-write."""
        try:
            said = json.loads(self.lock.read_text())
            return Holder(said["keeper"], said["server"], tuple(said["users"]))
        except (ValueError, KeyError):
            return None

    @staticmethod
    def write_holder(lock: TextIO, holder: Holder) -> None:
        """Write into the locked file who has it."""
        lock.truncate(0)
        lock.write(json.dumps(asdict(holder)))
        lock.flush()


def _socket_folder(data: Path) -> Path:
    """Return the data's own folder, or a short private one where a socket's path would be too long for it."""
    if len(os.fsencode(data / "keeper.sock")) <= SOCKET_PATH_BYTES:
        return data
    parent = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    folder = parent / f"productflo-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # In a folder that everybody may write to, somebody else may have made it first.
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or not folder.is_dir() or folder.is_symlink():
        raise PermissionError(1, f"{folder} belongs to somebody else")
    return folder
