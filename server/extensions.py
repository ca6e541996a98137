"""The Flask extensions, made once and bound to the application by server.app."""
from __future__ import annotations

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from server.masking import MaskingProtect
from server.models import Model

db = SQLAlchemy(metadata=Model.metadata, session_options={"expire_on_commit": False})
migrate = Migrate()
login_manager = LoginManager()
csrf = MaskingProtect()
limiter = Limiter(key_func=get_remote_address, storage_uri="memory://")
