#!/bin/sh
# Install what the tests need from the system, where it is missing and we may; else say what to install.
set -eu
missing=""
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
command -v flite >/dev/null 2>&1 || missing="$missing flite"
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || missing="$missing chromium"
command -v npm >/dev/null 2>&1 || echo "please install Node.js 20 or newer with npm: the pages are built with it" >&2
command -v livekit-server >/dev/null 2>&1 || command -v go >/dev/null 2>&1 ||
    echo "please install Go 1.26 (or livekit-server v1.13.5): the LiveKit server is built with it" >&2
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "please install:$missing (tests that need them fail without)" >&2
fi
