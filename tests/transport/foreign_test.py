#!/usr/bin/env python3
"""Links speak with a WebSocket library that is not ours, in both roles (Debian's python3-websockets)."""

import asyncio
import os
import subprocess
import sys
import unittest
from http import HTTPStatus

try:
    import websockets
except ImportError:
    print("python3-websockets is not installed: scripts/setup.sh test")
    sys.exit(77)

ECHO = os.path.join(os.environ["REJOIN_BUILD_DIR"], "link_echo")
PROTOCOL = ["rejoin.1"]
MIB = 1 << 20
PATIENCE_S = 60


class ForeignClient(unittest.IsolatedAsyncioTestCase):
    """Their client, our listener."""

    async def asyncSetUp(self):
        self.echo = subprocess.Popen([ECHO, "listen"], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        self.port = int(self.echo.stdout.readline())

    async def asyncTearDown(self):
        self.echo.communicate()

    def connect(self, **options):
        options = {"subprotocols": PROTOCOL, "compression": None, "max_size": None, **options}
        return websockets.connect(f"ws://127.0.0.1:{self.port}/room", **options)

    async def test_frames_come_back(self):
        async with self.connect() as link:
            self.assertEqual(link.subprotocol, "rejoin.1")
            for size in (0, 1, 125, 126, 65535, 65536, MIB):
                frame = bytes(i * size % 251 for i in range(min(size, 1000))).ljust(size, b"x")
                await link.send(frame)
                self.assertEqual(await asyncio.wait_for(link.recv(), PATIENCE_S), frame)

    async def test_many_frames_at_once_stay_in_order(self):
        async with self.connect() as link:
            for i in range(2000):
                await link.send(b"%d" % i)
            for i in range(2000):
                self.assertEqual(await asyncio.wait_for(link.recv(), PATIENCE_S), b"%d" % i)

    async def test_fragments_make_one_frame(self):
        async with self.connect() as link:
            await link.send([b"one ", b"frame ", b"of three"])
            self.assertEqual(await asyncio.wait_for(link.recv(), PATIENCE_S), b"one frame of three")

    async def test_compression_is_declined_and_nothing_is_lost(self):
        async with self.connect(compression="deflate") as link:
            self.assertEqual(link.extensions, [])
            await link.send(b"a" * 5000)
            self.assertEqual(await asyncio.wait_for(link.recv(), PATIENCE_S), b"a" * 5000)

    async def test_a_ping_is_answered(self):
        async with self.connect() as link:
            await asyncio.wait_for(await link.ping(b"there?"), PATIENCE_S)

    async def closed(self, link):
        with self.assertRaises(websockets.ConnectionClosed):
            await asyncio.wait_for(link.recv(), PATIENCE_S)
        return link.close_code, link.close_reason

    async def test_it_sees_our_close_codes(self):
        async with self.connect() as link:
            await link.send(b"close")
            self.assertEqual(await self.closed(link), (1008, "as you wish"))
        async with self.connect() as link:
            await link.send("text")
            self.assertEqual((await self.closed(link))[0], 1003)
        async with self.connect() as link:
            await link.send(b"x" * (MIB + 1))
            self.assertEqual((await self.closed(link))[0], 1009)

    async def test_we_see_its_close(self):
        async with self.connect() as link:
            await link.close(4000, "tired of this")
        line = await asyncio.to_thread(self.echo.stdout.readline)
        self.assertRegex(line, "closed the connection: tired of this")

    async def test_without_our_subprotocol_it_is_refused(self):
        with self.assertRaises(websockets.InvalidStatusCode) as refused:
            async with self.connect(subprotocols=["chat"]):
                pass
        self.assertEqual(refused.exception.status_code, 400)


class ForeignServer(unittest.IsolatedAsyncioTestCase):
    """Our client, their server."""

    async def call(self, handler, *sizes, **options):
        """What link_echo says of a server that `handler` is of."""
        options = {"subprotocols": PROTOCOL, "max_size": None, **options}
        async with websockets.serve(handler, "127.0.0.1", 0, **options) as server:
            port = server.sockets[0].getsockname()[1]
            call = await asyncio.create_subprocess_exec(
                ECHO, "call", f"ws://127.0.0.1:{port}/room", *map(str, sizes),
                stdout=asyncio.subprocess.PIPE)
            said = await asyncio.wait_for(call.communicate(), PATIENCE_S)
        return said[0].decode().splitlines()

    async def test_frames_come_back(self):
        paths = []

        async def echo(link):
            paths.append(link.path)
            async for frame in link:
                if frame == b"bye":
                    return await link.close(4001, "farewell")
                await link.send(frame)

        sizes = (0, 1, 125, 126, 65535, 65536, MIB)
        said = await self.call(echo, *sizes)
        self.assertEqual(said[:-1], [f"same {size}" for size in sizes])
        self.assertRegex(said[-1], "closed the connection: farewell")
        self.assertEqual(paths, ["/room"])

    async def test_its_fragments_make_one_frame(self):
        async def echo(link):
            async for frame in link:
                if frame == b"bye":
                    return
                await link.send([frame[:1], frame[1:5], frame[5:]])

        said = await self.call(echo, 1000, 100_000)
        self.assertEqual(said[:-1], ["same 1000", "same 100000"])

    async def test_a_restart_is_told_from_a_refusal(self):
        async def leave(link):
            await link.close(1001, "restarting")

        self.assertRegex((await self.call(leave))[-1], "is shutting down: restarting")

    async def test_a_server_without_our_subprotocol_is_named(self):
        async def silent(link):
            await link.wait_closed()

        said = await self.call(silent, subprotocols=["chat"])
        self.assertRegex(said[-1], "does not speak rejoin.1")

    async def test_a_refusal_over_http_is_quoted(self):
        async def never(link):
            self.fail("the link opened")

        async def refuse(path, headers):
            return HTTPStatus.FORBIDDEN, [], b"no entry\n"

        said = await self.call(never, process_request=refuse)
        self.assertRegex(said[-1], "HTTP status 403 and not as a WebSocket: no entry")


if __name__ == "__main__":
    unittest.main()
