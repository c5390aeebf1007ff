"""Who may do what with a room."""

from productflo.protocol.codes import RoomKind


def joins_freely(kind: RoomKind, *, in_team: bool) -> bool:
    """Whether one may join without having been added: any user an open room, its team a team's room."""
    match kind:
        case RoomKind.OPEN:
            return True
        case RoomKind.TEAM:
            return in_team
        case RoomKind.PRIVATE | RoomKind.DIRECT:
            return False


def members_may_change(kind: RoomKind) -> bool:
    """Whether members may add and remove others: everywhere but in a conversation of fixed people."""
    return kind is not RoomKind.DIRECT
