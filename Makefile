# How minka is built, tried and tested. Recipes are short: the work is in tests and scripts.

PROGRAMS := broker producer consumer minka
TARGET := $(or $(CARGO_TARGET_DIR),target)
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest -q
FUZZ_TARGETS := $(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs)))
CLIENTS := tests/clients/node_modules/.ready .venv/.ready .venv-kafka-python-2/.ready

.DEFAULT_GOAL := build
.PHONY: build run test test-rust test-programs test-clients test-crash check bench fuzz compat clean help kcat rdkafka
.DELETE_ON_ERROR:

build: ## build the programs and put them into bin/ (what a plain `make` does)
	cargo build --quiet --profile dist --locked
	install -D -t bin $(PROGRAMS:%=$(TARGET)/dist/%)

run: build .venv/.ready ## build, then show it at work: real texts, a consumer killed, nothing lost
	PYTHONPATH=tests:examples $(PYTHON) -m run

test: test-rust test-programs test-clients test-crash ## every test: Rust, programs, unmodified Kafka clients, crashes

test-rust:
	cargo test --quiet --locked --workspace

test-programs: build .venv/.ready
	$(PYTEST) tests/programs

test-clients: build $(CLIENTS) kcat rdkafka
	$(PYTEST) tests/clients

test-crash: build .venv/.ready
	$(PYTEST) tests/crash

check: .tools/bin/cargo-deny ## format, lints, documentation, dependency policy, tidiness
	cargo fmt --all --check && cargo fmt --manifest-path tests/rdkafka/Cargo.toml --check
	cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --locked --workspace --no-deps
	.tools/bin/cargo-deny --log-level error check bans licenses sources
	cargo test --quiet --locked -p minka --test tidy

bench: ## the benchmarks
	cargo build --quiet --release --locked -p minka-bench -p minka-broker
	$(TARGET)/release/minka-bench

fuzz: .tools/bin/cargo-fuzz $(FUZZ_TARGETS:%=fuzz-%) ## each fuzz target for 60 seconds

fuzz-%: .tools/bin/cargo-fuzz
	PATH="$(CURDIR)/.tools/bin:$$PATH" cargo fuzz run --sanitizer none $* -- -max_total_time=60

compat: build .venv/.ready ## the rdkafka crate's own tests against the broker
	PYTHONPATH=tests $(PYTHON) compat/rdkafka.py

clean: ## remove what was built and installed here
	cargo clean --quiet
	rm -rf bin .tools .venv .venv-kafka-python-2 tests/clients/node_modules tests/rdkafka/target

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | expand -t 10

# What the tests need, each made once and again only when its list of versions changes.

.venv/.ready: tests/clients/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

.venv-kafka-python-2/.ready: tests/clients/requirements-kafka-python-2.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

tests/clients/node_modules/.ready: tests/clients/package-lock.json
	cd tests/clients && npm ci --loglevel=error --no-audit --no-fund >/dev/null
	@touch $@

.tools/bin/cargo-deny:
	cargo install --quiet --locked --debug --no-default-features --version 0.20.2 --root .tools cargo-deny

.tools/bin/cargo-fuzz:
	cargo install --quiet --locked --debug --version 0.13.2 --root .tools cargo-fuzz

kcat:
	@sh tests/setup/kcat.sh

rdkafka:
	cargo build --quiet --locked --manifest-path tests/rdkafka/Cargo.toml --target-dir tests/rdkafka/target
