# Two commands do all the set-up on a machine with Python and make:
#   make demo   the whole main job on the embedded photographs
#   make test   lint, types, every test, the notebooks
# `make install` does the set-up alone.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
OUT    ?= demo
BENCH  ?=
DATA   ?=

# Two processes of one thread each: most tests wait for one core. A file's tests stay together.
TESTS  := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest tests -n 2 --dist loadfile

export OMP_NUM_THREADS ?= 2
export MKL_NUM_THREADS ?= 2

.PHONY: install demo test test-fast reference picture bench study lint types clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV): some minutes the first time"
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test,notebooks]'
	touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	$(BIN)/spectra demo --out $(OUT)

test: lint types
	$(TESTS)

# What a developer runs between edits: the laws, without the journeys.
test-fast: $(STAMP)
	$(TESTS) -m "not slow" -q

# Pages of every public name, from the docstrings: reference/index.html
reference: $(STAMP)
	$(BIN)/python -m tests.reference reference

# The README's picture.
picture: $(STAMP)
	$(BIN)/python -m tests.picture analysis_notebooks/figures/photograph_under_noise.png

# Recomputes every figure that no test asserts, asked beside measured.
# One by name: make bench BENCH=rapsd
bench: $(STAMP)
	$(BIN)/python -m tests.benchmarks $(BENCH)

# One data set of the study, 10 to 35 minutes of two cores; again goes on where it stopped:
#   make study DATA=photos    (cifar10, fashion-mnist, spoken-digits, radar ...)
study: $(STAMP)
	$(BIN)/python -m tests.benchmarks.study $(DATA)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/basedpyright

clean:
	rm -rf $(VENV) build dist *.egg-info
