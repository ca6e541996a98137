"""How the client talks to a portal that is well, silent, restarting, refusing or no portal at all."""
from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from client.api.portal import Portal
from client.api.transport import Call, Transport, check_address
from client.errors import AnswerUnreadable
from protocol.errors import (
    BackupsSwitchedOff,
    LeaseLost,
    PortalAddressWrong,
    PortalFailed,
    PortalUnreachable,
    PortalUntrusted,
    Refusal,
)
from protocol.messages import (
    Done,
    EnrolComputer,
    HardwareReport,
    Heartbeat,
    KnownChunks,
    LookupChunks,
    PackAdded,
    RenewedLease,
    Snapshots,
    StorageAccess,
    StorageAddress,
    StorageProfile,
)
from tests.client.talking_portal import HANG_UP, Answer, Request, TalkingPortal, message, refusal
from tests.parts.ports import free_port

Open = Callable[..., TalkingPortal]

EMPTY = message(Snapshots(snapshots=()))
STORAGE = StorageAccess(
    address=StorageAddress(host="h", port=21, user="u", password="p", base="", tls=True), profile=StorageProfile(),
)
LOOKUP = LookupChunks(ids=(b"0123456789abcdef",))
NEWCOMER = EnrolComputer(
    user_name="alice", password="secret", client_version="1", windows_names=False,
    hardware=HardwareReport(host_name="pc", system="Linux"),
)


@pytest.fixture
def talking() -> Iterator[Open]:
    opened: list[TalkingPortal] = []

    def start(
        *replies: Answer | Callable[[Request], Answer], port: int = 0, tls: ssl.SSLContext | None = None,
    ) -> TalkingPortal:
        opened.append(TalkingPortal(*replies, port=port, tls=tls))
        return opened[-1]

    yield start
    for portal in opened:
        portal.stop()


@pytest.fixture
def asking() -> Iterator[Callable[..., Portal]]:
    opened: list[Portal] = []

    def start(server: TalkingPortal, **how: float) -> Portal:
        opened.append(Portal(server.address, "token-1", **{"patience": 3.0, "run_patience": 5.0} | how))
        return opened[-1]

    yield start
    for portal in opened:
        portal.close()


def test_it_keeps_one_connection_for_calls_in_turn_and_presents_the_token(talking: Open, asking) -> None:
    server = talking(EMPTY)
    portal = asking(server)
    for _ in range(5):
        assert portal.snapshots().snapshots == ()
    assert server.connections == 1
    assert {request.headers["Authorization"] for request in server.requests} == {"Bearer token-1"}
    assert server.requests[0].path == "/api/v1/snapshots"


