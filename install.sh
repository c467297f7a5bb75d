#!/bin/sh
# Installs llmgate: one executable, no root, nothing started. `install.sh --help` lists the options.
#
# POSIX sh. Everything below is functions, run by the last line: a download cut anywhere runs nothing.
set -eu

# Releases are read from <base>/latest (names the newest version) and <base>/v<version>/ (its files).
# Empty because no release has been published yet.
DEFAULT_BASE_URL=''

PATH_MARK='# llmgate installer'

usage() {
  cat <<'USAGE'
Installs llmgate, one executable, into ~/.local/bin.

usage: install.sh [options]
  --version V         install version V (default: the newest)
  --dir D             install into D (default: ~/.local/bin)
  --no-modify-path    never add D to the PATH in a shell profile
  --yes               answer every question with yes
  --dry-run           say what would be done and change nothing
  --from-source       build from this checkout and install that
  --uninstall         remove llmgate and the PATH line this script added
  --purge             with --uninstall: remove the configuration in ~/.config/llmgate too
  --help              show this text

environment:
  LLMGATE_VERSION         as --version
  LLMGATE_INSTALL_DIR     as --dir
  LLMGATE_NO_MODIFY_PATH  as --no-modify-path, unless empty or 0
  LLMGATE_BASE_URL        where releases are: https://..., file:///... or http:// on this machine
  CI                      when set, nothing is asked
  NO_COLOR                when set, no colour
USAGE
}

# --- talking -------------------------------------------------------------------------------------

say() { printf '%s\n' "$*" >&2; }

fail() {
  if [ -t 2 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    printf '\033[31merror:\033[0m %s\n' "$*" >&2
  else
    printf 'error: %s\n' "$*" >&2
  fi
  exit 1
}

usage_error() {
  say "error: $*"
  say "try: install.sh --help"
  exit 2
}

# Asks on the terminal, because stdin may be this script. No terminal means no.
confirm() {
  [ "$yes" = 0 ] || return 0
  [ -z "${CI:-}" ] || return 1
  (: </dev/tty >/dev/tty) 2>/dev/null || return 1
  printf '%s [y/N] ' "$1" >/dev/tty
  answer=
  read -r answer </dev/tty || return 1
  case $answer in [yY] | [yY][eE][sS]) return 0 ;; *) return 1 ;; esac
}

have() { command -v "$1" >/dev/null 2>&1; }

# --- options -------------------------------------------------------------------------------------

