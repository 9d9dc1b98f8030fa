# What a person or a pipeline runs. `make help` lists it.

CARGO ?= cargo
DEMO ?=
BENCH ?=

.DEFAULT_GOAL := help
.PHONY: help prerequisites demo test fmt-check clippy doc deny nextest doctest bench bench-e2e bench-scale evaluate evaluate-stress audit

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "%-14s %s\n", $$1, $$2 }'
	@printf '%-14s %s\n' kafka 'leave a real Kafka broker running in the foreground, PORT=9092'

prerequisites: ## install what is missing (Debian, Ubuntu), or name it (elsewhere)
	@sh .ci/prerequisites.sh

demo: ## build and run the demo: one process, no Kafka, no configuration (DEMO=--once ends by itself)
	@sh .ci/prerequisites.sh build
	$(CARGO) run --release -- demo $(DEMO)

# In this order: what is quick to fail comes first, and the broker's jars before the tests that need them.
test: prerequisites ## everything: format, lints, docs, licences and every test, against a real Kafka
	@$(MAKE) --no-print-directory fmt-check clippy doc deny doctest kafka-jars nextest

fmt-check: ## is the source formatted?
	$(CARGO) fmt --check

clippy: ## lints, warnings denied
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --bench e2e --bench scale --bench evaluate -- -D warnings

doc: ## the documentation builds without a warning
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items

deny: ## bans, licences, sources
	$(CARGO) deny check bans licenses sources

nextest: kafka-jars ## the tests; TESTS=filter runs some of them
	$(CARGO) nextest run --locked $(TESTS)

doctest: ## the examples in the documentation
	$(CARGO) test --locked --doc

bench: ## engine, decoder and store on their own
	$(CARGO) bench --locked

bench-e2e: kafka-jars ## the daemon beside a bare loop, on a real Kafka; BENCH='--runs 1' is short
	$(CARGO) bench --locked --bench e2e -- $(BENCH)

bench-scale: kafka-jars ## memory, restart and rebuild with 100,000 open cases, on a real Kafka
	$(CARGO) bench --locked --bench scale -- $(BENCH)

DATA ?= ../shared/data
EVALUATE ?=

evaluate: ## how well recorded alerts become cases; DATA=DIR, EVALUATE='--on mixed' is short
	$(CARGO) bench --locked --quiet --profile evaluate --bench evaluate -- --data '$(DATA)' $(EVALUATE)

evaluate-stress: ## the same under stress; EVALUATE='--only dc --seeds 1' is short
	$(CARGO) bench --locked --quiet --profile evaluate --bench evaluate -- --stress --data '$(DATA)' $(EVALUATE)

audit: ## known advisories; needs the network
	$(CARGO) deny check advisories

include tests/kafka/kafka.mk
