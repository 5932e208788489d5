#!/bin/bash
# Sets this checkout up: missing Debian packages, .venv with the locked dependencies, translations.
# "setup.sh test" adds what only the tests need. Quick when there is nothing to do.
set -e
cd "$(dirname "$0")/.."

PACKAGES="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk fonts-hanazono fonts-babelstone-han"
TEST_PACKAGES="chromium poppler-utils postgresql"
PYTHONS="python3 python3.14 python3.13 python3.12 python3.11"

say() { printf '%s\n' "$*" >&2; }

# --- Debian packages -----------------------------------------------------------------------------

has() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

new_enough() { command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for python in ${PYTHON:-} $PYTHONS; do
        if new_enough "$python"; then echo "$python"; return; fi
    done
}

missing() {
    local python
    python=$(find_python)
    # A Python that is not Debian's brings venv along.
    if [ -z "$python" ]; then echo python3 python3-venv
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then echo "$(basename "$python")-venv"; fi
    for package in $PACKAGES ${1:+$TEST_PACKAGES}; do
        # Newer releases have some under another name, with t64 at the end.
        # Any PostgreSQL will do: tests start one of their own.
        has "$package" || has "${package}t64" || { [ "$package" = postgresql ] && ls /usr/lib/postgresql/*/bin/initdb; } \
            >/dev/null 2>&1 || echo "$package"
    done
}

become_root() {
    if [ "$(id -u)" = 0 ]; then echo env
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then echo sudo env; fi
}

install() {
    local root line
    root=$(become_root)
    line="apt-get install -y --no-install-recommends $*"
    say "Missing Debian packages: $*"
    if [ -z "$root" ]; then say "Please install them: sudo $line"; return; fi
    say "Installing them${root:+ ($root)}: $line"
    root="$root DEBIAN_FRONTEND=noninteractive"
    $root apt-get update -qq >&2 </dev/null || say "apt-get update failed; trying with the lists that are here"
    if ! $root $line -qq >&2 </dev/null; then
        # One name that this release does not have must not keep the others away.
        for package in "$@"; do
            $root apt-get install -y -qq --no-install-recommends "$package" >&2 </dev/null \
                || say "Please install $package by hand: sudo apt-get install $package"
        done
    fi
}

if command -v dpkg-query >/dev/null; then
    lacking=$(missing "${1:-}" | tr '\n' ' ')
    # shellcheck disable=SC2086  # one word a package
    if [ -n "${lacking// /}" ]; then install $lacking; fi
else
    say "This is no Debian: please see to it that these are installed: $PACKAGES ${1:+$TEST_PACKAGES}"
fi

# --- .venv ---------------------------------------------------------------------------------------

wanted=$(sha256sum requirements.txt pyproject.toml)
if ! .venv/bin/python -c '' 2>/dev/null; then
    python=$(find_python)
    if [ -z "$python" ]; then say "Python 3.11 or newer is needed: sudo apt-get install python3 python3-venv"; exit 1; fi
    rm -rf .venv
    "$python" -m venv .venv || { say "Please install its venv module: sudo apt-get install python3-venv"; exit 1; }
fi
if [ "$wanted" != "$(cat .venv/installed 2>/dev/null)" ]; then
    say "Installing the locked Python packages into .venv"
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt >&2
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps -e . >&2
    printf '%s\n' "$wanted" > .venv/installed
fi

# --- translations --------------------------------------------------------------------------------

for po in portal/translations/*/LC_MESSAGES/*.po; do
    if [ -e "$po" ] && ! [ "${po%.po}.mo" -nt "$po" ]; then
        .venv/bin/pybabel -q compile -i "$po" -o "${po%.po}.mo"
    fi
done
