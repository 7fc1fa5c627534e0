# The net under `npm start`: it reads the process groups that were started (+pid) and that ended (-pid) from its standard
# input. When the input closes although groups are left, whoever started them was killed; then they are asked to end and,
# two seconds later, killed. A shell script, because it waits for as long as npm start runs: 1 MB, where Node takes 47.
trap '' INT TERM HUP
groups=
while read -r line; do
  pid=${line#?}
  # 0 and 1 would mean our own group and every process there is.
  case $pid in '' | *[!0-9]* | 0 | 1) continue ;; esac
  left=
  for group in $groups; do [ "$group" = "$pid" ] || left="$left $group"; done
  case $line in
    +*) groups="$left $pid" ;;
    *) groups=$left ;;
  esac
done

# A group of which nobody is left is no failure: it ended by itself meanwhile.
for signal in CONT TERM; do
  for group in $groups; do kill -s $signal -- "-$group" 2>/dev/null; done
done
[ -z "$groups" ] || sleep 2
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
exit 0
