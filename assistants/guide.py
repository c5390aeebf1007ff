"""Guide, the assistant that needs no model: what it says stands in the room, or in this file."""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from assistants import Context, Member, Message, assistant

READ = 200
"""Messages that it looks back over: as far as a history goes."""
SHOWN = 8
"""Messages that it quotes: what fits on a screen."""
EXCERPT = 140
"""Characters of a quoted message."""

HELP = """\
- **Who is here?** or `/who` - the people and assistants of this room, and whether they are connected
- **What did I miss?** or `/missed` - what was said since you last spoke
- **Find** _words_ or `/find` _words_ - the recent messages with these words
- **Help** or `/help` - this list

I read this room and nothing else, and I make nothing up: I have no language model. To talk with one, \
set `OPENAI_API_KEY`, or `OPENAI_BASE_URL` for a server of your own, and start again; then **Haitch** is \
in new rooms."""

WHO = re.compile(
    r"\bwho(?:'s|\u2019s| is| are| else)?\b.*\b(?:here|there|online|around|in (?:this|the) room)\b|^who\??$",
    re.I,
)
MISSED = re.compile(
    r"\b(?:miss(?:ed)?|catch me up|catch up|what(?:'s|\u2019s| is) new|what happened|summar\w+|recap)\b", re.I
)
FIND = re.compile(
    r"^(?:please\s+)?(?:find|search(?:\s+for)?|look\s+for|where\s+did\s+\w+\s+say)\b[\s:]*(?P<words>.*)$",
    re.I | re.S,
)
GREETING = re.compile(
    r"^(?:hi|hello|hey|hallo|good (?:morning|afternoon|evening)|moin|bonjour)\b[^?]{0,40}$", re.I
)
THANKS = re.compile(r"^(?:thanks|thank you|thx|cheers|great|nice|perfect|merci|danke)\b[^?]{0,40}$", re.I)

HELP_ASKED = re.compile(
    r"\bhelp\b|\bwhat (?:can|do) you\b|\bwho are you\b|\bhow (?:does|do) (?:this|it|you) work\b|^\?+$", re.I
)


@assistant(
    "guide",
    name="Guide",
    description="Shows you around; answers from the room itself, without a model.",
    commands={
        "help": "What can be asked in this room, and of whom",
        "who": "Who is here",
        "missed": "What was said since you last spoke",
        "find": "The recent messages with these words",
    },
)
async def guide(ctx: Context) -> AsyncIterator[str]:
    """Answer what can be known from the room."""
    asked = ctx.text.removeprefix("/")
    history = await ctx.history(READ)
    known_here = any(message.sender == ctx.me.id for message in history)
    if not known_here:
        yield f"Hello {ctx.asker.name}, good to meet you - I am {ctx.me.name}, and I show people around.\n\n"
    if GREETING.search(asked) and known_here:
        yield f"Hello {ctx.asker.name}! I can say who is here and what you missed, and find things."
    elif THANKS.search(asked):
        yield "You are welcome."
    elif found := FIND.search(asked):
        yield _find(ctx, history, found["words"])
    elif MISSED.search(asked):
        yield _missed(ctx, history)
    elif WHO.search(asked):
        yield _who(ctx)
    else:
        async for part in _help(ctx, asked, known_here):
            yield part


async def _help(ctx: Context, asked: str, known_here: bool) -> AsyncIterator[str]:
    asked_for = not asked or HELP_ASKED.search(asked) or GREETING.search(asked)
    if not asked_for:
        yield "That I can not answer: I only know what stands in this room. "
    yield "You can ask me:\n\n" if known_here or asked_for else "But you can ask me:\n\n"
    for line in HELP.splitlines(keepends=True):
        yield line
    for other in ctx.members:
        if other.kind == "assistant" and other.id != ctx.me.id:
            yield f"\n\n{_introduced(other)}"


def _introduced(other: Member) -> str:
    """Another assistant of the room, and what calls it."""
    does = f": {plain(other.description)}" if other.description else ""
    here = "" if other.is_here else " (not running at the moment)"
    commands = [f"\n- `/{name}`: {plain(what)}" for name, what in other.commands.items()]
    return f"**{plain(other.name)}**{here}, called with `@{other.id}`{does}{''.join(commands)}"