parse_options() {
  version=${LLMGATE_VERSION:-latest}
  dir=${LLMGATE_INSTALL_DIR:-}
  modify_path=1
  case ${LLMGATE_NO_MODIFY_PATH:-0} in 0) ;; *) modify_path=0 ;; esac
  yes=0 dry_run=0 action=install purge=0

  while [ $# -gt 0 ]; do
    case $1 in
      --version | --dir)
        [ $# -ge 2 ] || usage_error "$1 needs a value"
        [ -n "$2" ] || usage_error "$1 needs a value"
        if [ "$1" = --version ]; then version=$2; else dir=$2; fi
        shift
        ;;
      --version=?*) version=${1#--version=} ;;
      --dir=?*) dir=${1#--dir=} ;;
      --no-modify-path) modify_path=0 ;;
      --yes | -y) yes=1 ;;
      --dry-run) dry_run=1 ;;
      --from-source) action=from_source ;;
      --uninstall) action=uninstall ;;
      --purge) purge=1 ;;
      --help | -h) action=usage ;;
      *) usage_error "unknown option $1" ;;
    esac
    shift
  done

  [ "$action" != usage ] || return 0
  if [ "$purge" = 1 ] && [ "$action" != uninstall ]; then
    usage_error "--purge goes with --uninstall"
  fi
  version=${version#v}
  case $version in
    '' | *[!0-9A-Za-z.+-]*) usage_error "$version is not a version" ;;
  esac
  if [ -z "$dir" ]; then
    [ -n "${HOME:-}" ] || fail "HOME is not set; say where to install with --dir"
    dir=$HOME/.local/bin
  fi
  case $dir in /*) ;; *) dir=$(pwd)/$dir ;; esac
  [ "$dir" = / ] || dir=${dir%/}
  case $dir in
    *:* | *'
'*) usage_error "the folder of an executable cannot hold a colon or a line break: $dir" ;;
  esac
  target=$dir/llmgate
}

# --- this machine --------------------------------------------------------------------------------

detect_platform() {
  case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    *) fail "no llmgate for $(uname -s); there is one for Linux and macOS" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) fail "no llmgate for $(uname -m) processors; there is one for x86-64 and arm64" ;;
  esac
  # A shell under Rosetta sees an Intel machine that is none.
  if [ "$os-$arch" = darwin-x64 ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || :)" = 1 ]; then
    arch=arm64
  fi
  platform=$os-$arch
  if [ "$os" = linux ]; then
    if is_musl; then
      platform=$platform-musl
    elif [ "$arch" = x64 ] && ! grep -qw avx2 /proc/cpuinfo 2>/dev/null; then
      platform=$platform-baseline
    fi
  fi
}

# A glibc machine can have musl's loader too (cross compilers), so ldd is asked first.
is_musl() {
  case $(ldd --version 2>&1 || :) in
    *musl*) return 0 ;;
    *GLIBC* | *GNU* | *glibc*) return 1 ;;
  esac
  for loader in /lib/ld-musl-*; do
    [ ! -e "$loader" ] || return 0
  done
  return 1
}

# --- downloading ---------------------------------------------------------------------------------

resolve_base_url() {
  base=${LLMGATE_BASE_URL:-$DEFAULT_BASE_URL}
  base=${base%/}
  if [ -z "$base" ]; then
    say "error: no release of llmgate has been published yet, so there is nothing to download."
    if find_checkout; then
      say "This is a checkout; build from it: $checkout/install.sh --from-source"
    else
      say "Build from a checkout of the source: ./install.sh --from-source"
    fi
    say "For a mirror of your own set LLMGATE_BASE_URL."
    exit 1
  fi
  case $base in
    file:///*) scheme='file' ;;
    *@* | *' '*) fail "LLMGATE_BASE_URL cannot hold an @ or a space" ;;
    https://?*) scheme=https ;;
    http://127.0.0.1 | http://127.0.0.1[:/]* | http://localhost | http://localhost[:/]*) scheme=loopback ;;
    'http://[::1]' | 'http://[::1]'[:/]*) scheme=loopback ;;
    *) fail "LLMGATE_BASE_URL must be https://, file:/// or http:// on this machine, not $base" ;;
  esac
}

# fetch URL FILE: false when it cannot be had.
fetch() {
  if [ "$scheme" = file ]; then
    cp "${1#file://}" "$2" 2>/dev/null
  elif have curl; then
    if [ "$scheme" = https ]; then
      curl --proto '=https' --tlsv1.2 --location --fail --silent --show-error \
        --connect-timeout 20 --retry 2 --output "$2" "$1" </dev/null
    else
      # No redirects, no proxy: a loopback address must not end up elsewhere.
      curl --proto '=http' --noproxy '*' --fail --silent --show-error \
        --connect-timeout 20 --output "$2" "$1" </dev/null
    fi
  elif have wget; then
    if [ "$scheme" = https ]; then
      # BusyBox has neither option; its TLS is what it is.
      if wget --help 2>&1 | grep -q -- --https-only; then
        wget --https-only --secure-protocol=TLSv1_2 --quiet --output-document="$2" "$1" </dev/null
      else
        wget -q -O "$2" "$1" </dev/null
      fi
    else
      http_proxy='' wget -q -O "$2" "$1" </dev/null
    fi
  else
    fail "neither curl nor wget is on the PATH"
  fi
}

resolve_version() {
  [ "$version" = latest ] || return 0
  fetch "$base/latest" "$work/latest" || fail "cannot download $base/latest"
  version=
  IFS= read -r version <"$work/latest" || [ -n "$version" ] || fail "$base/latest is empty"
  version=${version#v}
  case $version in
    '' | *[!0-9A-Za-z.+-]*) fail "$base/latest does not name a version" ;;
  esac
}

# Prints the SHA-256 of a file.
sha256_of() {
  if have sha256sum; then
    sha256sum <"$1" | cut -d ' ' -f 1
  elif have shasum; then
    shasum -a 256 <"$1" | cut -d ' ' -f 1
  else
    openssl dgst -sha256 -r <"$1" | cut -d ' ' -f 1
  fi
}

# Sets `expected` from checksums.txt: exactly one line must name the asset.
read_expected_sum() {
  expected=
  while read -r sum name || [ -n "$sum" ]; do
    [ "${name#\*}" = "$asset" ] || continue
    [ -z "$expected" ] || fail "checksums.txt names $asset twice"
    expected=$sum
  done <"$work/checksums.txt"
  [ -n "$expected" ] || fail "checksums.txt has no entry for $asset; nothing was installed"
  case $expected in *[!0-9a-f]*) fail "checksums.txt holds no SHA-256 for $asset" ;; esac
  [ "${#expected}" = 64 ] || fail "checksums.txt holds no SHA-256 for $asset"
}

# --- installing ----------------------------------------------------------------------------------

install_release() {
  resolve_base_url
  detect_platform
  # Before anything is fetched: an unchecked file is never installed.
  have sha256sum || have shasum || have openssl ||
    fail "cannot check a download: none of sha256sum, shasum, openssl is on the PATH"
  make_work_folder
  resolve_version
  asset=llmgate-$version-$platform
  release=$base/v$version
  fetch "$release/checksums.txt" "$work/checksums.txt" ||
    fail "cannot download $release/checksums.txt; is there a version $version?"
  read_expected_sum

  if [ -f "$target" ] && [ "$(sha256_of "$target")" = "$expected" ]; then
    say "llmgate $version is already installed in $dir, same file."
    update_path
    return 0
  fi
  if [ "$dry_run" = 1 ]; then
    say "would download $release/$asset"
    say "would check its SHA-256: $expected"
    say "would install it as $target"
    update_path
    return 0
  fi

  make_stage
  say "downloading $release/$asset"
  fetch "$release/$asset" "$stage" || fail "cannot download $release/$asset; nothing was installed"
  actual=$(sha256_of "$stage")
  if [ "$actual" != "$expected" ]; then
    fail "the download is damaged: SHA-256 $actual, expected $expected; nothing was installed"
  fi
  check_runs
  case $reported in
    *"$version"*) ;;
    *) fail "the download says it is '$reported', not $version; nothing was installed" ;;
  esac
  put_in_place
  say "verified: SHA-256 equals checksums.txt from the same address; the file runs here."
  say "not verified: who made it. A checksum from the same place finds damage, not tampering."
  update_path
}

install_from_source() {
  find_checkout || fail "this is no checkout of llmgate; run install.sh from one"
  have npm || fail "building needs Node.js with npm on the PATH"
  if [ "$dry_run" = 1 ]; then
    say "would build $checkout and install it as $target"
    update_path
    return 0
  fi
  make_work_folder
  make_stage
  "$checkout/scripts/build" --out "$stage" </dev/null >&2 || fail "the build failed; nothing was installed"
  check_runs
  put_in_place
  say "verified: the file was built here from $checkout and runs."
  update_path
}

# Sets `checkout`: the folder of this script, or the current one when the script came through a pipe.
find_checkout() {
  checkout=$(pwd)
  case $0 in *install.sh) checkout=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) ;; esac
  [ -x "$checkout/scripts/build" ] && grep -q '"name": "llmgate"' "$checkout/package.json" 2>/dev/null
}

make_work_folder() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/llmgate-install.XXXXXX")
}

# In the folder of the target, so that the last step is a rename within one file system.
make_stage() {
  [ ! -d "$target" ] || fail "$target is a folder"
  if [ ! -d "$dir" ]; then
    mkdir -p "$dir" 2>/dev/null || fail "cannot create $dir; choose another with --dir"
    made_dir=$dir
  fi
  stage=$(mktemp "$dir/.llmgate.XXXXXX" 2>/dev/null) ||
    fail "cannot write to $dir; choose another folder with --dir"
}

# An empty environment, because some variables change what the executable does.
check_runs() {
  chmod 755 "$stage"
  reported=$(env -i HOME="$work" PATH=/usr/bin:/bin "$stage" version </dev/null 2>"$work/complaint") || {
    sed 's/^/  /' "$work/complaint" >&2
    case ${platform:-} in *-musl) say "On Alpine it needs: apk add libstdc++" ;; esac
    fail "the file for ${platform:-this machine} does not run here; nothing was installed"
  }
}

put_in_place() {
  replaced=0
  [ ! -e "$target" ] || replaced=1
  mv -f "$stage" "$target"
  stage='' made_dir=''
  say "installed $(printf '%s\n' "$reported" | sed -n 1p) as $target"
  [ "$replaced" = 0 ] || say "A gateway that is running keeps the old version until it is restarted."
}

cleanup() {
  status=$?
  trap - EXIT
  [ -z "$stage" ] || rm -rf "$stage"
  [ -z "$work" ] || rm -rf "$work"
  [ -z "$made_dir" ] || rmdir "$made_dir" 2>/dev/null || :
  exit "$status"
}

# --- PATH ----------------------------------------------------------------------------------------

# Wraps in single quotes: a folder's name must never become code in a profile.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

choose_profile() {
  path_line="export PATH=$(quoted "$dir"):\"\$PATH\" $PATH_MARK"
  case ${SHELL##*/} in
    zsh) profile=${ZDOTDIR:-$HOME}/.zshrc ;;
    bash) if [ "$(uname -s)" = Darwin ]; then profile=$HOME/.bash_profile; else profile=$HOME/.bashrc; fi ;;
    fish)
      profile=${XDG_CONFIG_HOME:-$HOME/.config}/fish/conf.d/llmgate.fish
      path_line="set -gx PATH $(printf "'%s'" "$(printf '%s' "$dir" | sed "s/[\\\\']/\\\\&/g")") \$PATH $PATH_MARK"
      ;;
    *) profile=$HOME/.profile ;;
  esac
}

