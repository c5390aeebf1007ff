"""Small PDF and Office files, made on the spot."""

import io
import zipfile
from xml.sax.saxutils import escape

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def pdf(*pages: str) -> bytes:
    """A PDF whose pages say a line each; an empty one has no text."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    kids = []
    for line in pages:
        stream = f"BT /F1 12 Tf 20 100 Td ({line}) Tj ET" if line else ""
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
        content = len(objects)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents {content} 0 R "
            f"/Resources {font} >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    written, places = "%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(written))
        written += f"{number} 0 obj\n{one}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(written)}\n%%EOF\n"
    return f"{written}xref\n0 {size}\n0000000000 65535 f \n{table}{end}".encode("latin-1")


def packed(parts: dict[str, str | bytes]) -> bytes:
    """A zip archive of parts."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in parts.items():
            written.writestr(name, content)
    return archive.getvalue()


def docx(*paragraphs: str, head: str = "") -> bytes:
    """A Word file."""
    body = "".join(f"<w:p><w:r><w:t>{escape(one)}</w:t></w:r></w:p>" for one in paragraphs)
    document = f'<?xml version="1.0"?>{head}<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'
    return packed({"word/document.xml": document})


def pptx(*slides: str) -> bytes:
    """A presentation."""
    return packed(
        {
            f"ppt/slides/slide{number}.xml": f'<s xmlns:a="{A}"><a:p><a:t>{escape(one)}</a:t></a:p></s>'
            for number, one in enumerate(slides, start=1)
        }
    )


def xlsx(**sheets: list[list[str | int]]) -> bytes:
    """A workbook; its texts are shared strings, as Excel writes them."""
    strings: list[str] = []
    parts: dict[str, str | bytes] = {}
    for number, rows in enumerate(sheets.values(), start=1):
        lines = ""
        for row in rows:
            cells = ""
            for value in row:
                if isinstance(value, str):
                    strings.append(value)
                    cells += f'<c t="s"><v>{len(strings) - 1}</v></c>'
                else:
                    cells += f"<c><v>{value}</v></c>"
            lines += f"<row>{cells}</row>"
        parts[f"xl/worksheets/sheet{number}.xml"] = f'<worksheet xmlns="{S}">{lines}</worksheet>'
    shared = "".join(f"<si><t>{escape(one)}</t></si>" for one in strings)
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{S}">{shared}</sst>'
    names = "".join(f'<sheet name="{escape(name)}"/>' for name in sheets)
    parts["xl/workbook.xml"] = f'<workbook xmlns="{S}"><sheets>{names}</sheets></workbook>'
    return packed(parts)
