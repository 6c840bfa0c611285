#!/usr/bin/env bash
# build.sh OUT DIR PACKAGE: builds one program and says every 15 s that it is still at it, since Go itself is silent.
# A cold build of the dev cloud's engines takes minutes; a warm one seconds.
set -euo pipefail
out=$1 dir=$2 package=$3
name=$(basename "$out")
mkdir -p "$(dirname "$out")"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
start=$SECONDS

cd "$dir"
printf '%s: building\n' "$name"
go build -buildvcs=false -ldflags='-s -w' -v -o "$out" "$package" 2>"$log" &
build=$!
trap 'kill "$build" 2>/dev/null || true; rm -f "$log"; exit 130' INT TERM

total=
while kill -0 "$build" 2>/dev/null; do
  for _ in $(seq 30); do
    sleep 0.5
    kill -0 "$build" 2>/dev/null || break 2
  done
  # Counted late, so that a warm build does not pay for it.
  [ -n "$total" ] || total=$(go list -deps "$package" 2>/dev/null | wc -l)
  fetched=$(grep -c '^go: downloading' "$log" || true)
  compiled=$(grep -vc '^go: ' "$log" || true)
  if [ "$compiled" -eq 0 ] && [ "$fetched" -gt 0 ]; then
    printf '%s: fetching modules, %d so far (%ds; only the first time)\n' "$name" "$fetched" $((SECONDS - start))
  else
    printf '%s: compiled %d of at most %d packages (%ds; only the first time)\n' "$name" "$compiled" "$total" $((SECONDS - start))
  fi
done
if ! wait "$build"; then
  grep -v '^go: downloading' "$log" | tail -n 40 >&2
  printf '%s: could not be built\n' "$name" >&2
  exit 1
fi
printf '%s: built in %ds\n' "$name" $((SECONDS - start))
