"""What every message is made of: the base class, the kinds of fields, and how one travels."""
from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

API = "/api/v1"
TOKEN_HEADER = "Authorization"
LEASE_HEADER = "IBS-Lease"

ChunkId = Annotated[bytes, Meta(min_length=16, max_length=16)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Data = bytes  # a name of its own, as a message with a field `bytes` would take that for the type
Number = Annotated[int, Meta(ge=0, lt=2**32)]
Size = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Text = Annotated[str, Meta(max_length=255)]


class Message(Struct, frozen=True, kw_only=True):
    """Base of every message; unknown fields are ignored, so that older programs read newer ones."""


class Problem(Message, frozen=True, kw_only=True):
    """A refusal or failure: `sentence` and `hint` for people, `code` for programs, `details` for the sentence."""

    code: str
    sentence: str
    hint: str = ""
    details: dict[str, str] = {}


class Done(Message, frozen=True, kw_only=True):
    """Nothing more to say."""


ENCODER = msgspec.json.Encoder()


def encode(message: Message) -> bytes:
    """The message as it travels."""
    return ENCODER.encode(message)
