"""How Alembic reaches the portal's database: through the application that runs it."""
from __future__ import annotations

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app

from server.models.base import Moment


def render_item(kind: str, item: Any, autogenerate: AutogenContext) -> str | bool:
    """A new revision names the project's own column types by the module that has them."""
    if kind == "type" and isinstance(item, Moment):
        autogenerate.imports.add("from server.models.base import Moment")
        return "Moment()"
    return False


def run() -> None:
    """Bring the database of the running application to the wanted revision."""
    migrate = current_app.extensions["migrate"]
    engine = migrate.db.engine
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=migrate.db.metadata,
            compare_type=True,
            render_as_batch=engine.dialect.name == "sqlite",
            render_item=render_item,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
