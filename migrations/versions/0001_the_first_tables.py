"""The first tables."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Written out here, as a revision must not change when the models do.
NUMBER = sa.Integer().with_variant(mysql.INTEGER(unsigned=True), "mysql")
LARGE = sa.BigInteger().with_variant(mysql.BIGINT(unsigned=True), "mysql")
SMALL = sa.Integer().with_variant(mysql.TINYINT(unsigned=True), "mysql")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
LONG = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")
OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_row_format": "DYNAMIC",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
CLUSTERED: dict[str, Any] = {**OPTIONS, "sqlite_with_rowid": False}


def fixed(length: int) -> TypeEngine[bytes]:
    """Exactly `length` bytes."""
    return sa.LargeBinary(length).with_variant(mysql.BINARY(length), "mysql")


def short(limit: int) -> TypeEngine[bytes]:
    """Up to `limit` bytes in the row."""
    return sa.LargeBinary(limit).with_variant(mysql.VARBINARY(limit), "mysql")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("action", sa.String(100), nullable=False),
        sa.Column("object", sa.String(255), nullable=False),
        sa.Column("detail", sa.String(2000), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
        **OPTIONS,
    )
    op.create_index("ix_audit_event_at", "audit_event", ["at"])
    op.create_table(
        "chunk",
        sa.Column("vault_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("chunk_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("chunk_key", fixed(16), nullable=False),
        sa.Column("kind", SMALL, nullable=False),
        sa.Column("compression", SMALL, nullable=False),
        sa.Column("pack_no", NUMBER, nullable=False),
        sa.Column("offset", NUMBER, nullable=False),
        sa.Column("length", NUMBER, nullable=False),
        sa.Column("plain", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("vault_id", "chunk_no", name="pk_chunk"),
        sa.UniqueConstraint("vault_id", "chunk_key", name="uq_chunk_vault_id_chunk_key"),
        **CLUSTERED,
    )
    op.create_index("ix_chunk_vault_id_pack_no", "chunk", ["vault_id", "pack_no"])
    op.create_table(
        "content_segment",
        sa.Column("vault_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("node_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("first_run", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seg_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("chunks", short(16384), nullable=False),
        sa.PrimaryKeyConstraint("vault_id", "node_no", "first_run", "seg_no", name="pk_content_segment"),
        **CLUSTERED,
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("phone", sa.String(50), nullable=True),
        sa.Column("street", sa.String(255), nullable=True),
        sa.Column("city", sa.String(255), nullable=True),
        sa.Column("postcode", sa.String(20), nullable=True),
        sa.Column("state", sa.String(255), nullable=True),
        sa.Column("country", sa.String(2), nullable=True),
        sa.Column("time_zone", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_customer"),
        sa.UniqueConstraint("number", name="uq_customer_number"),
        **OPTIONS,
    )
    op.create_table(
        "pack",
        sa.Column("vault_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("pack_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("sha256", fixed(32), nullable=False),
        sa.Column("size", LARGE, nullable=False),
        sa.Column("cipher", SMALL, nullable=False),
        sa.Column("key_version", NUMBER, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("run_no", NUMBER, nullable=False),
        sa.Column("adopted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("vault_id", "pack_no", name="pk_pack"),
        **CLUSTERED,
    )
    op.create_index("ix_pack_vault_id_run_no", "pack", ["vault_id", "run_no"])
    op.create_index("ix_pack_vault_id_state", "pack", ["vault_id", "state"])
    op.create_table(
        "plan",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("quota", LARGE, nullable=False),
        sa.Column("computers", sa.Integer, nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("keep_days", sa.Integer, nullable=False),
        sa.Column("grace_days", sa.Integer, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_plan"),
        sa.UniqueConstraint("name", name="uq_plan_name"),
        **OPTIONS,
    )
    op.create_table(
        "run",
        sa.Column("vault_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("run_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("uuid", sa.String(36), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("automatic", sa.Boolean, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("lease_hash", fixed(32), nullable=False),
        sa.Column("previous_lease_hash", fixed(32), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=False),
        sa.Column("hardware_hash", fixed(32), nullable=False),
        sa.Column("parent_run", NUMBER, nullable=False),
        sa.Column("root_node", NUMBER, nullable=True),
        sa.Column("first_chunk", NUMBER, nullable=False),
        sa.Column("checkpoint", sa.Boolean, nullable=False),
        sa.Column("manifest_bytes", LARGE, nullable=False),
        sa.Column("batches", NUMBER, nullable=False),
        sa.Column("commit_hash", fixed(32), nullable=True),
        sa.Column("commit", LONG, nullable=True),
        sa.Column("files", LARGE, nullable=False),
        sa.Column("bytes", LARGE, nullable=False),
        sa.Column("read_bytes", LARGE, nullable=False),
        sa.Column("stored", LARGE, nullable=False),
        sa.Column("skipped", LARGE, nullable=False),
        sa.Column("code", sa.String(20), nullable=False),
        sa.Column("sentence", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("vault_id", "run_no", name="pk_run"),
        sa.UniqueConstraint("vault_id", "uuid", name="uq_run_vault_id_uuid"),
        **CLUSTERED,
    )
    op.create_index("ix_run_state_lease_until", "run", ["state", "lease_until"])
    op.create_index("ix_run_vault_id_finished_at", "run", ["vault_id", "finished_at"])
    op.create_table(
        "run_batch",
        sa.Column("vault_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("run_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("batch_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("digest", fixed(32), nullable=False),
        sa.Column("root", NUMBER, nullable=False),
        sa.Column("highest_node", NUMBER, nullable=False),
        sa.Column("highest_chunk", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("vault_id", "run_no", "batch_no", name="pk_run_batch"),
        **CLUSTERED,
    )
    op.create_table(
        "run_log",
        sa.Column("vault_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("run_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("xml", LONG, nullable=False),
        sa.PrimaryKeyConstraint("vault_id", "run_no", name="pk_run_log"),
        **CLUSTERED,
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_sign_in_at", MOMENT, nullable=True),
        sa.Column("failed_sign_ins", sa.Integer, nullable=False),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("email", name="uq_staff_email"),
        **OPTIONS,
    )
    op.create_table(
        "storage",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("user", sa.String(255), nullable=False),
        sa.Column("password_sealed", short(1024), nullable=False),
        sa.Column("base", sa.String(1000), nullable=False),
        sa.Column("tls", sa.Boolean, nullable=False),
        sa.Column("pin", fixed(32), nullable=True),
        sa.Column("ca", sa.Text, nullable=True),
        sa.Column("profile", sa.JSON, nullable=False),
        sa.Column("findings", sa.JSON, nullable=False),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_storage"),
        sa.UniqueConstraint("name", name="uq_storage_name"),
        **OPTIONS,
    )
    op.create_table(
        "version",
        sa.Column("vault_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("parent_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("name", short(1020), nullable=False),
        sa.Column("first_run", NUMBER, autoincrement=False, nullable=False),
        sa.Column("last_run", NUMBER, nullable=False),
        sa.Column("node_no", NUMBER, nullable=False),
        sa.Column("kind", SMALL, nullable=False),
        sa.Column("size", LARGE, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("attributes", NUMBER, nullable=False),
        sa.Column("chunks", short(256), nullable=False),
        sa.Column("segments", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("vault_id", "parent_no", "name", "first_run", name="pk_version"),
        **CLUSTERED,
    )
    op.create_index("ix_version_vault_id_first_run", "version", ["vault_id", "first_run"])
    op.create_index("ix_version_vault_id_last_run", "version", ["vault_id", "last_run"])
    op.create_table(
        "subscription",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Integer, nullable=False),
        sa.Column("plan_id", sa.Integer, nullable=False),
        sa.Column("storage_id", sa.Integer, nullable=True),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_until", sa.Date, nullable=False),
        sa.Column("quota", LARGE, nullable=False),
        sa.Column("suspended", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_subscription_customer_id"),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_subscription_plan_id"),
        sa.ForeignKeyConstraint(["storage_id"], ["storage.id"], name="fk_subscription_storage_id"),
        sa.PrimaryKeyConstraint("id", name="pk_subscription"),
        **OPTIONS,
    )
    op.create_index("ix_subscription_customer_id", "subscription", ["customer_id"])
    op.create_index("ix_subscription_plan_id", "subscription", ["plan_id"])
    op.create_index("ix_subscription_storage_id", "subscription", ["storage_id"])
    op.create_table(
        "vault",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("uuid", sa.String(36), nullable=False),
        sa.Column("storage_id", sa.Integer, nullable=False),
        sa.Column("computer_id", sa.String(36), nullable=False),
        sa.Column("key_version", sa.Integer, nullable=False),
        sa.Column("wrapped_portal", short(2048), nullable=False),
        sa.Column("wrapped_recovery", short(2048), nullable=False),
        sa.Column("recovery_key_sealed", short(1024), nullable=False),
        sa.Column("stored_bytes", LARGE, nullable=False),
        sa.Column("pack_size", NUMBER, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("next_node", NUMBER, nullable=False),
        sa.Column("last_run_no", NUMBER, nullable=False),
        sa.Column("last_commit_run", NUMBER, nullable=True),
        sa.Column("last_commit_hash", fixed(32), nullable=True),
        sa.ForeignKeyConstraint(["storage_id"], ["storage.id"], name="fk_vault_storage_id"),
        sa.PrimaryKeyConstraint("id", name="pk_vault"),
        sa.UniqueConstraint("computer_id", name="uq_vault_computer_id"),
        sa.UniqueConstraint("uuid", name="uq_vault_uuid"),
        **OPTIONS,
    )
    op.create_index("ix_vault_storage_id", "vault", ["storage_id"])
    op.create_table(
        "account",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Integer, nullable=False),
        sa.Column("user_name", sa.String(255), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("is_owner", sa.Boolean, nullable=False),
        sa.Column("subscription_id", sa.Integer, nullable=True),
        sa.Column("accepts_backups", sa.Boolean, nullable=False),
        sa.Column("accept_changed_by", sa.String(255), nullable=False),
        sa.Column("accept_changed_at", MOMENT, nullable=True),
        sa.Column("accept_reason", sa.String(255), nullable=False),
        sa.Column("mail_on_completion", sa.String(20), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_sign_in_at", MOMENT, nullable=True),
        sa.Column("failed_sign_ins", sa.Integer, nullable=False),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_account_customer_id"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], name="fk_account_subscription_id"),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("user_name", name="uq_account_user_name"),
        **OPTIONS,
    )
    op.create_index("ix_account_customer_id", "account", ["customer_id"])
    op.create_index("ix_account_subscription_id", "account", ["subscription_id"])
    op.create_table(
        "computer",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Integer, nullable=False),
        sa.Column("subscription_id", sa.Integer, nullable=False),
        sa.Column("vault_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("token_hash", fixed(32), nullable=False),
        sa.Column("windows_names", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("client_version", sa.String(255), nullable=False),
        sa.Column("enrolled_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_computer_account_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_computer_customer_id"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], name="fk_computer_subscription_id"),
        sa.ForeignKeyConstraint(["vault_id"], ["vault.id"], name="fk_computer_vault_id"),
        sa.PrimaryKeyConstraint("id", name="pk_computer"),
        sa.UniqueConstraint("token_hash", name="uq_computer_token_hash"),
        sa.UniqueConstraint("vault_id", name="uq_computer_vault_id"),
        **OPTIONS,
    )
    op.create_index("ix_computer_account_id", "computer", ["account_id"])
    op.create_index("ix_computer_customer_id", "computer", ["customer_id"])
    op.create_index("ix_computer_subscription_id", "computer", ["subscription_id"])
    op.create_table(
        "hardware",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("computer_id", sa.String(36), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("report", LONG, nullable=False),
        sa.Column("hash", fixed(32), nullable=False),
        sa.ForeignKeyConstraint(["computer_id"], ["computer.id"], name="fk_hardware_computer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hardware"),
        **OPTIONS,
    )
    op.create_index("ix_hardware_computer_id", "hardware", ["computer_id"])


def downgrade() -> None:
    """Drop every table."""
    for table in (
        "hardware", "computer", "account", "vault", "subscription", "version", "storage", "staff", "run_log",
        "run_batch", "run", "plan", "pack", "customer", "content_segment", "chunk", "audit_event",
    ):
        op.drop_table(table)
