#!/bin/sh
# Run in a folder of installed dependencies: what only generates the database client (Prisma's command line, its studio, and the
# other databases' compilers) goes, which is more than half of it. What runs needs none of it, as `npm run test:compose` shows.
set -eu
cd node_modules
rm -rf prisma effect @electric-sql react react-dom elkjs remeda lodash @visx @types
cd @prisma
rm -rf studio-core engines engines-version dev config fetch-engine get-platform query-plan-executor streams-local
cd client/runtime
rm -f ./*mysql* ./*sqlite* ./*sqlserver* ./*cockroachdb* ./*.map
