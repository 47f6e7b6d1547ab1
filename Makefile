# imbrex: build, test, install. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
SHELL := /bin/bash

# The Swift runtime is linked in, so that the program starts fast and runs where there is no Swift.
SWIFTFLAGS := -c release
ifeq ($(shell uname -s),Linux)
# Without position independence nothing is relocated at start; unused parts and symbols are left out.
SWIFTFLAGS += --static-swift-stdlib -Xswiftc -Xclang-linker -Xswiftc -no-pie -Xlinker --gc-sections -Xlinker -s
endif

DEBIAN_PACKAGES := libpng-dev libjpeg-dev libtiff-dev libisal-dev libxxhash-dev zlib1g-dev pkg-config
BREW_PACKAGES := libpng jpeg-turbo libtiff isa-l pkg-config
PROGRAM := .build/release/imbrex
PHOTO := TestImages/photo.png
RESULTS := demo-results
MANUALS := $(wildcard man/*.1)

.PHONY: all deps build test test-sanitized soak demo bench bench-peers bench-kernels fuzz lint manuals install uninstall clean help

all: build

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## Install the libraries that imbrex is built with
	@if pkg-config --exists libpng libjpeg libtiff-4 libisal libxxhash zlib 2>/dev/null; then :; \
	elif command -v apt-get >/dev/null; then \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq $(DEBIAN_PACKAGES) >/dev/null; \
	elif command -v brew >/dev/null; then \
	  echo "run: brew install $(BREW_PACKAGES)"; exit 1; \
	else \
	  echo "please install libpng, libjpeg, libtiff, zlib and ISA-L with their headers, and pkg-config"; exit 1; \
	fi

build: deps ## Build the program: .build/release/imbrex
	$(SWIFT) build $(SWIFTFLAGS) --product imbrex

# In a folder of its own: the tests link the Swift runtime dynamically, the program statically.
test: deps ## Run all tests
	$(SWIFT) test -c release --scratch-path .build-tests

# ThreadSanitizer, then AddressSanitizer (whose report of leaks at exit is left out: a program that ends frees nothing).
test-sanitized: deps ## Run all tests under sanitizers
	IMBREX_SANITIZED=1 $(SWIFT) test -c release --sanitize=thread --scratch-path .build-tsan
	IMBREX_SANITIZED=1 ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test -c release --sanitize=address --scratch-path .build-asan

soak: build ## Thousands of files, damage, kill -9 and re-runs: SOAK_FILES of them
	bash Tests/Soak/soak.sh $(SOAK_FILES)

SOAK_FILES ?= 2000

demo: build ## Run every filter on a picture of TestImages
	@mkdir -p $(RESULTS)
	$(PROGRAM) gaussian --sigma 4 $(PHOTO) -o $(RESULTS)/gaussian.png
	$(PROGRAM) sobel $(PHOTO) -o $(RESULTS)/sobel.png
	$(PROGRAM) median --radius 4 $(PHOTO) -o $(RESULTS)/median.png
	$(PROGRAM) edge --sigma 1.5 $(PHOTO) -o $(RESULTS)/edge.png
	$(PROGRAM) blob-detect --max-sigma 15 TestImages/cells.png -o $(RESULTS)/blobs.csv --overlay $(RESULTS)/blobs.png
	@echo "The results are in $(RESULTS)/:" && ls $(RESULTS)

bench: build ## Time every filter serially and in parallel
	@for filter in "gaussian --sigma 2" sobel "median --radius 2" "edge --sigma 1.4" "blob-detect --max-sigma 10"; do \
	  $(PROGRAM) bench $$filter $(PHOTO) && echo; done

bench-peers: build ## Compare with libvips, ImageMagick, OpenCV and scikit-image, where they are installed
	Tests/Benchmarks/bench-peers.py $(PROGRAM)

bench-kernels: build ## Compare the filters in memory with OpenCV's and scikit-image's
	Tests/Benchmarks/bench-kernels.py $(PROGRAM)

FUZZ_SECONDS ?= 20

fuzz: ## Fuzz the readers under sanitizers, FUZZ_SECONDS each
	bash Tests/Fuzz/run.sh $(FUZZ_SECONDS)

lint: ## Check the formatting of Swift and C, and the manual pages, with the tools that are there
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests
	@if command -v clang-format >/dev/null; then clang-format --dry-run --Werror $$(git ls-files 'Sources/*.c' 'Sources/*.h'); fi
	@if command -v mandoc >/dev/null; then mandoc -T lint -W warning $(MANUALS); fi

manuals: build ## Make the manual pages anew from the program's own definitions
	$(PROGRAM) --experimental-dump-help | python3 man/make.py man

install: build ## Install under PREFIX (/usr/local), below DESTDIR
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/man/man1"
	install -m 755 $(PROGRAM) "$(DESTDIR)$(PREFIX)/bin/imbrex"
	install -m 644 $(MANUALS) "$(DESTDIR)$(PREFIX)/share/man/man1/"

uninstall: ## Remove what install put there
	rm -f "$(DESTDIR)$(PREFIX)/bin/imbrex" $(foreach page,$(notdir $(MANUALS)),"$(DESTDIR)$(PREFIX)/share/man/man1/$(page)")

clean: ## Remove what was built
	rm -rf .build .build-tests $(RESULTS)
