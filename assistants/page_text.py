"""The text of a web page, as a person would read it out: no scripts, no styles, no navigation."""

from dataclasses import dataclass

UNREAD = ["script", "style", "noscript", "template", "svg", "iframe", "object", "nav", "form", "button"]
"""Elements whose content is not the page's text, or not worth a model's attention."""
BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure"}
    | {"footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre"}
    | {"section", "table", "tr", "ul"}
)
CELLS = frozenset({"td", "th"})
HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}


@dataclass(frozen=True, slots=True)
class PageText:
    """`title` is empty where the page has none."""

    title: str
    text: str


def page_text(html: str) -> PageText:
    """A page's title and its text, headings marked as in Markdown, a blank line at most between two lines."""
    from selectolax.lexbor import LexborHTMLParser  # 40 ms that only who reads pages waits for.

    page = LexborHTMLParser(html)
    title = page.css_first("head > title")
    page.strip_tags([*UNREAD, "head"])
    parts: list[str] = []
    for node in page.root.traverse(include_text=True) if page.root else ():
        tag = node.tag or ""
        if tag == "-text":
            parts.append(node.text_content or "")
        elif tag in BLOCKS:
            parts.append("\n" + HEADINGS.get(tag, "- " if tag == "li" else ""))
        elif tag in CELLS:
            parts.append(" | ")
    lines = (" ".join(line.split()) for line in "".join(parts).splitlines())
    return PageText(
        " ".join(title.text().split()) if title else "",
        "\n".join(line for line in lines if line.strip("-| #")),
    )
