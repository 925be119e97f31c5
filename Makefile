# The two commands of a fresh machine are `make run` and `make test`; each sets up what it needs by itself.
PYTHON ?= python3
VENV := .venv/bin

.PHONY: run test lint format setup setup-run screenshots bench package lock clean

run: setup-run
	$(VENV)/python main.py

test: setup
	$(VENV)/python -m pytest -n 3 --dist loadfile

lint: setup
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports

format: setup
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

setup:
	@$(PYTHON) packaging/set_up.py --dev

setup-run:
	@$(PYTHON) packaging/set_up.py

screenshots: setup
	$(VENV)/python docs/make_screenshots.py

bench: setup
	$(VENV)/python -m benchmarks

package: setup
	$(VENV)/python packaging/build.py

# Pins with hashes and without addresses. Needs uv.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group dev pyproject.toml -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml -c requirements-dev.lock -o requirements.lock

clean:
	rm -rf build dist .mypy_cache .ruff_cache .hypothesis
