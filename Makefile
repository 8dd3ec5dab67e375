# The front door: each target installs the Debian packages that it needs, then does its work.
export CMAKE_BUILD_PARALLEL_LEVEL := $(shell nproc)
export CTEST_PARALLEL_LEVEL := $(CMAKE_BUILD_PARALLEL_LEVEL)

install := scripts/install-packages
build = cmake --preset $(1) && cmake --build --preset $(1)
sources = $(shell find include src tests fuzz bench examples tools -name '*.[ch]pp' -o -name '*.h')

.PHONY: help demo packages test matrix mutate coverage fuzz models bench bench-advisor bench-ends bench-report bench-instructions bench-threads reference format lint

help:
	@sed -n 's/^\([a-z-]*\):.*# /make \1	/p' Makefile

demo: # builds the allot command, takes its tour, and asks it about a real program
	$(install) build tools
	$(call build,tools)
	build/tools/tools/allot tour
	scripts/advise-ninja build/tools/tools/allot build/tools/ninja

packages: # makes Debian packages of the library and the command in build/packages
	$(install) build tools packages
	scripts/make-packages build/packages

test: test-release test-asan test-valgrind test-clang test-tsan test-bench # runs all tests

test-%:
	$(install) build clang tools test clients browser docs
	$(call build,$*)
	ctest --preset $*

test-bench: # every workload once, and its instructions; peers take part if they are installed
	$(install) build bench
	$(call build,bench)
	ctest --preset bench

matrix: # runs the library's tests on other compilers, systems and sanitizers
	$(install) build clang test matrix
	scripts/matrix

SAMPLE ?= 300
SEED ?= 1
mutate: # tells which of SAMPLE=300 small faults the tests do not notice
	$(install) build test mutate
	scripts/mutate --sample $(SAMPLE) --seed $(SEED)

coverage: # lists the lines of the library that no test reaches
	$(install) build clang tools test clients coverage
	$(call build,coverage)
	ctest --preset coverage
	gcovr --root . --filter include/ --filter src/ --txt build/coverage/report.txt build/coverage
	@cat build/coverage/report.txt

SECONDS ?= 60
fuzz: # runs each libFuzzer target for SECONDS=60 seconds
	$(install) build clang test tools
	cmake --preset fuzz -D ALLOT_FUZZ_SECONDS=$(SECONDS) && cmake --build --preset fuzz
	ctest --preset fuzz

OPERATIONS ?= 100000000
models: # compares each strategy with its model, through OPERATIONS=100000000 random operations
	$(install) build test
	cmake --preset release && cmake --build --preset release --target allot_models
	@for name in $$(build/release/fuzz/allot_models --list); do \
	  build/release/fuzz/allot_models $$name $(OPERATIONS) || exit 1; done

bench: # measures the strategies and their peers
	$(install) build bench peers
	$(call build,bench)
	build/bench/bench/allot_bench --results=build/bench/results.json

bench-ends: # measures first uses, largest sizes and other ends of the range, without peers
	$(install) build bench
	$(call build,bench) --target allot_ends
	build/bench/bench/allot_ends

bench-threads: # measures what several threads share, beside peers, and what memory 64 of them hold
	$(install) build bench peers
	$(call build,bench) --target allot_bench allot_thread_memory
	build/bench/bench/allot_bench --benchmark_filter='^threads,'
	build/bench/bench/allot_thread_memory

ROUNDS ?= 15
bench-advisor: # advises programs of ours and of others, tries it ROUNDS=15 times, and compares
	$(install) build tools advised
	$(call build,advisor)
	bench/advisor/measure --rounds $(ROUNDS) build/advisor

bench-report: # writes build/bench/report.html from what `make bench` measured
	$(install) build bench peers
	$(call build,bench)
	build/bench/bench/allot_report build/bench/results.json bench/instructions.json > build/bench/report.html

bench-instructions: # counts instructions an operation, and compares them with the last ones kept
	$(install) build bench peers
	$(call build,bench)
	bench/instructions.sh build/bench/bench/allot_instructions --against bench/instructions.json

reference: # writes build/reference/html, the reference of what programs include
	$(install) docs
	rm -rf build/reference && mkdir -p build/reference
	doxygen docs/Doxyfile

format: # formats all sources
	$(install) lint
	clang-format-16 -i $(sources)

lint: # checks the format, and the library and its tools with clang-tidy
	$(install) build clang tools test clients lint
	clang-format-16 --dry-run -Werror $(sources)
	cmake --preset clang -D ALLOT_BUILD_TOOLS=ON
	cppcheck --quiet --std=c++20 --enable=warning,portability,performance \
	  --suppressions-list=.cppcheck-suppressions --error-exitcode=1 -I include src include
	run-clang-tidy -quiet -p build/clang '^$(CURDIR)/((src|tools)/|tests/headers/one)'
