# What the project is built and checked with. Go, make and git are enough for
# build, demo and test; each other target says what else it needs.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# Nothing is compiled that go.mod and go.sum do not name, and no C.
export CGO_ENABLED := 0
export GOFLAGS := -mod=readonly -buildvcs=false
export GOWORK := off

TOOLS := .ci/tools
LINT := $(CURDIR)/.cache/bin/golangci-lint
VULN := $(CURDIR)/.cache/bin/govulncheck

# The first test that needs the S3 server builds it (once, some minutes): the
# limits leave time for that on two cores.
TEST_TIMEOUT := 20m

# Folders with tests against other people's readers and services.
INTEROP = $(shell grep -rl --include='*_test.go' '^//go:build interop' --exclude-dir='.*' * | xargs -n1 dirname | sort -u | sed 's|^|./|')

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: build
build: ## build bin/s3compact, static, with its version from git
	go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/s3compact ./cmd/s3compact

.PHONY: demo
demo: build ## the whole way before your eyes: S3 server, data, hotspots, compact, verify, convert, report
	bash scripts/demo/run.sh

.PHONY: demo-clean
demo-clean: ## stop the demo's server and remove its data
	bash scripts/demo/run.sh clean

.PHONY: test
test: ## run the tests
	go test -timeout $(TEST_TIMEOUT) ./...

.PHONY: race
race: export CGO_ENABLED := 1
race: ## run the tests under the race detector, but for packages without a goroutine; needs a C compiler
	@command -v $$(go env CC) >/dev/null || { echo "make race: the race detector needs a C compiler, and $$(go env CC) is not there; install gcc or clang, or set CC" >&2; exit 1; }
	go test -race -timeout $(TEST_TIMEOUT) $$(go list ./... | grep -vE '/(internal/inflate|internal/singlegzip|validate)$$')

.PHONY: test-interop
test-interop: ## run the tests against pyarrow, DuckDB and moto; needs python3 with venv, and PyPI
	go test -count=1 -tags interop -timeout 30m $(INTEROP)

FUZZTIME ?= 30s

.PHONY: test-full
test-full: ## run all tests, the long ones too, then each fuzz target for FUZZTIME (30s); needs Python as test-interop does, JDK 25, Maven and tar; 4 GB in .cache
	go test -count=1 -tags interop,full -timeout 120m ./...
	.ci/fuzz $(FUZZTIME)

.PHONY: check-protocol
check-protocol: ## explore the model of docs/protocol.md in its five bounds; 6 GB, some minutes
	cd docs/protocol && go vet . && go run . && go run . -app 2 -restores 0 && go run . -faults 2 -restores 0 && go run . -app 2 -faults 0 -restores 1 && go run . -app 1 -faults 0 -restores 1 -keeps 1

.PHONY: check-protocol-small
check-protocol-small: ## the same in a smaller bound; 0.5 GB, under a minute
	cd docs/protocol && go vet . && go run . -restores 0

.PHONY: check
check: vet lint licences ## vet, lint with formatting, licences, go.mod as it should be
	go mod verify
	go mod tidy -diff

.PHONY: vet
vet: ## run go vet, with all build tags
	go vet ./...
	go vet -tags interop,full ./...
	cd $(TOOLS) && go vet ./licences

.PHONY: fmt
fmt: $(LINT) ## format the code
	$(LINT) fmt ./...
	cd $(TOOLS) && $(LINT) fmt --config ../../.golangci.yml ./licences

.PHONY: lint
lint: $(LINT) ## run golangci-lint: .golangci.yml, with the rooms and the formatting
	$(LINT) run ./...
	cd $(TOOLS) && $(LINT) run --config ../../.golangci.yml ./licences

.PHONY: licences
licences: ## check the licence of each linked module, NOTICE and docs/dependencies.md
	cd $(TOOLS) && go test ./licences && go run ./licences -root $(CURDIR)

.PHONY: vuln
vuln: $(VULN) ## look for known vulnerabilities that the code reaches; needs vuln.go.dev
	.ci/vuln $(VULN)

.PHONY: bench
bench: ## measure s3compact beside its peers and renew docs/benchmarks.md: an hour, alone on the machine; needs python3, PyPI, gcc
	go run ./scripts/bench -write docs/benchmarks.md

.PHONY: bench-parts
bench-parts: ## run the benchmarks of single packages
	go test -run '^$$' -bench . -benchmem -timeout 60m ./...

.PHONY: clean
clean: ## remove everything that can be made again: bin, dist, .cache
	rm -rf bin dist .cache

# The tools have a module of their own, so that the product depends on none.
$(LINT): $(TOOLS)/go.mod $(TOOLS)/go.sum
	cd $(TOOLS) && go build -trimpath -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(VULN): $(TOOLS)/go.mod $(TOOLS)/go.sum
	cd $(TOOLS) && go build -trimpath -o $@ golang.org/x/vuln/cmd/govulncheck
