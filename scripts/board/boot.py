"""Switches a board on, and follows it until it is off."""

import calendar
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import bme280
from cpio import Cpio
from link import Board, die

GUEST_HOST = "10.0.2.2"  # the host's loopback, as slirp shows it to the guest


def parse_rtc(s):
    if s in (None, "", "now"):
        return int(time.time())
    if s.isdigit():
        return int(s)
    for fmt in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"):
        with contextlib.suppress(ValueError):
            return calendar.timegm(time.strptime(s.rstrip("Z"), fmt))
    die("--rtc %s: want now, a date such as 2019-06-01[T12:00:00] (UTC), or Unix seconds" % s)


def run(args):
    for option, path in (("--payload", args.payload), ("--disk", args.disk)):
        if path and not os.path.exists(path):
            die("%s %s: there is no such thing" % (option, path))
    signal.signal(signal.SIGTERM, interrupt)
    with open(os.path.join(args.image, "machine.json")) as f:
        m = json.load(f)
    os.makedirs(args.state, exist_ok=True)
    b = Board(args.state)
    hold = open(b.path("lock"), "w")  # held until this process ends
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        die("this instance already runs; use --name or stop it")
    for n in ("qmp", "qtest", "ctl", "board.json", "console.log"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(b.path(n))
    initramfs(b, m, args)
    with open(b.path("bme280.bin"), "wb") as f:
        f.write(bme280.image(*map(float, args.bme280.split(","))))
    begin = time.monotonic()
    qemu = power_on(b, m, args)
    follower = Follower(b, qemu, begin, args)
    if args.detach:
        detach(follower)
    try:
        rc = follower.until_off()
    finally:  # a reader of our output that left, say
        b.kill(qemu.pid)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(b.path("board.json"))
    sys.exit(rc)


def interrupt(*_):
    raise KeyboardInterrupt


def initramfs(b, m, args):
    """The image's archive, and a second one with what is this run's alone."""
    c = Cpio(b.path("run.cpio"))
    if args.payload:
        c.add(args.payload, "payload")
    hosts = "127.0.0.1 localhost board\n%s host %s\n" % (GUEST_HOST, " ".join(args.host))
    c.data("etc/hosts", hosts.encode())
    env = {
        "LAB_CLOCK": parse_rtc(args.rtc), "LAB_CTL": m["ctl"],
        "LAB_DISK": "1" if args.disk else "", "LAB_STAY": "1" if args.stay else "",
        "LAB_MODULES": m["modules"], "LAB_NET_MODULES": m["net_modules"], "LAB_DISK_MODULES": m["disk_modules"],
    }
    c.data("lab/env", "".join("%s='%s'\n" % kv for kv in env.items()).encode())
    c.data("lab/preload", m["preload"].encode() + b"\n")
    c.data("lab/cmd", (args.cmd + "\n").encode(), 0o755)
    c.close()
    with open(b.path("initramfs"), "wb") as out:
        for part in (os.path.join(args.image, "base.cpio"), b.path("run.cpio")):
            with open(part, "rb") as f:
                shutil.copyfileobj(f, out)
    os.unlink(b.path("run.cpio"))


def command_line(b, m, args):
    rtc = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(parse_rtc(args.rtc)))
    cmd = [m["qemu"], "-display", "none", "-nodefaults", "-no-reboot", "-S",
           "-kernel", os.path.join(args.image, "kernel"), "-initrd", b.path("initramfs"),
           "-dtb", os.path.join(args.image, "dtb"), "-append", m["append"], "-rtc", "base=" + rtc,
           "-chardev", "socket,id=ctl,path=ctl,server=on,wait=off",
           "-chardev", "file,id=con,path=console.log",
           "-qmp", "unix:qmp,server=on,wait=off",
           "-qtest", "unix:qtest,server=on,wait=off", "-qtest-log", "none"]
    cmd += m["args"] + [a.replace("{net}", "user,id=net0,ipv6=off") for a in m["net"]]
    if args.disk:
        cmd += [a.replace("{disk}", os.path.abspath(args.disk)) for a in m["disk"]]
    return cmd


