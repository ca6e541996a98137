"""Two-step sign-in: the codes of an app (TOTP, RFC 6238), and spare codes for the day when the app is lost."""
from __future__ import annotations

import hmac
import secrets
from datetime import datetime

import pyotp
from sqlalchemy import delete, func, select, update

from protocol.errors import Refusal
from server.extensions import db
from server.models import Account, SpareCode, Staff
from server.services.house import audit
from server.services.house.versions import check_version, note_change
from server.services.signing_in.sessions import marks_of, name_of
from server.services.signing_in.sign_in import note_wrong_try, refuse_locked
from server.services.storage.sealing import SealBroken, open_password, seal_password
from vault.errors import BackupError

SECONDS = 30
DIGITS = 6
CLOCKS_DIFFER = 1
"""How many steps of 30 seconds a telephone's clock may be before or behind."""
SPARE_CODES = 10
SPARE_LENGTH = 8
SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
"""What spare codes are made of: nothing that looks like something else on paper."""
LONGEST_CODE = 40


class CodeRefused(Refusal):
    """This code isn't right, or it was used already. Nothing was changed."""

    code = "IBS-1354"
    hint = "Wait for your app's next code and enter that one, or use a spare code."
    status = 401


class SecondStepUnreadable(BackupError):
    """The second step of {name} can't be checked with this portal's key. Nothing was changed."""

    code = "IBS-1355"
    hint = "The keys folder and the database must come from the same portal; see docs/operations.md."


def new_secret() -> str:
    """A key for an app to make codes from, in letters and digits."""
    return str(pyotp.random_base32())


def address_of(person: Account | Staff, secret: str, issuer: str) -> str:
    """What the app reads from the picture: the key, whose it is, and of which portal."""
    return pyotp.TOTP(secret).provisioning_uri(name=name_of(person), issuer_name=issuer.replace(":", " "))


def turn_on(person: Account | Staff, secret: str, code: str, kek: bytes, now: datetime, *, address: str = ""
            ) -> list[str]:
    """Ask for codes made from `secret` from now on; `code` proves that the person's app makes them.

    Returns new spare codes. Raises CodeRefused.
    """
    db.session.refresh(person, with_for_update=True)
    step = _step_of(secret, code, now, 0)
    if step is None:
        raise CodeRefused
    person.totp_sealed = seal_password(kek, _bound_to(person), secret)
    person.totp_step = step
    codes = _replace_spare_codes(person, kek)
    _record(person, "switched two-step sign-in on", now, address)
    return codes


def turn_off(person: Account | Staff, now: datetime, *, address: str = "") -> None:
    """Ask for the password alone from now on."""
    _forget(person)
    _record(person, "switched two-step sign-in off", now, address)


def remove_from(member: Staff, version: int | None, now: datetime, *, actor: str, address: str = "") -> None:
    """Take the second step from somebody who lost app and spare codes. Raises EditedMeanwhile."""
    check_version(member, version)
    if member.totp_sealed:
        _forget(member)
        note_change(member, actor, now)
        audit.record(actor, "removed two-step sign-in", member.email, address=address, now=now)
    db.session.commit()


def renew_spare_codes(person: Account | Staff, kek: bytes, now: datetime, *, address: str = "") -> list[str]:
    """Ten new spare codes; the earlier ones no longer work."""
    codes = _replace_spare_codes(person, kek)
    _record(person, "made new spare codes", now, address)
    return codes


def count_spare_codes(person: Account | Staff) -> int:
    """How many spare codes are left."""
    return db.session.scalar(select(func.count()).select_from(SpareCode).where(
        SpareCode.person == person.get_id(), SpareCode.used_at.is_(None))) or 0


def check_code(person: Account | Staff, code: str, kek: bytes, now: datetime) -> None:
    """Let a person pass who shows the app's present code or a spare code; each works once.

    A wrong one counts like a wrong password. Raises CodeRefused, TooManyAttempts, SecondStepUnreadable.
    """
    db.session.refresh(person, with_for_update=True)
    refuse_locked(person, now)
    step = _step_of(_secret_of(person, kek), code, now, person.totp_step)
    if step is not None:
        person.totp_step = step
    elif not _use_spare_code(person, code, kek, now):
        note_wrong_try(person, now)
        raise CodeRefused
    db.session.commit()


def _step_of(secret: str, code: str, now: datetime, used: int) -> int | None:
    """The step of 30 seconds to which a code belongs, later than the last `used` one; None for a wrong code."""
    digits = "".join(code[:LONGEST_CODE].split())
    present = int(now.timestamp()) // SECONDS
    app = pyotp.TOTP(secret, digits=DIGITS, interval=SECONDS)
    for step in range(present - CLOCKS_DIFFER, present + CLOCKS_DIFFER + 1):
        if hmac.compare_digest(app.generate_otp(step).encode(), digits.encode()) and step > used:
            return step
    return None


def _secret_of(person: Account | Staff, kek: bytes) -> str:
    try:
        return open_password(kek, _bound_to(person), person.totp_sealed)
    except SealBroken as error:
        raise SecondStepUnreadable(name=name_of(person)) from error


def _use_spare_code(person: Account | Staff, code: str, kek: bytes, now: datetime) -> bool:
    plain = "".join(sign for sign in code[:LONGEST_CODE].lower() if sign.isalnum())
    used = db.session.execute(
        update(SpareCode).where(SpareCode.person == person.get_id(), SpareCode.used_at.is_(None),
                                SpareCode.code_hash == _hash(person, plain, kek)).values(used_at=now))
    return bool(used.rowcount)  # type: ignore[attr-defined]  # an update has it


def _replace_spare_codes(person: Account | Staff, kek: bytes) -> list[str]:
    db.session.execute(delete(SpareCode).where(SpareCode.person == person.get_id()))
    plain = ["".join(secrets.choice(SIGNS) for _ in range(SPARE_LENGTH)) for _ in range(SPARE_CODES)]
    db.session.add_all(SpareCode(person=person.get_id(), code_hash=_hash(person, code, kek)) for code in plain)
    return [f"{code[:4]}-{code[4:]}" for code in plain]


def _forget(person: Account | Staff) -> None:
    person.totp_sealed, person.totp_step = b"", 0
    db.session.execute(delete(SpareCode).where(SpareCode.person == person.get_id()))


def _record(person: Account | Staff, deed: str, now: datetime, address: str) -> None:
    audit.record(name_of(person), deed, name_of(person), address=address, now=now, **marks_of(person))
    db.session.commit()


def _hash(person: Account | Staff, code: str, kek: bytes) -> bytes:
    """Keyed, since a spare code is short enough to be guessed from a copy of the database alone."""
    return hmac.digest(kek, f"spare code of {person.get_id()}: {code}".encode(), "sha256")


def _bound_to(person: Account | Staff) -> str:
    return f"second step of {person.get_id()}"
