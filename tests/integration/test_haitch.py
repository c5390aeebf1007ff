"""What haitch tells the model: the conversation, in a shape that every model takes."""

from collections.abc import AsyncIterator

import answers
import pytest
from model_server import Exchange, ModelServer, request_texts, speaks
from redis.asyncio import Redis
from rooms import Listener, TestRoom, make_room, writing
from workers import working

from assistants.briefing import ModelSettings
from assistants.haitch import haitch
from assistants.llm import ChatModel
from productflo.store.events import RoomEvent, Typed

heard = answers.heard


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        server.play(speaks("so it is"))
        yield server


@pytest.fixture
async def room(redis: Redis) -> AsyncIterator[TestRoom]:
    async with writing(redis) as log:
        yield await make_room(redis, log, "lab", people=["ada", "bo"], assistants=["haitch", "guide"])


def ended(count: int):
    def holds(events: list[RoomEvent]) -> bool:
        return sum(isinstance(one, Typed) and not one.started for one in events) >= count

    return holds


def roles(exchange: Exchange) -> list[str]:
    return [message["role"] for message in exchange.body["messages"]]


async def test_turns_alternate(store_url: str, room: TestRoom, heard: Listener, server: ModelServer) -> None:
    """Its own words are its own, everybody else speaks by name; neighbours of one role are one turn."""
    model = ChatModel(api_key=None, base_url=server.url)
    async with working(store_url, haitch, model=model):
        await room.say("ada", "@haitch is it?", wake=["haitch"])
        await heard.until(ended(1))
        await room.say("guide", "I am guide")
        await room.say("bo", "@haitch really?", wake=["haitch"])
        await heard.until(ended(2))
    _, second = server.exchanges
    assert roles(second) == ["system", "user", "assistant", "user"]
    assert list(request_texts(second))[1:] == [
        "Ada: @haitch is it?",
        "so it is",
        "Guide: I am guide\n\nBo: @haitch really?",
    ]


async def test_what_does_not_fit_is_left_out_from_the_oldest(
    store_url: str, room: TestRoom, heard: Listener, server: ModelServer
) -> None:
    """By messages and by characters; a first turn that would be its own is left out too."""
    model = ChatModel(api_key=None, base_url=server.url)
    settings = ModelSettings(tokens=260)
    async with working(store_url, haitch, model=model, settings=settings):
        await room.say("ada", "@haitch is it?", wake=["haitch"])
        await heard.until(ended(1))
        await room.say("bo", "x" * 980)
        await room.say("ada", "@haitch sure?", wake=["haitch"])
        await heard.until(ended(2))
    assert roles(server.exchanges[1]) == ["system", "user"]
    conversation = list(request_texts(server.exchanges[1]))[1]
    assert conversation == "Bo: " + "x" * 980 + "\n\nAda: @haitch sure?"


async def test_without_a_model_it_says_what_to_set(store_url: str, room: TestRoom, heard: Listener) -> None:
    """Plainly, in the room."""
    async with working(store_url, haitch):
        await room.say("ada", "@haitch hello", wake=["haitch"])
        await heard.until(ended(1))
    (answer,) = await room.answers()
    assert "No model is configured. Set OPENAI_API_KEY" in answer["message"]