def test_it_never_holds_more_than_four_connections_however_many_threads_ask(talking: Open, asking) -> None:
    def slowly(_: Request) -> Answer:
        time.sleep(0.05)
        return EMPTY

    server = talking(slowly)
    portal = asking(server)
    threads = [threading.Thread(target=portal.snapshots) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 12
    assert 1 < server.connections <= 4


def test_it_repeats_a_harmless_call_when_the_line_is_cut_or_the_answer_is_short(talking: Open, asking) -> None:
    server = talking(HANG_UP, Answer(b'{"snapshots":[]}', shortened=5), EMPTY)
    assert asking(server).snapshots().snapshots == ()
    assert len(server.requests) == 3


def test_it_survives_a_portal_that_restarts_in_the_middle_of_a_run(talking: Open, asking) -> None:
    first = talking(message(KnownChunks(numbers=(0,))), port=free_port())
    portal = asking(first, run_patience=30.0)
    run = portal.run(7, "lease-1")
    assert run.lookup_chunks(LOOKUP).numbers == (0,)
    port = first.port
    first.stop()
    later = threading.Timer(0.6, talking, (message(KnownChunks(numbers=(5,))),), {"port": port})
    later.start()
    assert run.lookup_chunks(LOOKUP).numbers == (5,)
    later.join()


def test_it_gives_up_on_an_unreachable_portal_in_bounded_time_and_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    portal = Portal(f"http://127.0.0.1:{port}", patience=0.5)
    begun = time.monotonic()
    with pytest.raises(PortalUnreachable, match="refused"):
        portal.snapshots()
    assert time.monotonic() - begun < 20


def test_f13_it_does_not_wait_for_ever_for_a_portal_that_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = Transport(f"http://127.0.0.1:{silent.getsockname()[1]}", "", "")
        begun = time.monotonic()
        with pytest.raises(PortalUnreachable):
            transport.send(Call("GET", "/api/v1/status", timeout=0.3, patience=1.0))
        assert time.monotonic() - begun < 20
        transport.close()


def test_it_waits_no_longer_when_the_job_is_cancelled(talking: Open, asking) -> None:
    portal = asking(talking(HANG_UP), patience=60.0)
    threading.Timer(0.4, portal.close).start()
    begun = time.monotonic()
    with pytest.raises(PortalUnreachable):
        portal.snapshots()
    assert time.monotonic() - begun < 30


def test_it_never_repeats_an_enrolment_that_may_have_arrived(talking: Open, asking) -> None:
    server = talking(HANG_UP)
    with pytest.raises(PortalUnreachable):
        asking(server).enrol(NEWCOMER)
    assert len(server.requests) == 1


def test_a_refusal_comes_back_as_its_own_class_with_its_words_and_is_not_repeated(talking: Open, asking) -> None:
    server = talking(refusal("IBS-1201", by="priya", since="12 Nov", reason=""))
    with pytest.raises(BackupsSwitchedOff, match="switched off by priya on 12 Nov"):
        asking(server).run(1, "lease").lookup_chunks(LOOKUP)
    assert len(server.requests) == 1


def test_a_refusal_that_only_a_newer_portal_knows_keeps_its_sentence(talking: Open, asking) -> None:
    with pytest.raises(Refusal, match="It said no"):
        asking(talking(refusal("IBS-1999"))).status()


def test_a_storage_that_is_missing_is_a_refusal_and_no_reason_to_wait(talking: Open, asking) -> None:
    server = talking(refusal("IBS-2150", 503))
    with pytest.raises(Refusal):
        asking(server).snapshots()
    assert len(server.requests) == 1


def test_a_failing_portal_is_asked_three_times_and_its_reference_is_told(talking: Open, asking) -> None:
    server = talking(refusal("IBS-9002", 500, reference="8F3A-21"))
    with pytest.raises(PortalFailed, match="8F3A-21"):
        asking(server).snapshots()
    assert len(server.requests) == 3


def test_a_web_server_before_a_restarting_portal_is_waited_for(talking: Open, asking) -> None:
    server = talking(Answer(b"<h1>Bad gateway</h1>", 502), Answer(b"", 503), Answer(b"", 504), EMPTY)
    assert asking(server).snapshots().snapshots == ()
    assert len(server.requests) == 4


@pytest.mark.parametrize("answer", [
    Answer(b"<html>Sign in to the hotel's network</html>"),
    Answer(b'{"snapshots": 3}'),
    Answer(b"\xff\xfe\x00"),
    Answer(b"", 404),
    Answer(b"", 302, {"Location": "https://hotel.example/"}),
])
def test_an_answer_that_no_portal_gives_is_explained(talking: Open, asking, answer: Answer) -> None:
    with pytest.raises(AnswerUnreadable, match="doesn't answer like a portal"):
        asking(talking(answer)).snapshots()


def test_each_heartbeat_rotates_the_lease_and_tells_the_journal(talking: Open, asking) -> None:
    server = talking(message(RenewedLease(lease="lease-2", storage=STORAGE)), message(PackAdded(used=1, quota=2)))
    kept: list[str] = []
    run = asking(server).run(3, "lease-1", kept.append)
    run.heartbeat(Heartbeat())
    run.add_entries(b"{}")
    assert [request.headers["IBS-Lease"] for request in server.requests] == ["lease-1", "lease-2"]
    assert server.requests[1].path == "/api/v1/runs/3/entries"
    assert kept == ["lease-2"]


def test_a_call_that_a_heartbeat_overtook_is_asked_again_with_the_new_lease(talking: Open, asking) -> None:
    def overtaken(request: Request) -> Answer:
        run.lease = "lease-2"
        return refusal("IBS-5102", 409)

    server = talking(overtaken, message(KnownChunks(numbers=(0,))))
    run = asking(server).run(3, "lease-1")
    assert run.lookup_chunks(LOOKUP).numbers == (0,)
    assert server.requests[-1].headers["IBS-Lease"] == "lease-2"


def test_a_lost_lease_ends_the_run(talking: Open, asking) -> None:
    server = talking(refusal("IBS-5102", 409))
    with pytest.raises(LeaseLost):
        asking(server).run(3, "lease-1").lookup_chunks(LOOKUP)
    assert len(server.requests) == 1


def test_the_log_travels_as_xml_after_the_run(talking: Open, asking) -> None:
    server = talking(message(Done()))
    asking(server).send_log(9, b"<activity/>")
    assert (server.requests[0].method, server.requests[0].path) == ("PUT", "/api/v1/runs/9/log")
    assert server.requests[0].headers["Content-Type"] == "application/xml"
    assert server.requests[0].body == b"<activity/>"


@pytest.mark.parametrize("address", [
    "http://portal.example", "portal.example", "ftp://portal.example", "https://", "https://alice:secret@portal.example",
    "https://portal.example/?next=1", "https://portal.example:99999", "http://127.0.0.1.evil.example", "",
])
def test_an_address_that_would_send_secrets_in_clear_or_nowhere_is_refused(address: str) -> None:
    with pytest.raises(PortalAddressWrong) as caught:
        check_address(address)
    assert "secret" not in caught.value.sentence


@pytest.mark.parametrize(("address", "kept"), [
    ("https://portal.example/", "https://portal.example"), ("https://portal.example/ibs/", "https://portal.example/ibs"),
    ("http://localhost:8080", "http://localhost:8080"), ("http://[::1]:8080/", "http://[::1]:8080"),
    ("http://127.0.0.9", "http://127.0.0.9"),
])
def test_an_address_is_kept_without_its_last_slash_and_loopback_needs_no_tls(address: str, kept: str) -> None:
    assert check_address(address) == kept


def test_a_file_that_is_no_certificate_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(PortalUntrusted, match="no certificate"):
        Portal("https://127.0.0.1:1", ca="not a certificate").snapshots()


def make_certificate(folder: Path, begins: datetime) -> tuple[ssl.SSLContext, str]:
    """A certificate for 127.0.0.1 that signs itself: the server's side, and its text for --ca."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a portal")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(begins).not_valid_after(begins + timedelta(days=10))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    )
    (folder / "portal.pem").write_bytes(text + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "portal.pem")
    return context, text.decode()


def test_only_the_authority_given_at_enrolment_is_believed(talking: Open, tmp_path: Path) -> None:
    context, text = make_certificate(tmp_path, datetime.now(UTC) - timedelta(days=1))
    server = talking(EMPTY, tls=context)
    with pytest.raises(PortalUntrusted, match="nothing was sent"):
        Portal(server.address, "token").snapshots()
    assert server.requests == []
    portal = Portal(server.address, "token", ca=text)
    assert portal.snapshots().snapshots == ()
    portal.close()


def test_a_clock_that_is_off_by_a_year_is_told_from_an_unreachable_portal(talking: Open, tmp_path: Path) -> None:
    context, text = make_certificate(tmp_path, datetime.now(UTC) + timedelta(days=365))
    server = talking(EMPTY, tls=context)
    with pytest.raises(PortalUntrusted, match="not yet valid") as caught:
        Portal(server.address, "token", ca=text).snapshots()
    assert "date and time" in caught.value.hint
