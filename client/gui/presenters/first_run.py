"""The first run in words: what is wrong with a sign-in before it is sent, the recovery sheet, the sum of folders."""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from client.gui.presenters import words

Fields = Mapping[str, Any]

HERE = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(/.*)?")
TIME = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")


def complete_address(text: str) -> str:
    """The portal's address with what people leave out: https://, or http:// for this computer itself."""
    address = text.strip().rstrip("/")
    if not address or "://" in address:
        return address
    return f"http://{address}" if HERE.fullmatch(address) else f"https://{address}"


def check_sign_in(address: str, user: str, password: str, code: str, *, by_code: bool) -> dict[str, str]:
    """Field → what is wrong with it; empty when it can be sent."""
    problems = {}
    if not address.strip():
        problems["address"] = "Enter the portal's address; your backup provider knows it."
    elif re.search(r"\s", address.strip()):
        problems["address"] = "An address has no spaces in it."
    if by_code:
        if not code.strip():
            problems["code"] = "Enter the set-up code, such as KX4-92Q."
        return problems
    if not user.strip():
        problems["user"] = "Enter the user name of your account."
    if not password:
        problems["password"] = "Enter the password of your account."
    return problems


def enrol_words(address: str, user: str, *, by_code: bool, authority: str = "", again: bool = False) -> list[str]:
    """The command that signs in; password or code go to its standard input, which no list of processes shows."""
    who = ["--code-stdin"] if by_code else ["--user", user.strip(), "--password-stdin"]
    return ["enrol", complete_address(address), *who, *(["--ca", authority] if authority else []),
            *(["--again"] if again else []), "--json"]


def write_sheet(enrolled: Fields, portal: str, today: datetime) -> str:
    """The recovery sheet as plain text of 72 columns, fit to be printed."""
    line = "-" * 72
    return "\n".join([
        "RECOVERY SHEET", line, "",
        f"Recovery code    {enrolled.get('recovery_code', '')}", "",
        f"Customer         {enrolled.get('customer_number', '')}",
        f"Account          {enrolled.get('account', '')}",
        f"Computer         {enrolled.get('computer', '')}",
        f"Vault            {enrolled.get('vault', '')}",
        f"Portal           {portal}",
        f"Plan             {enrolled.get('plan', '')}",
        f"Made on          {words.full_date(today)}", "", line, "",
        "With this code the files of this computer can be brought back even if",
        "the portal is lost. Keep this sheet away from the computer, and show it",
        "to nobody who must not read your files.", "",
        "With the portal you don't need it: sign in there, or open Restore in",
        "the program.", "",
    ])


@dataclass(frozen=True)
class SumView:
    """The running total: its words, how much of the quota it is, and whether it fits."""

    text: str
    share: float
    state: str = "ok"


def describe_sum(measured: Mapping[str, Fields | None], used: int, quota: int) -> SumView:
    """What the ticked folders hold together; None for one that is still being measured."""
    known = [measure for measure in measured.values() if measure is not None]
    files, size = sum(int(one["files"]) for one in known), sum(int(one["bytes"]) for one in known)
    if not measured:
        return SumView("No folder is chosen yet.", 0.0, "neutral")
    least = "at least " if len(known) < len(measured) or not all(one.get("complete", True) for one in known) else ""
    text = f"{words.count(len(measured), 'folder')}: {least}{words.count(files, 'file')}, {words.size(size)}"
    if len(known) < len(measured):
        text += " (counting…)"
    if not quota:
        return SumView(text, 0.0)
    share = size / quota
    text += f" of {words.size(quota)}"
    if share > 1:
        return SumView(f"{text}. This is more than your plan holds; what is new is compressed, but choose less or ask "
                       "your backup provider for more.", 1.0, "error")
    if share > 0.8:
        return SumView(f"{text}. Not much room is left for later versions.", share, "warn")
    return SumView(text, share)


def outermost(paths: Iterable[str]) -> list[str]:
    """The paths of which none lies in another one."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not any(is_inside(path, outer) for outer in kept):
            kept.append(path)
    return kept


def is_inside(path: str, outer: str) -> bool:
    """Whether a path is the other one or lies in it."""
    stem = outer.rstrip("/\\")
    return path in (outer, stem) or path.startswith((f"{stem}/", f"{stem}\\"))


def check_time(text: str) -> str:
    """What is wrong with a time of the day; "" when nothing is."""
    return "" if TIME.fullmatch(text.strip()) else "Write the time as 18:00."


def schedule_words(plan: str, at: str, *, catch_up: bool) -> list[str]:
    """The command that chooses when to back up: daily, workdays, hourly, or off."""
    if plan == "off":
        return ["schedule", "off", "--json"]
    missed = "--catch-up" if catch_up else "--no-catch-up"
    if plan == "hourly":
        return ["schedule", "set", "hourly", "--every", "1", "--all-day", missed, "--json"]
    days = ["weekly", "--days", "mon,tue,wed,thu,fri"] if plan == "workdays" else ["daily"]
    return ["schedule", "set", *days, "--at", at.strip(), missed, "--json"]
