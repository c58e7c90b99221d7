#!/bin/sh
# Submits the steps of the pipeline app-logs; each waits until all tasks of the
# one before have ended well, and is cancelled when they can't.
#
# Apply:  ./submit.sh [flags of sbatch, such as --partition=spot]
# Remove:
#   scancel --name=app-logs-hotspots
#   scancel --name=app-logs-compact
#   scancel --name=app-logs-convert
set -eu
cd "$(dirname "$0")"
hotspots=$(sbatch --parsable "$@" hotspots.sbatch)
compact=$(sbatch --parsable --dependency="afterok:${hotspots%%;*}" --kill-on-invalid-dep=yes "$@" compact.sbatch)
convert=$(sbatch --parsable --dependency="afterok:${compact%%;*}" --kill-on-invalid-dep=yes "$@" convert.sbatch)
echo "submitted hotspots $hotspots compact $compact convert $convert"
