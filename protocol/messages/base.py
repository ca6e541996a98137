"""What every message is made of: the base class, the kinds of fields, and how one travels."""
from __future__ import annotations

import threading
from typing import Annotated, Any, TypeVar

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


Kind = TypeVar("Kind", bound=Struct)
ENCODER = msgspec.json.Encoder()
_decoders: dict[type[Struct], msgspec.json.Decoder[Any]] = {}
_turn = threading.Lock()


def encode(message: Message) -> bytes:
    """The message as it travels."""
    return ENCODER.encode(message)


def decode(data: bytes, kind: type[Kind]) -> Kind:
    """The message that travelled as `data`. Raises msgspec.DecodeError when it is none of this `kind`."""
    decoder = _decoders.get(kind) or _prepare(kind)
    message: Kind = decoder.decode(data)
    return message


def _prepare(kind: type[Kind]) -> msgspec.json.Decoder[Any]:
    """The decoder of a kind, made by one thread at a time.

    msgspec (0.22) publishes what it finds out about a class before it has filled it in: a second thread that decodes
    the same kind for the first time at that moment follows an empty pointer, and the process dies.
    """
    with _turn:
        return _decoders.setdefault(kind, msgspec.json.Decoder(kind))
