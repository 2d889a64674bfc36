# Longhaul's resident runner: the main process of a sandbox. Needs a POSIX shell, cat, head, mkfifo, rm and tail; uses setsid and base64
# where present. Arguments: <folder for calls> <workspace> [<most processes with which a call may begin> [<mark>]]. The mark is the sandbox's own: an
# epoch that another one has left, whose files these were, does not count.
#
# in   <epoch> <callNo> hello | state | collect | kill | run <bytes> =<script, escaped for printf %b>=
# out  <epoch> <callNo> hello | bare | stale <epoch> | running | never | unknown | repeat | garbled | broken
#      0 <callNo> exited | done <exit code> <uptime at start> <uptime at end> [<output in base64>]
#
# Lines out stay under 4,096 bytes, so that writers at once don't mix. A run line cut off or mixed up by a dying client has the
# wrong length and is not run. Of each call it keeps, under its number: a mark that it was seen (forever), do, pid, in, out, tail, exit, end.
# `bare`: there is no folder for calls yet. `:` is a special builtin, whose failed redirection would end this shell: hence `true >`.
#
# To fork and to execute is what a call costs, so both are done before it comes: a spare waits, of two processes joined by a pipe. The
# performer, in a group of its own, reads a call's number from the lane, a pipe of ours, and runs it; the taker keeps what it writes. A
# supplier sets up the spares, each when the call of the one before has ended, or another comes: never two wait at once, or they would mix
# what they read. It does nothing else: a spare that came of the taker before it would inherit more from each call to the next, until the
# shell's limits are reached. A performer killed in waiting is replaced; without a supplier the next call ends this shell, and it is
# started again.
LC_ALL=C
calls=$1
work=$2
most=${3-}
mark=${4-}
# Where /workspace is: elsewhere in a sandbox without a file system of its own.
export WORKSPACE="$work"
exec 3>&1
group=
command -v setsid >/dev/null && group=setsid
encoder=
command -v base64 >/dev/null && encoder=base64
epoch=0
live=' '
kept=
spares=0
ready=

# Reads what an earlier runner left: its epoch, and which calls' results it kept. Opens the lane (5 to write, 6 to read) and the
# supplier's pipe (8, 9), at first both ways, because either end waits for the other.
prepare() {
  [ -z "$ready" ] || return 0
  [ -w "$calls" ] || return 1
  left=$(head_of epoch 64)
  epoch=${left%% *}
  # Sixteen digits are no number to every shell.
  case $epoch in '' | *[!0-9]* | ????????????????*) epoch=0 ;; esac
  [ "${left#* }" = "$mark" ] || epoch=0
  kept=$(head_of kept 1024)
  case $kept in *[!0-9\ ]*) kept= ;; esac
  rm -rf "$calls/lane" "$calls/wanted"
  mkfifo "$calls/lane" "$calls/wanted" || return 1
  exec 4<>"$calls/lane" 5>"$calls/lane" 6<"$calls/lane" 4>&-
  exec 4<>"$calls/wanted" 8>"$calls/wanted" 9<"$calls/wanted" 4>&-
  rm -f "$calls/lane" "$calls/wanted"
  supply &
  exec 6<&- 9<&-
  ready=yes
  echo 1 >&8
} 2>/dev/null

# What this shell, or one before it, could have written there. The agent may write here too, and put anything in its place.
head_of() { [ ! -f "$calls/$1" ] || head -c "$2" "$calls/$1"; }

say() { printf '%s\n' "$*" >&3; }

# Arguments: <folder for calls> <workspace> <group>. It may be killed with its group: then its taker tells how the call ended.
performer='# Longhaul performs a call: find-agent-processes.ts tells it by these words, and the runner by the first of this file.
  read -r n || exit
  echo "$n"
  now=0
  read -r now _ </proc/uptime
  cd "$2" || cd /
  unset LC_ALL OLDPWD
  (exec 2>&1 3>&-; file=$1/$n.do; set --; . "$file") </dev/null &
  if [ -n "$3" ]; then echo "$$ $now"; else echo "$! $now"; fi >"$1/$n.pid"
  wait "$!"
  code=$?
  was=$now
  read -r now _ </proc/uptime
  echo "$code $was $now" >"$1/$n.exit"
  echo "0 $n exited" >&3
'

# Is told by number which spare is wanted, by the runner and by the taker before it, or that one is lost.
supply() {
  exec 5>&-
  made=0
  while read -r number <&9 && kill -0 "$$"; do
    [ "$number" = lost ] || [ "$number" -gt "$made" ] || continue
    [ "$number" = lost ] || made=$number
    $group sh -c "$performer" call "$calls" "$work" "$group" <&6 6<&- 8>&- 9<&- | take &
    # Takes note of those that have ended: else each would stay, as a process without life.
    jobs
  done
} >/dev/null 2>&1

