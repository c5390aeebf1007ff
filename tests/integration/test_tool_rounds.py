"""The tool loop: the real openai client, a local model server, and tools that work, fail and act."""

import asyncio
import base64
import logging
from typing import Any

import asked_model
import pytest
from asking import context, question
from model_server import Exchange, ModelServer, tool_results, uses
from tooling import answer, stock, whose

from assistants import Document, ModelError, NotApproved, tool
from assistants.llm import ChatModel
from assistants.receipt import Receipt

gap, server, model = asked_model.gap, asked_model.server, asked_model.model


async def test_a_model_uses_its_tools(server: ModelServer, model: ChatModel) -> None:
    """Both calls of a round run, in their order; the receipt has what the room should see of them."""
    server.play(uses(("stock", {"part": "M4"}), ("whose", {}), then="There are 2."))
    shown: list[list[tuple[str, str]]] = []
    receipt = Receipt(changed=lambda: shown.append([(one.name, one.state) for one in receipt.tools]))
    assert await answer(context(model, receipt=receipt), stock, whose) == "There are 2."
    first, second = server.exchanges
    assert [one["function"]["name"] for one in first.body["tools"]] == ["stock", "whose"]
    assert not {"tool_choice", "strict"} & set(first.body)
    asked = second.body["messages"][1]
    assert [call["id"] for call in asked["tool_calls"]] == ["call_0", "call_1"]
    assert asked["tool_calls"][0]["function"] == {"name": "stock", "arguments": '{"part": "M4"}'}
    assert tool_results(second) == ["2", "ada"]
    assert [(one.name, one.arguments, one.result, one.state) for one in receipt.tools] == [
        ("stock", '{"part": "M4"}', "2", "done"),
        ("whose", "{}", "ada", "done"),
    ]
    assert shown[0] == [("stock", "running")]
    assert receipt.usage == {"prompt_tokens": 14, "completion_tokens": 6}


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("stock", {"part": "away"}, "The warehouse is being counted."),
        ("stock", {"part": "secret"}, "The tool stock failed. Reference for the operator: "),
        ("stock", {"part": 4}, "part: Input should be a valid string"),
        ("stock", '{"part": "M4"', "Invalid JSON"),
        ("drop_tables", {}, "There is no tool 'drop_tables'; there are stock."),
    ],
)
async def test_what_goes_wrong_goes_back_to_the_model(
    server: ModelServer, model: ChatModel, name: str, arguments: Any, words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """It can try otherwise, and the room sees it; what an exception says stays in the log."""
    server.play(uses((name, arguments), then="I could not find out."))
    ctx = context(model)
    with caplog.at_level(logging.CRITICAL if "secret" not in str(arguments) else logging.ERROR):
        assert await answer(ctx, stock) == "I could not find out."
    (told,) = tool_results(server.exchanges[-1])
    assert words in told
    assert "1234" not in told
    (call,) = ctx.receipt.tools
    assert call.state == "failed"
    assert call.result == told
    if "secret" in str(arguments):
        reference = told.rpartition(" ")[2].rstrip(".")
        assert any(reference in record.getMessage() for record in caplog.records)


class Person:
    """Decides on actions as a test says, and remembers them."""

    def __init__(self, refusal: str | None = None) -> None:
        self.refusal = refusal
        self.asked: list[tuple[str, str]] = []

    async def ask(self, action: str, arguments: str, seconds: float) -> str:
        self.asked.append((action, arguments))
        if self.refusal:
            raise NotApproved(self.refusal)
        return "bo"


async def test_what_acts_is_approved_first(server: ModelServer, model: ChatModel) -> None:
    """A person sees its name, words and arguments; it runs with these, after the store knows that it acts."""
    happened: list[str] = []

    @tool(acting=True)
    async def order(part: str, count: int = 1) -> str:
        """Order a part.

        From the usual supplier.
        """
        happened.append(f"{count} of {part}")
        return "ordered"

    async def acts() -> None:
        happened.append("marked")

    person = Person()
    server.play(uses(("order", {"part": "M4"}), then="Done."))
    ctx = context(model, approver=person, receipt=Receipt(before_acting=acts))
    assert await answer(ctx, order) == "Done."
    assert person.asked == [("order: Order a part.", '{"count":1,"part":"M4"}')]
    assert happened == ["marked", "1 of M4"]
    (call,) = ctx.receipt.tools
    assert (call.acting, call.state, call.result) == (True, "done", "ordered")


async def test_what_nobody_approves_is_not_done(server: ModelServer, model: ChatModel) -> None:
    """The model is told so, and the room that it was refused."""
    happened: list[str] = []

    @tool(acting=True)
    async def order() -> None:
        """Order a part."""
        happened.append("order")

    async def acts() -> None:
        happened.append("marked")

    server.play(uses(("order", {}), then="As you wish."))
    ctx = context(model, approver=Person("Bo has denied it."), receipt=Receipt(before_acting=acts))
    assert await answer(ctx, order) == "As you wish."
    assert happened == []
    assert tool_results(server.exchanges[-1])[0].startswith("Bo has denied it. It was not done.")
    assert ctx.receipt.tools[0].state == "refused"


async def test_wrong_arguments_are_not_asked_about(server: ModelServer, model: ChatModel) -> None:
    """Nobody approves what can not be done."""

    @tool(acting=True)
    async def order(count: int) -> None:
        """Order a part."""

    person = Person()
    server.play(uses(("order", {"count": "all"}), then="Well."))
    await answer(context(model, approver=person), order)
    assert person.asked == []


async def test_a_model_that_only_uses_tools_is_ended(server: ModelServer, model: ChatModel) -> None:
    """The number of rounds is bounded, and told."""

    async def again(exchange: Exchange) -> None:
        await exchange.say("Hm.")
        await exchange.call("whose", {})
        await exchange.finish("tool_calls")

    server.play(again)
    said: list[str] = []
    with pytest.raises(ModelError, match="used its tools 3 times"):
        await answer(context(model), whose, into=said, max_rounds=3)
    assert "".join(said) == "Hm.\n\nHm.\n\nHm."
    assert len(server.exchanges) == 3


async def test_a_stop_ends_the_tools(server: ModelServer, model: ChatModel) -> None:
    """What runs is cancelled, and does not look as if it still ran."""
    begun, ended = asyncio.Event(), asyncio.Event()

    @tool
    async def slow() -> None:
        """Take long."""
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    server.play(uses(("slow", {}), then="never"))
    ctx = context(model)
    asking = asyncio.create_task(answer(ctx, slow))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ended.is_set()
    assert ctx.receipt.tools[0].state == "failed"


async def test_what_a_model_says_loads_nothing(server: ModelServer, model: ChatModel) -> None:
    """Also where an image is cut in two pieces, or in two rounds."""

    async def script(exchange: Exchange) -> None:
        if tool_results(exchange):
            await exchange.say("[a](http://evil/?q=1) ok!", "[b](http://evil/)")
            await exchange.finish()
        else:
            await exchange.say("See !")
            await exchange.call("whose", {})
            await exchange.finish("tool_calls")

    server.play(script)
    said = await answer(context(model), whose)
    assert said == "See !\n\n[a](http://evil/?q=1) ok[b](http://evil/)"


async def test_a_model_that_sees_is_given_images(server: ModelServer, model: ChatModel) -> None:
    """As parts of the last turn; nothing else may be passed as an image."""

    async def script(exchange: Exchange) -> None:
        await exchange.say("A bracket.")
        await exchange.finish()

    server.play(script)
    image = Document("file_1", "a.png", "image/png", "", content=b"png")
    assert await answer(context(model), images=[image]) == "A bracket."
    text, part = server.exchanges[0].body["messages"][-1]["content"]
    assert text == {"type": "text", "text": "How many brackets?"}
    assert part["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(b"png").decode()
    with pytest.raises(ValueError, match=r"plan\.txt is no image"):
        await answer(context(model), images=[Document("f", "plan.txt", "text/plain", "x")])


async def test_two_tools_of_one_name_are_refused(model: ChatModel) -> None:
    """A model could not tell them apart."""
    with pytest.raises(ValueError, match="same name"):
        await answer(context(model, asked=question()), whose, whose)
