#!/usr/bin/env bash
# Install a Debian package whose program of the same name the tests run, where there is none.
set -euo pipefail
program=$1
command -v "$program" >/dev/null && exit 0

install="apt-get install --yes --no-install-recommends $program"
as_root=()
if [[ $(id -u) -ne 0 ]]; then
    as_root=(sudo)
fi
for needed in "${as_root[@]}" apt-get; do
    if ! command -v "$needed" >/dev/null; then
        echo "expected $program on the path, received none and no $needed to install it;" \
            "run \`$install\` as root, or install it by other means" >&2
        exit 1
    fi
done
echo "$program is missing; installing Debian's package for the tests: $install"
"${as_root[@]}" apt-get update --quiet --quiet
"${as_root[@]}" $install
