package versitygw

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sys/unix"
)

// Region is the region that every server calls its own.
const Region = "us-east-1"

// Server is a running server: where it listens and who may ask it. The keys
// are made for this process alone, so whoever else takes the port later is
// never mistaken for it.
type Server struct {
	Endpoint  string `json:"endpoint"` // http://127.0.0.1:PORT
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
	Region    string `json:"region"`
	Dir       string `json:"dir"` // its folder: data, versions, log
	PID       int    `json:"pid"`

	process *process // nil where another process started it
}

const (
	startTries   = 5 // another process may take the free port first
	startTimeout = 60 * time.Second
	readyPoll    = 20 * time.Millisecond
	logTailBytes = 2048
)

// errExited says that the process ended before it answered.
var errExited = errors.New("the server ended at once")

// process is a server's operating system process.
type process struct {
	pid    int
	exited <-chan struct{} // closed when it has ended
	stop   func() error    // ends it at once and clears up after it
}

// launch starts the command line; its output goes to the file at logPath.
type launch func(argv []string, dir, logPath string) (*process, error)

// start starts a server whose data lie in a folder that newDir makes, and
// waits until it answers.
func start(ctx context.Context, binary string, newDir func() (string, error), launch launch) (*Server, error) {
	for try := 1; ; try++ {
		dir, err := newDir()
		if err != nil {
			return nil, fmt.Errorf("make the S3 server's folder: %w", err)
		}
		s := &Server{AccessKey: rand.Text(), SecretKey: rand.Text() + rand.Text(), Region: Region, Dir: dir}
		err = s.start(ctx, binary, launch)
		if err == nil {
			return s, nil
		}
		if try == startTries || !errors.Is(err, errExited) {
			return nil, fmt.Errorf("start the S3 server: %w", err)
		}
	}
}

func (s *Server) start(ctx context.Context, binary string, launch launch) error {
	backend, err := backendArgs(s.Dir)
	if err != nil {
		return err
	}
	addr, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	s.Endpoint = "http://" + addr
	argv := append([]string{
		binary, "--port", addr, "--access", s.AccessKey, "--secret", s.SecretKey, "--region", s.Region,
		"--keep-alive", // without it every answer closes its connection
		"--quiet",
	}, backend...)
	logPath := filepath.Join(s.Dir, "server.log")
	p, err := launch(argv, s.Dir, logPath)
	if err != nil {
		return err
	}
	s.PID, s.process = p.pid, p
	if err := s.waitReady(ctx, p.exited); err != nil {
		log := logTail(logPath) // stop may remove it
		return errors.Join(fmt.Errorf("%w\n%s", err, log), p.stop())
	}
	return nil
}

// waitReady asks with the server's own keys, so that an answer is its answer.
func (s *Server) waitReady(ctx context.Context, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := s.ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			return errExited
		case <-ctx.Done():
			return fmt.Errorf("no answer from %s within %v: %w", s.Endpoint, startTimeout, err)
		case <-time.After(readyPoll):
		}
	}
}

// Answers says whether this very server still runs.
func (s *Server) Answers(ctx context.Context) bool { return s.ask(ctx) == nil }

// ask sends one request, and leaves no connection behind.
func (s *Server) ask(ctx context.Context) error {
	client := s.client(&http.Transport{DisableKeepAlives: true})
	_, err := client.ListBuckets(ctx, &s3.ListBucketsInput{}, func(o *s3.Options) { o.RetryMaxAttempts = 1 })
	return err
}

// Client is a plain SDK client for this server, path style, with a connection
// pool wide enough for tests and the demo.
func (s *Server) Client() *s3.Client {
	return s.client(&http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true})
}

// client is an SDK client over a transport without a proxy: the server is on
// this machine.
func (s *Server) client(transport *http.Transport) *s3.Client {
	return s3.New(s3.Options{
		Region:       s.Region,
		BaseEndpoint: aws.String(s.Endpoint),
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
		HTTPClient:   &http.Client{Transport: transport},
		// Objects are stored by more than this SDK; a missing checksum is no warning.
		DisableLogOutputChecksumValidationSkipped: true,
	})
}

// Env are the environment variables that point any AWS SDK or tool at this
// server. Shared configuration files are switched off, so that a person's own
// profile plays no part.
func (s *Server) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL_S3=" + s.Endpoint,
		"AWS_ACCESS_KEY_ID=" + s.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
		"AWS_SESSION_TOKEN=",
		"AWS_REGION=" + s.Region,
		"AWS_DEFAULT_REGION=" + s.Region,
		"AWS_PROFILE=",
		"AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
		"NO_PROXY=127.0.0.1",
		"no_proxy=127.0.0.1",
	}
}

// backendArgs makes the folders below dir and returns the arguments that name
// them. Object metadata live in extended attributes where the file system has
// them, else in files beside the data.
func backendArgs(dir string) ([]string, error) {
	data, versions, sidecar := filepath.Join(dir, "data"), filepath.Join(dir, "versions"), filepath.Join(dir, "sidecar")
	for _, d := range []string{data, versions} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	args := []string{"posix", "--versioning-dir", versions}
	if !hasXattrs(data) || !hasXattrs(versions) {
		if err := os.MkdirAll(sidecar, 0o755); err != nil {
			return nil, err
		}
		args = append(args, "--sidecar", sidecar)
	}
	return append(args, data), nil
}

func hasXattrs(dir string) bool {
	const name = "user.s3compact-probe"
	if err := unix.Setxattr(dir, name, []byte("1"), 0); err != nil {
		return false
	}
	return unix.Removexattr(dir, name) == nil
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// logTail is the end of the server's log, for an error message.
func logTail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b[max(0, len(b)-logTailBytes):]))
}
