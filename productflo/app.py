"""The web process put together: the only place that turns settings into the things that do the work."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quart import Blueprint, Quart, Response, request

from productflo.blobs.local import LocalBlobs
from productflo.domain.identity import SERVICE_ID
from productflo.network import descriptors_for
from productflo.server.connection_limits import ConnectionLimits
from productflo.server.door import Door
from productflo.server.heartbeat import Heartbeat
from productflo.server.hub import Hub
from productflo.server.pages import Pages
from productflo.server.presence_relay import PresenceRelay
from productflo.server.quart_connection import PacedWebsocket
from productflo.server.rate_limits import RateLimits, Rates
from productflo.server.reconcile import Reconciler
from productflo.server.relay import Relay
from productflo.server.replay import Replay
from productflo.server.roster import Rosters
from productflo.server.sessions import Sessions
from productflo.server.upgrade import Upgrade
from productflo.service.accounts import Accounts
from productflo.service.approvals import Approvals
from productflo.service.attendance import Attendance
from productflo.service.broadcast import Broadcast
from productflo.service.chat import Chat
from productflo.service.clock import system_clock
from productflo.service.files import Files
from productflo.service.history import History
from productflo.service.invites import Invites
from productflo.service.membership import Membership
from productflo.service.mentions import Mentions
from productflo.service.provider import Provider
from productflo.service.receipts import Receipts
from productflo.service.requests import Requests
from productflo.service.revisions import Revisions
from productflo.service.runs import Runs
from productflo.service.wakeups import Wakeups
from productflo.settings import Settings
from productflo.store.bus import Bus
from productflo.store.client import Client
from productflo.store.connect import client
from productflo.store.retention import Retention
from productflo.store.store import Store
from productflo.web.address import Proxies
from productflo.web.approvals import approvals_blueprint
from productflo.web.body import pace_bodies
from productflo.web.broadcast import broadcast_blueprint
from productflo.web.descriptions import descriptions_blueprint
from productflo.web.errors import register_errors
from productflo.web.files import files_blueprint
from productflo.web.guard import Guard
from productflo.web.login import login_blueprint
from productflo.web.metrics import metrics_blueprint
from productflo.web.ops import ops_blueprint
from productflo.web.page import page_blueprint
from productflo.web.request_limits import RequestLimits
from productflo.web.rooms import rooms_blueprint
from productflo.web.sessions import sessions_blueprint
from productflo.web.teams import teams_blueprint
from productflo.web.ws import ws_blueprint
from productflo.web_process import WebProcess

log = logging.getLogger(__name__)

MAX_BODY = 1_048_576
"""Bytes of a request's body; uploads have a limit of their own."""


def create_app(settings: Settings) -> Quart:
    """The application on a store that runs: `settings.redis_url` must be set.

    Needs an ASGI server with lifespan. Connects to nothing before that.
    """
    if settings.redis_url is None:
        raise ValueError("Set REDIS_URL; `productflo serve` starts an embedded store where it is not set.")
    app = Quart(__name__, static_folder=None)
    app.asgi_websocket_class = PacedWebsocket
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    pace_bodies(app)
    redis = client(settings.redis_url)
    reserved = _reserved(settings)
    provider = _provider(settings)
    guard = Guard(
        secret=settings.secret.get_secret_value() if settings.secret else None,
        service_key=settings.service_key.get_secret_value() if settings.service_key else None,
        allowed_hosts=settings.allowed_hosts,
        reserved=reserved,
        provider=provider,
    )
    proxies = Proxies(settings.trusted_proxies)
    process = _assemble(app, settings, redis, guard, proxies, reserved)
    process.provider = provider
    app.extensions["productflo"] = process
    app.while_serving(process.serving)
    register_errors(app)
    _guard_requests(app, guard, RequestLimits(guard, proxies, settings.rate_requests))
    return app


def _reserved(settings: Settings) -> Callable[[str], bool]:
    """Ids that no person may have, in any case: `@Haitch` must not mean somebody else than `@haitch`."""
    ids = {one.casefold() for one in (SERVICE_ID, *settings.assistants, *settings.room_assistants)}
    return lambda user_id: user_id.casefold() in ids


def _provider(settings: Settings) -> Provider | None:
    if settings.jwks_url is None:
        return None
    return Provider(settings.jwks_url, settings.token_issuer or "", settings.token_audience or "")


def _assemble(
    app: Quart,
    settings: Settings,
    redis: Client,
    guard: Guard,
    proxies: Proxies,
    reserved: Callable[[str], bool],
) -> WebProcess:
    """Build the use cases on the store, the live side on the use cases, and the routes on both."""
    store = _store(settings, redis)
    blobs = LocalBlobs(settings.data_dir / "files")
    cases = _use_cases(settings, store, blobs, Wakeups(redis), reserved)
    door = _door(store, cases, settings, reserved)
    sessions = Sessions(door)
    upgrade = Upgrade(settings.wire == "own", settings.max_message_bytes)
    process = _process(redis, store, blobs, door, sessions, upgrade)
    for blueprint in (
        ws_blueprint(door.connections, sessions, guard, proxies, upgrade),
        login_blueprint(cases.accounts, guard, proxies),
        ops_blueprint(redis, lambda: process.draining),
        *_routes(store, cases, door, guard),
    ):
        app.register_blueprint(blueprint)
    return process


