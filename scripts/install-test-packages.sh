#!/usr/bin/env bash
# Installs the Debian packages that the tests need (scripts/debian-packages.txt) where they are missing and where it may:
# as root, or in CI through a sudo that asks nothing. Elsewhere it says what is missing and ends with status 0: the tests
# that need it are then skipped. With CI=true a package that cannot be installed is a failure.
set -euo pipefail
list="$(dirname "${BASH_SOURCE[0]}")/debian-packages.txt"
in_ci="${CI:-false}"

give_up() {
  echo "test packages: $1" >&2
  if [[ "$in_ci" == true ]]; then exit 1; fi
  exit 0
}

# The list's packages for architecture $1, one a line.
wanted_packages() {
  sed -e 's/#.*//' "$list" | while read -r package architectures; do
    architectures="${architectures//[\[\]]/ }"
    if [[ -n "$package" && (-z "${architectures// /}" || " $architectures " == *" $1 "*) ]]; then echo "$package"; fi
  done
}

is_installed() { [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]; }

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  give_up "this host is not a Debian: see to the programs that scripts/debian-packages.txt names"
fi

missing=()
while read -r package; do
  is_installed "$package" || missing+=("$package")
done < <(wanted_packages "$(dpkg --print-architecture)")
if [[ ${#missing[@]} -eq 0 ]]; then exit 0; fi

as_root=()
if [[ $EUID -ne 0 ]]; then
  if [[ "$in_ci" == true ]] && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    give_up "missing, and tests that need them will be skipped; mend: sudo apt-get install ${missing[*]}"
  fi
fi

echo "test packages: installing ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120)
"${apt[@]}" update || echo "test packages: apt-get update failed, trying with the lists at hand" >&2
# All at once is fast; one by one, where that fails, gets the rest and tells which is to blame.
if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; then
  refused=()
  for package in "${missing[@]}"; do
    "${apt[@]}" install -y --no-install-recommends "$package" || refused+=("$package")
  done
  if [[ ${#refused[@]} -gt 0 ]]; then give_up "could not install ${refused[*]}"; fi
fi
