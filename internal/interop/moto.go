//go:build interop

package interop

import (
	"bufio"
	"os/exec"
	"strings"
	"testing"
)

const (
	motoStart = `
import sys
from moto.server import ThreadedMotoServer
from moto.core.config import default_user_config
default_user_config["batch"] = {"use_docker": False}
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
server.start()
url = "http://%s:%d" % server.get_host_and_port()
import boto3
def client(service):
    return boto3.client(service, endpoint_url=url, region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")
`
	motoServe = `
print("at " + url, flush=True)
sys.stdin.read()
`
)

// StartMoto starts moto's server, which marks Batch's jobs as done without
// running them, and returns its URL. setup is Python that makes what a test
// needs by client("service"), in the region eu-west-1. The server ends with the
// test, whose environment has credentials for it.
func StartMoto(t *testing.T, setup string) (url string) {
	t.Helper()
	cmd := exec.Command(Moto(t), "-c", motoStart+setup+motoServe)
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("moto ended with %v", err)
		}
	})
	for lines := bufio.NewScanner(stdout); url == "" && lines.Scan(); {
		url, _ = strings.CutPrefix(lines.Text(), "at ")
		if !strings.HasPrefix(url, "http") {
			url = ""
		}
	}
	if url == "" {
		t.Fatal("moto did not start")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return url
}
