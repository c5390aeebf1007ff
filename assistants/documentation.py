"""Documentation: a whole document about something, as a Markdown file in the room."""

import re
from collections.abc import AsyncIterator
from typing import get_args

from assistants import AssistantError, Context, assistant
from assistants.briefing import ModelSettings, briefed
from assistants.outlines import OUTLINES
from productflo.protocol.requests import DocType, DocumentationData

BRIEF = """\
You write documents for product teams. Write the whole document and nothing else: no word to the room \
before or after it. Its kind is: {kind}. It is Markdown, with the title as its only heading of level 1 \
and these sections, in this order, as headings of level 2:

{sections}
- {open_points}

{advice} Take facts from the conversation and the sources only. Where one is missing, write **TBD** and \
go on; list each under {open_points}, one bullet a point, with who could know it."""

OPEN_POINTS = "Open points"
"""The section that every document ends with."""
MAX_CHARACTERS = 400_000
"""Of a document: some hundred pages, more than any model says in one answer."""
TOLD_EVERY = 200
"""Words after which the room sees how far it is."""
ABBREVIATED: dict[DocType, str] = {"bom": "BOM", "dfm_analysis": "DFM analysis"}
TITLE = re.compile(r"^# +(?P<title>\S.*)$", re.MULTILINE)
FENCE = re.compile(r"\A\s*```(?:markdown|md)?[ \t]*\n(?P<document>.*)\n```\s*\Z", re.DOTALL)
"""A document that the model put into a code block as a whole, as many do."""


@assistant(
    "documentation",
    name="Documentation",
    description="Writes specifications, parts lists, manuals, test plans and more, as Markdown files.",
    limits={"timeout": 600},
    settings=ModelSettings,
    requests={"documentation": DocumentationData},
    commands={"document": "Write a document, such as a test plan, as a file"},
)
async def documentation(ctx: Context[ModelSettings]) -> AsyncIterator[str]:
    """Write the document that was asked for, attach it, and say what is in it and what is missing."""
    asked = ctx.request if isinstance(ctx.request, DocumentationData) else None
    doc_type = asked.doc_type if asked else named_in(ctx.text)
    if doc_type is None:
        yield f"Which kind of document shall it be? I write: {', '.join(map(_spelled, OUTLINES))}."
        return
    text = await _written(ctx, doc_type, asked)
    title = _title(text, asked, doc_type)
    name = f"{_slug(title)}.md"
    await ctx.attach(name, text)
    yield f"**{title}** is attached as `{name}`: {_spelled(doc_type)}, {len(text.split()):,} words.\n\n"
    yield _gaps(text)


async def _written(ctx: Context[ModelSettings], doc_type: DocType, asked: DocumentationData | None) -> str:
    """The document, whole; the room sees how many words there are."""
    outline = OUTLINES[doc_type]
    brief = BRIEF.format(
        kind=_spelled(doc_type),
        sections="\n".join(f"- {section}" for section in outline.sections),
        advice=outline.advice,
        open_points=OPEN_POINTS,
    )
    details = f"The document's title: {asked.title}" if asked and asked.title else ""
    turns = await briefed(ctx, brief, details=details, source_urls=asked.source_urls if asked else ())
    text, told = "", 0
    ctx.receipt.say(f"Writing the {_spelled(doc_type)}.")
    async for piece in ctx.llm(turns, model=ctx.settings.model):
        text += piece
        if len(text) > MAX_CHARACTERS:
            raise AssistantError(f"The document grew beyond {MAX_CHARACTERS:,} characters.")
        if (words := text.count(" ")) >= told + TOLD_EVERY:
            told = words
            ctx.receipt.say(f"Writing the {_spelled(doc_type)}: about {words:,} words so far.")
    if fenced := FENCE.match(text):
        text = fenced["document"]
    if not text.strip():
        raise AssistantError("The model wrote nothing.")
    return text.strip() + "\n"


def named_in(text: str) -> DocType | None:
    """The kind of document that a message names, the one named first."""
    words = re.sub(r"[\W_]+", " ", text.casefold())
    found = [
        (words.index(name), doc_type)
        for doc_type in get_args(DocType)
        for name in (_spelled(doc_type).casefold(), *OUTLINES[doc_type].also)
        if name in words
    ]
    return min(found)[1] if found else None


def _title(text: str, asked: DocumentationData | None, doc_type: DocType) -> str:
    if asked and asked.title:
        return asked.title
    found = TITLE.search(text)
    return found["title"].strip("*_ #") if found else _spelled(doc_type).capitalize()


def _gaps(text: str) -> str:
    """What the document says is missing, so that nobody takes it for finished."""
    _, _, after = text.rpartition(f"## {OPEN_POINTS}")
    points = [line for line in after.splitlines() if line.lstrip().startswith(("- ", "* "))]
    if not points:
        return "It names no open points; check it before you rely on it."
    return f"It names {len(points)} open point{'s' if len(points) > 1 else ''}:\n\n" + "\n".join(points[:10])


def _spelled(doc_type: DocType) -> str:
    return ABBREVIATED.get(doc_type, doc_type.replace("_", " "))


def _slug(title: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")
    return words[:60].strip("-") or "document"
