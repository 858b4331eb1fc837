"""The commands that deal with one board; called by the `board` script."""

import argparse
import os
import sys
import time

import boot
from link import Board, die

STOP_PATIENCE = 75  # seconds for a clean stop


def gpio(args):
    b = Board(args.state)
    m = b.info()["machine"]
    if not args.level:
        print(b.get_line(m, args.line))
    for level in args.level:
        if level.startswith("sleep="):
            time.sleep(float(level[6:]))
            continue
        now = time.time_ns()
        b.set_line(m, args.line, level)
        if args.stamp:
            print(now)


def temp(args):
    b = Board(args.state)
    b.info()
    b.set_temperature(args.device, args.celsius)


def execute(args):
    rc = Board(args.state).agent(args.cmd, args.timeout)
    if rc is None:
        die("the board went away", 125)
    sys.exit(rc)


def stop(args):
    b = Board(args.state)
    pid = b.info()["pid"]
    b.agent("setsid /lab/halt >/dev/null 2>&1 &", 5, open(os.devnull, "wb"))
    await_end(b, pid, STOP_PATIENCE)


def power_cut(args):
    b = Board(args.state)
    pid = b.info()["pid"]
    b.kill(pid)
    await_end(b, pid, 60)


def await_end(b, pid, seconds):
    """Waits for QEMU's end, and for that of the process that follows it."""
    end = time.monotonic() + seconds
    while b.alive(pid) or os.path.exists(b.path("board.json")):
        if time.monotonic() > end:
            if not b.alive(pid):  # nobody is left who would tidy up
                os.unlink(b.path("board.json"))
                return
            die("the board is still on after %d s; use kill" % seconds)
        time.sleep(0.01)


def run_options(q):
    add = q.add_argument
    add("--payload", metavar="DIR", help="copied to /payload, the command's working directory")
    add("--cmd", default="true", help="shell command; its output is streamed")
    add("--stay", action="store_true", help="stay up after the command ends")
    add("--detach", action="store_true", help="return when booted; the console is in `board log`")
    add("--rtc", metavar="WHEN", help="the clock at boot: now, 2019-06-01[T12:00:00] UTC, or Unix seconds")
    add("--disk", metavar="IMG", help="an SD card, mounted at /var/lib/pinbell")
    add("--timeout", type=float, metavar="S", help="switch off after so long, whatever happens")
    add("--host", action="append", default=[], metavar="NAME", help="a name for the host in the guest's /etc/hosts")
    add("--gpio", action="append", default=[], metavar="LINE=LEVEL", help="level at power-on")
    add("--bme280", default="21.5,1005,45", metavar="C,HPA,PERCENT", help="what the BME280 at 0x76 measures")
    add("--verbose", action="store_true", help="show the boot messages too")


def parser():
    p = argparse.ArgumentParser(prog="board")
    p.add_argument("--state", required=True)
    p.add_argument("--image")
    sub = p.add_subparsers(dest="verb", required=True)

    def verb(name, fn, help):
        q = sub.add_parser(name, help=help)
        q.set_defaults(fn=fn)
        return q.add_argument
    add = verb("gpio", gpio, "set an input line's level, or several in turn; without a level print direction and level")
    add("--stamp", action="store_true", help="print when each level was set, in ns since 1970")
    add("line")
    add("level", nargs="*", help="high, low or sleep=SECONDS")
    add = verb("temp", temp, "set a TMP105's temperature")
    add("celsius", type=float)
    add("--device", default="tmp105", choices=["tmp105", "tmp105b"], help="0x48 (the default) or 0x49")
    add = verb("exec", execute, "run a shell command in the guest")
    add("cmd")
    add("--timeout", type=float)
    verb("stop", stop, "clean stop")
    verb("kill", power_cut, "power cut")
    q = sub.add_parser("run", help="boot the board and run a command in it")
    run_options(q)
    q.set_defaults(fn=boot.run)
    return p


if __name__ == "__main__":
    options = parser().parse_args()
    options.fn(options)
