# How minka is built, tried and tested. Recipes are short: the work is in tests and scripts.

PROGRAMS := broker producer consumer minka
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest -q
FUZZ_TARGETS := $(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs)))
CLIENTS := tests/clients/node_modules/.ready .venv/.ready .venv-kafka-python-2/.ready

.DEFAULT_GOAL := build
.PHONY: build install header run test test-rust test-programs test-clients test-crash test-c test-python test-node
.PHONY: test-examples check bench fuzz compat clean help packages rdkafka prefix python node
.DELETE_ON_ERROR:

build: ## build the programs, put them into bin/, and libminka (what a plain `make` does)
	cargo build --quiet --profile dist --locked -p minka-broker -p minka-ffi
	install -D -t bin $(PROGRAMS:%=$(TARGET)/dist/%)

install: build ## libminka, its headers, and its pkg-config and CMake files; PREFIX=/usr/local DESTDIR=
	@PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" DESTDIR="$(DESTDIR)" sh ffi/install/install.sh $(TARGET)/dist

header: .tools/bin/cbindgen ## make include/minka.h of ffi/src
	sh ffi/header.sh

run: build .venv/.ready ## build, then show it at work: real texts, a consumer killed, nothing lost
	PYTHONPATH=tests:examples $(PYTHON) -m run

test: test-rust test-programs test-clients test-crash test-c test-python test-node test-examples ## every test

test-rust:
	cargo test --quiet --locked --workspace

test-programs: build .venv/.ready
	$(PYTEST) tests/programs

test-clients: build $(CLIENTS) packages rdkafka
	$(PYTEST) tests/clients

test-crash: build .venv/.ready
	$(PYTEST) tests/crash

test-c: prefix .venv/.ready packages
	MINKA_PREFIX=$(TARGET)/prefix $(PYTEST) tests/ffi tests/cpp

test-python: python
	$(PYTEST) bindings/python/tests

test-node: node
	cd bindings/node && npm --silent test

test-examples: prefix python node packages
	MINKA_PREFIX=$(TARGET)/prefix $(PYTEST) tests/scenarios tests/examples

check: .tools/bin/cargo-deny .tools/bin/cbindgen ## format, lints, documentation, dependency policy, tidiness
	cargo fmt --all --check && cargo fmt --manifest-path tests/rdkafka/Cargo.toml --check
	cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --locked --workspace --no-deps
	.tools/bin/cargo-deny --log-level error check bans licenses sources
	sh ffi/header.sh && git diff --exit-code include/minka.h
	cd bindings/node && node scripts/types.mjs --check
	cargo test --quiet --locked -p minka --test tidy

bench: prefix python node tests/clients/node_modules/.ready ## the benchmarks
	cargo build --quiet --release --locked -p minka-bench -p minka-broker
	$(PYTHON) -m pip wheel -q --disable-pip-version-check --no-deps -w $(TARGET)/wheels ./bindings/python
	MINKA_PREFIX=$(TARGET)/prefix $(TARGET)/release/minka-bench

fuzz: .tools/bin/cargo-fuzz $(FUZZ_TARGETS:%=fuzz-%) ## each fuzz target for 60 seconds

fuzz-%: .tools/bin/cargo-fuzz
	PATH="$(CURDIR)/.tools/bin:$$PATH" cargo fuzz run --sanitizer none $* -- -max_total_time=60

compat: build .venv/.ready ## the rdkafka crate's own tests against the broker
	PYTHONPATH=tests $(PYTHON) compat/rdkafka.py

clean: ## remove what was built and installed here
	cargo clean --quiet
	rm -rf bin .tools .venv .venv-kafka-python-2 tests/rdkafka/target bindings/node/minka.node
	rm -rf tests/clients/node_modules bindings/node/node_modules examples/node/node_modules

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

packages:
	@sh tests/setup/packages.sh kcat kcat valgrind valgrind pkg-config pkg-config cmake cmake go golang-go

.tools/bin/cbindgen:
	cargo install --quiet --locked --debug --version 0.29.4 --root .tools cbindgen

# The library as it is installed, and the packages as users install them: cargo sees what is new.

prefix: build
	@$(MAKE) --silent --no-print-directory install PREFIX=$(TARGET)/prefix DESTDIR= LIBDIR=lib

python: .venv/.ready
	$(PYTHON) -m pip install -q --disable-pip-version-check ./bindings/python -r bindings/python/requirements-test.txt

node: bindings/node/node_modules/.ready
	node bindings/node/scripts/build.mjs

bindings/node/node_modules/.ready: bindings/node/package-lock.json
	cd bindings/node && npm ci --loglevel=error --no-audit --no-fund >/dev/null
	@touch $@

rdkafka:
	cargo build --quiet --locked --manifest-path tests/rdkafka/Cargo.toml --target-dir tests/rdkafka/target
