"""web, storage, worker and run: the portal's processes, one by one or all under one command."""
from __future__ import annotations

import argparse
import gc
import logging
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import waitress

from server.commands import storing, values
from server.commands.portal import Say, add_data_argument, opened_portal
from server.listening import free_port, listen
from server.services.fleet import uptime
from server.services.storage import storages
from server.supervisor import Part, supervise, watch_parent

HOST, PORT = "127.0.0.1", 8080
THREADS = 8
LARGEST_REQUEST = 64 * 1024 * 1024


def add_arguments(commands: Any) -> None:
    """The words of the four commands."""
    run = _serve(commands, "run", "run web pages, storage and background work together", run_all)
    web = _serve(commands, "web", "serve the web pages and the client API", serve_web)
    for parser in (run, web):
        parser.add_argument("--host", default=HOST, help=f"address to listen on (otherwise {HOST}, this machine only)")
        parser.add_argument("--port", type=values.port, default=PORT, help=f"port of the web pages (otherwise {PORT})")
    run.add_argument("--storage-port", type=values.port, metavar="PORT",
                     help="port of the bundled storage (otherwise as in server.toml)")
    storage = _serve(commands, "storage", "serve the bundled storage; “storage add” registers another", serve_storage)
    storing.add_arguments(storage.add_subparsers(metavar="[add]"))
    _serve(commands, "worker", "do the background work", run_worker)


def run_all(options: argparse.Namespace, say: Say) -> int:
    """Keep the three processes running until one dies or this one is told to stop."""
    with opened_portal(options):
        pass  # what would stop a part from starting is said once, here
    port = free_port() if options.storage_port == 0 else options.storage_port
    data = str(options.data.absolute())
    web = Part("web", ["--data", data, "web", "--host", options.host, "--port", str(options.port)])
    parts = [Part("storage", ["--data", data, "storage"]), Part("worker", ["--data", data, "worker"]), web]
    return supervise(parts, say, environment={"IBS_STORAGE_PORT": str(port)} if port else {})


def serve_web(options: argparse.Namespace, say: Say) -> None:
    """Serve pages and client API; TLS is the matter of a proxy in front (docs/operations.md)."""
    with opened_portal(options) as (app, config):
        uptime.note_seen(datetime.now(UTC))  # no page may call a computer overdue that found nobody here
        listener = listen(options.host, options.port)
        server = waitress.create_server(
            app, sockets=[listener], threads=THREADS, ident=None, max_request_body_size=LARGEST_REQUEST,
            clear_untrusted_proxy_headers=not config.proxies)  # the application believes as many as it is told
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    _on_stop(_leave)
    settle()
    say(f"Portal: http://{_shown(options.host)}:{server.effective_port}")
    try:
        server.run()
    finally:
        server.close()


def settle() -> None:
    """Keep what the start made from the garbage collector; looking through all of it holds a page up for 0.1 s."""
    gc.collect()
    gc.freeze()


def serve_storage(options: argparse.Namespace, say: Say) -> None:
    """Serve the bundled storage."""
    from server.gateway import create_gateway  # no other command needs pyftpdlib

    with opened_portal(options) as (app, config):
        def allowance(vault: str) -> int:
            with app.app_context():
                return storages.allowance(vault)

        gateway = create_gateway(config, allowance)
    _on_stop(gateway.stop)
    say(f"Storage: ftps://{_shown(config.gateway_host)}:{config.gateway_port}")
    gateway.serve()


def run_worker(options: argparse.Namespace, say: Say) -> None:
    """Do the background work."""
    from server.jobs import create_queue, work  # no other command needs huey

    with opened_portal(options) as (app, _):
        queue = create_queue(app)
    watch_parent()
    say("Background work: started")
    work(queue)


def _serve(commands: Any, name: str, purpose: str, run: Callable[..., Any]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
    add_data_argument(parser)
    parser.set_defaults(run=run)
    return parser


def _on_stop(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
    watch_parent()


def _leave() -> None:
    raise SystemExit(0)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