def power_on(b, m, args):
    """Starts QEMU, sets lines and sensors, and lets the processor go."""
    open(b.path("console.log"), "w").close()
    with open(b.path("qemu.log"), "w") as log:
        p = subprocess.Popen(command_line(b, m, args), cwd=b.state, stdin=subprocess.DEVNULL,
                             stdout=log, stderr=log, start_new_session=True)
    try:
        with open(b.path("board.json"), "w") as f:
            json.dump({"pid": p.pid, "machine": m}, f)
        while not all(os.path.exists(b.path(n)) for n in ("ctl", "qmp", "qtest")):
            if p.poll() is not None:
                raise OSError("it ended at once")
            time.sleep(0.02)
        for g in ["%s=%s" % kv for kv in m["initial"].items()] + args.gpio:
            line, _, level = g.partition("=")
            b.set_line(m, line, level)
        for device, celsius in m["temperature"].items():
            b.set_temperature(device, celsius)
        b.qmp("cont")
    except BaseException as e:
        p.kill()
        p.wait()
        os.unlink(b.path("board.json"))
        die("QEMU did not start (%s):\n%s" % (e, open(b.path("qemu.log")).read()))
    return p


def detach(follower):
    """Returns in a child that goes on in the background. The parent waits for
    the end of the boot, and ends."""
    if os.fork():
        sys.exit(follower.until_ready())
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)


class Follower:
    """Reads the console: copies what the command prints, and acts on the
    lines that are meant for the host."""

    def __init__(self, b, qemu, begin, args):
        self.b, self.qemu, self.begin, self.args = b, qemu, begin, args
        self.me = os.getpid()
        self.rc, self.ready, self.part = None, False, b""

    def say(self, text):
        print("board:", text, file=sys.stderr)

    def off(self):
        if os.getpid() == self.me:  # QEMU's parent must take its status
            return self.qemu.poll() is not None
        return not self.b.alive(self.qemu.pid)

    def until_ready(self):
        return self.follow(lambda: self.ready)

    def until_off(self):
        return self.follow(lambda: False)

    def follow(self, enough):
        """Gives the command's exit status: 137 after a power cut, 124 after a
        timeout, 130 when interrupted; 0 as soon as it is enough."""
        deadline = self.begin + self.args.timeout if self.args.timeout else None
        try:
            with open(self.b.path("console.log"), "rb") as console:
                while True:
                    gone = self.off()
                    self.take(console.read())
                    if enough():
                        return 0
                    if gone:
                        return self.ended()
                    if deadline and time.monotonic() > deadline:
                        self.say("timeout after %g s" % self.args.timeout)
                        self.b.kill(self.qemu.pid)
                        deadline, self.rc = None, 124
                    time.sleep(0.02)
        except KeyboardInterrupt:
            self.b.kill(self.qemu.pid)
            return 130

    def take(self, chunk):
        *lines, self.part = (self.part + chunk).split(b"\n")
        for raw in lines:
            line = raw.decode(errors="replace").rstrip("\r")
            if line.startswith("LAB "):
                self.obey(*line[4:].partition(" ")[::2])
            elif self.args.verbose or self.ready:
                print(line)
            if "Kernel panic" in line:
                self.say(line)
                time.sleep(1)  # let it print its trace
                self.b.kill(self.qemu.pid)
        sys.stdout.flush()

    def obey(self, word, rest):
        passed = time.monotonic() - self.begin
        if word == "READY":
            self.ready = True
            self.say("boot took %.1f s (guest uptime %s s)" % (passed, rest))
        elif word == "EXIT":
            self.rc = int(rest)
            self.say("command ended with status %d after %.1f s" % (self.rc, passed))
        elif word == "HALT":
            self.b.qmp("quit")
        else:
            self.say("guest: %s %s" % (word, rest))

    def ended(self):
        if self.part and self.ready:
            print(self.part.decode(errors="replace"))
        if self.rc is None:
            self.say("the board went down" + ("" if self.ready else " before it had booted"))
        if not self.ready:
            sys.stderr.write(open(self.b.path("qemu.log")).read())
        return 137 if self.rc is None else self.rc
