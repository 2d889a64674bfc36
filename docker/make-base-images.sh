#!/bin/sh
# For machines that reach Debian's packages and npm, but no image registry: makes what docker-compose.yml would take from one, and
# prints the settings that choose it. Needs root, mmdebstrap, a Docker engine, and the Node 24 and npm of this repository.
#   docker/make-base-images.sh > .env
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Debian 12 for everything of ours; PostgreSQL 18 is in 14 only.
unpack() { # NAME SUITE
  root=$work/$2
  mmdebstrap --mode=root --variant=minbase --format=directory --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    --aptopt="$(apt-config dump 'Acquire::Check-Valid-Until')" --include=ca-certificates,libatomic1,libstdc++6 \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt=force-unsafe-io "$2" "$root" "$mirror" >&2
  # What this machine trusts, and how it asks for packages, the image's builds need too.
  cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
  chroot "$root" update-ca-certificates >&2
  if [ "$2" = bookworm ]; then
    node=$(cd "$here/.." && node_modules/.bin/node -p process.execPath)
    npm=$(dirname "$(dirname "$(realpath "$(command -v npm)")")")
    cp "$node" "$root/usr/local/bin/node"
    mkdir -p "$root/usr/local/lib/node_modules"
    cp -r "$npm" "$root/usr/local/lib/node_modules/npm"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  fi
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar -C "$root" --numeric-owner -c . | docker import -c 'ENV NODE_USE_SYSTEM_CA=1' -c 'CMD ["sh"]' - "$1" >&2
  rm -rf "$root"
}
unpack longhaul-debian:12 bookworm
unpack longhaul-debian:14 forky

for target in postgres redis haproxy; do
  docker build --target "$target" --tag "longhaul-$target:stand-in" "$here/stand-ins" >&2
done
cat <<SETTINGS
BASE_IMAGE=longhaul-debian:12
POSTGRES_IMAGE=longhaul-postgres:stand-in
REDIS_IMAGE=longhaul-redis:stand-in
PROXY_IMAGE=longhaul-haproxy:stand-in
SETTINGS
