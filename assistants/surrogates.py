"""Text as models send it: an emoji cut in two chunks is two halves that no encoder takes."""


def mended(text: str) -> str:
    """The text with halves put together; a half without its other half becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
