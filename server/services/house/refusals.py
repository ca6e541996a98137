"""The portal's refusals beyond those that protocol.errors lets a client tell apart."""
from __future__ import annotations

from protocol.errors import Refusal


class NameInUse(Refusal):
    """The {what} {name} exists already. Nothing was changed."""

    code = "IBS-1303"
    hint = "Choose another name."
    status = 409


class ValueRefused(Refusal):
    """The {field} can't be used: {reason}. Nothing was changed."""

    code = "IBS-1304"
    hint = "Correct it and try again."
    status = 400


class NotPermitted(Refusal):
    """This page isn't part of your role. Nothing was changed."""

    code = "IBS-1305"
    hint = "Ask an administrator."
    status = 403


class FormExpired(Refusal):
    """This form is no longer valid: its page was open for too long or came from elsewhere. Nothing was changed."""

    code = "IBS-1306"
    hint = "Open the page again and repeat it."
    status = 400


class NothingChosen(Refusal):
    """Nothing was ticked, so there is nothing to download."""

    code = "IBS-1340"
    hint = "Go back and tick the files and folders that you want."
    status = 400
