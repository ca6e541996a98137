"""What the portal's pages need: full registrations, second sign-in steps, history of subscriptions, mail, states.

New columns of tables that have rows come with the value that those rows get.
"""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Written out here, as a revision must not change when the models do.
NUMBER = sa.Integer().with_variant(mysql.INTEGER(unsigned=True), "mysql")
LARGE = sa.BigInteger().with_variant(mysql.BIGINT(unsigned=True), "mysql")
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


def filled(name: str, kind: TypeEngine[Any], value: str) -> sa.Column[Any]:
    """A column that every row has, with what rows of today get: a text, "0", "1" or a JSON text."""
    if isinstance(kind, sa.Text | sa.JSON):
        return sa.Column(name, kind, nullable=False, server_default=_long_default(value))
    return sa.Column(name, kind, nullable=False, server_default=value)


def _long_default(value: str) -> Any:
    """MySQL takes a default of a long text as an expression only, SQLite as a plain value only."""
    return sa.text(f"'{value}'") if op.get_bind().dialect.name == "sqlite" else sa.text(f"('{value}')")


def versioned() -> list[sa.Column[Any]]:
    """What a record has that several people may edit."""
    return [filled("version", sa.Integer(), "1"), filled("changed_by", sa.String(255), ""),
            sa.Column("changed_at", MOMENT)]


def second_step() -> list[sa.Column[Any]]:
    """What a sign-in has for its second step, and whether it is closed."""
    return [filled("closed", sa.Boolean(), "0"), filled("totp_sealed", short(255), ""),
            filled("totp_step", sa.BigInteger(), "0")]


def new_columns() -> dict[str, list[sa.Column[Any]]]:
    """The new columns of today's tables; REFERENCES names the tables that some refer to."""
    return {
        "account": [filled("mail_changed_by", sa.String(255), ""), sa.Column("mail_changed_at", MOMENT),
                    *second_step(), *versioned()],
        "audit_event": [sa.Column("customer_id", sa.Integer()), sa.Column("account_id", sa.Integer()),
                        filled("before", sa.Text(), ""), filled("after", sa.Text(), "")],
        "computer": [
            filled("state_changed_by", sa.String(255), ""), sa.Column("state_changed_at", MOMENT),
            sa.Column("paused_until", MOMENT), filled("schedule", sa.String(255), ""),
            sa.Column("longest_gap", sa.Integer()), sa.Column("next_run_at", MOMENT),
            filled("folders", sa.JSON(), "[]"), filled("backup_asked_by", sa.String(255), ""),
            sa.Column("backup_asked_at", MOMENT), filled("awaits_approval", sa.Boolean(), "0"),
            sa.Column("last_commit_at", MOMENT), filled("last_skipped", LARGE, "0"),
            filled("last_run_state", sa.String(20), ""), filled("previous_run_state", sa.String(20), ""),
            sa.Column("last_run_at", MOMENT), sa.Column("failed_since", MOMENT), sa.Column("warned_since", MOMENT),
            sa.Column("late_at", MOMENT), sa.Column("overdue_at", MOMENT),
            filled("restore_points", NUMBER, "0"), *versioned(),
        ],
        "customer": [
            filled("kind", sa.String(10), "company"), sa.Column("contact", sa.String(255)),
            sa.Column("registration", sa.String(100)), sa.Column("mobile", sa.String(50)),
            filled("language", sa.String(10), "en"), sa.Column("notes", sa.Text()),
            sa.Column("implementor_id", sa.Integer()), *versioned(),
        ],
        "hardware": [filled("matching", sa.Integer(), "0"), filled("compared", sa.Integer(), "0"),
                     filled("decision", sa.String(10), "accepted"), filled("decided_by", sa.String(255), ""),
                     sa.Column("decided_at", MOMENT)],
        "plan": [sa.Column("price", sa.Numeric(12, 2)), filled("period", sa.String(10), "year"),
                 filled("colour", sa.String(7), "#475467"), filled("remind_days", sa.Integer(), "7"),
                 sa.Column("grace_hours", sa.Integer()), *versioned()],
        "run": [filled("told", sa.Boolean(), "1")],
        "staff": [sa.Column("time_zone", sa.String(64)), *second_step(), *versioned()],
        "storage": [sa.Column("capacity", LARGE), filled("problem_code", sa.String(20), ""),
                    filled("problem", sa.String(2000), ""), sa.Column("problem_since", MOMENT),
                    sa.Column("check_asked_at", MOMENT), sa.Column("seen", sa.Text()),
                    sa.Column("replaces_id", sa.Integer()), *versioned()],
        "subscription": [filled("grace_until", sa.Date(), "1970-01-01"), filled("suspended_reason", sa.String(255), ""),
                         filled("stored_bytes", LARGE, "0"), *versioned()],
    }


