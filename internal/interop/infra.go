//go:build interop

package interop

import (
	_ "embed"
	"testing"
)

//go:embed requirements/infra.txt
var infra []byte

// Infra returns the path of a python3 that has cfn-lint, kubernetes-validate,
// python-hcl2 and the arguments of Terraform's AWS provider (the modules of
// cdktf_cdktf_provider_aws, which are read and not run), with shellcheck beside it.
func Infra(t *testing.T) string {
	t.Helper()
	return venv(t, infra)
}
