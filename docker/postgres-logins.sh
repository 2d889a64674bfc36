#!/bin/sh
# Run once by the image of PostgreSQL, when its cluster is new: the two logins, and the database that the migrating one owns.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set migrator="$(cat /run/longhaul-secrets/migrator)" --set application="$(cat /run/longhaul-secrets/application)" <<'SQL'
create role longhaul_migrator login createrole password :'migrator';
create role longhaul_login login password :'application';
create database longhaul owner longhaul_migrator;
SQL
