#!/bin/sh
# What building and testing need. On Debian and Ubuntu the missing packages are installed; elsewhere they are named.
# `build` looks only at what the binary needs, not at what the tests do.
set -eu

NEXTEST_VERSION=0.9.151
DENY_VERSION=0.20.2

have() { command -v "$1" >/dev/null 2>&1; }
say() { echo "prerequisites: $*" >&2; }

packages=""
# lack COMMAND PACKAGE
lack() { have "$1" || packages="$packages $2"; }

lack cc build-essential
lack make build-essential
lack pkg-config pkg-config
if have pkg-config; then
    pkg-config --exists openssl || packages="$packages libssl-dev"
    pkg-config --exists zlib || packages="$packages zlib1g-dev"
else
    packages="$packages libssl-dev zlib1g-dev"
fi
if [ "${1:-all}" = all ]; then
    lack java openjdk-17-jre-headless
    lack keytool openjdk-17-jre-headless
    lack mvn maven
fi
have cargo || lack curl curl

if [ -n "$packages" ]; then
    if have apt-get; then
        say "installing$packages"
        root=""
        if [ "$(id -u)" -ne 0 ]; then
            have sudo || { say "these packages are missing, and neither root nor sudo is at hand:$packages"; exit 1; }
            root=sudo
        fi
        $root apt-get update -qq
        # Word splitting is meant: one argument a package.
        # shellcheck disable=SC2086
        $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
    else
        say "please install what these Debian packages hold:$packages"
        exit 1
    fi
fi

if ! have cargo; then
    say "no cargo: install Rust by https://rustup.rs; rust-toolchain.toml names the version"
    exit 1
fi

[ "${1:-all}" = all ] || exit 0

# cargo_tool NAME VERSION
cargo_tool() {
    have "$1" || { say "installing $1 $2"; cargo install --locked "$1" --version "$2"; }
}
cargo_tool cargo-nextest "$NEXTEST_VERSION"
cargo_tool cargo-deny "$DENY_VERSION"
