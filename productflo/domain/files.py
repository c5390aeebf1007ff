"""What is known of an uploaded file, and the rules for its id and its name."""

import re
import unicodedata
from dataclasses import dataclass

ID_PREFIX = "file"
MAX_NAME_BYTES = 255
"""UTF-8 bytes of a name: what the usual file systems take."""

_OWN_ID = re.compile(r"file_[0-9a-hjkmnp-tv-z]{26}")
_DROPPED = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories that show nothing, or turn what is shown around (U+202E makes exe.fdp of pdf.exe)."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """An uploaded file. `size` is in bytes, `mime_type` was found from content, `created_at` is ISO 8601."""

    id: str
    name: str
    size: int
    mime_type: str
    created_at: str
    created_by: str
    product_id: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()


def is_own_id(file_id: str) -> bool:
    """Whether this server may have issued the id; any other refers to another service of the platform."""
    return _OWN_ID.fullmatch(file_id) is not None


def clean_name(name: str) -> str:
    """The name to keep of one that a client gave: one path component that is safe to show and to save.

    Never empty, at most `MAX_NAME_BYTES`; the extension survives a cut.
    """
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c) not in _DROPPED)
    return _cut(" ".join(shown.split()).strip(". ")) or "file"


def _cut(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= MAX_NAME_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    tail = (dot + extension).encode()
    if not stem or len(tail) > MAX_NAME_BYTES // 2:
        stem, tail = name, b""
    kept = stem.encode()[: MAX_NAME_BYTES - len(tail)].decode(errors="ignore").rstrip(". ")
    return kept + tail.decode()