update_path() {
  case :$PATH: in *:"$dir":*) return 0 ;; esac
  if [ -n "${HOME:-}" ]; then
    SHELL=${SHELL:-sh}
    choose_profile
    if [ -f "$profile" ] && grep -qxF -- "$path_line" "$profile"; then
      say "$profile already adds $dir to the PATH; open a new shell."
      return 0
    fi
    if [ "$modify_path" = 1 ] && [ "$dry_run" = 1 ]; then
      say "would offer to add $dir to the PATH in $profile"
      return 0
    fi
    if [ "$modify_path" = 1 ] && confirm "Add $dir to the PATH in $profile?"; then
      mkdir -p "$(dirname -- "$profile")"
      # A last line without an end would swallow ours.
      if [ -s "$profile" ] && [ -n "$(tail -c 1 "$profile")" ]; then printf '\n' >>"$profile"; fi
      printf '%s\n' "$path_line" >>"$profile"
      say "added $dir to the PATH in $profile; open a new shell."
      return 0
    fi
  fi
  say "$dir is not on the PATH; add it, or run $target"
}

# --- uninstalling --------------------------------------------------------------------------------

uninstall() {
  if [ -d "$target" ]; then fail "$target is a folder"; fi
  if [ -e "$target" ] || [ -h "$target" ]; then
    if [ "$dry_run" = 1 ]; then
      say "would remove $target"
    else
      rm -f "$target" 2>/dev/null || fail "cannot remove $target"
      say "removed $target"
    fi
  else
    say "llmgate is not in $dir"
  fi
  if [ -n "${HOME:-}" ]; then
    for SHELL in zsh fish sh; do
      choose_profile
      remove_path_line
    done
    # What was chosen for bash depends on the system.
    for profile in "$HOME/.bashrc" "$HOME/.bash_profile"; do remove_path_line; done
    [ "$purge" = 0 ] || purge_config
  fi
  say "Data folders (data_dir in your configuration) were left alone: keys and books are in them."
}

