"""Where every layer meets: the application."""

from __future__ import annotations

from flask import Flask

from portal.settings import ROOT, Settings

RENEWED = 3600  # seconds that a connection is used: what the database has noted of its tables meanwhile is known to the next


def create_app(settings: Settings | None = None) -> Flask:
    """Put the office together: data, files, headers, words, sign-in, screens, jobs."""
    import views
    from models import schema
    from models.base import db
    from portal import auth, backup, bulletins, clock, headers, health, jobs, language, machine, once, refusals, wellformed
    from portal.store import Store

    settings = settings or Settings.from_env()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    app = Flask("portal", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "portal" / "static"))
    app.config.from_mapping(
        PORTAL=settings, SECRET_KEY=settings.secret_key, SQLALCHEMY_DATABASE_URI=settings.database_url,
        # A connection is tried before it is used: one that a server started again has closed is nobody's error.
        SQLALCHEMY_ENGINE_OPTIONS={"hide_parameters": True, "pool_recycle": RENEWED, "pool_pre_ping": True},
        MAX_CONTENT_LENGTH=32 * 1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax", WTF_CSRF_TIME_LIMIT=None,
        FLASK_ADMIN_RAISE_ON_VIEW_EXCEPTION=True, JSON_AS_ASCII=False)
    schema.metadata()
    db.init_app(app)
    with app.app_context():
        schema.tune(db.engine, settings.secret_key)
    app.extensions.update(store=Store(settings.files), clock=clock, bulletins=bulletins, machine=machine,
                          backup=backup)  # screens take them from here
    headers.init_app(app)
    language.init_app(app)
    wellformed.init_app(app)
    auth.init_app(app)
    refusals.init_app(app)
    once.init_app(app)  # behind the others: it is the first to see an answer
    jobs.init_app(app)
    health.init_app(app)
    views.init_app(app)
    return app
