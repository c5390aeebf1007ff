"""The text in PDF and Office files: a process of its own, `python extraction.py KIND CHARACTERS`.

The file comes on standard input; one line of JSON goes out, `{"extract": ...}` or `{"reason": ...}`. The
process bounds its own memory and processor time; whoever started it ends it at a deadline.
"""

import io
import re
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from xml.parsers import expat

import orjson

MEMORY = 1_073_741_824
"""Bytes of address space; a file that needs more is not read."""
SECONDS = 30
"""Of processor time, should nobody end the process at its deadline."""
MOST_PAGES = 500
"""Pages of a PDF, slides, or sheets that are read."""
MOST_PART = 52_428_800
"""Bytes that one part of an Office file may unpack to."""
MOST_RATIO = 200
"""Times that a part may grow by unpacking, above `RATIO_COUNTS`; XML text grows by 10 to 50."""
RATIO_COUNTS = 1_048_576
"""Bytes up to which the ratio says nothing."""

_OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS = {
    "application/pdf": "pdf",
    f"{_OFFICE}wordprocessingml.document": "docx",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
    f"{_OFFICE}presentationml.presentation": "pptx",
}
"""What is read here, by media type."""


@dataclass(frozen=True, slots=True)
class Extract:
    """The text of a file; `pages` counts pages, slides or sheets."""

    text: str
    pages: int | None = None
    truncated: bool = False


class Refused(Exception):
    """Why there is no text, in a few words for people."""


class _Enough(Exception):
    """As much text was found as is wanted."""


class _Page:
    """Gathers text, up to a number of characters."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: list[str] = []

    def add(self, text: str) -> None:
        self._parts.append(text)
        self._most -= len(text)
        if self._most < 0:
            raise _Enough

    @property
    def text(self) -> str:
        return "".join(self._parts).strip()


def extract(kind: str, content: bytes, most: int) -> Extract:
    """The text of a file, at most so many characters and a little. Raises `Refused`."""
    page = _Page(most)
    readers = {"pdf": _pdf, "docx": _docx, "xlsx": _xlsx, "pptx": _pptx}
    pages: list[int] = []
    truncated = False
    try:
        for number in readers[kind](content, page):
            pages.append(number)
            if number == MOST_PAGES:
                truncated = True
                break
    except _Enough:
        truncated = True
    except (zipfile.BadZipFile, expat.ExpatError, KeyError) as error:
        raise Refused("damaged") from error
    if not page.text:
        raise Refused("no text in it; pictures of text, perhaps" if kind == "pdf" else "no text in it")
    return Extract(page.text, None if kind == "docx" else max(len(pages), 1), truncated)


def _pdf(content: bytes, page: _Page) -> Iterator[int]:
    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError, PyPdfError

    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused("it needs a password")
        for number, one in enumerate(reader.pages, start=1):
            page.add(f"{one.extract_text().strip()}\n\n")
            yield number
    except FileNotDecryptedError as error:
        raise Refused("it needs a password") from error
    except PyPdfError as error:
        raise Refused("damaged") from error


def _docx(content: bytes, page: _Page) -> Iterator[int]:
    ends = {"p": "\n", "tab": "\t", "br": "\n", "tc": "\t"}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _read_xml(_part(archive, "word/document.xml"), "t", page.add, ends)
    yield 1


def _pptx(content: bytes, page: _Page) -> Iterator[int]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for number, name in enumerate(_numbered(archive, r"ppt/slides/slide(\d+)\.xml"), start=1):
            page.add(f"Slide {number}\n")
            _read_xml(_part(archive, name), "t", page.add, {"p": "\n", "br": "\n"})
            page.add("\n")
            yield number


def _xlsx(content: bytes, page: _Page) -> Iterator[int]:
    """Each sheet as lines of cells with tabs between; formulas as the values that were last computed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        strings = _strings(archive)
        names = _sheet_names(archive)
        for number, name in enumerate(_numbered(archive, r"xl/worksheets/sheet(\d+)\.xml"), start=1):
            page.add(f"Sheet {names[number - 1] if number <= len(names) else number}\n")
            _Sheet(strings, page).read(_part(archive, name))
            page.add("\n")
            yield number


