"""What an assistant can tell a room when it can not answer."""


class AssistantError(Exception):
    """Raise it to say plainly, in the room, why there is no answer.

    The text is a sentence for people (`The drawing server is being restarted; ask again in a minute.`). What
    was said before it stays. Any other exception is told without its text, which may hold what is not for
    the room; both stand in the worker's log under the reference that the room sees. Raised by a tool, the
    text goes to the model instead.
    """


class ModelError(AssistantError):
    """The model did not answer, or not to the end; the text says what to do about it."""


class NotApproved(AssistantError):
    """Nobody who may has approved an action: it must not be done."""
