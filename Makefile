# imbrex: build, test, install. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
SHELL := /bin/bash

# The Swift runtime is linked in, so that the program starts fast and runs where there is no Swift.
SWIFTFLAGS := -c release
ifeq ($(shell uname -s),Linux)
# Unused parts and symbols are left out. Types are made by
# calls, not by name: looking up a name searches all conformances. The C++ library that the Swift runtime needs is linked
# in where there is one to link: finding and relocating it takes half a millisecond.
SWIFTFLAGS += --static-swift-stdlib -Xlinker --gc-sections -Xlinker -s \
  -Xswiftc -Xfrontend -Xswiftc -disable-concrete-type-metadata-mangled-name-accessors
# A defect is no open door: the program lies anywhere (which costs 0.3 ms at start), what is linked is read-only then, its
# stacks are watched, and no library is looked for beside it. Package.swift has the checks of buffers.
HARDENING := -Xcc -fstack-protector-strong -Xcc -fstack-clash-protection -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now \
  -Xlinker -z -Xlinker noexecstack --disable-local-rpath
SWIFTFLAGS += $(HARDENING)
STATIC_CXX := $(wildcard $(shell $(CC) -print-file-name=libstdc++.a))
ifneq ($(STATIC_CXX),)
SWIFTFLAGS += -Xswiftc -L.build/static -Xswiftc -Xclang-linker -Xswiftc -static-libgcc
endif
endif

