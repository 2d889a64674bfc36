#!/bin/sh
# Makes each secret once, at the first start, and gives each reader a folder with those it needs and no others. A folder is a volume:
# on the machine only root can enter it, and in a container only that container's processes.
set -eu
umask 022
cd /secrets

make() { # PLACE: 256 bits, if there are none yet. Written beside and renamed: half a secret is never taken for one.
  [ -s "$1" ] && return
  od -An -vtx1 -N32 /dev/urandom | tr -d ' \n' >"$1.part"
  mv "$1.part" "$1"
}

put() { # PLACE TEXT
  printf '%s' "$2" >"$1.part"
  mv "$1.part" "$1"
}

make postgres/superuser
make postgres/migrator
make postgres/application
make redis/password
make api/METRICS_TOKEN

address=postgres:5432/longhaul
application="postgresql://longhaul_login:$(cat postgres/application)@$address"
put migrate/MIGRATE_DATABASE_URL "postgresql://longhaul_migrator:$(cat postgres/migrator)@$address"
for reader in migrate api worker; do put $reader/DATABASE_URL "$application"; done
for reader in api worker; do put $reader/REDIS_URL "redis://:$(cat redis/password)@redis:6379"; done
put worker/METRICS_TOKEN "$(cat api/METRICS_TOKEN)"
put redis/redis.conf "requirepass $(cat redis/password)
appendonly no
save \"\"
"
echo 'secrets are in place'
