"""A TCP proxy that delays, and that cuts a connection after any byte that a test chose."""

import socket
import struct
import threading
import time
from dataclasses import dataclass, field

UP, DOWN = "up", "down"  # from the client to the server, and back
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends a reset in place of an end
READ_BYTES = 1 << 16


@dataclass
class Weather:
    """What happens to one connection."""

    cut_after: dict = field(default_factory=dict)  # direction -> bytes that are still carried
    reset: bool = False  # the cut is a reset, which throws away what is on its way
    delay_s: float = 0.0  # before each read's bytes go on
    on_cut: object = None  # called at the cut, before either end sees it


class CuttingProxy:
    """Each connection takes the next of `forecast`; calm where that is empty."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.forecast = []
        self.carried = {UP: 0, DOWN: 0}  # bytes of all connections
        self.connections = 0
        self.cuts = 0
        self.lock = threading.Lock()  # guards what is above
        self._open = []
        self._last = None  # the address of wait_until_idle's own connection
        self._last_came = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connection in self._open:
            connection.close()

    def wait_until_idle(self):
        """Until every connection so far is over, and what was to happen at its cut has."""
        self._wait_until_accepted()
        for connection in list(self._open):
            connection.wait()
            self._open.remove(connection)

    def _wait_until_accepted(self):
        """They are accepted in order: who came before this one is in `_open` then, whoever is gone meanwhile."""
        with socket.socket() as last:
            last.bind(("127.0.0.1", 0))
            self._last = last.getsockname()
            last.connect(("127.0.0.1", self.port))
            self._last_came.wait()
            self._last_came.clear()

    def url(self, room="room"):
        return f"ws://127.0.0.1:{self.port}/{room}"

    def _accept(self):
        while True:
            try:
                client, address = self._listener.accept()
            except OSError:
                return  # close()
            if address == self._last:
                client.close()
                self._last_came.set()
                continue
            with self.lock:
                weather = self.forecast.pop(0) if self.forecast else Weather()
                self.connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port))
            except OSError:
                client.close()  # nobody listens at this moment
                continue
            self._open.append(_Connection(self, weather, client, server))


class _Connection:
    def __init__(self, proxy, weather, client, server):
        self._proxy = proxy
        self._weather = weather
        self._ends = (client, server)
        for end in self._ends:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._carrying = 2
        self._is_cut = False
        self._threads = [threading.Thread(target=self._carry, args=way)
                         for way in ((client, server, UP), (server, client, DOWN))]
        for thread in self._threads:
            thread.start()

    def close(self):
        self._end(socket.SHUT_RDWR)
        self.wait()

    def wait(self):
        for thread in self._threads:
            thread.join()

    def _carry(self, source, sink, direction):
        try:
            if self._carry_until_cut(source, sink, direction):
                self._cut_off(source, sink)
            else:
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            self._end(socket.SHUT_RDWR)  # an end went away
        with self._proxy.lock:
            self._carrying -= 1
            is_last = self._carrying == 0
        if is_last:
            for end in self._ends:
                end.close()

    def _carry_until_cut(self, source, sink, direction):
        """False: the source ended by itself."""
        left = self._weather.cut_after.get(direction)
        while left is None or left > 0:
            read = source.recv(READ_BYTES if left is None else min(READ_BYTES, left))
            if not read:
                return False
            if self._is_cut:
                continue  # lost on its way
            if self._weather.delay_s:
                time.sleep(self._weather.delay_s)
            sink.sendall(read)
            with self._proxy.lock:
                self._proxy.carried[direction] += len(read)
            left = None if left is None else left - len(read)
        return True

    def _cut_off(self, source, sink):
        with self._proxy.lock:
            if self._is_cut:
                return
            self._is_cut = True
            self._proxy.cuts += 1
        if self._weather.on_cut:
            self._weather.on_cut()
        if self._weather.reset:
            for end in self._ends:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._end(socket.SHUT_RD)  # wakes the other direction and tells nobody before the reset
        else:
            sink.shutdown(socket.SHUT_WR)  # behind all that was carried: it arrives
            source.shutdown(socket.SHUT_RDWR)

    def _end(self, how):
        for end in self._ends:
            try:
                end.shutdown(how)
            except OSError:
                pass  # it ended already
