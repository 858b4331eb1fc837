#!/bin/bash
# Takes one safety line at a time out of a copy of this folder, and runs the
# test that must go red. It fails if a test stays green, if a line is no longer
# there or there more than once, if a change does not compile, or if a test is
# red to begin with.
#
#	scripts/teeth.sh [PATTERN]   only the teeth whose name or file matches
#	SHORT=1 scripts/teeth.sh     only the dozen marked * (for CI)
set -euo pipefail
cd "$(dirname "$0")/.."

pattern=${1:-}
short=${SHORT:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do [ ! -e "$f" ] || printf '%s\0' "$f"; done |
	xargs -0 cp --parents -t "$work"

names=() files=() packages=() tests=() texts=()

# tooth NAME FILE TEST: the lines before => on stdin become those after it.
# PACKAGE:TEST names a test of another package than the file's.
tooth() {
	local text
	text=$(cat)
	[ -z "$short" ] || [[ $1 == \** ]] || return 0
	[[ "$1 $2" == *"$pattern"* ]] || return 0
	names+=("${1#\*}") files+=("$2") texts+=("$text")
	case $3 in
	*:*) packages+=("${3%%:*}") ;;
	*) packages+=("${2%/*}") ;;
	esac
	tests+=("${3#*:}")
}

# try PACKAGE TESTS: its output; -trimpath lets copies share what was built.
try() { (cd "$work" && go test -trimpath -vet=off -count=1 -timeout 90s -v -run "^($2)\$" "./$1" 2>&1); }

