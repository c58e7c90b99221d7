#!/bin/sh
# Runs the steps of the pipeline app-logs one behind the other; may be run again
# at any time, and then goes on where it was.
#
# Apply:  ./run.sh [flags of kubectl, such as --namespace=logs]
# Remove: kubectl delete jobs,serviceaccounts -l app.kubernetes.io/instance=app-logs
set -eu
cd "$(dirname "$0")"
kubectl "$@" apply -f serviceaccount.yaml
for step in hotspots compact convert; do
	# A job can't be run twice: that of an earlier run goes first.
	kubectl "$@" delete -f "$step.yaml" --ignore-not-found --wait
	kubectl "$@" create -f "$step.yaml"
	ended=
	while [ -z "$ended" ]; do
		sleep 10
		# kubectl wait waits for one condition, and never sees the other.
		conditions=$(kubectl "$@" get -f "$step.yaml" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}')
		case " $conditions " in
		*" Complete "* | *" Failed "*) ended=$conditions ;;
		esac
	done
	case " $ended " in
	*" Failed "*)
		echo "$step failed: kubectl logs --prefix -l app.kubernetes.io/instance=app-logs,app.kubernetes.io/component=$step" >&2
		exit 1
		;;
	esac
done