# Output goes through cat, which dies at 8 MB; tail then drains the rest and keeps its end.
take() {
  exec 6<&- 9<&-
  if ! read -r n; then
    echo lost >&8
    return
  fi
  exec 7<&0
  (ulimit -f 16384 && exec cat 3>&- 8>&-) <&7 7<&- >"$calls/$n.out" &
  pid=$!
  wait "$pid" || tail -c 65536 >"$calls/$n.tail"
  end "$n"
  true >"$calls/$n.end"
  read -r ended <"$calls/$n.exit" && report "$n" "$ended"
  echo "$((made + 1))" >&8
} 2>/dev/null

# How a call ended whose performer was killed.
end() {
  [ ! -s "$calls/$1.exit" ] || return 0
  read -r now _ </proc/uptime
  was=$(head_of "$1.pid" 64)
  was=${was#* }
  echo "137 ${was:-$now} $now" >"$calls/$1.exit"
}

# What is known of a call that ended as $2 says. Up to 2,880 bytes of output come along; a client that gets more reads the files.
report() {
  encoded=
  if [ -s "$calls/$1.out" ]; then
    if [ -n "$encoder" ]; then encoded=$(head -c 2881 "$calls/$1.out" | base64); else encoded=+; fi
  fi
  printf '%s' "0 $1 done $2 " $encoded "
" >&3
} 2>/dev/null

# Words, not lines: what the agent has put there must not begin one.
collect() {
  set -f
  words=$(head_of "$1.exit" 64)
  [ -z "$words" ] || report "$1" "$(echo $words)"
  set +f
}

state() {
  if [ -e "$calls/$2.end" ]; then
    collect "$2"
  elif case $live in *" $2 "*) true ;; *) false ;; esac then
    if [ -s "$calls/$2.exit" ]; then say "0 $2 exited"; else say "$1 $2 running"; fi
  elif [ -s "$calls/$2.exit" ]; then
    collect "$2"
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
  elif leave_if_crowded && want_spare && true >"$calls/$2" && printf '%b' "$script" >"$calls/$2.do"; then
    live="$live$2 "
    echo "$2" >&5
    keep "$2"
  else
    say "$1 $2 broken"
  fi
} 2>/dev/null

# The results of the last 32 calls stay; a worker logs a result long before it starts 32 more. Sixteen go at once: to remove is a process.
keep() {
  set -- $kept "$1"
  if [ $# -ge 48 ]; then
    old=
    while [ $# -gt 32 ]; do
      old="$old $1.do $1.pid $1.in $1.out $1.tail $1.exit $1.end"
      shift
    done
    (cd "$calls" && exec rm -f $old 3>&- 5>&- 8>&-)
  fi
  kept=$*
  echo "$kept" >"$calls/kept"
}

want_spare() {
  spares=$((spares + 1))
  echo "$spares" >&8 || exit 1
}

# Where processes that left their group leave no room to start another, the runner ends, and everything with it; it is started again.
leave_if_crowded() {
  [ -n "$most" ] || return 0
  set -- /proc/[0-9]*
  [ "$#" -le "$most" ] || exit 1
}

# Kills a call's group, the performer too. What has left it may hold the output open: hence the taker's end is not waited for.
stop() {
  pid=$(head_of "$1.pid" 64)
  pid=${pid%% *}
  case $pid in '' | *[!0-9]*) return 0 ;; esac
  if [ -n "$group" ]; then kill -s KILL -- "-$pid"; else kill -s KILL "$pid"; fi
  leave_if_crowded
  end "$1"
  say "0 $1 exited"
} 2>/dev/null

prepare
while read -r e n verb bytes payload; do
  case $e:$n in :* | *: | *[!0-9:]*) continue ;; esac
  if ! prepare; then
    say "$e $n bare"
    continue
  fi
  if [ "$e" -lt "$epoch" ]; then
    say "$e $n stale $epoch"
    continue
  fi
  if [ "$e" -gt "$epoch" ]; then
    epoch=$e
    echo "$e $mark" >"$calls/epoch"
  fi
  case $verb in
    hello) say "$e $n hello" ;;
    run) run "$e" "$n" "$bytes" "$payload" ;;
    state) state "$e" "$n" ;;
    collect) collect "$n" ;;
    kill) stop "$n" ;;
  esac
done