# bite INDEX: takes the line out, runs the test, puts the line back.
bite() {
	local i=$1 old=${texts[$1]%%$'\n=>'*} new=${texts[$1]#*$'\n=>'} whole out rc=0 why
	new=${new#$'\n'}
	whole=$(cat "$work/${files[i]}"; printf x)
	whole=${whole%x}
	local rest=${whole#*"$old"}
	[ "$rest" != "$whole" ] || { fate="the line is no longer in ${files[i]}"; return 1; }
	[ "${rest#*"$old"}" = "$rest" ] || { fate="the line is more than once in ${files[i]}"; return 1; }
	printf '%s' "${whole%%"$old"*}$new$rest" >"$work/${files[i]}"
	out=$(try "${packages[i]}" "${tests[i]}") || rc=$?
	printf '%s' "$whole" >"$work/${files[i]}"
	if grep -qE '\[(build|setup) failed\]' <<<"$out"; then
		fate="the change does not compile: $(grep -m1 -E '\.go:[0-9]+' <<<"$out")"
		return 1
	fi
	[ $rc != 0 ] || { fate="SURVIVED ${tests[i]}"; return 1; }
	why=$(grep -m1 -oE '_test\.go:[0-9]+: .*|panic: .*|fatal error: .*' <<<"$out" | cut -c1-110) || true
	fate="${tests[i]}  ${why#_test.go:*: }"
}

# ---- the teeth -------------------------------------------------------------

# Nothing is lost, nothing is told twice.
tooth '*an event, its rule and its mail are one transaction' notify/outbox/box.go TestIdleCourierGetsItsMailInTheEventsOwnTransaction <<'END'
		b.store.put("state/"+t.Key, t.State)
=>
		b.store.put("state/"+t.Key, t.State)
		b.flush()
END
tooth '*an event is on disk before Commit returns' notify/outbox/box.go TestEventSurvivesPowerCutAfterCommit <<'END'
		b.idle = !b.seal(time.Now(), make([]passable, len(b.Roads)))
	}
	b.flush()
=>
		b.idle = !b.seal(time.Now(), make([]passable, len(b.Roads)))
	}
END
tooth '*a sealed mail is on disk: its Message-ID is the same at every attempt' notify/outbox/seal.go TestSealedMailSurvivesAPowerCutBeforeItsAnswer <<'END'
	b.charge(p, road, wall)
	b.store.put(mailKey(p.ID), encode(p))
=>
	b.charge(p, road, wall)
END
tooth '*what is handed over is in the ledger on disk' notify/outbox/seal.go TestQuotaSurvivesAPowerCut <<'END'
	b.ledger = b.ledger.Add(*p.charge)
	b.store.put(ledgerKey, b.ledger.encode())
=>
	b.ledger = b.ledger.Add(*p.charge)
END
tooth 'the reserve is kept for critical' notify/outbox/ledger.go TestReserveIsKeptForCritical <<'END'
	limits = limits.less(severity)
=>
END
tooth 'a mail that may have been taken stays in the ledger' notify/outbox/settle.go TestNoWindowHasMoreMailsThanTheBudgetAndEveryEventIsTold <<'END'
		p.charge = nil // it may have been taken, so the entry stays
=>
		b.uncharge(p)
END
tooth 'nothing is sealed while the time is unknown' notify/outbox/seal.go TestNothingIsSealedWithoutATime <<'END'
	if len(b.waiting) == 0 || trust == clock.Unknown {
=>
	if len(b.waiting) == 0 {
END
tooth 'an error of a commit is noticed, and memory goes on' notify/outbox/store.go TestAlarmsGoOnWithoutADisk <<'END'
	if err := s.commit(); err != nil {
=>
	if err := s.commit(); err != nil && s.db == nil {
END
tooth 'a store that does not open is set aside' notify/outbox/store.go TestUnreadableStoreIsSetAside <<'END'
	if err := os.Rename(s.path, aside); err != nil {
=>
	if err := os.Remove(s.path); err != nil {
END
tooth 'a second daemon is turned away' notify/outbox/store.go TestSecondDaemonIsTurnedAway <<'END'
	if errors.Is(err, berrors.ErrTimeout) {
=>
	if errors.Is(err, berrors.ErrTimeout) && readOnly {
END
tooth 'a refused mail is not lost' notify/outbox/settle.go TestRefusedMailIsNotLost <<'END'
	case v.Outcome == notify.Refused:
=>
	case v.Outcome == notify.Refused:
		b.remove(p)
END
tooth 'recipients that were put off get the mail later' notify/outbox/settle.go TestPutOffRecipientsGetTheSameMailLater <<'END'
		if !r.Permanent {
=>
		if r.Permanent {
END
tooth 'a mail in doubt takes no second road' notify/outbox/attempt.go TestDoubtIsNotDoubled <<'END'
		doubtful: p.last().Outcome == notify.Unknown,
=>
END
tooth 'a refused login waits ever longer' notify/outbox/way.go TestRefusedLoginIsTriedEverMoreRarely <<'END'
		wait = min(v.Wait<<min(w.refusals, 6), longestCalm)
=>
END

# The dialogue with a mail server.
tooth '*the certificate is verified' notify/smtp/session.go TestEachCertificateFaultIsToldApart <<'END'
		MinVersion: tls.VersionTLS12,
=>
		MinVersion: tls.VersionTLS12, InsecureSkipVerify: true,
END
tooth 'TLS is 1.2 or newer' notify/smtp/session.go TestOldTLSIsRefused <<'END'
		MinVersion: tls.VersionTLS12,
=>
		MinVersion: tls.VersionTLS10,
END
tooth 'certificates are checked by the corrected time' notify/smtp/session.go TestCertificatesAreCheckedAgainstCorrectedTime <<'END'
		Time:       s.relay.now,
=>
END
tooth '*without STARTTLS nothing goes on' notify/smtp/session.go TestStrippedStartTLSIsDownAndSaysSo <<'END'
	if !s.offers("STARTTLS") {
=>
	if false {
END
tooth 'clear text behind STARTTLS is refused' notify/smtp/session.go TestClearTextBehindStartTLSIsRefused <<'END'
	if s.in.Buffered() > 0 {
		return &finding{step: atStartTLS
=>
	if false {
		return &finding{step: atStartTLS
END
tooth '*a session has an absolute deadline' notify/smtp/session.go TestNoTrickleOutlastsTheDeadline <<'END'
	ctx, cancel := context.WithTimeout(ctx, r.patience(0))
=>
	ctx, cancel := context.WithTimeout(ctx, 24*time.Hour)
END
tooth 'a mail has an absolute deadline' notify/smtp/send.go TestEveryFaultAtEveryStepHasItsVerdict <<'END'
	ctx, cancel := context.WithTimeout(ctx, s.relay.patience(len(t.body)))
=>
	ctx, cancel := context.WithTimeout(ctx, 1000*s.relay.patience(len(t.body)))
END
tooth '*a connection lost after the dot is Unknown' notify/smtp/table.go TestEveryFaultAtEveryStepHasItsVerdict <<'END'
	{"dot", "lost silent garbled", "", "", "", ruling{unknown, 0, "mail.network"}},
=>
	{"dot", "lost silent garbled", "", "", "", ruling{deferred, 0, "mail.network"}},
END
tooth 'a reply before its command is no answer' notify/smtp/session.go TestAReplyTooManyIsNoAnswerToTheNextCommand <<'END'
	if err == nil && r.code != 421 {
		return reply{}, tooEarly(r)
=>
	if false {
		return reply{}, tooEarly(r)
END
tooth 'an address cannot end its command' notify/smtp/envelope.go TestTryingASenderSendsNothing <<'END'
	if !isAddress(address) || strings
=>
	if false && strings
END
tooth '*a reply that echoes the password is masked' notify/smtp/verdict.go TestNoVerdictShowsTheSecretThatAServerEchoes <<'END'
		Reply:    s.mask.clean(f.words()),
=>
		Reply:    f.words(),
END
tooth 'pieces of a secret are masked too' notify/peer/mask.go TestASecretIsHiddenInEachOfItsForms <<'END'
		size := min(maskedPiece, len(word))
=>
		size := len(word)
END
tooth 'a Secret prints as stars' notify/secret.go TestNoVerbPrintsASecret <<'END'
func (Secret) Format(w fmt.State, _ rune) { io.WriteString(w, hidden) }
=>
func (s Secret) Format(w fmt.State, _ rune) { io.WriteString(w, string(s)) }
END
tooth 'a Secret is no JSON' notify/secret.go TestNoEncodingPrintsASecret <<'END'
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
=>
func (s Secret) MarshalText() ([]byte, error) { return []byte(s), nil }
END
tooth 'a Secret is not logged' notify/secret.go TestNoLogPrintsASecret <<'END'
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
=>
func (s Secret) LogValue() slog.Value { return slog.StringValue(string(s)) }
END

# UniOne's Web API.
tooth 'the API key waits for a verified handshake' notify/unione/session.go TestNobodyHearsTheKeyBeforeAVerifiedHandshake <<'END'
		MinVersion: tls.VersionTLS12,
=>
		MinVersion: tls.VersionTLS12, InsecureSkipVerify: true,
END
tooth 'a key seen within the minute is a receipt' notify/unione/table.go TestEachAnswerHasItsVerdict <<'END'
	{"dot", "", "1573", "", ruling{accepted, false, 0, ""}},
=>
	{"dot", "", "1573", "", ruling{refused, false, again, "mail.refused"}},
END
tooth 'a mail keeps its idempotence key' notify/unione/letter.go TestARepeatWithinAMinuteIsThereAlready <<'END'
	out.Key = idempotenceKey(m, to)
=>
END

# Mails.
tooth '*no text of others begins a header' notify/mail/clean.go TestNoTextCanBreakOutOfAMail <<'END'
		case unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp):
=>
		case r == ' ':
END
tooth 'a mail to what is no address is not written' notify/mail/mail.go TestWhatCannotBeAMailIsRefused <<'END'
		if !addressable(address) {
=>
		if false {
END

# Time.
tooth 'no time before the floor is believed' notify/clock/clock.go TestTrustComesFromAgreementOnly <<'END'
	return !t.Before(c.cfg.Floor) && (c.cfg.Floor.IsZero()
=>
	return (c.cfg.Floor.IsZero()
END
tooth 'no time far beyond the floor is believed' notify/clock/clock.go TestTrustComesFromAgreementOnly <<'END'
	return !t.Before(c.cfg.Floor) && (c.cfg.Floor.IsZero() || t.Before(c.cfg.Floor.Add(Horizon)))
=>
	return !t.Before(c.cfg.Floor)
END
tooth 'time servers must agree' notify/clock/agree.go TestTrustComesFromAgreementOnly <<'END'
	f.agreed = f.voices > 0 && f.voices >= quorum(len(servers), len(f.answers))
=>
	f.agreed = f.voices > 0
END
tooth 'an NTP reply is validated' notify/clock/ask.go TestEveryFaultOfARealServerIsNamed <<'END'
	if err := r.Validate(); errors.Is(err, ntp.ErrKissOfDeath) {
=>
	if err := error(nil); errors.Is(err, ntp.ErrKissOfDeath) {
END
tooth 'only a trusted time becomes the floor' notify/outbox/settle.go TestFloorIsATrustedTimeOnly <<'END'
	if trust == clock.Trusted {
		b.store.put(floorKey
=>
	if trust != clock.Unknown {
		b.store.put(floorKey
END

# Rules.
tooth '*what is unknown does not fire' notify/rules/step.go TestRuleLife <<'END'
	case when == Unknown || over == Unknown:
=>
	case false:
END
tooth 'what is unknown does not clear' notify/rules/step.go TestRuleLife <<'END'
	s.extremes(r.When, v)
	switch {
	case over == True:
=>
	s.extremes(r.When, v)
	switch {
	case over != False:
END
tooth 'a raised rule stays raised over a restart' notify/rules/engine.go TestRaisedRuleSurvivesARestart <<'END'
	e.restore(time.Now())
=>
END

# Sensors.
tooth '*a failed read is a fault and no value' sensors/poll.go TestFailedReadIsAFaultNeverAValue <<'END'
	if err != nil {
		return append(batch, Reading{Sensor: s.ID, At: at, Fault: asFault(err)})
	}
=>
	_ = err
END
tooth 'what is no number is no value' sensors/poll.go TestFailedReadIsAFaultNeverAValue <<'END'
math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
=>
math.IsNaN(0) {
END
tooth 'a gap in the sequence of edges is counted' sensors/gpio/stream.go TestLostEdgesAreCounted <<'END'
			Lost:   e.LineSeqno - s.seq - 1, // also right where the counter wraps
=>
END
tooth 'lost edges are a fault' sensors/edge.go TestLostEdgesAreAFaultAndThenTheLevel <<'END'
	if e.Lost > 0 {
=>
	if false {
END
tooth 'a lie of a 1-Wire sensor is no temperature' sensors/sysfs/number.go TestKnownLiesOfOneWireSensors <<'END'
	case 85000:
=>
	case 85001:
END
tooth 'a check sum that does not match is a fault' sensors/sysfs/number.go TestTextsThatAreNoMeasurement <<'END'
	if bytes.HasSuffix(first, []byte(" NO")) {
=>
	if false {
END

# Pictures.
tooth 'a camera program has none of our secrets' notify/capture/program.go TestProgramHasNoneOfOurSecrets <<'END'
	cmd.Env = environment(os.Environ())
=>
	cmd.Env = os.Environ()
END
tooth 'the certificate of a camera is verified' notify/capture/web.go TestCertificateOfACameraIsVerified <<'END'
&tls.Config{MinVersion: tls.VersionTLS12,
=>
&tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true,
END

# ---- the run ---------------------------------------------------------------

[ ${#names[@]} -gt 0 ] || { echo "teeth: no tooth matches" >&2; exit 2; }
declare -A wanted
for i in "${!names[@]}"; do
	[[ "|${wanted[${packages[i]}]:-}|" == *"|${tests[i]}|"* ]] || wanted[${packages[i]}]+="${wanted[${packages[i]}]:+|}${tests[i]}"
done
for p in "${!wanted[@]}"; do
	out=$(try "$p" "${wanted[$p]}") || { printf '%s\nteeth: red before anything was taken out: %s\n' "$out" "$p" >&2; exit 1; }
	for t in ${wanted[$p]//|/ }; do
		grep -q "^--- PASS: $t " <<<"$out" || { echo "teeth: $p has no test $t, or skips it" >&2; exit 1; }
	done
done
bad=0
for i in "${!names[@]}"; do
	mark=ok
	bite "$i" || { mark=NO bad=$((bad + 1)); }
	printf '%-3s %-70s %s\n' "$mark" "${names[i]}" "$fate"
done
echo "teeth: ${#names[@]} safety lines taken out, one at a time; $((${#names[@]} - bad)) times the test went red ($SECONDS s)"
[ $bad = 0 ]
