#!/usr/bin/env bash
# The whole way before your eyes: an S3 server on loopback, a bucket of access
# logs in many small objects with its inventory report, then the main job.
#
#   run.sh         start anew and run it; the server and its data stay
#   run.sh clean   stop the server and remove its data
set -euo pipefail
cd "$(dirname "$0")/../.."

demo=.cache/bin/demo
report=.cache/bin/demo-report
mkdir -p .cache/bin
go build -o "$demo" ./scripts/demo
if [ "${1:-}" = clean ]; then
  "$demo" clean
  rm -f .cache/demo-plan.jsonl
  exit 0
fi
go build -o "$report" ./scripts/demo/report
s3compact=bin/s3compact
plan=.cache/demo-plan.jsonl

bold=$(tput bold 2>/dev/null || true) plain=$(tput sgr0 2>/dev/null || true)
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
# run prints a command and runs it; the exit codes 0 and 3 (done, but something
# was refused and listed) are what the demo expects.
run() {
  printf '%s$ %s%s\n' "$bold" "$*" "$plain"
  local code=0
  "$@" || code=$?
  case $code in
    0) ;;
    3) printf '(exit code 3: done, but what is listed above was refused and left as it is)\n' ;;
    *) printf 'exit code %d\n' "$code" >&2; exit "$code" ;;
  esac
}
# ask asks the report and keeps the line of its cost for the end.
costs=()
ask() {
  local title=$1 at=$2 flags=${3:-} out
  # shellcheck disable=SC2086
  out=$("$report" --title "$title" $flags "$at")
  printf '%s\n' "$out"
  costs+=("$(tail -n 1 <<<"$out")")
}

step "An S3 server on loopback, and a bucket of gateway logs with its inventory report"
"$demo" clean >/dev/null 2>&1 || true
"$demo" start
"$demo" fill
eval "$("$demo" env)"

step "A report over the logs as they are: one GET for each small object"
ask "as small objects" s3://logs-demo/

step "1. hotspots: which prefixes hold many small objects?"
run "$s3compact" hotspots --inventory s3://logs-demo-inventory/logs-demo/daily-orc/ --match '*.gz' --plan "$plan"

step "2. compact, first as a dry run: it only lists"
run "$s3compact" compact --plan "$plan" --min-age 0s --dry-run

step "3. compact: join, prove, record, delete (--min-age 0s, because this bucket is seconds old)"
run "$s3compact" compact --plan "$plan" --min-age 0s --yes

step "4. verify: every output against its receipt, byte for byte"
run "$s3compact" verify --state s3://logs-demo/_s3compact/
ask "as few large objects" s3://logs-demo/ --quiet

step "5. convert: to a partitioned Parquet table"
run "$s3compact" convert --to s3://tables-demo/access/ --schema scripts/demo/schema.yaml s3://logs-demo/

step "The same report over the Parquet"
ask "as Parquet" s3://tables-demo/access/

step "What the same question cost"
printf '%s\n' "${costs[@]}"

cat <<EOT

The server goes on and the data stay. To go on from here:

  eval "\$(go run ./scripts/demo env)"
  $s3compact compact --plan $plan --min-age 0s --yes    # again: nothing to do, the refused ones are named
  $s3compact hotspots --listing s3://logs-demo/
  $s3compact convert --to s3://tables-demo/access/ --schema scripts/demo/schema.yaml s3://logs-demo/    # only what is new
  make demo-clean
EOT
