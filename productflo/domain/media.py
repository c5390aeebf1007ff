"""The type of a file, found from its first bytes; what its name or its sender says does not count."""

import re

import puremagic

HEAD_BYTES = 8192
"""First bytes that are looked at: signatures lie within (but those of disk images), and an office document's
first entries."""
TEXT = "text/plain"
UNKNOWN = "application/octet-stream"

_MIME = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,100}")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
"""What text does not contain: all control characters but tab, line ends, form feed and escape."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PASSIVE = re.compile(
    r"image/(png|jpeg|gif|webp|x-ms-bmp|tiff|avif|heif)|(audio|video)/[a-z0-9.+-]+|text/plain|"
    r"application/(zip|x-gzip|x-tar|x-7z-compressed)|application/vnd\.openxmlformats-[a-z0-9.-]+"
)
_AVIF = b"ftypavif"
"""At offset 4; puremagic takes it for a video, whose container it shares."""
_ZIP = b"PK\x03\x04"
_ZIP_DOCUMENTS = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def media_type(head: bytes, complete: bool) -> str:
    """The MIME type of what begins with `head`; `complete` says that nothing follows.

    Any text is `text/plain`, HTML, SVG and scripts among it. What is not recognised is
    `application/octet-stream`.
    """
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if _is_text(head, complete):
        return TEXT
    if head.startswith(_ZIP):
        return _zip_type(head)
    if head[4:12] == _AVIF:
        return "image/avif"
    try:
        found: str = puremagic.from_string(head, mime=True)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    return found if _MIME.fullmatch(found) else UNKNOWN


def served_type(mime_type: str) -> str:
    """The type to send with the bytes: the true one where a browser only shows or plays it."""
    return mime_type if _PASSIVE.fullmatch(mime_type) else UNKNOWN


def _is_text(head: bytes, complete: bool) -> bool:
    if head.startswith(_UTF16):
        return _decodes(head, "utf-16", complete)
    return not _CONTROLS.search(head) and _decodes(head, "utf-8", complete)


def _decodes(head: bytes, encoding: str, complete: bool) -> bool:
    try:
        head.decode(encoding)
    except UnicodeDecodeError as error:
        # The head may end within a character when more follows.
        return not complete and error.start >= len(head) - 4 and error.end == len(head)
    return True


def _zip_type(head: bytes) -> str:
    for folder, mime_type in _ZIP_DOCUMENTS.items():
        if folder in head:
            return mime_type
    return "application/zip"
