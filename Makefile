# serve and test do all set-up themselves, on a machine with Python 3.11 and nothing else.
PYTHON ?= python3.11
SERVICE := .venv-service
DEV := .venv

.PHONY: help serve install test faults check format openapi lock clean

help:            ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

serve: $(SERVICE)/installed  ## start the service on http://127.0.0.1:8000 (no torch)
	$(SERVICE)/bin/reid serve

install: $(DEV)/installed    ## build the whole environment: service, training, checks

test: $(DEV)/installed       ## run every test, real servers included
	requirements/debian-package.sh redis-server
	docker compose version >/dev/null 2>&1 || requirements/debian-package.sh docker-compose
	$(DEV)/bin/python -m pytest -n 2 --dist loadfile

faults: $(DEV)/installed     ## run the fault tests for long: every cut, many kills
	requirements/redis-server.sh
	FAULTS=long $(DEV)/bin/python -m pytest tests/faults -n 2 --dist loadfile --timeout 7200

check: $(DEV)/installed      ## formatting, lint, types, import rules
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

format: $(DEV)/installed     ## format and mend what can be mended
	$(DEV)/bin/ruff format .
	$(DEV)/bin/ruff check --fix .

openapi: $(DEV)/installed    ## describe the calls of the service again, in docs/
	$(DEV)/bin/reid openapi > docs/openapi.json
	$(DEV)/bin/reid openapi --operators > docs/openapi-operators.json

lock:            ## resolve the locked versions again (needs uv)
	requirements/lock.sh

clean:           ## remove both environments, never data or runs
	rm -rf $(SERVICE) $(DEV)

$(SERVICE)/installed: requirements/service.lock pyproject.toml
	$(PYTHON) -m venv $(SERVICE)
	$(SERVICE)/bin/python -m pip install --quiet --require-hashes -r requirements/service.lock
	$(SERVICE)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(DEV)/installed: requirements/dev.lock pyproject.toml
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python -m pip install --quiet --require-hashes -r requirements/dev.lock
	$(DEV)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@