REFERENCES = {
    ("audit_event", "account_id"): "account", ("audit_event", "customer_id"): "customer",
    ("customer", "implementor_id"): "staff", ("storage", "replaces_id"): "storage",
}
INDEXES = (
    ("audit_event", ["account_id"]), ("audit_event", ["customer_id"]), ("customer", ["implementor_id"]),
    ("run", ["finished_at"]), ("run", ["opened_at"]), ("run", ["told", "finished_at"]), ("run", ["state", "opened_at"]),
    ("run", ["automatic", "opened_at"]), ("run", ["vault_id", "finished_at", "state", "skipped", "stored"]),
    ("storage", ["replaces_id"]), ("subscription", ["grace_until"]),
    ("subscription", ["valid_until"]),
)


def upgrade() -> None:
    """Add the columns, the tables, and to today's rows what follows from the others."""
    for table, columns in new_columns().items():
        for column in columns:
            add_column(table, column)
    for table, names in INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(names)}", table, names)
    op.drop_index("ix_run_vault_id_finished_at", "run")  # a longer one begins with it
    create_sign_in_tables()
    create_selling_and_mail_tables()
    create_computer_tables()
    create_folder_tables()
    fill_dates_of_grace()
    fill_sums_of_subscriptions()
    fill_states_of_computers()
    fill_days("fleet_day", "", "run")
    fill_days("customer_day", "customer_id, ", "run JOIN computer ON computer.vault_id = run.vault_id")


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column and its reference, which SQLite takes with the column only and MySQL by itself only."""
    refers_to = REFERENCES.get((table, column.name))
    if refers_to and op.get_bind().dialect.name == "sqlite":
        column.append_foreign_key(sa.ForeignKey(f"{refers_to}.id", name=f"fk_{table}_{column.name}"))
    op.add_column(table, column, inline_references=bool(refers_to))
    if refers_to and op.get_bind().dialect.name != "sqlite":
        op.create_foreign_key(f"fk_{table}_{column.name}", table, refers_to, [column.name], ["id"])


def create_sign_in_tables() -> None:
    """Second steps, browsers, links for passwords, forms that were sent."""
    op.create_table(
        "spare_code",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("code_hash", fixed(32), nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_spare_code"),
        **OPTIONS,
    )
    op.create_index("ix_spare_code_person", "spare_code", ["person"])
    op.create_table(
        "browser_session",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("key_hash", fixed(32), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("browser", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_browser_session"),
        sa.UniqueConstraint("key_hash", name="uq_browser_session_key_hash"),
        **OPTIONS,
    )
    op.create_index("ix_browser_session_person", "browser_session", ["person"])
    op.create_table(
        "password_link",
        sa.Column("token_hash", fixed(32), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("token_hash", name="pk_password_link"),
        **OPTIONS,
    )
    op.create_index("ix_password_link_person", "password_link", ["person"])
    op.create_table(
        "submission",
        sa.Column("token", sa.String(43), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("target", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_submission"),
        **OPTIONS,
    )
    op.create_index("ix_submission_at", "submission", ["at"])


def create_selling_and_mail_tables() -> None:
    """The history of subscriptions, the outbox, and what the reseller sets."""
    op.create_table(
        "subscription_change",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("subscription_id", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("before", sa.JSON, nullable=False),
        sa.Column("after", sa.JSON, nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscription_change"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"],
                                name="fk_subscription_change_subscription_id"),
        **OPTIONS,
    )
    op.create_index("ix_subscription_change_subscription_id", "subscription_change", ["subscription_id"])
    op.create_table(
        "mail",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(190), nullable=False),
        sa.Column("message_id", sa.String(190), nullable=False),
        sa.Column("customer_id", sa.Integer),
        sa.Column("recipient", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("text", LONG, nullable=False),
        sa.Column("html", LONG, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("given_up_at", MOMENT),
        sa.Column("problem", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mail"),
        sa.UniqueConstraint("key", name="uq_mail_key"),
        sa.UniqueConstraint("message_id", name="uq_mail_message_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_mail_customer_id"),
        **OPTIONS,
    )
    op.create_index("ix_mail_customer_id", "mail", ["customer_id"])
    op.create_index("ix_mail_sent_at_given_up_at_due_at", "mail", ["sent_at", "given_up_at", "due_at"])
    op.create_table(
        "preference",
        sa.Column("topic", sa.String(50), nullable=False),
        sa.Column("values", sa.JSON, nullable=False),
        sa.Column("data", LONG, nullable=False),
        sa.Column("data_type", sa.String(50), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("changed_by", sa.String(255), nullable=False),
        sa.Column("changed_at", MOMENT),
        sa.PrimaryKeyConstraint("topic", name="pk_preference"),
        **OPTIONS,
    )


def create_computer_tables() -> None:
    """Identifiers to search by, set-up codes, reports of restores, and the days of all computers."""
    op.create_table(
        "hardware_identifier",
        sa.Column("computer_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("computer_id", "kind", "value", name="pk_hardware_identifier"),
        sa.ForeignKeyConstraint(["computer_id"], ["computer.id"], name="fk_hardware_identifier_computer_id"),
        **CLUSTERED,
    )
    op.create_index("ix_hardware_identifier_value", "hardware_identifier", ["value"])
    op.create_table(
        "set_up_code",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("code_hash", fixed(32), nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("computer_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_set_up_code"),
        sa.UniqueConstraint("code_hash", name="uq_set_up_code_code_hash"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_set_up_code_account_id"),
        sa.ForeignKeyConstraint(["computer_id"], ["computer.id"], name="fk_set_up_code_computer_id"),
        **OPTIONS,
    )
    op.create_index("ix_set_up_code_account_id", "set_up_code", ["account_id"])
    op.create_index("ix_set_up_code_computer_id", "set_up_code", ["computer_id"])
    op.create_table(
        "restore_report",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("computer_id", sa.String(36), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("run_no", NUMBER, nullable=False),
        sa.Column("files", LARGE, nullable=False),
        sa.Column("bytes", LARGE, nullable=False),
        sa.Column("problems", LARGE, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_restore_report"),
        sa.ForeignKeyConstraint(["computer_id"], ["computer.id"], name="fk_restore_report_computer_id"),
        **OPTIONS,
    )
    op.create_index("ix_restore_report_computer_id", "restore_report", ["computer_id"])
    op.create_table("fleet_day", *counts_of_a_day(), sa.PrimaryKeyConstraint("day", name="pk_fleet_day"), **OPTIONS)
    op.create_table(
        "customer_day",
        sa.Column("customer_id", sa.Integer, nullable=False),
        *counts_of_a_day(),
        sa.PrimaryKeyConstraint("customer_id", "day", name="pk_customer_day"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_customer_day_customer_id"),
        **OPTIONS,
    )
    op.create_table(
        "storage_day",
        sa.Column("storage_id", sa.Integer, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("used", LARGE, nullable=False),
        sa.PrimaryKeyConstraint("storage_id", "day", name="pk_storage_day"),
        sa.ForeignKeyConstraint(["storage_id"], ["storage.id"], name="fk_storage_day_storage_id"),
        **OPTIONS,
    )


def counts_of_a_day() -> list[sa.Column[Any]]:
    """A day, and how many runs ended on it in which way."""
    return [sa.Column("day", sa.Date, nullable=False),
            *(sa.Column(name, sa.Integer, nullable=False) for name in ("completed", "warnings", "failed", "other")),
            sa.Column("stored", LARGE, nullable=False)]


def create_folder_tables() -> None:
    """Where each folder stands, and what each vault holds, counted."""
    op.create_table(
        "folder",
        sa.Column("vault_id", NUMBER, nullable=False, autoincrement=False),
        sa.Column("node_no", NUMBER, nullable=False, autoincrement=False),
        sa.Column("parent_no", NUMBER, nullable=False),
        sa.Column("name", short(1020), nullable=False),
        sa.PrimaryKeyConstraint("vault_id", "node_no", name="pk_folder"),
        **CLUSTERED,
    )
    op.create_index("ix_folder_vault_id_parent_no_name", "folder", ["vault_id", "parent_no", "name"])
    op.create_table(
        "vault_content",
        sa.Column("vault_id", NUMBER, nullable=False, autoincrement=False),
        sa.Column("run_no", NUMBER, nullable=False),
        sa.Column("counted_at", MOMENT, nullable=False),
        sa.Column("folders", sa.JSON, nullable=False),
        sa.Column("types", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("vault_id", name="pk_vault_content"),
        **CLUSTERED,
    )
    op.execute(
        "INSERT INTO folder (vault_id, node_no, parent_no, name) SELECT vault_id, node_no, MAX(parent_no), MAX(name) "
        "FROM version WHERE kind = 2 GROUP BY vault_id, node_no"
    )


def fill_dates_of_grace() -> None:
    """Each subscription's last day with its plan's days of grace."""
    days = "(SELECT grace_days FROM plan WHERE plan.id = subscription.plan_id)"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"UPDATE subscription SET grace_until = date(valid_until, '+' || {days} || ' days')")
    else:
        op.execute(f"UPDATE subscription SET grace_until = DATE_ADD(valid_until, INTERVAL {days} DAY)")


def fill_states_of_computers() -> None:
    """What each computer's state follows from: its snapshots and its last two ended runs."""
    ended = "FROM run WHERE run.vault_id = computer.vault_id AND run.state <> 'open' ORDER BY run.run_no DESC LIMIT 1"
    made = "FROM run WHERE run.vault_id = computer.vault_id AND run.state = 'committed'"
    op.execute(
        "UPDATE computer SET "
        f"last_run_state = COALESCE((SELECT run.state {ended}), ''), "
        f"previous_run_state = COALESCE((SELECT run.state {ended} OFFSET 1), ''), "
        f"last_run_at = (SELECT run.finished_at {ended}), "
        f"last_commit_at = (SELECT MAX(run.finished_at) {made}), "
        f"last_skipped = COALESCE((SELECT run.skipped {made} ORDER BY run.run_no DESC LIMIT 1), 0), "
        f"restore_points = (SELECT COUNT(*) {made})"
    )
    op.execute("UPDATE computer SET warned_since = last_commit_at WHERE last_skipped > 0")
    op.execute(
        "UPDATE computer SET failed_since = last_run_at WHERE last_run_state IN ('failed', 'full') "
        "OR (last_run_state = 'abandoned' AND previous_run_state = 'abandoned')"
    )
    # No computer has told a schedule yet: one week, and a day of grace, as for every plan of today.
    for column, days in (("late_at", 7), ("overdue_at", 8)):
        later = (f"strftime('%Y-%m-%d %H:%M:%f000', last_commit_at, '+{days} days')"
                 if op.get_bind().dialect.name == "sqlite" else f"DATE_ADD(last_commit_at, INTERVAL {days} DAY)")
        op.execute(f"UPDATE computer SET {column} = {later} WHERE last_commit_at IS NOT NULL")


