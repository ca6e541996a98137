"""Enrolment: an account's password or a set-up code makes a computer, its token, its vault and the vault's keys."""
from __future__ import annotations

import secrets
from datetime import UTC, datetime, time
from hashlib import sha256
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from protocol.errors import StorageMissing, TooManyComputers
from protocol.messages import ComputerStatus, EnrolComputer, EnrolledComputer, HardwareReport
from server.config import Config, Secrets
from server.extensions import db
from server.models import Account, Computer, Run, Storage, Subscription, Vault
from server.models.runs import COMMITTED
from server.services.fleet import hardware, set_up_codes
from server.services.house import audit
from server.services.selling.stored import used_bytes
from server.services.selling.subscriptions import check_stage
from server.services.signing_in.sign_in import sign_in_account
from vault.keys import new_recovery_code, new_vault_key, recovery_wrapping_key, wrap_key

TOKEN_BYTES = 32
NONCE_BYTES = 12


def hash_token(token: str) -> bytes:
    """What the portal keeps of a token. It is random and long, so a plain hash is enough."""
    return sha256(token.encode()).digest()


def find_by_token(token: str) -> Computer | None:
    """The computer that was given `token`, with its account and subscription as they are now."""
    found: Computer | None = db.session.scalar(
        select(Computer)
        .where(Computer.token_hash == hash_token(token))
        .options(joinedload(Computer.account), joinedload(Computer.subscription).joinedload(Subscription.plan))
        .execution_options(populate_existing=True)
    )
    return found


def enrol(message: EnrolComputer, address: str, config: Config, now: datetime) -> EnrolledComputer:
    """Enrol the computer that sent `message` from `address`, by a set-up code or by an account's password.

    Raises SignInFailed, SetUpCodeUsedUp, TooManyAttempts, SubscriptionMissing, SubscriptionNotBegun,
    SubscriptionExpired, TooManyComputers, StorageMissing.
    """
    visit = set_up_codes.open_code(message.set_up_code, address, now) if message.set_up_code else None
    account = set_up_codes.account_of(visit) if visit else sign_in_account(message.user_name, message.password, now)
    subscription = check_stage(account.subscription, account, now)
    check_place(subscription)
    token, code = secrets.token_urlsafe(TOKEN_BYTES), new_recovery_code()
    computer, vault = _add_computer(message, account, subscription, token, code, config, now)
    if visit is not None:
        visit.computer_id = computer.id
    audit.record(visit.created_by if visit else account.user_name, "enrolled a computer", computer.name,
                 detail=computer.id, address=address, now=now, customer=account.customer_id, account=account.id)
    db.session.commit()
    return EnrolledComputer(
        computer=computer.id,
        vault=vault.uuid,
        token=token,
        recovery_code=code,
        customer_number=account.customer.label,
        account=account.user_name,
        plan=subscription.plan.name,
        valid_until=_end_of(subscription),
        quota=subscription.quota,
    )


def _add_computer(message: EnrolComputer, account: Account, subscription: Subscription, token: str, code: str,
                  config: Config, now: datetime) -> tuple[Computer, Vault]:
    computer_id = str(uuid4())
    vault = new_vault(computer_id, _storage_for(subscription), code, config.secrets, now)
    db.session.add(vault)
    db.session.flush()
    computer = Computer(
        id=computer_id,
        account=account,
        customer_id=account.customer_id,
        subscription=subscription,
        vault_id=vault.id,
        name=message.hardware.host_name or "Computer",
        token_hash=hash_token(token),
        windows_names=message.windows_names,
        client_version=message.client_version,
        enrolled_at=now,
        last_seen_at=now,
    )
    db.session.add(computer)
    db.session.flush()
    hardware.receive(computer, message.hardware, now)
    return computer, vault


def new_vault(computer: str, storage: Storage, code: str, keys: Secrets, now: datetime) -> Vault:
    """A vault with a fresh key, wrapped for the portal and for the recovery code `code`.

    The key that the code yields is kept sealed too, so that a later vault key needs no new recovery sheet.
    """
    uuid = uuid4()
    vault_key, recovery_key = new_vault_key(), recovery_wrapping_key(code, uuid)
    signer = Ed25519PrivateKey.from_private_bytes(keys.signing).public_key().public_bytes_raw()
    nonce = secrets.token_bytes(NONCE_BYTES)
    return Vault(
        uuid=str(uuid),
        storage_id=storage.id,
        computer_id=computer,
        wrapped_portal=wrap_key(vault_key, keys.kek, vault=uuid, holder="portal", signer=signer),
        wrapped_recovery=wrap_key(vault_key, recovery_key, vault=uuid, holder="recovery", signer=signer),
        recovery_key_sealed=nonce + AESGCM(keys.kek).encrypt(nonce, recovery_key, b"ibs-recovery-key" + uuid.bytes),
        created_at=now,
    )


def receive_hardware(computer: Computer, report: HardwareReport, now: datetime) -> None:
    """Keep a hardware report if it differs from the last one; see hardware.receive."""
    hardware.receive(computer, report, now)
    db.session.commit()


def describe(computer: Computer, portal_name: str) -> ComputerStatus:
    """What a computer may know of itself."""
    account, subscription = computer.account, computer.subscription
    snapshots = select(func.count(), func.max(Run.run_no), func.max(Run.finished_at)).where(
        Run.vault_id == computer.vault_id, Run.state == COMMITTED
    )
    count, last, finished = db.session.execute(snapshots).one()
    return ComputerStatus(
        computer=computer.id,
        name=computer.name,
        customer_number=account.customer.label,
        account=account.user_name,
        reseller=portal_name,
        plan=subscription.plan.name,
        valid_from=datetime.combine(subscription.valid_from, time(), UTC),
        valid_until=_end_of(subscription),
        quota=subscription.quota,
        used=used_bytes(subscription.id),
        accepts_backups=account.accepts_backups,
        accept_changed_by=account.accept_changed_by,
        accept_changed_at=account.accept_changed_at,
        accept_reason=account.accept_reason,
        snapshots=count,
        last_snapshot=last,
        last_finished_at=finished,
    )


def check_place(subscription: Subscription) -> None:
    """Raises TooManyComputers when the plan's computers are all in use; retired ones don't count.

    The subscription's row is locked, so that two enrolments at once can't both take the last place.
    """
    db.session.execute(select(Subscription.id).where(Subscription.id == subscription.id).with_for_update())
    used = db.session.scalar(
        select(func.count()).where(Computer.subscription_id == subscription.id, Computer.state != "retired")
    )
    if (used or 0) >= subscription.plan.computers:
        raise TooManyComputers(plan=subscription.plan.name, allowed=subscription.plan.computers)


def _storage_for(subscription: Subscription) -> Storage:
    storage = subscription.storage or db.session.scalar(select(Storage).where(Storage.is_default).order_by(Storage.id))
    if storage is None:
        raise StorageMissing
    return storage


def _end_of(subscription: Subscription) -> datetime:
    """The last moment of the subscription's last day."""
    return datetime.combine(subscription.valid_until, time.max, UTC)
