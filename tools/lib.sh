# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What tools/demo and tools/check share: packages, bootstrap, build. Sourced from the top of the tree.

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${program:-tools}" "$*" >&2; exit 1; }

need_root() {
  [ "$(id -u)" = 0 ] || die "must run as root: it installs packages and makes network namespaces"
}

# missing_packages GROUP...: the packages of these groups in tools/packages that are not installed.
missing_packages() {
  for group in "$@"; do
    sed -n "s/^$group  *\([^ ]*\).*/\1/p" tools/packages
  done | while read -r package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
  done
}

# install_packages GROUP...: nothing is fetched when nothing is missing. Daemons of the packages are not started.
install_packages() {
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    die "needs Debian's dpkg and apt-get; elsewhere install the counterparts of tools/packages and use ./configure && make check"
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  say "installing: $missing"
  apt_log=$(mktemp)
  policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then policy=; else printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; fi
  apt_status=0
  # `update` fails for any one unreachable source; whether that matters shows when the packages are fetched.
  { apt-get -q update || true
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing
  } >"$apt_log" 2>&1 </dev/null || apt_status=$?
  if [ -n "$policy" ]; then rm -f "$policy"; fi
  [ $apt_status = 0 ] || tail -n 15 "$apt_log" >&2
  rm -f "$apt_log"
  [ $apt_status = 0 ] || die "apt-get could not install the packages above (no network? no Debian mirror in /etc/apt?)"
}

bootstrap() {
  if [ ! -e configure ] || [ -n "$(find configure.ac Makefile.am bootstrap -newer configure)" ]; then
    sh ./bootstrap >/dev/null || die "bootstrap failed"
  fi
}

# build DIRECTORY TARGET [CONFIGURE-ARGUMENT...]: out of tree; configured again when the arguments or the packages change.
build() {
  build_dir=$1 build_target=$2
  shift 2
  [ -e configure ] || bootstrap
  mkdir -p "$build_dir" || die "cannot make $build_dir"
  source_dir=$(pwd)
  build_state="$* (missing: $(missing_packages build run test peers long))"
  if [ ! -e "$build_dir/Makefile" ] || [ "$(cat "$build_dir/.configured" 2>/dev/null)" != "$build_state" ]; then
    say "configuring $build_dir: $*"
    (cd "$build_dir" && "$source_dir/configure" -q "$@") || die "configure failed"
    printf '%s\n' "$build_state" >"$build_dir/.configured"
  fi
  say "building $build_dir"
  make -s -C "$build_dir" -j "$(nproc)" "$build_target" || die "the build in $build_dir failed"
}
