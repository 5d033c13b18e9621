# Shared by the maintainer scripts of both daemons, which set $package, $old (the package that is replaced), $service,
# $program, $pid_file and $files (NAME:MODE, below /etc). Why it is done by hand, and not by dpkg's conffiles and debhelper's fragments:
#
# - dpkg would ask about every file that was changed under the old package. So the samples stand in $samples, and fill
#   gaps on the first installation only.
# - As long as the old package is removed but not purged, these files are also its own: `apt purge` of it would take
#   them, disable the unit and unlink the init script. Its files are diverted, so that dpkg leaves them alone;
#   deb-systemd-helper's notes about its unit are kept in $state and put back with it; the init script is restored by a
#   trigger.
samples=/usr/share/$package/etc
state=/var/lib/$package
notes=/var/lib/systemd/deb-systemd-helper-enabled
link=multi-user.target.wants/$service.service

has_systemd() { [ -d /run/systemd/system ]; }
is_owned() { dpkg-query -S "/etc/$1" 2>/dev/null | grep -qv "^diversion by $package "; }

# fill_gap NAME MODE: the sample, where nothing is.
fill_gap() {
  if [ ! -e "/etc/$1" ] && [ ! -L "/etc/$1" ]; then install -D -m "$2" "$samples/$1" "/etc/$1"; fi
}
divert() { dpkg-divert --quiet --package "$package" --no-rename --divert "/etc/$1.of-$old" "$2" "/etc/$1"; }

# take_files VERSION: the version that was configured before, or nothing.
take_files() {
  for entry in $files; do
    if [ -z "$1" ]; then fill_gap "${entry%:*}" "${entry#*:}"; fi
    if is_owned "${entry%:*}"; then divert "${entry%:*}" --add; fi
  done
}

take_service() {
  fill_gap "init.d/$service" 755
  chmod +x "/etc/init.d/$service"
  update-rc.d "$service" defaults >/dev/null
  deb-systemd-helper unmask "$service.service" >/dev/null || true
  mkdir -p "$state"
  if [ -e "$notes/$service.service.dsh-also" ]; then mv "$notes/$service.service.dsh-also" "$state/"; fi
  if [ -e "$notes/$link" ]; then mv "$notes/$link" "$state/enabled-note"; fi
}

end_daemon() {
  kill "$1" || return 0
  tries=0
  while [ $tries -lt 150 ] && readlink "/proc/$1/exe" >/dev/null; do
    sleep 0.1
    tries=$((tries + 1))
  done
}

# Init scripts do not end a daemon whose program is no longer the file of that name, and would start a second one.
end_replaced_daemon() {
  pid=$(cat "$pid_file" 2>/dev/null) || return 0
  case "$(readlink "/proc/$pid/exe" 2>/dev/null)" in
    "$program"*" (deleted)") ;;
    *) return 0 ;;
  esac
  end_daemon "$pid"
}

# The purge of the old package empties the run folder, where our daemon keeps its replay cache and its pid file by then.
# The daemon still has them open: the cache is copied from there, and a new daemon makes the rest.
restore_run_folder() {
  if [ -e "$pid_file" ]; then return 0; fi
  for fd in /proc/[0-9]*/fd/*; do
    process=${fd%/fd/*}
    case "$(readlink "$process/exe" 2>/dev/null):$(readlink "$fd" 2>/dev/null)" in
      "$program:${pid_file%/*}/digest.cache (deleted)") ;;
      *) continue ;;
    esac
    install -d -m 755 "${pid_file%/*}"
    install -m 600 "$fd" "${pid_file%/*}/digest.cache"
    if ! has_systemd; then end_daemon "${process#/proc/}"; fi
    run_service restart
  done
}

# run_service ACTION: systemd starts what is enabled, the init script what /etc/default says.
run_service() {
  if has_systemd; then
    systemctl --system daemon-reload >/dev/null || true
    deb-systemd-invoke "$1" "$service.service" >/dev/null || true
  elif [ -x "/etc/init.d/$service" ]; then
    end_replaced_daemon
    invoke-rc.d "$service" "$1" || true
  fi
}

# drop_init_script: ours goes unless somebody has changed it; another one may no longer run.
drop_init_script() {
  if ! is_owned "init.d/$service" && cmp -s "$samples/init.d/$service" "/etc/init.d/$service"; then
    rm -f "/etc/init.d/$service"
  elif [ "$1" = remove ] && [ -e "/etc/init.d/$service" ]; then
    chmod -x "/etc/init.d/$service"
  fi
}

give_back() {
  for entry in $files; do divert "${entry%:*}" --remove; done
  if [ -e "$state/$service.service.dsh-also" ]; then mv "$state/$service.service.dsh-also" "$notes/"; fi
  if [ -e "$state/enabled-note" ]; then mkdir -p "$notes/${link%/*}" && mv "$state/enabled-note" "$notes/$link"; fi
}

# What nobody else owns now, or will own again when the old package comes back.
purge_files() {
  for entry in $files; do
    if ! is_owned "${entry%:*}"; then rm -f "/etc/${entry%:*}"; fi
  done
  rm -rf "$state"
  if ! is_owned "init.d/$service"; then
    rm -f "/etc/init.d/$service"
    update-rc.d "$service" remove >/dev/null
    if [ ! -e "/lib/systemd/system/$service.service" ]; then
      rm -f "/etc/systemd/system/$link" "$notes/$link" "$notes/$service.service.dsh-also"
    fi
  fi
}
