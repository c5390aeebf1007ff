"""What every envelope that the server sends has: fields that are None are left out of the encoding."""

from pydantic import BaseModel, ConfigDict, Field

from productflo.protocol.codes import Status


class Data(BaseModel):
    """What an envelope carries, and the parts of it."""

    model_config = ConfigDict(frozen=True)


class Outbound(Data):
    """The envelope around every `data`."""

    status: Status = Status.SUCCESS
    code: str
    user_id: str | None = Field(None, description="Whose doing the envelope tells of.")
    room_id: str | None = None
    timestamp: str = Field(description="UTC, milliseconds, `Z`.")
    request_id: str | None = Field(None, description="Of the envelope that this one answers.")
