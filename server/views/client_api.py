"""The client API, version 1: what computers ask the portal. Each route is told in protocol.messages."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, jsonify, request

from protocol import messages
from server import access
from server.config import Config
from server.extensions import csrf
from server.services.backup import activity_logs, commits, entries, packs, runs
from server.services.files import catalogue, finds, listings
from server.services.fleet import computer_reports, enrolment, restore_tokens
from server.services.house.branding import read_branding
from server.views.exchange import EXCHANGES, exchange
from server.views.openapi import describe_api

ENROLMENTS_ALLOWED = "60 per minute"
NUMBER = "<int(max=4294967295):number>"
RUN = f"/runs/{NUMBER}"

blueprint = Blueprint("client_api", __name__, url_prefix=messages.API)
csrf.exempt(blueprint)


def now() -> datetime:
    """The portal's clock, the only one that decides anything."""
    return datetime.now(UTC)


def config() -> Config:
    """The portal's settings and keys."""
    found: Config = current_app.config["IBS"]
    return found


@exchange(
    blueprint, "POST", "/enrolments", messages.EnrolledComputer, messages.EnrolComputer, limit=ENROLMENTS_ALLOWED
)
def enrol(message: messages.EnrolComputer) -> messages.Message:
    """Enrol a computer with an account's user name and password, or with a set-up code."""
    return enrolment.enrol(message, request.remote_addr or "", config(), now())


@exchange(blueprint, "POST", "/restores/tokens", messages.SignedIn, messages.SignIn, limit=ENROLMENTS_ALLOWED)
def sign_in(message: messages.SignIn) -> messages.Message:
    """Let a person look and restore on a computer whose own token is kept from its users."""
    return restore_tokens.sign_in(message, request.remote_addr or "", config(), now())


@exchange(blueprint, "GET", "/status", messages.ComputerStatus, reads=True)
def status() -> messages.Message:
    """What the computer may know of itself, its account and its plan."""
    return enrolment.describe(access.computer_from_token(reads=True), read_branding(config().portal_name).name)


@exchange(blueprint, "PUT", "/hardware", messages.Done, messages.HardwareReport)
def report_hardware(message: messages.HardwareReport) -> messages.Message:
    """Keep the computer's hardware report."""
    enrolment.receive_hardware(access.computer_from_token(), message, now())
    return messages.Done()


@exchange(blueprint, "PUT", "/schedule", messages.Done, messages.ScheduleReport)
def report_schedule(message: messages.ScheduleReport) -> messages.Message:
    """Keep when the computer means to back up, and what."""
    computer_reports.receive_schedule(access.computer_from_token(), message, now())
    return messages.Done()


@exchange(blueprint, "GET", "/wishes", messages.Wishes, reads=True)
def wishes() -> messages.Message:
    """What people asked of the computer in the portal."""
    return computer_reports.wishes_of(access.computer_from_token())


@exchange(blueprint, "POST", "/restores/report", messages.Done, messages.RestoreReport)
def report_restore(message: messages.RestoreReport) -> messages.Message:
    """Keep how a restore on the computer ended."""
    computer_reports.receive_restore(access.computer_from_token(reads=True), message, now())
    return messages.Done()


@exchange(blueprint, "POST", "/sign-out", messages.Done)
def sign_out() -> messages.Message:
    """Withdraw the computer's token."""
    computer_reports.receive_sign_out(access.computer_from_token(), request.remote_addr or "", now())
    return messages.Done()


@exchange(blueprint, "POST", "/runs", messages.OpenedRun, messages.OpenRun)
def open_run(message: messages.OpenRun) -> messages.Message:
    """Open a run."""
    return runs.open_run(access.computer_from_token(), message, config(), now())


@exchange(blueprint, "POST", RUN + "/heartbeat", messages.RenewedLease, messages.Heartbeat)
def heartbeat(message: messages.Heartbeat, number: int) -> messages.Message:
    """Keep a run alive; the answer brings its next lease."""
    computer = access.computer_from_token()
    run = access.run_from_lease(computer, number, exclusive=True)
    return runs.heartbeat(computer, run, access.presented_lease(), message, config(), now())


