#!/usr/bin/env bash
# Resolve both environments again: versions and hashes only, so that any index serves them.
# Needs uv. Run from the repository root after changing the dependencies in pyproject.toml.
set -euo pipefail
compile() {
    uv pip compile pyproject.toml "$@" --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet
}
compile --extra service --extra build --output-file requirements/service.lock
compile --extra service --extra training --extra dev --extra build --output-file requirements/dev.lock
