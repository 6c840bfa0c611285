# Postern. `make help` lists what there is; `make run` is the way in.
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# One setting for everything: with or without cgo, the shared packages would be compiled twice.
export CGO_ENABLED := 0
export PATH := $(CURDIR)/bin/tools:$(PATH)

# The modules of go.work; tools, tools/buf, tools/lint and tools/devcloud stay outside (docs/seams.md) and are built with GOWORK=off.
MODULES  := $(shell sed -n 's|^[[:space:]]*\./\([^[:space:]]*\).*|\1|p' go.work)
OUTSIDE  := tools tools/devcloud tools/bench
SQLC     := $(patsubst %/sqlc.yaml,%,$(wildcard services/*/sqlc.yaml))
TEMPL    := $(sort $(shell find services tools/devcloud -name '*.templ' -not -path '*/node_modules/*' 2>/dev/null | cut -d/ -f1-2))
WORKFLOW := $(sort $(dir $(wildcard services/*/internal/workflow/*.go)))
# What `make gen` writes; `make verify` wants it unchanged and committed.
GENERATED := ':(glob)**/*.pb.go' ':(glob)**/*.connect.go' ':(glob)**/*_templ.go' ':(glob)**/sqlcgen/**'

# What a program is made of: everything in these folders that go could embed or compile.
sources = $(shell find $(1) -type f -not -name '*_test.go' -not -name '*.md' -not -path '*/node_modules/*' -not -path '*/testdata/*' 2>/dev/null)

# FOLDER:PATTERN of each benchmark of `make bench`.
BENCHMARKS := libs/vaultkit:BenchmarkSign tools/e2e:. services/router/internal/route:. services/router/internal/edge:. services/token/internal/httpapi:ClientCredentials services/token/internal/httpapi:Documents

##@ Use

.PHONY: run
run: bin/devcloud bin/postern-server bin/postern ## Start the dev cloud here (data in .postern/, Ctrl-C stops it)
	@POSTERN_BIN=$(CURDIR)/bin/postern-server POSTERN_INFRA=$(CURDIR)/infra exec bin/devcloud

.PHONY: cli
cli: bin/postern ## Build the command line, bin/postern
	@echo "bin/postern is ready: bin/postern --help"

.PHONY: build
build: bin/devcloud bin/postern-server bin/postern ## Build all programs into bin/

bin/devcloud: $(call sources,tools/devcloud) scripts/build.sh | check-go
	@[ -x $@ ] || echo "devcloud: Vault, Temporal and NATS are compiled into it; a cold build takes minutes, once"
	@GOWORK=off scripts/build.sh $(CURDIR)/$@ tools/devcloud ./cmd/devcloud

bin/postern-server: go.work $(call sources,libs services deploy/postern) scripts/build.sh | check-go
	@scripts/build.sh $(CURDIR)/$@ deploy/postern ./cmd/postern-server

bin/postern: go.work $(call sources,libs tools/cli) scripts/build.sh | check-go
	@scripts/build.sh $(CURDIR)/$@ tools/cli .

##@ Write

.PHONY: gen
gen: gen-proto gen-sql gen-pages ## Generate code: protobuf and Connect, SQL, pages

.PHONY: gen-proto
gen-proto: bin/tools/buf bin/tools/protoc-gen-go bin/tools/protoc-gen-connect-go
	@echo "gen: libs/api"
	@cd libs/api && buf generate

.PHONY: gen-sql
gen-sql: bin/tools/sqlc
	@for svc in $(SQLC); do echo "gen: $$svc/internal/store/sqlcgen"; (cd $$svc && sqlc generate); done

# In the module's folder, since the pages remember their path from there.
.PHONY: gen-pages
gen-pages: bin/tools/templ
	@for svc in $(TEMPL); do echo "gen: pages of $$svc"; (cd $$svc && templ generate -log-level error); done

.PHONY: fmt
fmt: bin/tools/golangci-lint bin/tools/buf bin/tools/templ ## Format Go, protobuf and pages
	@for m in $(MODULES) $(OUTSIDE); do (cd $$m && golangci-lint fmt); done
	@cd libs/api && buf format -w
	@for svc in $(TEMPL); do templ fmt -log-level error $$svc; done

.PHONY: tidy
tidy: ## Tidy every go.mod; each must stand alone, without go.work
	@for m in $(MODULES) $(OUTSIDE) tools/buf tools/lint; do echo "tidy: $$m"; (cd $$m && GOWORK=off go mod tidy); done

##@ Check

.PHONY: lint
lint: ## Lint all modules, the walls between rooms, SQL, protobuf, workflows
	@$(MAKE) --keep-going lint-house lint-sql lint-proto lint-go lint-workflows
	@echo "lint: known vulnerabilities are not looked up here, since that asks a server on the network: make vuln"

.PHONY: lint-go
lint-go: check-linter $(addprefix lint/,$(MODULES) $(OUTSIDE))

# `make lint/services/token` lints one module. Tools outside the workspace are linted outside it.
lint/%: check-linter
	@printf 'lint: %-20s ' $*; start=$$SECONDS; cd $*; \
	case "$*" in $(subst $() ,|,$(OUTSIDE))) export GOWORK=off;; esac; \
	if [ -z "$$(find . -name '*.go' -print -quit)" ]; then echo "has no Go files"; exit 0; fi; \
	if out=$$(golangci-lint run --allow-serial-runners ./... 2>&1); then echo "clean ($$((SECONDS - start))s)"; \
	else echo "NOT CLEAN ($$((SECONDS - start))s)"; printf '%s\n' "$$out"; exit 1; fi

# A linter that is not there would find everything clean.
.PHONY: check-linter
check-linter: bin/tools/golangci-lint
	@go version -m $< 2>/dev/null | grep -q 'github.com/golangci/golangci-lint/v2' || \
	{ echo "$< is not golangci-lint; remove it, and make builds it anew"; exit 1; }

.PHONY: lint-house
lint-house: | check-go
	@echo "lint: who imports whom (tools/archtest)"
	@cd tools && GOWORK=off go test -count=1 ./archtest

.PHONY: lint-sql
lint-sql: bin/tools/sqlc
	@for svc in $(SQLC); do echo "lint: queries of $$svc"; (cd $$svc && sqlc vet); done

.PHONY: lint-proto
lint-proto: bin/tools/buf
	@echo "lint: libs/api"; cd libs/api && buf lint

.PHONY: lint-workflows
lint-workflows: bin/tools/workflowcheck
	@for dir in $(WORKFLOW); do echo "lint: workflows in $$dir are deterministic"; (cd $$dir && workflowcheck .); done

.PHONY: vuln
vuln: bin/tools/govulncheck ## Look up known vulnerabilities (asks Go's database on the network)
	@for m in $(MODULES); do echo "vuln: $$m"; (cd $$m && govulncheck ./...); done

.PHONY: verify
verify: gen ## Generate again, and fail when that changes what is committed, or a go.mod does not stand alone
	@changed=$$(git status --porcelain -- $(GENERATED)); \
	if [ -n "$$changed" ]; then \
	  echo "verify: generated code is not what is committed; run make gen and commit:"; printf '%s\n' "$$changed"; \
	  git --no-pager diff --stat -- $(GENERATED); exit 1; \
	fi; echo "verify: generated code is as committed"
	@untidy=; for m in $(MODULES) $(OUTSIDE); do (cd $$m && GOWORK=off go mod tidy -diff >/dev/null) || untidy="$$untidy $$m"; done; \
	if [ -n "$$untidy" ]; then echo "verify: go.mod is not tidy in$$untidy; run make tidy and commit"; exit 1; fi; \
	echo "verify: every go.mod stands alone"

.PHONY: unit
unit: bin/tools/testrun ## Run the tests that need nothing but Go
	@testrun unit

.PHONY: fuzz
fuzz: bin/tools/testrun ## Let every fuzz target look for bad input, a few seconds each
	@testrun fuzz

.PHONY: integration
integration: bin/tools/testrun build ## Run the tests on real engines (POSTERN_DEV_JSON=.postern/dev.json: on those of make run)
	@testrun integration

.PHONY: e2e
e2e: bin/tools/testrun build ## Run stock clients and Chromium against a whole dev cloud
	@testrun e2e

.PHONY: test
test: bin/tools/testrun build ## Run unit, fuzz, integration and e2e with one dev cloud; installs what it needs
	@testrun unit fuzz integration e2e

.PHONY: bench
bench: bench-peers bench-go ## Measure beside the peers (oidc-provider, Ory Hydra), then run the benchmarks

.PHONY: bench-go
bench-go: bin/tools/testrun build ## Run the benchmarks beside a dev cloud
	@testrun bench $(BENCHMARKS)

# BENCH passes flags on, such as BENCH='-only refresh -rounds 5'.
.PHONY: bench-peers
bench-peers: bin/tools/testrun build bin/peers/hydra bin/bench tools/bench/node_modules ## Ask Postern and its peers for the same, in one run
	@POSTERN_TENANT_RPS=-1 POSTERN_MANAGEMENT_RPS=-1 testrun beside tools/bench $(CURDIR)/bin/bench -hydra $(CURDIR)/bin/peers/hydra $(BENCH)

# The compiler takes it from there by itself; decision 14 says when to make it anew.
.PHONY: profile
profile: bin/tools/testrun build bin/bench ## Profile the server under load, for the compiler to go by
	@POSTERN_TENANT_RPS=-1 POSTERN_MANAGEMENT_RPS=-1 testrun beside tools/bench $(CURDIR)/bin/bench -peers=false -rounds 2 -for 6s -profile $(CURDIR)/deploy/postern/cmd/postern-server/default.pgo

bin/bench: $(call sources,tools/bench) scripts/build.sh | check-go
	@GOWORK=off scripts/build.sh $(CURDIR)/$@ tools/bench .

bin/peers/hydra: tools/bench/hydra/go.mod tools/bench/hydra/go.sum scripts/build.sh | check-go
	@[ -x $@ ] || echo "hydra: the peer is compiled from its module; a cold build takes minutes, once"
	@GOWORK=off scripts/build.sh $(CURDIR)/$@ tools/bench/hydra github.com/ory/hydra/v2

tools/bench/node_modules: tools/bench/package.json tools/bench/package-lock.json
	@echo "bench: fetching oidc-provider"
	@cd tools/bench && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

##@ Rest

.PHONY: tools
tools: $(addprefix bin/tools/,buf protoc-gen-go protoc-gen-connect-go sqlc templ golangci-lint workflowcheck govulncheck testrun) ## Build the generators and linters into bin/tools

.PHONY: clean
clean: ## Remove what was built; .postern/ and Go's caches stay
	@rm -rf bin tools/e2e/node_modules tools/samples/node_modules

.PHONY: check-go
check-go:
	@command -v go >/dev/null || { echo "Go is not in PATH; install Go 1.26 or newer"; exit 1; }
	@v=$$(GOTOOLCHAIN=local go env GOVERSION); minor=$${v#go1.}; minor=$${minor%%[!0-9]*}; \
	[ "$$v" != "$${v#go1.}" ] && [ "$${minor:-0}" -ge 26 ] || { echo "this is $$v; install Go 1.26 or newer"; exit 1; }

.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z0-9-]*:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The pinned tools, each built from the module that names its version in a `tool` directive.
tool = GOWORK=off scripts/build.sh $(CURDIR)/$@ $(1) $(2)

bin/tools/protoc-gen-go: tools/go.mod | check-go
	@$(call tool,tools,google.golang.org/protobuf/cmd/protoc-gen-go)

bin/tools/protoc-gen-connect-go: tools/go.mod | check-go
	@$(call tool,tools,connectrpc.com/connect/cmd/protoc-gen-connect-go)

bin/tools/sqlc: tools/go.mod | check-go
	@$(call tool,tools,github.com/sqlc-dev/sqlc/cmd/sqlc)

bin/tools/templ: tools/go.mod | check-go
	@$(call tool,tools,github.com/a-h/templ/cmd/templ)

bin/tools/workflowcheck: tools/go.mod | check-go
	@$(call tool,tools,go.temporal.io/sdk/contrib/tools/workflowcheck)

bin/tools/govulncheck: tools/go.mod | check-go
	@$(call tool,tools,golang.org/x/vuln/cmd/govulncheck)

bin/tools/buf: tools/buf/go.mod | check-go
	@$(call tool,tools/buf,github.com/bufbuild/buf/cmd/buf)

bin/tools/golangci-lint: tools/lint/go.mod | check-go
	@$(call tool,tools/lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)

bin/tools/testrun: tools/go.mod $(wildcard tools/testrun/*.go) | check-go
	@$(call tool,tools,./testrun)
