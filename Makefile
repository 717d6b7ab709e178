# Everything a newcomer needs: `make demo` renders a shot, `make check` is what CI runs.

UV := .tools/bin/uv
BIN := .venv/bin
# uv does not read pip's configuration; hand on where this machine keeps its wheels, if it says so.
export UV_FIND_LINKS ?= $(shell python3 -m pip config get global.find-links 2>/dev/null)


.PHONY: setup demo check format lint types tests bench profile dashboards sbom audit clean

setup: .venv/.ready

$(UV):
	python3 -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check uv

.venv/.ready: pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing .venv
	$(UV) pip install --quiet --python $(BIN)/python --editable . --group dev
	touch $@

# Prometheus and promtool, for tests: this machine's own or, unpacked beside uv, Debian's.
.tools/prometheus/promtool:
	deploy/get_prometheus .tools/prometheus

# A browser for the tests of the review page: this machine's own or, unpacked there, Debian's.
.tools/chromium/chromium:
	deploy/get_chromium .tools/chromium

demo: setup
	$(BIN)/bodyswap demo --out out/demo

check: setup .tools/prometheus/promtool .tools/chromium/chromium
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

dashboards: setup
	$(BIN)/python deploy/dashboards.py

# What is installed, by name, version and licence, as CycloneDX.
sbom: setup
	mkdir -p out
	$(BIN)/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --sv 1.6 --of JSON -o out/sbom.cdx.json

# Known vulnerabilities of what is installed; asks pypi.org.
audit: setup
	$(BIN)/pip-audit --progress-spinner off --skip-editable

# Figures of this machine, one compute thread, kept under out/bench; see bench/README.md.
bench: setup
	OMP_NUM_THREADS=1 $(BIN)/python bench/run.py

# Where a render's time goes: a flame graph by py-spy, PyTorch's own table of operators.
profile: setup
	OMP_NUM_THREADS=1 $(BIN)/python bench/profiled.py

clean:
	rm -rf .venv .tools out .mypy_cache .ruff_cache .pytest_cache
