"""Hosts with a network of their own: namespaces joined by a bridge, and packets that get lost between them.

A script that uses it calls `enter()` first, and skips its tests where `inside()` says no.
"""

import json
import os
import shutil
import subprocess
import sys

from servers import Server

INSIDE = "REJOIN_TEST_HAS_NETWORK"
# /run, where the names of namespaces are kept, is somebody else's.
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "--net", "sh", "-c",
             'mount -t tmpfs none /run && exec "$@"', "sh"]
NEEDED = "ip", "nft", "unshare"  # programs
BRIDGE = "lab"
NETWORK = "10.77.0."
PORT = 8787
DEVICE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lab_device.py")


def enter():
    """Begins the script anew with a network of its own, where the system allows that."""
    if os.environ.get(INSIDE) or not all(map(shutil.which, NEEDED)):
        return
    probe = "ip link add x type bridge && ip netns add x && nft add table inet x"
    if subprocess.run([*NAMESPACE, "sh", "-c", probe], capture_output=True, check=False).returncode == 0:
        os.execvpe(NAMESPACE[0], [*NAMESPACE, sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})


def inside():
    return bool(os.environ.get(INSIDE))


def run(*command, stdin=None):
    done = subprocess.run(command, input=stdin, check=False, text=True, capture_output=True)
    if done.returncode != 0:
        raise AssertionError(f"{command} {stdin}: {done.stderr}")


class Network:
    """A bridge, and hosts at it. One at a time."""

    def __init__(self):
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "link", "set", BRIDGE, "up")
        self.hosts = []

    def host(self, name):
        self.hosts.append(Host(name, len(self.hosts) + 1))
        return self.hosts[-1]

    def close(self):
        for host in self.hosts:
            run("ip", "link", "delete", host.cable)  # at once; a namespace goes when it likes
            run("ip", "netns", "delete", host.name)
        run("ip", "link", "delete", BRIDGE)


class Host:
    def __init__(self, name, number):
        self.name, self.address = name, NETWORK + str(number)
        inner, self.cable = "eth0", f"to-{name}"
        run("ip", "netns", "add", name)
        run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", inner, "netns", name)
        run("ip", "link", "set", self.cable, "master", BRIDGE, "up")
        self.here("ip", "link", "set", "lo", "up")
        self.here("ip", "link", "set", inner, "up")
        self.here("ip", "address", "add", self.address + "/24", "dev", inner)

    def within(self, *command):
        """The command, for a process on this host."""
        return ["ip", "netns", "exec", self.name, *command]

    def here(self, *command, stdin=None):
        run(*self.within(*command), stdin=stdin)

    def lose(self, percent=100, ways=("input", "output"), peer=None):
        """So many of the packets that come and go are lost; with a peer, those from and to it."""
        self.heal()
        rules = ["add table inet lab"]
        chance = "" if percent == 100 else f"numgen random mod 100 < {percent} "
        for way in ways:
            rules.append(f"add chain inet lab {way} {{ type filter hook {way} priority 0; }}")
            of_peer = "" if peer is None else f"ip {'saddr' if way == 'input' else 'daddr'} {peer.address} "
            rules.append(f"add rule inet lab {way} {of_peer}{chance}counter drop")
        self.here("nft", "-f", "-", stdin="\n".join(rules))

    def lost(self):
        """Packets since lose()."""
        told = subprocess.run(self.within("nft", "--json", "list", "table", "inet", "lab"), check=True, text=True,
                              capture_output=True).stdout
        rules = [entry["rule"]["expr"] for entry in json.loads(told)["nftables"] if "rule" in entry]
        return sum(part["counter"]["packets"] for rule in rules for part in rule if "counter" in part)

    def heal(self):
        self.here("nft", "-f", "-", stdin="add table inet lab\ndelete table inet lab")

    def move(self, number):
        """To another address, as a phone does that leaves the house."""
        self.here("ip", "address", "del", self.address + "/24", "dev", "eth0")
        self.address = NETWORK + str(number)
        self.here("ip", "address", "add", self.address + "/24", "dev", "eth0")


class HubAt(Server):
    """A hub on a host; its port is the same whenever it is started."""

    def __init__(self, host, told, folder):
        super().__init__(told, "hub", "--dir", folder, "--host", host.address, port=PORT)
        self.host = host
        self.command = host.within(*self.command)

    def url(self, room="room", port=None):
        return f"ws://{self.host.address}:{port or PORT}/{room}"


class DeviceAt:
    """A process on a host with a connection to a file, which runs what it is told."""

    def __init__(self, host, path):
        self.process = subprocess.Popen(host.within(sys.executable, DEVICE, path), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def begin(self, sql, *parameters):
        """The answer is for end()."""
        self.process.stdin.write(json.dumps([sql, *parameters]) + "\n")
        self.process.stdin.flush()

    def end(self):
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["rows"]

    def query(self, sql, *parameters):
        self.begin(sql, *parameters)
        return self.end()

    def one(self, sql, *parameters):
        return self.query(sql, *parameters)[0][0]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
