"""A TLS end in front of a portal, for the bench: python -m bench.relay HOST PORT PORTAL_PORT CERTIFICATE KEY."""
from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys

PIECE = 262_144


async def serve(host: str, port: int, portal_port: int, certificate: str, key: str) -> None:
    """Accept TLS connections and pass what they say on to the portal on loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        portal_reader, portal_writer = await asyncio.open_connection("127.0.0.1", portal_port)
        await asyncio.gather(pass_on(reader, portal_writer), pass_on(portal_reader, writer))

    server = await asyncio.start_server(relay, host, port, ssl=context)
    async with server:
        await server.serve_forever()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until it ends, then close the other side."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]))
