#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Adds or deletes one ACCEPT rule for an address and a port; for command lines of knockd.conf.
name=${0##*/}

usage() {
  cat <<END
Usage: $name -a|-i|-x -f SRC_IP_ADDR -d DST_PORT [-p|-c|-m|-t|-h|-v]
Options:
-a|--append      append a rule
-i|--insert      insert a rule at the top
-x|--delete      delete the rule, whichever of the two added it
-f|--srcaddr     source address, IPv4 or IPv6
-d|--dstport     destination port
-p|--proto       protocol (tcp)
-c|--chain       chain (INPUT)
-m|--comment     text of the rule's comment, attached: -mTEXT, --comment=TEXT (without TEXT: by knockd)
-t|--test        show what would be done, and do nothing
-h|--help        this text
-v|--verbose     say what is done
END
}

# refuse TEXT: says so and ends; with the usage text when a word is missing.
refuse() { echo "$name - Error! $1"; usage; exit 1; }

words=$(getopt -n "$name" -o aixf:d:p:c:m::thv \
  -l append,insert,delete,srcaddr:,dstport:,proto:,chain:,comment::,test,help,verbose -- "$@") || refuse "Invalid arguments"

action='' word='' address='' port='' protocol=tcp chain=INPUT text='' test=no verbose=no
# getopt quotes its output for the shell; this is its documented use and evaluates nothing of the arguments.
eval "set -- $words"
while [ "$1" != -- ]; do
  case "$1" in
    -a | --append) action=-A word=Append ;;
    -i | --insert) action=-I word=Insert ;;
    -x | --delete) action=-D word=Delete ;;
    -f | --srcaddr) address=$2; shift ;;
    -d | --dstport) port=$2; shift ;;
    -p | --proto) protocol=$2; shift ;;
    -c | --chain) chain=$2; shift ;;
    -m | --comment) text=${2:-by knockd}; shift ;;
    -t | --test) test=yes ;;
    -v | --verbose) verbose=yes ;;
    -h | --help) usage; exit 0 ;;
  esac
  shift
done
[ -n "$address" ] || refuse "Source IP address required"
[ -n "$port" ] || refuse "Destination port required"
[ -n "$action" ] || refuse "Valid action option not specified"

case "$address" in
  *:*) iptables=/sbin/ip6tables ;;
  *) iptables=/sbin/iptables ;;
esac
"$iptables" -w -S "$chain" >/dev/null 2>&1 || { echo "$name - Error: $chain is not a valid NetFilter chain"; exit 1; }

# rule OPERATION COMMENT: one call of iptables. The comment begins with the word of the operation that added the rule.
rule() {
  "$iptables" -w "$1" "$chain" -s "$address" -p "$protocol" --dport "$port" -j ACCEPT -m comment --comment "$2 $text"
}

seen=''
for candidate in Append Insert Delete; do
  if rule -C "$candidate" 2>/dev/null; then seen=$candidate; break; fi
done
if [ "$verbose" = yes ]; then
  echo "$name - Testing rule"
  echo "$name - action: $action _ src: $address _ dstport: $port _ proto: $protocol _ chain: $chain _ comment: $word $text"
  echo "$name - Seen: $([ -n "$seen" ] && echo 1 || echo 0)"
fi
if [ "$action" = -D ]; then
  comment=${seen:-$word}
elif [ -n "$seen" ]; then
  exit 0
else
  comment=$word
fi
if [ "$verbose" = yes ]; then
  echo "$iptables $action $chain -s $address -p $protocol --dport $port -j ACCEPT -m comment --comment '$comment $text'"
fi
[ "$test" = yes ] || rule "$action" "$comment"
