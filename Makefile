# The front door: each target installs the Debian packages that it needs, then does its work.
export CMAKE_BUILD_PARALLEL_LEVEL := $(shell nproc)
export CTEST_PARALLEL_LEVEL := $(CMAKE_BUILD_PARALLEL_LEVEL)

install := scripts/install-packages
build = cmake --preset $(1) && cmake --build --preset $(1)
sources = $(shell find include src tests bench examples tools -name '*.[ch]pp' -o -name '*.h')

.PHONY: help demo test bench bench-report bench-instructions format lint

help:
	@sed -n 's/^\([a-z-]*\):.*# /make \1	/p' Makefile

demo: # builds the allot command and takes its tour
	$(install) build tools
	$(call build,tools)
	build/tools/tools/allot tour

test: test-release test-asan test-valgrind test-clang test-header-only # runs all tests

test-%:
	$(install) build clang tools test clients
	$(call build,$*)
	ctest --preset $*

bench: # measures the strategies and their peers
	$(install) build bench peers
	$(call build,bench)
	build/bench/bench/allot_bench --results=build/bench/results.json

bench-report: # writes build/bench/report.html from what `make bench` measured
	$(install) build bench peers
	$(call build,bench)
	build/bench/bench/allot_report build/bench/results.json bench/instructions.json > build/bench/report.html

bench-instructions: # counts instructions an operation, and compares them with the last ones kept
	$(install) build bench peers
	$(call build,bench)
	bench/instructions.sh build/bench/bench/allot_instructions --against bench/instructions.json

format: # formats all sources
	$(install) lint
	clang-format -i $(sources)

lint: # checks the format, and the library and its tools with clang-tidy
	$(install) build clang tools test clients lint
	@# What clang-format would write, not --dry-run, which misreads inline namespaces.
	@for file in $(sources); do clang-format $$file | diff -u $$file - || bad=1; done; [ -z "$$bad" ]
	cmake --preset clang
	run-clang-tidy -quiet -p build/clang '^$(CURDIR)/((src|tools)/|tests/headers/one)'
