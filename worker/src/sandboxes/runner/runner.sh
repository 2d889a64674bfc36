# Longhaul's resident runner: the main process of a sandbox. Needs a POSIX shell, cat, head, tail and rm; uses setsid and base64 where present.
# Arguments: <folder for calls> <workspace> [<most processes with which a call may begin>]
#
# in   <epoch> <callNo> hello | state | collect | kill | run <bytes> =<script, escaped for printf %b>=
# out  <epoch> <callNo> hello | stale <epoch> | running | never | unknown | repeat | garbled | broken
#      0 <callNo> exited | done <exit code> <uptime at start> <uptime at end> [<output in base64>]
#
# Lines out stay under 4,096 bytes, so that writers at once don't mix. A run line cut off or mixed up by a dying client has the
# wrong length and is not run. Of each call it keeps, under its number: a mark that it was seen (forever), pid, in, out, tail, exit, end.
# `:` is a special builtin, whose failed redirection would end this shell: hence `true >`.
LC_ALL=C
calls=$1
work=$2
most=${3-}
# Where /workspace is: elsewhere in a sandbox without a file system of its own.
export WORKSPACE="$work"
exec 3>&1
group=
command -v setsid >/dev/null && group=setsid
encoder=
command -v base64 >/dev/null && encoder=base64
epoch=0
[ -s "$calls/epoch" ] && read -r epoch <"$calls/epoch"
case $epoch in '' | *[!0-9]*) epoch=0 ;; esac
live=' '
kept=
for file in "$calls"/*.exit; do
  [ -e "$file" ] && file=${file##*/} && kept="$kept ${file%.exit}"
done

say() { printf '%s\n' "$*" >&3; }

# Runs a call in a process group of its own. The first half waits for the command and tells how it ended, the second takes its output:
# through cat, which dies at 8 MB; tail then drains the rest and keeps its end.
perform() {
  now=0
  read -r now _ </proc/uptime
  cd "$work" || cd /
  unset LC_ALL OLDPWD
  case $2 in *\\*) script=$(printf '%b' "$2") ;; *) script=$2 ;; esac
  $group sh -c "$script" </dev/null 2>&1 3>&- &
  echo "$!" >"$calls/$1.pid"
  wait "$!"
  code=$?
  was=$now
  read -r now _ </proc/uptime
  echo "$code $was $now" >"$calls/$1.exit"
  say "0 $1 exited"
} 2>/dev/null

take() {
  (ulimit -f 16384 && exec cat) >"$calls/$1.out" || tail -c 65536 >"$calls/$1.tail"
  true >"$calls/$1.end"
  report "$1"
} 2>/dev/null

# What is known of a call that ended. Up to 2,880 bytes of output come along; a client that gets more reads the files.
report() {
  encoded=
  if [ -s "$calls/$1.out" ]; then
    if [ -n "$encoder" ]; then encoded=$(head -c 2881 "$calls/$1.out" | base64); else encoded=+; fi
  fi
  read -r ended <"$calls/$1.exit" && printf '%s' "0 $1 done $ended " $encoded "
" >&3
} 2>/dev/null

state() {
  if [ -e "$calls/$2.end" ]; then
    report "$2"
  elif case $live in *" $2 "*) true ;; *) false ;; esac then
    if [ -s "$calls/$2.exit" ]; then say "0 $2 exited"; else say "$1 $2 running"; fi
  elif [ -s "$calls/$2.exit" ]; then
    report "$2"
  elif [ -e "$calls/$2" ]; then
    say "$1 $2 unknown"
  else
    say "$1 $2 never"
  fi
}

run() {
  script=${4#=}
  script=${script%=}
  if [ "${#script}" != "$3" ] || [ "=$script=" != "$4" ]; then
    say "$1 $2 garbled"
  elif [ -e "$calls/$2" ]; then
    say "$1 $2 repeat"
  elif leave_if_crowded && true >"$calls/$2"; then
    live="$live$2 "
    perform "$2" "$script" | take "$2" &
    keep "$2"
  else
    say "$1 $2 broken"
  fi
} 2>/dev/null

# The results of the last 32 calls stay; a worker logs a result long before it starts 32 more.
keep() {
  kept="$kept $1"
  set -- $kept
  [ $# -gt 32 ] || return 0
  rm -f "$calls/$1".* &
  shift
  kept=$*
}

# Where processes that left their group leave no room to start another, the runner ends, and everything with it; it is started again.
leave_if_crowded() {
  [ -n "$most" ] || return 0
  set -- /proc/[0-9]*
  [ "$#" -le "$most" ] || exit 1
}

# Kills a call's group.
stop() {
  read -r pid <"$calls/$1.pid" || return 0
  case $pid in '' | *[!0-9]*) return 0 ;; esac
  if [ -n "$group" ]; then kill -s KILL -- "-$pid"; else kill -s KILL "$pid"; fi
  leave_if_crowded
} 2>/dev/null

while read -r e n verb bytes payload; do
  case $e:$n in :* | *: | *[!0-9:]*) continue ;; esac
  if [ "$e" -lt "$epoch" ]; then
    say "$e $n stale $epoch"
    continue
  fi
  if [ "$e" -gt "$epoch" ]; then
    epoch=$e
    echo "$e" >"$calls/epoch"
  fi
  case $verb in
    hello) say "$e $n hello" ;;
    run) run "$e" "$n" "$bytes" "$payload" ;;
    state) state "$e" "$n" ;;
    collect) report "$n" ;;
    kill) stop "$n" ;;
  esac
done
