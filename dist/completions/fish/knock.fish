# fish completion for knock, made from its option table
# SPDX-License-Identifier: GPL-2.0-or-later
complete -c knock -s u -l udp -d 'make all ports hits use UDP (default is TCP)'
complete -c knock -s d -l delay -x -d 'wait <t> milliseconds between port hits'
complete -c knock -s 4 -l ipv4 -d 'Force usage of IPv4'
complete -c knock -s 6 -l ipv6 -d 'Force usage of IPv6'
complete -c knock -s v -l verbose -d 'be verbose'
complete -c knock -s V -l version -d 'display version'
complete -c knock -s h -l help -d 'this help'
