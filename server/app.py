"""The application factory; it only wires the parts together."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from server.compression import compress_answers
from server.database import database_address, engine_options, prepare_engine
from server.errors import handle_errors
from server.extensions import csrf, db, limiter, login_manager, migrate
from server.pages import equip
from server.security import protect
from server.views import (
    accounts,
    activity,
    audit,
    auth,
    client_api,
    computer_changes,
    computers,
    customer_files,
    customers,
    details,
    downloads,
    files,
    help_pages,
    home,
    my_plan,
    overview,
    own_sign_in,
    passwords,
    plans,
    reports,
    runs,
    settings,
    setup,
    sign_in_rules,
    staff,
    storage_wizard,
    storages,
    subscription_changes,
    subscriptions,
)

if TYPE_CHECKING:
    from server.config import Config

VIEWS = (
    client_api,
    auth,
    passwords,
    own_sign_in,
    home,
    help_pages,
    files,
    activity,
    my_plan,
    details,
    overview,
    plans,
    subscriptions,
    subscription_changes,
    storages,
    storage_wizard,
    reports,
    customers,
    customer_files,
    accounts,
    computers,
    computer_changes,
    runs,
    settings,
    sign_in_rules,
    staff,
    audit,
    settings,
    downloads,
    setup,
)
"""The modules of pages and of the client API, each with its blueprint."""
CHECKOUT = Path(__file__).resolve().parent.parent


def create_app(config: Config) -> Flask:
    """The portal for `config`. Services find it as current_app.config["IBS"]."""
    app = Flask("server", template_folder=str(CHECKOUT / "templates"), static_folder=str(CHECKOUT / "static"))
    address = database_address(config.database_url)
    app.config.update(
        IBS=config,
        SECRET_KEY=config.secrets.session,
        SQLALCHEMY_DATABASE_URI=address,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(address),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    db.init_app(app)
    migrate.init_app(app, db, directory=str(CHECKOUT / "migrations"))
    login_manager.init_app(app)
    csrf.init_app(app)
    limiter.init_app(app)
    compress_answers(app)
    protect(app)
    equip(app)
    handle_errors(app)
    for blueprint in dict.fromkeys(view.blueprint for view in VIEWS):  # two modules may share one
        app.register_blueprint(blueprint)
    if config.proxies:
        hops = config.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    with app.app_context():
        prepare_engine(db.engine)
    return app
