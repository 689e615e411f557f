#!/usr/bin/env bash
# Install Debian's redis-server where there is none: the tests run a real one.
set -euo pipefail
command -v redis-server >/dev/null && exit 0

install="apt-get install --yes --no-install-recommends redis-server"
as_root=()
if [[ $(id -u) -ne 0 ]]; then
    as_root=(sudo)
fi
for needed in "${as_root[@]}" apt-get; do
    if ! command -v "$needed" >/dev/null; then
        echo "expected redis-server on the path, received none and no $needed to install it;" \
            "run \`$install\` as root, or install Redis 7.0 or later by other means" >&2
        exit 1
    fi
done
echo "redis-server is missing; installing Debian's package for the tests: $install"
"${as_root[@]}" apt-get update --quiet --quiet
"${as_root[@]}" $install
