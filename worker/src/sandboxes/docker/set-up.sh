# Runs a set-up script, the first argument, and says at which of its lines it stopped. Its output is one stream.
exec 2>&1
export DEBIAN_FRONTEND=noninteractive
cd /
if command -v bash >/dev/null; then
  # All on the script's first line, so that the shell counts its lines as the author does. ERR tells of a command that failed, EXIT of an
  # `exit 3` and of what the shell itself refuses; DEBUG remembers where that was.
  exec bash -c "set -eET; trap '[ \$LINENO = 1 ] || __at=\$LINENO' DEBUG; trap '__rc=\$?; echo \"[set-up: line \$LINENO exited with \$__rc]\" >&2; __told=1' ERR; trap '__rc=\$?; [ \$__rc = 0 ] || [ -n \"\${__told:-}\" ] || echo \"[set-up: line \${__at:-1} exited with \$__rc]\" >&2' EXIT; $1" set-up
fi
exec sh -ec "$1" set-up
