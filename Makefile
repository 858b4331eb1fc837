# pinbell: the menu. `make demo` and `make test` need Go, make and git only.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILT   := $(shell git log -1 --format=%ct 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.built=$(BUILT)
# UniOne's API is spoken to by HTTP/1.1: without HTTP/2 the binary is smaller.
# What runs rarely need not be inlined: that takes half a megabyte off a binary.
RARE    := net/... net/http mime/... text/template/... encoding/... regexp/... crypto/x509 crypto/tls github.com/... go.etcd.io/...
BUILD   := CGO_ENABLED=0 go build -tags nethttpomithttp2 $(RARE:%=-gcflags=%=-l) -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'
# The race detector needs a C compiler and a platform that has one.
RACE    := $(shell command -v cc >/dev/null 2>&1 && [ "$$(go env GOARCH)" = amd64 ] && echo -race)
export CGO_ENABLED ?= $(if $(RACE),1,0)

.PHONY: help demo test build cross check crash teeth e2e faults board-test bench bench-mail clean
help:            ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/' | expand -t 14

demo: build      ## the whole job in half a minute: simulated board, real SMTP server, real mails
	@./pinbell demo

test:            ## all tests (under two minutes; with the race detector where there is a C compiler)
	go test $(RACE) -timeout 30m ./...

build:           ## pinbell for this machine
	@$(BUILD) -o pinbell ./cmd/pinbell

cross:           ## static binaries for the boards, into dist/
	@$(MAKE) -s dist/pinbell-armv6
	GOOS=linux GOARCH=arm GOARM=7 $(BUILD) -o dist/pinbell-armv7 ./cmd/pinbell
	GOOS=linux GOARCH=arm64 $(BUILD) -o dist/pinbell-arm64 ./cmd/pinbell
	@ls -l dist | awk 'NR > 1 {printf "%-16s %5.1f MB\n", $$NF, $$5 / 1e6}'

.PHONY: dist/pinbell-armv6
dist/pinbell-armv6:
	@mkdir -p dist
	GOOS=linux GOARCH=arm GOARM=6 $(BUILD) -o $@ ./cmd/pinbell

check:           ## gofmt, vet, staticcheck, go.mod tidy
	@unformatted=$$(gofmt -l cmd config notify sensors scripts); [ -z "$$unformatted" ] || { echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	GOARCH=arm GOARM=6 CGO_ENABLED=0 go vet ./...
	go tool staticcheck ./...
	go mod tidy -diff
	go mod verify

crash: build     ## kill -9 at random, KILLS times, while a mail server misbehaves at random
	go run ./scripts/crash -pinbell ./pinbell -kills $(or $(KILLS),300)

teeth:           ## takes safety lines out, one at a time: a test must go red for each (SHORT=1: a dozen of them)
	@scripts/teeth.sh

faults:          ## the faults that take minutes: hanging servers, a disk that recovers
	PINBELL_LONG=1 go test -count=1 -timeout 10m -run 'Hangs|WithinAMinute' -v ./cmd/pinbell

e2e: build       ## against Debian's Postfix and Dovecot, from folders of their own (root; half a minute; SHORT=1: what CI runs)
	@scripts/need.sh postfix dovecot-core $(if $(SHORT),|| true)
	@go run ./scripts/e2e -pinbell ./pinbell $(if $(SHORT),-short)

board-test:      ## the ARMv6 daemon on an emulated board (QEMU): edges, chips, 1970, power cuts; 3 minutes, SHORT=1 half a minute
	@$(MAKE) -s dist/pinbell-armv6
	@go run ./scripts/boardtest -pinbell dist/pinbell-armv6 $(if $(SHORT),-short)

bench:           ## memory, processor time, writes and latency, beside collectd's (BENCH_SECONDS=10: a first idea)
	@scripts/bench.sh

bench-mail:      ## 1,000 waiting mails: pinbell, msmtp and Postfix to one server, near and far (root; 8 minutes)
	@scripts/need.sh postfix msmtp
	@go run ./scripts/mailbench

clean:           ## remove what was built
	rm -rf pinbell dist
