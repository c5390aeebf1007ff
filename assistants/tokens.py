"""How long a text is to a model, about."""

BYTES = 4
"""UTF-8 bytes that are one token, near enough for every tokenizer in use: English has about 4 characters a
token, and a script of three bytes a character has 1 to 1.5 tokens a character."""
OF_A_MESSAGE = 6
"""Tokens that a message costs beside its text: its author's name and what separates it."""


def estimate(text: str) -> int:
    """The tokens of a text, rounded up; cheap, and wrong by a third at most for prose."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES)
