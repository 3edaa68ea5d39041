# KripTik operator. `make help` lists the targets. Needs git, make, bash, cc, Node >= 20 with npm, Python 3.11 and Go;
# everything else is installed into node_modules and the user's cache folder, pinned.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

INSTALLED := node_modules/.package-lock.json

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z0-9-]*:.*## / {printf "  %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): package-lock.json
	@tools/install-node.sh

.PHONY: install
install: $(INSTALLED) ## Install the Node packages (Node 24 is one of them)

.PHONY: demo
demo: install programs trainer model ## From a goal in plain language to a trained model, with a budget freeze on the way (YES=1 asks nothing)
	@node tools/demo/demo.ts $(if $(YES),--yes)

.PHONY: test
test: check ## Run every check and test, in lanes beside each other
	@$(MAKE) --no-print-directory -j4 --output-sync=target test-code test-cluster test-node test-idle

# All suites of a lane are run, also after one has failed: what else is wrong is told at once.
lane = status=0; for suite in $(1); do TIMEFORMAT="test-$$suite: %0R s, %0U s of CPU"; \
	time $(2) $(MAKE) --no-print-directory test-$$suite || status=1; done; exit $$status

# This lane computes, with what the others leave: they wait for clusters most of the time, and some of what they wait
# for must come in time. What each suite needs it builds itself: with empty caches this lane waits for no compiler.
.PHONY: test-code
test-code:
	@+$(call lane,unit trainer,nice -n 5)

.PHONY: test-cluster
test-cluster:
	@+$(call lane,integration faults e2e)

.PHONY: check
check: install ## Formatting, types, lint, unused code, generated files, licences
	@npm run --silent check

.PHONY: test-unit
test-unit: install ## Unit, property and simulation tests
	@vitest run --project unit

.PHONY: test-integration
test-integration: install programs ## Tests against a real Kubernetes API server
	@vitest run --project integration

.PHONY: test-idle
test-idle: install programs ## That an idle operator writes nothing: two quiet minutes
	@vitest run --project idle

.PHONY: test-faults
test-faults: install programs ## The operator killed around its writes, cut off and misled; a sample, or with FULL=1 all of it
	@vitest run --project faults

.PHONY: test-node
test-node: install programs trainer model ## Real pods on a real node, with a real S3 server: freeze, resume, kill, drain, outage
	@if [ "$$(id -u)" = 0 ]; then node tools/controlplane/cli.ts build --for node kubectl >/dev/null; fi
	@vitest run --project node

.PHONY: test-trainer
test-trainer: install trainer ## The trainer's own tests, on CPU
	@trainer/test.sh

.PHONY: test-e2e
test-e2e: install programs trainer model ## The whole product with the real trainer
	@vitest run --project e2e

.PHONY: trainer
trainer: ## Install the Python trainer into the cache (lean on CPU, CUDA with an NVIDIA GPU)
	@trainer/install.sh >/dev/null

.PHONY: model
model: trainer ## Fetch the quickstart's base model into the cache
	@trainer/model.sh >/dev/null

.PHONY: programs
programs: install ## Find, or build once, the programs of development and tests: Kubernetes, a node, an S3 server
	@node tools/controlplane/cli.ts build --for control --for s3 >/dev/null

.PHONY: controlplane
controlplane: install ## Start a Kubernetes control plane of one's own and keep it until Ctrl-C
	@node tools/controlplane/cli.ts up --apply crds

.PHONY: generate
generate: install ## Regenerate types and documents made from other files
	@npm run --silent generate

.PHONY: fix
fix: install ## Format and apply safe lint fixes
	@npm run --silent fix

.PHONY: bench-runtime
bench-runtime: install ## Writes per second and memory of the runtime, against client-node (MINUTES=1)
	@node --expose-gc operator/runtime/bench/writes.ts

.PHONY: bench-plan
bench-plan: install ## How long a plan takes: in process and from a cold start (ROUNDS=5 STARTS=7)
	@node cli/bench/plan.ts

.PHONY: bench-scale
bench-scale: install programs ## A thousand jobs on nodes that exist in the API only: approval to pods, budget limit to no pods (N=1000 RATE=100)
	@node tools/controlplane/cli.ts build --for bench >/dev/null
	@node test/scale/bench.ts

.PHONY: bench-trainer
bench-trainer: install ## Step time of the trainer against plain scripts of TRL and diffusers (STEPS=60)
	@"$$(trainer/install.sh --tests | tail -n 1)" trainer/tools/bench.py --steps $(or $(STEPS),60)

.PHONY: clean
clean: ## Remove what was installed into the tree; the cache stays
	@rm -rf node_modules trainer/.pytest_cache
