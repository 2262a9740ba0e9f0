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
NESTED     := $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod adapters/*/go.mod))

# The race detector needs a C compiler.
RACE := $(shell command -v $$($(GO) env CC) >/dev/null 2>&1 && [ "$$($(GO) env CGO_ENABLED)" = 1 ] && echo -race)

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The connectors that the command uses without asking: those of this tree, byte for byte.
FIRST_PARTY := $(filter-out %/overreach.wasm,$(MODULES))

.PHONY: demo
demo: build ## run everything against simulated vendors, no account needed
	@$(OUT)/agenthost demo --plugins $(PLUGINS)

.PHONY: build
build: connectors ## build the connectors, and the command that knows them, into build/
	@$(GO) build -trimpath -ldflags "-X main.firstParty=$$($(GO) run ./internal/firstparty $(FIRST_PARTY))" -o $(OUT)/agenthost ./cmd/agenthost

.PHONY: connectors
connectors: $(MODULES) ## build the connectors into build/plugins/

# Go knows better than make what a module is made of; its cache makes this cheap.
.PHONY: force
$(PLUGINS)/incident-io.wasm: force
	@$(WASM_BUILD) -o $@ ./plugins/incidentio
$(PLUGINS)/overreach.wasm: force
	@$(WASM_BUILD) -o $@ ./internal/demo/overreach
$(PLUGINS)/%.wasm: force
	@$(WASM_BUILD) -o $@ ./plugins/$*

.PHONY: test
test: ## run all tests of this module, with the race detector where there is a C compiler
	$(GO) vet ./...
	$(GO) test $(RACE) -timeout 30m ./...

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

.PHONY: test-long
test-long: ## what the race detector leaves no time for: all generated modules, all attacks, profiles
	$(GO) test -timeout 30m ./host/sandbox/... ./host/conformance/... ./host/egress/...
	$(GO) test -timeout 30m -run TestScript/plugin_profile ./cmd/agenthost

.PHONY: bench
bench: build connectors ## compare a sandboxed call with plain Go, side by side in one run
	@$(GO) run ./internal/bench -plugins $(PLUGINS)
	@echo && $(GO) run ./internal/bench/coldstart -agenthost $(OUT)/agenthost -plugins $(PLUGINS)
	@echo && $(GO) test ./host/sandbox/wasm -run '^$$' -bench BenchmarkMeter -benchtime 5s | grep Meter

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
