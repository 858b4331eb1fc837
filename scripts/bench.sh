#!/bin/sh
# Measures the daemon on this machine against its budgets, and collectd beside
# it. Everything happens on loopback; what was started is ended.
#
#   scripts/bench.sh
#
# BENCH_SECONDS=60    length of an idle window; 10 gives a first idea
# BENCH_WINDOWS=3     how many of them
# BENCH_ALERTS=20     alerts of each program
#
# It ends with status 1 when a budget is missed. Without root collectd is only
# measured where collectd and msmtp are installed already.
set -eu
cd "$(dirname "$0")/.."

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT TERM

export CGO_ENABLED=0
make -s build
sync pinbell # else the file's fresh pages count as the daemon's dirty ones
make -s dist/pinbell-armv6
go build -o "$out/bench" ./scripts/bench

PATH=$PATH:/usr/sbin
there() { command -v collectd >/dev/null 2>&1 && command -v msmtp >/dev/null 2>&1; }
if ! there && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	{ apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends collectd-core msmtp; } >"$out/apt.log" 2>&1 || true
fi
collectd=
if there; then
	collectd=$(command -v collectd)
else
	echo "collectd is not measured: it is not installed here, and could not be (apt-get install collectd-core msmtp, as root)."
fi

sender=$(id -un)
[ "$(id -u)" != 0 ] || sender=nobody # collectd starts nothing as root

slack=$(sed -n 's/^TimerSlackNSec=//p' scripts/pinbell.service) # both run as the unit would run them

status=0
"$out/bench" -pinbell ./pinbell -armv6 dist/pinbell-armv6 -collectd "$collectd" \
	-slack "${slack:-0}" -sender "$sender" -sender-uid "$(id -u "$sender")" \
	-window "${BENCH_SECONDS:-60}s" -windows "${BENCH_WINDOWS:-3}" -alerts "${BENCH_ALERTS:-20}" || status=$?
exit $status
