"""Everything that is kept, on one client."""

from dataclasses import dataclass
from typing import Self

from productflo.store.accounts import AccountStore
from productflo.store.approvals import ApprovalStore
from productflo.store.bus import Bus
from productflo.store.client import Client
from productflo.store.feedback import FeedbackStore
from productflo.store.files import FileStore
from productflo.store.invites import InviteStore
from productflo.store.kept import KeptStore
from productflo.store.log import Log
from productflo.store.presence import PresenceStore
from productflo.store.profiles import Profiles
from productflo.store.retention import Retention, Sweep
from productflo.store.rooms import Rooms
from productflo.store.runs import RunStore
from productflo.store.teams import Teams


@dataclass(frozen=True, slots=True)
class Store:
    """The parts of the store, for a composition root to hand to who needs them.

    `log.run()` and `bus.run()` must be running for appends and subscriptions to be answered.
    """

    redis: Client
    log: Log
    bus: Bus
    rooms: Rooms
    teams: Teams
    presence: PresenceStore
    profiles: Profiles
    runs: RunStore
    files: FileStore
    feedback: FeedbackStore
    invites: InviteStore
    accounts: AccountStore
    sweep: Sweep
    approvals: ApprovalStore
    kept: KeptStore

    @classmethod
    def on(cls, redis: Client, bus: Bus, *, retention: Retention, replicas: int = 0) -> Self:
        """The store on a client."""
        return cls(
            redis,
            Log(redis, retention=retention, replicas=replicas),
            bus,
            Rooms(redis),
            Teams(redis),
            PresenceStore(redis),
            Profiles(redis),
            RunStore(redis),
            FileStore(redis),
            FeedbackStore(redis),
            InviteStore(redis),
            AccountStore(redis),
            Sweep(redis, retention),
            ApprovalStore(redis),
            KeptStore(redis),
        )