@dataclass(frozen=True, slots=True)
class _UseCases:
    """What people and clients can do, whichever way they come."""

    membership: Membership
    files: Files
    chat: Chat
    revisions: Revisions
    invites: Invites
    accounts: Accounts
    approvals: Approvals
    broadcast: Broadcast


def _store(settings: Settings, redis: Client) -> Store:
    kept = Retention(settings.retention_messages, settings.retention_days, settings.retention_bytes)
    return Store.on(redis, Bus(redis), retention=kept, replicas=settings.replicas)


def _use_cases(
    settings: Settings, store: Store, blobs: LocalBlobs, wakeups: Wakeups, reserved: Callable[[str], bool]
) -> _UseCases:
    membership = Membership(
        store.rooms,
        store.teams,
        store.presence,
        store.profiles,
        store.bus,
        system_clock,
        settings.open_rooms,
        settings.room_assistants,
    )
    files = Files(store.files, blobs, settings.max_file_bytes)
    mentions = Mentions(store.rooms, store.teams)
    chat = Chat(store.log, mentions, files, wakeups, system_clock)
    return _UseCases(
        membership,
        files,
        chat,
        Revisions(store.log, store.rooms, mentions, store.feedback, system_clock),
        Invites(store.invites, reserved),
        Accounts(store.accounts, store.invites.claim_user, reserved),
        Approvals(store.approvals, store.bus, system_clock),
        Broadcast(chat, membership, store.rooms),
    )


def _process(
    redis: Client, store: Store, blobs: LocalBlobs, door: Door, sessions: Sessions, upgrade: Upgrade
) -> WebProcess:
    """What runs beside the requests, from the start of the process to its end."""
    people = PresenceRelay(door.hub, door.rosters, store.rooms, store.presence, system_clock)
    relay = Relay(door.hub, store.bus, door.replay.reconciler, door.rosters, door.runs, people, system_clock)
    return WebProcess(
        redis,
        blobs,
        store.log,
        store.sweep,
        store.bus,
        door.hub,
        sessions,
        upgrade,
        relay,
        door.heartbeat,
        door.receipts,
        door.chat.wakeups,
    )


def _routes(store: Store, cases: _UseCases, door: Door, guard: Guard) -> tuple[Blueprint, ...]:
    """The routes that need no more than use cases and the guard, or neither."""
    return (
        sessions_blueprint(cases.invites, guard),
        files_blueprint(cases.files, guard),
        rooms_blueprint(cases.membership, store.rooms, door.history, guard),
        approvals_blueprint(cases.approvals, cases.membership, guard),
        teams_blueprint(store.teams, guard),
        broadcast_blueprint(cases.broadcast, guard),
        metrics_blueprint(guard),
        descriptions_blueprint(),
        page_blueprint(),
    )


def _room(connections: int) -> int:
    """How many connections this process takes: as many as the operator says, if the system allows them."""
    room = descriptors_for(connections)
    if room < connections:
        log.warning(
            "This process may have so few files open that it takes %d WebSockets, not the %d of "
            "PRODUCTFLO_MAX_CONNECTIONS. Raise the limit: ulimit -n, or LimitNOFILE of systemd",
            room,
            connections,
        )
    return room


def _rates(settings: Settings) -> Rates:
    return Rates(
        connection=settings.rate_connection,
        address=settings.rate_address,
        chats=settings.rate_chats,
        historic=settings.rate_historic,
        typing=settings.rate_typing,
        malformed=settings.rate_malformed,
    )


def _door(store: Store, cases: _UseCases, settings: Settings, reserved: Callable[[str], bool]) -> Door:
    """What sessions need."""
    hub = Hub(store.bus)
    return Door(
        hub,
        RateLimits(_rates(settings)),
        ConnectionLimits(
            hub,
            settings.rate_handshakes,
            per_process=_room(settings.max_connections),
            per_address=settings.max_connections_per_address,
            per_user=settings.max_connections_per_user,
        ),
        Replay(Pages(store.log), Reconciler(store.rooms, store.log, system_clock)),
        Rosters(cases.membership),
        cases.chat,
        Requests(cases.chat, store.rooms, store.profiles, store.presence),
        cases.revisions,
        cases.membership,
        History(store.log, cases.membership),
        Receipts(store.rooms, store.log, store.bus, system_clock),
        Attendance(store.presence, store.bus, system_clock),
        Heartbeat(store.presence),
        Runs(store.runs, store.rooms, store.log, cases.chat.wakeups),
        system_clock,
        reserved,
    )


def _guard_requests(app: Quart, guard: Guard, limits: RequestLimits) -> None:
    @app.before_request
    async def check_source() -> None:
        guard.check_source(request)
        await guard.prepare(request)
        limits.take(request)

    @app.after_request
    async def harden(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        return response


def __getattr__(name: str) -> Any:
    """`productflo.app:app` for any ASGI server, from the environment."""
    if name == "app":
        return create_app(Settings())
    raise AttributeError(name)