def _who(ctx: Context) -> str:
    here = [member for member in ctx.members if member.is_here]
    away = [member for member in ctx.members if not member.is_here]
    lines = [
        f"**{len(ctx.members)} in this room.**" if len(ctx.members) > 1 else "**Only I am in this room.**"
    ]
    for title, members in (("Here", here), ("Not connected", away)):
        if members:
            lines.append(
                f"{title}: " + ", ".join(_called(ctx, member.id) for member in members[: SHOWN * 5]) + "."
            )
    return "\n\n".join(lines)


def _called(ctx: Context, member_id: str) -> str:
    member = next(member for member in ctx.members if member.id == member_id)
    notes = [member.presence] if member.presence in ("away", "busy") else []
    if member.kind == "assistant":
        notes.append("assistant")
    if member.id == ctx.asker.id:
        notes.append("you")
    return plain(member.name) + (f" ({', '.join(notes)})" if notes else "")


def _missed(ctx: Context, history: Sequence[Message]) -> str:
    """What others said since the asker last did; asking this assistant does not count as speaking."""
    spoke = [
        message.seq
        for message in history
        if message.sender == ctx.asker.id and ctx.me.id not in message.mentions and not message.is_command
    ]
    since = spoke[-1] if spoke else 0
    missed = [message for message in history if message.seq > since and message.sender != ctx.me.id]
    if not missed:
        return "Nothing: nobody else has said anything since you last spoke."
    authors = sorted({ctx.name(message.sender) for message in missed}, key=str.casefold)
    who = ", ".join(plain(author) for author in authors)
    when = "since you last spoke" if spoke else f"in the last {len(history)} messages, as far as I read"
    count = f"{len(missed)} message{'s' if len(missed) > 1 else ''}"
    parts = [f"**{count}** {when}, by {who}."]
    to_you = [message for message in missed if ctx.asker.id in message.mentions]
    if to_you:
        parts.append("You were mentioned:\n\n" + _quotes(ctx, to_you))
    questions = [message for message in missed if "?" in message.text and message not in to_you]
    if questions:
        parts.append("Questions:\n\n" + _quotes(ctx, questions))
    others = [message for message in missed if message not in to_you and message not in questions]
    if others:
        parts.append("The latest of the rest:\n\n" + _quotes(ctx, others))
    return "\n\n".join(parts)


def _find(ctx: Context, history: Sequence[Message], asked: str) -> str:
    words = [word for word in re.findall(r"\w+", asked.casefold()) if word]
    if not words:
        return "What shall I look for? Write, for instance, **find bracket**."
    shown = plain(" ".join(asked.split())[:80])
    hits = [
        message
        for message in history
        if message.sender != ctx.me.id and all(word in message.text.casefold() for word in words)
    ]
    if not hits:
        return f"I read the last {len(history)} messages of this room; none of them has “{shown}”."
    count = f"{len(hits)} message{'s' if len(hits) > 1 else ''}"
    latest = f", here are the latest {SHOWN}" if len(hits) > SHOWN else ""
    return f"**{count}** with “{shown}”{latest}:\n\n" + _quotes(ctx, hits)


def _quotes(ctx: Context, messages: Iterable[Message]) -> str:
    """The latest of the messages, a line each, with who said it and when."""
    return "\n".join(
        f"- {plain(ctx.name(message.sender))}, {_when(message.sent_at)}: {excerpt(message.text)}"
        for message in list(messages)[-SHOWN:]
    )


def _when(sent_at: str) -> str:
    return datetime.fromisoformat(sent_at).strftime("%d %b, %H:%M UTC").lstrip("0")


def excerpt(text: str) -> str:
    """The beginning of a message on one line, as text and not as Markdown."""
    line = " ".join(text.split())
    return plain(line if len(line) <= EXCERPT else line[: EXCERPT - 1].rstrip() + "…")


def plain(text: str) -> str:
    """Text that Markdown shows as it is; a quoted `@name` calls nobody again."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!])", r"\\\1", text).replace("@", "@\u200b")
