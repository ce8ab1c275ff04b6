# SPDX-License-Identifier: GPL-2.0-only
#
#	make            libraries, adapter and program into build/
#	make demo       the main job on a file system
#	make test       all tests
#	make soak       gc beside updates for an hour, or SECONDS=
#	make mutants    what the checks of the order must catch
#	make fuzz       fuzzing, FUZZ_SECONDS a target
#	make bench      times, memory and instructions: BENCH= BCACHEFS= LINKED= ...
#	make growth     what larger file systems take, told and measured: BENCH_DIR=
#	make instructions  counts instructions of fixed inputs and records them
#	make coverage   lines and branches that the Rust tests reach
#	make asan       the Rust tests under the address sanitizer; make valgrind
#	make install    PREFIX= DESTDIR= LIBDIR=
#	make link       TREE= the adapter into a tree of bcachefs-tools; make unlink
#	make dist       a tarball with every crate, which builds without a network
#	make deb        Debian packages of it
#	make generate   the generated files anew

PREFIX	?= /usr/local
LIBDIR	?= $(PREFIX)/lib
BUILD	?= build
INSTALL	?= install

VERSION	:= $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

.PHONY: all
all: library adapter model program

# What is missing: demo and test install it where they may, the others name it and stop.
.PHONY: setup
setup:
	@scripts/setup
setup-%:
	@scripts/setup $*
need-%:
	@scripts/setup --name $*

.PHONY: library
library: need-build
	scripts/build-archive $(BUILD)

.PHONY: adapter
adapter:
	@mkdir -p $(BUILD)
	scripts/inline-headers include < gc-ffi/adapter/btree_gc.c > $(BUILD)/btree_gc.c

.PHONY: model
model: library
	scripts/build-model $(BUILD)

.PHONY: program
program: need-build
	scripts/build-program $(BUILD)

.PHONY: install
install: all
	scripts/install $(BUILD) '$(DESTDIR)' '$(PREFIX)' '$(LIBDIR)' '$(VERSION)'

.PHONY: uninstall
uninstall:
	scripts/uninstall '$(DESTDIR)' '$(PREFIX)' '$(LIBDIR)'

.PHONY: link
link: library adapter
	@scripts/link-tree link '$(TREE)' '$(BUILD)'

.PHONY: unlink
unlink:
	@scripts/link-tree unlink '$(TREE)' '$(BUILD)'

.PHONY: demo
demo: setup-demo
	scripts/demo $(BUILD)

.PHONY: test
test: setup-test
	scripts/test $(BUILD)

# By hand: as long as there is time. What it finds stays in fuzz/.
FUZZ_SECONDS	?= 600
.PHONY: fuzz
fuzz: need-fuzz
	scripts/fuzz $(FUZZ_SECONDS)

# By hand, each many minutes: what the tests reach, and the tests under sanitizers.
.PHONY: coverage asan valgrind
coverage asan valgrind: %: need-%
	scripts/$@

# By hand: each change of an ordering or of a move of the position must be caught.
.PHONY: mutants
mutants: need-mutants
	scripts/mutants-order

# By hand, on a machine that does nothing else; variables: scripts/bench.
.PHONY: bench
bench: need-bench program
	scripts/bench $(BUILD)

# By hand: costs of a key, a pointer, a node and a bucket; variables: benches/growth.py.
.PHONY: growth
growth: need-growth program
	benches/growth.py $(BUILD)

# By hand: .ci/run holds the figures that this records.
.PHONY: instructions
instructions: need-instructions all
	scripts/check-instructions --write $(BUILD)

.PHONY: dist
dist: need-dist
	scripts/dist $(BUILD)

.PHONY: deb
deb: need-deb dist
	scripts/build-deb $(BUILD) '$(VERSION)'

# By hand: two builds in different folders, compared.
.PHONY: reproducible
reproducible: need-reproducible
	scripts/check-reproducible

# By hand: gc beside updates, for so long.
SECONDS	?= 3600
.PHONY: soak
soak: need-soak
	scripts/soak $(SECONDS)

.PHONY: generate
generate:
	cargo xtask generate

.PHONY: clean
clean:
	rm -rf $(BUILD)
	cargo clean
