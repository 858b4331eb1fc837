"""The host's ways into a running board: QMP and qtest, which are QEMU's own
sockets, and the agent in the guest, behind its first serial port."""

import base64
import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
import zlib


def die(msg, rc=1):
    print("board:", msg, file=sys.stderr)
    sys.exit(rc)


class Board:
    """A board by its state directory, where its sockets and files are."""

    def __init__(self, state):
        self.state = os.path.realpath(state)

    def path(self, name):
        return os.path.join(self.state, name)

    def info(self):
        try:
            with open(self.path("board.json")) as f:
                return json.load(f)
        except FileNotFoundError:
            die("no board is running (instance %s)" % os.path.basename(self.state))

    def alive(self, pid):
        """Whether pid is still this board's QEMU, and not a zombie or a
        stranger with a number that was used again."""
        try:
            with open("/proc/%d/stat" % pid) as f:
                zombie = f.read().rsplit(")", 1)[1].split()[0] == "Z"
            return not zombie and os.readlink("/proc/%d/cwd" % pid) == self.state
        except OSError:
            return False

    def kill(self, pid):
        if self.alive(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _connect(self, name):
        # A Unix socket's path may be 107 bytes long: go through /proc.
        fd = os.open(self.state, os.O_RDONLY | os.O_DIRECTORY)
        try:
            s = socket.socket(socket.AF_UNIX)
            s.connect("/proc/self/fd/%d/%s" % (fd, name))
        except OSError as e:
            die("%s: %s: is the board running?" % (name, e.strerror))
        finally:
            os.close(fd)
        return s

    @contextlib.contextmanager
    def channel(self, name):
        """One client at a time on each of QEMU's sockets."""
        with open(self.path(name + ".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            s = self._connect(name)
            try:
                yield s
            finally:
                s.close()

    def qmp(self, execute, **arguments):
        with self.channel("qmp") as s:
            f = s.makefile("rw")
            f.readline()  # the greeting
            for cmd in ({"execute": "qmp_capabilities"}, {"execute": execute, "arguments": arguments}):
                f.write(json.dumps(cmd) + "\n")
                f.flush()
                r = self._reply(f)
                if r is None and execute != "quit":
                    die("QMP: connection lost")
        return r

    @staticmethod
    def _reply(f):
        for line in f:  # events come in between
            r = json.loads(line)
            if "error" in r:
                die("QMP: %s" % r["error"]["desc"])
            if "return" in r:
                return r["return"]
        return None

    def qtest(self, line):
        with self.channel("qtest") as s:
            f = s.makefile("rw")
            f.write(line + "\n")
            f.flush()
            r = f.readline().strip()
        if not r.startswith("OK"):
            die("qtest %s: %s" % (line, r or "connection lost"))
        return int(r[3:] or "0", 0)

    def agent(self, cmd, timeout=None, out=None):
        """Runs a shell command in the guest. Gives its exit status; 124 after
        timeout seconds, None if the board goes away."""
        out = out or sys.stdout.buffer
        rid = "%d.%d" % (os.getpid(), time.monotonic_ns())
        req = {"id": rid, "cmd": cmd, "sum": zlib.crc32((rid + cmd).encode())}
        # A newline first ends whatever was cut short before.
        req = b"\n" + json.dumps(req).encode() + b"\n"
        end = time.monotonic() + timeout if timeout else None
        with self.channel("ctl") as s:
            buf, acked, again = b"", False, 0
            s.settimeout(0.1)
            while not end or time.monotonic() < end:
                if not acked and time.monotonic() >= again:
                    self._send_slowly(s, req)
                    again = time.monotonic() + 1
                data = self._receive(s)
                if data == b"":
                    return None
                *lines, buf = (buf + (data or b"")).split(b"\n")
                for r in filter(None, map(parse, lines)):
                    if r.get("id") != rid:
                        continue
                    acked = True
                    out.write(base64.b64decode(r.get("out", "")))
                    out.flush()
                    if "rc" in r:
                        return r["rc"]
        return 124

    @staticmethod
    def _send_slowly(s, req):
        for i in range(0, len(req), 16):  # the port's FIFO has 32 bytes
            s.sendall(req[i:i + 16])
            time.sleep(0.002)

    @staticmethod
    def _receive(s):
        """What came; None if nothing did, empty at the end."""
        try:
            return s.recv(65536)
        except TimeoutError:
            return None
        except ConnectionError:
            return b""

    # What the machine's description says about lines and sensors.

    def set_line(self, m, line, level):
        if level not in ("high", "low"):
            die("level %r: want high or low" % level)
        high = level == "high"
        chip, offset = m["gpio"].get(line) or die("no line %s; lines: %s" % (line, " ".join(m["gpio"])))
        if m["gpio_kind"] == "bcm2835":  # no input pins: set or clear its level register
            self.qtest("writel 0x%x 0x%x" % (m["gpio_base"] + (0x1C if high else 0x28), 1 << offset))
        else:
            self.qtest("set_irq_in %s unnamed-gpio-in %d %d" % (chip, offset, high))

    def get_line(self, m, line):
        """Direction and level: "in low", "out high"."""
        _, off = m["gpio"].get(line) or die("no line " + line)

        def read(reg):
            return self.qtest("readl 0x%x" % (m["gpio_base"] + reg))
        if m["gpio_kind"] == "bcm2835":
            out = read(off // 10 * 4) >> off % 10 * 3 & 7 == 1
            data = pad = read(0x34) >> off & 1
        else:
            data, out, pad = (read(r) >> off & 1 for r in (0, 4, 8))
        return "%s %s" % ("out" if out else "in", "high" if (data if out else pad) else "low")

    def set_temperature(self, device, celsius):
        self.qmp("qom-set", path="/machine/peripheral/" + device, property="temperature", value=round(celsius * 1000))


def parse(line):
    """A line from the agent; None if the port has damaged it."""
    try:
        r = json.loads(line)
    except ValueError:
        return None
    return r if isinstance(r, dict) else None