DEBIAN_PACKAGES := libpng-dev libjpeg-dev libtiff-dev libisal-dev libxxhash-dev zlib1g-dev pkg-config
BREW_PACKAGES := libpng jpeg-turbo libtiff isa-l xxhash pkg-config
PROGRAM := .build/release/imbrex
PHOTO := TestImages/photo.png
RESULTS := demo-results
MANUALS := $(wildcard man/*.1)
INTERFACE := Sources/PluginInterface/include/imbrex_filter.h
INTERFACE_MANUAL := man/imbrex-filter.3
MODULES := Sources/Python/imbrex_dask.py
VERSION := $(shell sed -n 's/.*version = "\(.*\)"/\1/p' Sources/Platform/Version.swift)
SHARE = $(DESTDIR)$(PREFIX)/share
COMPLETIONS = "$(SHARE)/bash-completion/completions/imbrex" "$(SHARE)/zsh/site-functions/_imbrex" \
  "$(SHARE)/fish/vendor_completions.d/imbrex.fish"

.PHONY: all deps build check same-bytes hardening failures test test-engines test-sanitized test-mutants soak demo bench bench-peers bench-apply bench-sweeps bench-kernels bench-page fuzz lint docs manuals test-arm64 install uninstall install-built deb dist standalone formula clean help

all: build

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## Install the libraries that imbrex is built with
	@if pkg-config --exists libpng libjpeg libtiff-4 libisal libxxhash zlib 2>/dev/null; then :; \
	elif command -v apt-get >/dev/null; then \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq $(DEBIAN_PACKAGES) >/dev/null; \
	elif command -v brew >/dev/null; then \
	  echo "run: brew install $(BREW_PACKAGES)"; exit 1; \
	else \
	  echo "please install libpng, libjpeg, libtiff, zlib, ISA-L and xxHash with their headers, and pkg-config"; exit 1; \
	fi

build: deps ## Build the program: .build/release/imbrex
	@if [ -n "$(STATIC_CXX)" ]; then mkdir -p .build/static && ln -sf "$(STATIC_CXX)" .build/static/; fi
	$(SWIFT) build $(SWIFTFLAGS) --product imbrex

# The example again from the start where files have come or gone, which its build does not notice.
EXAMPLE := $(SWIFT) build -c release --package-path Tests/ExamplePackage --scratch-path .build-example

# In a folder of its own: the tests link the Swift runtime dynamically, the program statically.
test: deps ## Run all tests
	$(SWIFT) test -c release --scratch-path .build-tests
	$(EXAMPLE) || { rm -rf .build-example && $(EXAMPLE); }
	.build-example/release/blur $(PHOTO) .build-example/blurred.png
	.build-example/release/grow $(PHOTO) .build-example/grown.png

same-bytes: build ## Run commands and compression thousands of times: the same bytes each time
	bash Tests/SameBytes/run.sh $(PROGRAM)

hardening: build ## Check that the program is built so that a defect is no open door
	Tests/Hardening/check.sh $(PROGRAM)

# With libc linked dynamically: the program of the tests.
failures: test ## Make each system call of many runs fail, one at a time
	Tests/Failures/run.py .build-tests/release/imbrex

test-engines: build ## Run jobs on make, Slurm and dask, which are installed and started on this machine
	bash Tests/Engines/run.sh $(ENGINES)

check: deps ## Run all that there is to check, with the tools that are there (about an hour); CHECKS: some steps of it
	bash Tests/check.sh $(CHECKS)

# Only tests whose names match, where TEST_FILTER is set.
SANITIZED = $(SWIFT) test -c release $(if $(TEST_FILTER),--filter '$(TEST_FILTER)')

# ThreadSanitizer, then AddressSanitizer (whose report of leaks at exit is left out: a program that ends frees nothing).
test-sanitized: deps ## Run all tests under sanitizers, or those that match TEST_FILTER
	IMBREX_SANITIZED=1 $(SANITIZED) --sanitize=thread --scratch-path .build-tsan
	IMBREX_SANITIZED=1 ASAN_OPTIONS=detect_leaks=0 $(SANITIZED) --sanitize=address --scratch-path .build-asan

test-mutants: deps ## Break lines of kernels, plans and codecs one at a time: tests must notice; MUTANTS: some of them
	python3 Tests/Mutation/run.py $(MUTANTS)

test-arm64: ## Compare the kernels with arm64's under qemu
	bash Tests/CrossKernels/run.sh

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

bench-apply: build ## Compare commands on tiles with cat, dask and scikit-image, where they are installed
	Tests/Benchmarks/bench-apply.py $(PROGRAM)

bench-sweeps: build ## Compare --vary with loops, of imbrex and in Python where peers are installed
	Tests/Benchmarks/bench-sweeps.py $(PROGRAM)

bench-page: build ## Write the page of benchmarks anew, for this machine (it must be quiet)
	Tests/Benchmarks/make-page.py $(PROGRAM) Sources/Imbrex/Documentation.docc/Benchmarks.md

bench-kernels: build ## Compare the filters in memory with OpenCV's and scikit-image's
	Tests/Benchmarks/bench-kernels.py $(PROGRAM)

FUZZ_SECONDS ?= 20

fuzz: ## Fuzz the readers under sanitizers, FUZZ_SECONDS each
	bash Tests/Fuzz/run.sh $(FUZZ_SECONDS)

# Others lay code out otherwise.
CLANG_FORMAT_VERSION := 14

lint: ## Check formatting of Swift and C, comments of what is public, and the manual pages, with the tools that are there
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests
	@if command -v python3 >/dev/null; then Tests/Style/public-docs.py; fi
	@if clang-format --version 2>/dev/null | grep -q 'version $(CLANG_FORMAT_VERSION)\.'; then clang-format --dry-run --Werror $$(git ls-files 'Sources/*.c' 'Sources/*.h'); fi
	@if command -v mandoc >/dev/null; then mandoc -T lint -W warning $(MANUALS) $(INTERFACE_MANUAL); fi

docs: deps ## Build the library's documentation with DocC, in dist/Imbrex.doccarchive
	rm -rf .build-docc && mkdir -p .build-docc/symbols dist
	$(SWIFT) build -c release --target Imbrex --scratch-path .build-docc \
	  -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc .build-docc/symbols
	sed -i -E 's/"module":\{"name":"(Codecs|Filters|Jobs|Pictures|Pipeline|Platform|Plugins)"/"module":{"name":"Imbrex"/' .build-docc/symbols/*.json
	docc convert Sources/Imbrex/Documentation.docc --warnings-as-errors --fallback-display-name Imbrex \
	  --fallback-bundle-identifier imbrex.Imbrex --additional-symbol-graph-dir .build-docc/symbols \
	  --output-dir dist/Imbrex.doccarchive

manuals: build ## Make the manual pages anew from the program's own definitions
	$(PROGRAM) --dump-definitions | python3 man/make.py man

install: build install-built ## Install under PREFIX (/usr/local), below DESTDIR

install-built:
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/include" "$(SHARE)/man/man1" "$(SHARE)/man/man3"
	set -- $(COMPLETIONS); for file; do install -d "$${file%/*}"; done
	install -m 755 $(PROGRAM) "$(DESTDIR)$(PREFIX)/bin/imbrex"
	install -m 644 $(MANUALS) "$(SHARE)/man/man1/"
	install -m 644 $(INTERFACE) "$(DESTDIR)$(PREFIX)/include/"
	install -m 644 $(INTERFACE_MANUAL) "$(SHARE)/man/man3/"
	@if command -v python3 >/dev/null; then install -d "$(SHARE)/imbrex" && install -m 755 $(MODULES) "$(SHARE)/imbrex/"; fi
	set -- $(COMPLETIONS); $(PROGRAM) --generate-completion-script bash > "$$1"; \
	  $(PROGRAM) --generate-completion-script zsh > "$$2"; $(PROGRAM) --generate-completion-script fish > "$$3"; chmod 644 "$$@"

uninstall: ## Remove what install put there
	rm -rf "$(SHARE)/imbrex"
	rm -f "$(DESTDIR)$(PREFIX)/include/imbrex_filter.h" "$(SHARE)/man/man3/imbrex-filter.3"
	rm -f "$(DESTDIR)$(PREFIX)/bin/imbrex" $(COMPLETIONS) $(foreach page,$(notdir $(MANUALS)),"$(SHARE)/man/man1/$(page)")

# The Swift runtime is in the program; what else it needs dpkg finds out.
DEB_ARCH = $(shell dpkg --print-architecture)
DEB_ROOT = dist/deb

deb: build ## Build a Debian package in dist
	rm -rf $(DEB_ROOT) && mkdir -p $(DEB_ROOT)/DEBIAN $(DEB_ROOT)/debian
	umask 022; $(MAKE) -s install PREFIX=/usr DESTDIR=$(DEB_ROOT)
	mv $(DEB_ROOT)/usr/share/zsh/site-functions $(DEB_ROOT)/usr/share/zsh/vendor-completions
	install -d $(DEB_ROOT)/usr/share/doc/imbrex
	gzip -9n $(DEB_ROOT)/usr/share/man/man1/*.1 $(DEB_ROOT)/usr/share/man/man3/*.3
	{ echo "imbrex ($(VERSION)-1) unstable; urgency=medium"; echo; echo "  * See CHANGELOG.md in the source."; echo; \
	  echo " -- imbrex authors <imbrex@example.org>  Sat, 21 Nov 2026 00:00:00 +0000"; } | gzip -9n > $(DEB_ROOT)/usr/share/doc/imbrex/changelog.Debian.gz
	{ echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"; echo; echo "Files: *"; \
	  echo "Copyright: 2026 imbrex authors"; echo "License: Apache-2.0"; \
	  echo " On Debian systems the licence is in /usr/share/common-licenses/Apache-2.0."; } > $(DEB_ROOT)/usr/share/doc/imbrex/copyright
	touch $(DEB_ROOT)/debian/control
	depends=$$(cd $(DEB_ROOT) && dpkg-shlibdeps -O usr/bin/imbrex 2>/dev/null | sed -n 's/^shlibs:Depends=//p'); \
	tiff=$$(dpkg-query -S '*/libtiff.so.6' | sed -n '1s/:.*//p'); \
	{ echo "Package: imbrex"; echo "Version: $(VERSION)-1"; echo "Architecture: $(DEB_ARCH)"; \
	  echo "Maintainer: imbrex authors <imbrex@example.org>"; echo "Section: graphics"; echo "Priority: optional"; \
	  echo "Depends: $$depends, $${tiff:-libtiff6} (>= 4.5.0)"; echo "Installed-Size: $$(du -sk $(DEB_ROOT)/usr | cut -f1)"; \
	  echo "Description: filters pictures in overlapping tiles on every core"; \
	  echo " Gaussian blur, gradients, medians, Canny's edges and blobs of PNG, JPEG and"; \
	  echo " TIFF pictures, with the numbers of scikit-image, from files, directories and"; \
	  echo " pipes. The same kind of file comes out as went in."; } > $(DEB_ROOT)/DEBIAN/control
	cd $(DEB_ROOT) && rm -r debian && find usr -type f -exec md5sum {} + > DEBIAN/md5sums
	dpkg-deb --root-owner-group -b $(DEB_ROOT) dist/imbrex_$(VERSION)-1_$(DEB_ARCH).deb
	@if command -v lintian >/dev/null; then lintian --fail-on error dist/imbrex_$(VERSION)-1_$(DEB_ARCH).deb; fi

# One program that needs no library but libc: libtiff is linked in as well, with what it was made with.
STATIC_FOLDER := .build-dist/libraries
STANDALONE := .build-dist/release/imbrex
TIFF_LIBRARIES = $(patsubst -l%,%,$(filter -l%,$(shell pkg-config --static --libs-only-l libtiff-4)))
# In libtiff's own order: a library stands before those that it needs.
TIFF_CODECS = $(filter-out m z pthread jpeg,$(TIFF_LIBRARIES))

standalone: deps
	Sources/Packaging/static-libraries.sh $(STATIC_FOLDER) png16 jpeg z isal xxhash stdc++ $(TIFF_CODECS)
	IMBREX_LINKED_TIFF="$(TIFF_CODECS) jpeg z stdc++" $(SWIFT) build $(subst .build/static,$(STATIC_FOLDER),$(SWIFTFLAGS)) \
	  --product imbrex --scratch-path .build-dist --pkg-config-path $(CURDIR)/$(STATIC_FOLDER)
	Sources/Packaging/check-standalone.sh $(STANDALONE) TestImages

DIST_NAME = imbrex-$(VERSION)-$(shell uname -m)-$(shell uname -s | tr A-Z a-z)
ifeq ($(shell uname -s),Linux)
dist: PROGRAM := $(STANDALONE)
dist: standalone
else
dist: build
endif
dist: ## Make a tarball of a program that needs no library but libc, its manuals, completions and licences in dist
	rm -rf dist/tar && umask 022 && $(MAKE) -s install-built PROGRAM=$(PROGRAM) PREFIX= DESTDIR=dist/tar/$(DIST_NAME)
	cp README.md CHANGELOG.md LICENSE dist/tar/$(DIST_NAME)/
	@if [ -d $(STATIC_FOLDER) ]; then Sources/Packaging/licences.sh $(STATIC_FOLDER) dist/tar/$(DIST_NAME)/licences; fi
	tar -C dist/tar --owner=0 --group=0 --sort=name --mtime=2026-11-21 -czf dist/$(DIST_NAME).tar.gz $(DIST_NAME)
	@ls -l dist/*.tar.gz

formula: ## Print a Homebrew formula for this version
	@printf '%s\n' 'class Imbrex < Formula' '  desc "Filters pictures in overlapping tiles on every core"' \
	  '  homepage "https://github.com/imbrex/imbrex"' '  url "https://github.com/imbrex/imbrex/archive/refs/tags/$(VERSION).tar.gz"' \
	  '  license "Apache-2.0"' '  depends_on "pkgconf" => :build' '  depends_on xcode: ["16.3", :build]' \
	  $(foreach package,$(filter-out pkg-config,$(BREW_PACKAGES)),'  depends_on "$(package)"') '  def install' \
	  '    system "make", "install", "PREFIX=#{prefix}"' '  end' '  test do' \
	  '    (testpath/"in.pgm").write "P2\n2 2\n255\n0 255 255 0\n"' \
	  '    system bin/"imbrex", "gaussian", "in.pgm", "-o", "out.png"' '  end' 'end'

clean: ## Remove what was built
	rm -rf .build .build-dist .build-tests .build-tsan .build-asan .build-example .build-docc .build-mutants .build-prof dist $(RESULTS)
