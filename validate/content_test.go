package validate

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"strings"
	"testing"
)

// proofOf is the proof of an object that holds data.
func proofOf(t testing.TB, data string) Gzip {
	t.Helper()
	g, err := NewProver().Gzip(gzipped(t, data))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestCheckContent(t *testing.T) {
	const ok = -1 // no refusal; else the uncompressed byte at which it must be
	long := strings.Repeat("x", 2*FirstBytes)
	bigObject := `{"a":"` + long + `"}` // longer than what a proof keeps

	for _, tt := range []struct {
		name          string
		data          string
		ndjson, lines int64
	}{
		{"nothing", "", ok, ok},
		{"objects", "{\"a\":1}\n{\"a\":2}\n", ok, ok},
		{"object without newline", "{\"a\":1}", ok, ok},
		{"empty object", "{}\n", ok, ok},
		{"objects side by side", "{}{}\n", ok, ok},
		{"objects side by side, with spaces", "{\"a\":1} {\"b\":2}\t\n", ok, ok},
		{"line ends of Windows", "{\"a\":1}\r\n{\"a\":2}\r\n", ok, ok},
		{"blank lines first", "\n \t\r\n{\"a\":1}\n", ok, ok},
		{"nested", "{\"a\":{\"b\":[1,{\"c\":null}]},\"d\":\"}\\n{\"}\n", ok, ok},
		{"repeated names", "{\"a\":1,\"a\":2}\n", ok, ok},
		{"not UTF-8 in a string", "{\"ua\":\"\xff\xfe\"}\n", ok, ok},
		{"a later line is broken", "{\"a\":1}\n{\"a\":\n", ok, ok}, // convert rejects it by its line
		{"line longer than what is kept", bigObject + "\n", ok, ok},
		{"line longer than what is kept, after a blank one", "\n" + bigObject + "\n", ok, ok},
		{"object, then a long one", "{}" + bigObject + "\n", ok, ok},
		{"exactly what is kept, unclosed", `{"a":"` + long[:FirstBytes-6], 0, 0},
		{"one byte more than what is kept, unclosed", `{"a":"` + long[:FirstBytes-5], ok, ok}, // not seen to its end

		{"blank lines only", "\n\n", 2, ok},
		{"more white space than is kept", strings.Repeat(" ", 2*FirstBytes) + "{}\n", FirstBytes, ok},
		{"pretty-printed object", "{\n  \"a\": 1\n}\n", 0, 0},
		{"pretty-printed second object", "{}{\n  \"a\": 1\n}\n", 0, ok},
		{"object cut off", "{\"a\":1", 0, 0},
		{"newline in a string", "{\"a\":\"b\n\"}\n", 7, ok}, // JSON on no line, so text
		{"pretty-printed array", "[\n{\"a\":1},\n{\"a\":2}\n]\n", 0, 0},
		{"array on one line", "[{\"a\":1},{\"a\":2}]\n", 0, ok},
		{"array on one long line", "[" + bigObject + "]", 0, ok},
		{"object and a comma", "{\"a\":1},\n{\"a\":2}\n", 7, ok},
		{"object and a number", "{\"a\":1} 2\n", 7, ok},
		{"object and text", "{\"a\":1} more\n", 8, ok},
		{"object and an array", "{}[]\n", 2, ok},
		{"closed twice", "{}}\n", 2, ok},
		{"unquoted name", "{a:1}\n", 1, ok},
		{"not JSON in a long line", "{\"a\":tru," + long + "\n", 8, ok},
		{"after spaces", "  {\"a\":!}\n", 7, ok},
		{"too deep", strings.Repeat(`{"a":`, 11_000) + "1" + strings.Repeat("}", 11_000) + "\n", -2, ok},
		{"number", "1\n2\n", 0, ok},
		{"string", "\"a\"\n", 0, ok},
		{"text", "GET /index.html 200\n", 0, ok},
		{"text without newline", "GET /index.html 200", 0, ok},
		{"text not in UTF-8", "caf\xe9\n", 0, ok},
		{"text in brackets", "[2024-05-01 12:00:00] started\n", 0, ok},
		{"text in braces", "{x} started\n", 1, ok},
		{"opening bracket of a longer text line", "[" + long + "\n", 0, ok},
		{"syslog", "<134>1 2024-05-01T12:00:00Z host app - - - started\n", 0, ok},
		{"CSV", "time,status\n2024-05-01,200\n", 0, ok},
		{"comment", "#Version: 1.0\n#Fields: date time\n", 0, 0},
		{"comment after blank lines", "\n\n # more\n", 3, 3},
		{"HTML", "<!DOCTYPE html>\n<html></html>\n", 0, 0},
		{"XML", "<?xml version=\"1.0\"?>\n<a/>\n", 0, 0},
		{"XML after blank lines", "\n<a/>\n", 1, 1},
		{"only an opening angle bracket", "<", 0, 0},
		{"byte order mark", "\xef\xbb\xbf{\"a\":1}\n", 0, 0},
		{"UTF-16", "\xff\xfe{\x00}\x00\n\x00", 0, 0},
		{"UTF-16, big-endian", "\xfe\xff\x00{\x00}\x00\n", 0, 0},
		{"zip archive", zipArchive(t), 0, 0},
		{"empty zip archive", "PK\x05\x06" + strings.Repeat("\x00", 18), 0, 0},
		{"tar archive", tarArchive(t, "access.log"), 0, 0},
		{"tar archive of a name like JSON", tarArchive(t, "{}"), 0, 0},
		{"gzip inside gzip", string(gzipped(t, "{}\n")), 0, 0},
		{"binary", "{}\n\x00\x01\x02", ok, 3},
		{"zero bytes first", strings.Repeat("\x00", 100) + "{}\n", 0, 0},
		{"Parquet", "PAR1\x15\x04\x15\x00", 0, 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := proofOf(t, tt.data)
			for c, want := range map[Content]int64{ContentNDJSON: tt.ndjson, ContentLines: tt.lines} {
				err := CheckContent(c, g)
				if want == ok {
					if err != nil {
						t.Errorf("%s: %v, want it accepted", c, err)
					}
					continue
				}
				var invalid *GzipError
				if !errors.As(err, &invalid) {
					t.Errorf("%s: %v, want a *GzipError", c, err)
					continue
				}
				if invalid.Reason != ReasonFormat || invalid.Detail == "" || want >= 0 && invalid.Offset != want {
					t.Errorf("%s: %v, want %s at byte %d", c, err, ReasonFormat, want)
				}
			}
		})
	}
}