def fill_sums_of_subscriptions() -> None:
    """What the vaults of each subscription's computers hold."""
    op.execute(
        "UPDATE subscription SET stored_bytes = (SELECT COALESCE(SUM(vault.stored_bytes), 0) FROM computer "
        "JOIN vault ON vault.id = computer.vault_id WHERE computer.subscription_id = subscription.id)"
    )


def fill_days(table: str, key: str, runs: str) -> None:
    """The runs that ended so far, counted by day and by `key`."""
    op.execute(
        f"INSERT INTO {table} ({key}day, completed, warnings, failed, other, stored) SELECT {key}DATE(finished_at), "
        "SUM(CASE WHEN run.state = 'committed' AND skipped = 0 THEN 1 ELSE 0 END), "
        "SUM(CASE WHEN run.state = 'committed' AND skipped > 0 THEN 1 ELSE 0 END), "
        "SUM(CASE WHEN run.state IN ('failed', 'full') THEN 1 ELSE 0 END), "
        "SUM(CASE WHEN run.state NOT IN ('committed', 'failed', 'full') THEN 1 ELSE 0 END), "
        "SUM(CASE WHEN run.state = 'committed' THEN stored ELSE 0 END) "
        f"FROM {runs} WHERE finished_at IS NOT NULL GROUP BY {key}DATE(finished_at)"
    )


def downgrade() -> None:
    """Back to the first tables; what only the new ones hold is lost."""
    for table in ("vault_content", "folder", "storage_day", "customer_day", "fleet_day", "restore_report",
                  "set_up_code", "hardware_identifier", "preference", "mail", "subscription_change", "submission",
                  "password_link", "browser_session", "spare_code"):
        op.drop_table(table)
    for table, column in REFERENCES:
        if op.get_bind().dialect.name != "sqlite":
            op.drop_constraint(f"fk_{table}_{column}", table, type_="foreignkey")
    op.create_index("ix_run_vault_id_finished_at", "run", ["vault_id", "finished_at"])
    for table, names in INDEXES:
        op.drop_index(f"ix_{table}_{'_'.join(names)}", table)
    for table, columns in new_columns().items():
        if op.get_bind().dialect.name == "sqlite":
            with op.batch_alter_table(table) as batch:
                for column in columns:
                    batch.drop_column(column.name)
        else:
            for column in columns:
                op.drop_column(table, column.name)
