# Safety net of `npm start`: reads the process groups that started (+pid) and ended (-pid) from standard input. If the input
# closes while groups are left, their starter was killed: the groups get SIGTERM and, two seconds later, SIGKILL. A shell
# script, because it runs as long as npm start: it takes 1 MB, Node 47 MB.
trap '' INT TERM HUP
groups=
while read -r line; do
  pid=${line#?}
  # 0 and 1 would mean our own group and every process.
  case $pid in '' | *[!0-9]* | 0 | 1) continue ;; esac
  left=
  for group in $groups; do [ "$group" = "$pid" ] || left="$left $group"; done
  case $line in
    +*) groups="$left $pid" ;;
    *) groups=$left ;;
  esac
done

# A group that has already ended is no failure.
for signal in CONT TERM; do
  for group in $groups; do kill -s $signal -- "-$group" 2>/dev/null; done
done
[ -z "$groups" ] || sleep 2
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
exit 0