func zipArchive(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create("access.log"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tarArchive(t testing.TB, name string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A refusal goes into logs and tables: it must not carry along what the records say.
func TestCheckContentKeepsSecrets(t *testing.T) {
	for _, data := range []string{
		"{\"secretname\":{\"secretname\":!}}\n", "{\"a\":\"secretvalue\n", "secretvalue\n", "{\"a\":secretvalue}\n", "{}secretvalue\n",
		"{\"a\":\"\\xsecretvalue\"}\n",
	} {
		err := CheckContent(ContentNDJSON, proofOf(t, data))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want a refusal without its text", data, err)
		}
	}
}

func TestContentNames(t *testing.T) {
	for _, c := range []Content{ContentNDJSON, ContentLines} {
		if got, err := ParseContent(string(c)); err != nil || got != c {
			t.Errorf("ParseContent(%q) = %q, %v", c, got, err)
		}
	}
	for _, name := range []string{"", "json", "NDJSON", "csv"} {
		if _, err := ParseContent(name); err == nil {
			t.Errorf("ParseContent(%q): want an error", name)
		}
		var invalid *GzipError
		if err := CheckContent(Content(name), proofOf(t, "{}\n")); err == nil || errors.As(err, &invalid) {
			t.Errorf("CheckContent(%q): %v, want an error that does not blame the object", name, err)
		}
	}
}

func TestFirstLine(t *testing.T) {
	long := strings.Repeat("x", 2*FirstBytes)
	for _, tt := range []struct {
		name, data, line string
		whole            bool
	}{
		{"nothing", "", "", true},
		{"blank lines", "\n\n", "", true},
		{"a header", "time,status\n2024,200\n", "time,status", true},
		{"line end of Windows", "time,status\r\n2024,200\r\n", "time,status", true},
		{"no newline", "time,status", "time,status", true},
		{"after blank lines", "\r\n\n time,status \nx", "time,status", true},
		{"too long", long + "\n", long[:FirstBytes], false},
		{"fits exactly", long[:FirstBytes-1] + "\nx\n", long[:FirstBytes-1], true},
		{"without newline, fits exactly", long[:FirstBytes], long[:FirstBytes], true},
		{"newline not kept", long[:FirstBytes] + "\n", long[:FirstBytes], false},
		{"white space longer than what is kept", strings.Repeat("\n", 2*FirstBytes), "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			line, whole := FirstLine(proofOf(t, tt.data))
			if string(line) != tt.line || whole != tt.whole {
				t.Errorf("%.40q (%d bytes), %v, want %.40q (%d bytes), %v", line, len(line), whole, tt.line, len(tt.line), tt.whole)
			}
		})
	}
}
