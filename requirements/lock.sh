#!/usr/bin/env bash
# Resolve the environments again: versions and hashes only, so that any index serves them.
# Needs uv. Run from the repository root after changing the dependencies in pyproject.toml.
set -euo pipefail
compile() {
    uv pip compile pyproject.toml "$@" --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet
}
compile --extra service --extra build --output-file requirements/service.lock
# The image for GPUs has what the other one has, and this over it.
compile --extra gpu --constraint requirements/service.lock --output-file requirements/gpu.lock
compile --extra service --extra training --extra dev --extra build --output-file requirements/dev.lock