def _strings(archive: zipfile.ZipFile) -> list[str]:
    """The texts that cells share, by number."""
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    found: list[str] = []
    parts: list[str] = []

    def end(tag: str) -> None:
        if tag == "si":
            found.append("".join(parts))
            parts.clear()

    _parse(_part(archive, "xl/sharedStrings.xml"), lambda tag, attributes: None, end, {"t": parts.append})
    return found


def _sheet_names(archive: zipfile.ZipFile) -> list[str]:
    names: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            names.append(attributes.get("name", ""))

    _parse(_part(archive, "xl/workbook.xml"), start, lambda tag: None, {})
    return names


class _Sheet:
    """The cells of one sheet."""

    def __init__(self, strings: list[str], page: _Page) -> None:
        self._strings = strings
        self._page = page
        self._shared = False
        self._value: list[str] = []

    def read(self, content: bytes) -> None:
        """Put the sheet's cells on the page."""
        texts = {"v": self._value.append, "t": self._value.append}
        _parse(content, self._start, self._end, texts)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self._shared = attributes.get("t") == "s"
            self._value.clear()

    def _end(self, tag: str) -> None:
        if tag == "row":
            self._page.add("\n")
        if tag == "c":
            value = "".join(self._value)
            if self._shared and value.isdecimal() and int(value) < len(self._strings):
                value = self._strings[int(value)]
            self._page.add(f"{value}\t")


def _read_xml(content: bytes, text_tag: str, add: Callable[[str], None], ends: dict[str, str]) -> None:
    """Add the text of all elements of a name, and what stands for the end of some others."""

    def end(tag: str) -> None:
        if tag in ends:
            add(ends[tag])

    _parse(content, lambda tag, attributes: None, end, {text_tag: add})


def _parse(
    content: bytes,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    texts: dict[str, Callable[[str], None]],
) -> None:
    """Read XML by local names. Office files declare no document type: one that does is refused."""
    parser = expat.ParserCreate()
    take: Callable[[str], None] | None = None

    def started(tag: str, attributes: dict[str, str]) -> None:
        nonlocal take
        name = tag.rpartition(":")[2]
        take = texts.get(name)
        start(name, attributes)

    def ended(tag: str) -> None:
        nonlocal take
        take = None
        end(tag.rpartition(":")[2])

    def text(characters: str) -> None:
        if take is not None:
            take(characters)

    def refuse(*_: object) -> None:
        raise Refused("it declares a document type, as no Office program writes")

    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(content, True)


def _numbered(archive: zipfile.ZipFile, pattern: str) -> list[str]:
    """The parts of a kind, by their numbers."""
    found = [match for name in archive.namelist() if (match := re.fullmatch(pattern, name))]
    return [match[0] for match in sorted(found, key=lambda match: int(match[1]))]


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    """One part, unpacked within the limits, whatever its header says."""
    packed = archive.getinfo(name).compress_size
    with archive.open(name) as part:
        content = part.read(MOST_PART + 1)
    if len(content) > MOST_PART or len(content) > max(RATIO_COUNTS, MOST_RATIO * packed):
        raise Refused("it unpacks to more than can be read")
    return content


def main() -> None:
    """Extract what comes in."""
    kind, most = sys.argv[1], int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        told: dict[str, object] = {"extract": asdict(extract(kind, sys.stdin.buffer.read(), most))}
    except Refused as refusal:
        told = {"reason": str(refusal)}
    except Exception as error:  # A damaged file breaks its reader in any way; the caller is told that much.
        told = {"reason": f"damaged ({type(error).__name__})"}
    sys.stdout.buffer.write(orjson.dumps(told))


if __name__ == "__main__":
    main()
