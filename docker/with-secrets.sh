#!/bin/sh
# Entry of our images: puts the secrets that this container was given (files named like the settings they are) into the environment,
# and goes on as a user without rights. Secrets then stand in no image, no compose file and no `docker inspect`.
set -eu
for file in /run/longhaul-secrets/*; do
  [ -f "$file" ] || continue
  export "$(basename "$file")=$(cat "$file")"
done
[ "$(id -u)" = 0 ] || exec "$@"
# Only the worker begins as root: the group of the engine's socket is known on the machine alone.
socket=/var/run/docker.sock
if [ -S "$socket" ]; then groups="--groups=$(stat -c %g "$socket")"; else groups=--clear-groups; fi
exec setpriv --reuid=10002 --regid=10002 "$groups" --no-new-privs --inh-caps=-all "$@"