remove_path_line() {
  [ -f "$profile" ] && grep -qxF -- "$path_line" "$profile" || return 0
  if [ "$dry_run" = 1 ]; then
    say "would remove the PATH line from $profile"
    return 0
  fi
  [ -n "$work" ] || make_work_folder
  # Written back into the same file: it may be a link into somebody's dotfiles.
  grep -vxF -- "$path_line" "$profile" >"$work/profile" || :
  cat "$work/profile" >"$profile"
  case $profile in
    */llmgate.fish) [ -s "$profile" ] || rm -f "$profile" ;;
  esac
  say "removed the PATH line from $profile"
}

purge_config() {
  config=${XDG_CONFIG_HOME:-$HOME/.config}/llmgate
  if [ ! -d "$config" ]; then
    say "there is no configuration in $config"
  elif [ -n "$(find "$config" -name 'llmgate.db*' 2>/dev/null | sed -n 1p)" ]; then
    say "kept $config: it holds a data folder. Remove it yourself if its keys and books may go."
  elif [ "$dry_run" = 1 ]; then
    say "would remove $config"
  elif confirm "Remove $config?"; then
    rm -rf "$config"
    say "removed $config"
  else
    say "kept $config; --yes confirms its removal"
  fi
}

main() {
  work='' stage='' made_dir=''
  parse_options "$@"
  trap cleanup EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  case $action in
    usage) usage ;;
    install) install_release ;;
    from_source) install_from_source ;;
    uninstall) uninstall ;;
  esac
}

# Braces, because a cut that left only `main` would run it without its options.
{ main "$@"; }