@exchange(blueprint, "POST", RUN + "/chunks", messages.KnownChunks, messages.LookupChunks)
def lookup_chunks(message: messages.LookupChunks, number: int) -> messages.Message:
    """Tell which chunks the vault holds."""
    return packs.lookup_chunks(access.run_from_lease(access.computer_from_token(), number), message.ids)


@exchange(blueprint, "POST", RUN + "/packs", messages.PackAdded, messages.AddPack)
def add_pack(message: messages.AddPack, number: int) -> messages.Message:
    """Take note of a stored pack, and say whether the run may go on."""
    computer = access.computer_from_token()
    return packs.add_pack(computer, access.run_from_lease(computer, number), message, now())


@exchange(blueprint, "POST", RUN + "/entries", messages.Done, messages.AddEntries)
def add_entries(message: messages.AddEntries, number: int) -> messages.Message:
    """Take a batch of entries."""
    entries.add_entries(access.run_from_lease(access.computer_from_token(), number), message, request.get_data())
    return messages.Done()


@exchange(blueprint, "POST", RUN + "/damage", messages.DamageConfirmed, messages.ReportDamage)
def report_damage(message: messages.ReportDamage, number: int) -> messages.Message:
    """Check packs that the computer found damaged."""
    run = access.run_from_lease(access.computer_from_token(), number)
    return packs.report_damage(run, message.packs, config())


@exchange(blueprint, "POST", RUN + "/commit", messages.CommittedRun, messages.CommitRun)
def commit_run(message: messages.CommitRun, number: int) -> messages.Message:
    """Make a run a snapshot."""
    run = access.run_from_lease(access.computer_from_token(), number, exclusive=True)
    return commits.commit_run(run, message, config(), now())


@exchange(blueprint, "POST", RUN + "/end", messages.Done, messages.EndRun)
def end_run(message: messages.EndRun, number: int) -> messages.Message:
    """End a run without a snapshot."""
    runs.end_run(access.run_from_lease(access.computer_from_token(), number, exclusive=True), message, now())
    return messages.Done()


@exchange(blueprint, "PUT", RUN + "/log", messages.Done)
def keep_log(number: int) -> messages.Message:
    """Keep a copy of a run's activity log: XML, also after the run has ended."""
    activity_logs.keep_log(access.computer_from_token().vault_id, number, request.get_data(), now())
    return messages.Done()


@exchange(blueprint, "GET", "/snapshots", messages.Snapshots, reads=True)
def snapshots() -> messages.Message:
    """The computer's snapshots, oldest first."""
    committed = catalogue.snapshots(access.computer_from_token(reads=True).vault_id)
    return messages.Snapshots(snapshots=tuple(catalogue.describe_snapshot(run) for run in committed))


@exchange(
    blueprint, "POST", f"/snapshots/{NUMBER}/entries", messages.SnapshotPage, messages.ListEntries, reads=True
)
def list_entries(message: messages.ListEntries, number: int) -> messages.Message:
    """A page of a snapshot's entries."""
    run = catalogue.find_snapshot(access.computer_from_token(reads=True).vault_id, number)
    return listings.list_entries(run, message)


@exchange(blueprint, "POST", "/search", messages.FoundFiles, messages.FindFiles, reads=True)
def find_files(message: messages.FindFiles) -> messages.Message:
    """Files and folders by name, over all snapshots."""
    return finds.find_files(access.computer_from_token(reads=True).vault_id, message)


@exchange(blueprint, "POST", "/versions", messages.FileVersions, messages.ListVersions, reads=True)
def list_versions(message: messages.ListVersions) -> messages.Message:
    """The versions of one file."""
    return finds.list_versions(access.computer_from_token(reads=True).vault_id, message)


@exchange(blueprint, "POST", "/restores", messages.RestoreAccess, reads=True)
def open_restore() -> messages.Message:
    """What reading the vault needs."""
    return runs.open_restore(access.computer_from_token(reads=True), config(), now())


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """This API, described for programs (OpenAPI 3.1)."""
    return jsonify(describe_api(EXCHANGES))
