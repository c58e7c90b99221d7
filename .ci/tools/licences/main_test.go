package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mit = `MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`

const gpl = `This program is free software: you can redistribute it and/or modify
it under the terms of the GNU General Public License as published by
the Free Software Foundation, either version 3 of the License, or
(at your option) any later version.
`

func moduleWith(t *testing.T, files map[string]string) *module {
	t.Helper()
	m := &module{Path: "example.org/m", Version: "v1.0.0", Dir: t.TempDir(), folders: map[string]bool{}}
	m.folders[m.Dir] = true
	for name, text := range files {
		path := filepath.Join(m.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		m.folders[filepath.Dir(path)] = true
	}
	return m
}

func TestLicences(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
		err   string // a part of the error
	}{
		{"permissive", map[string]string{"LICENSE": mit}, "MIT", ""},
		{"another spelling", map[string]string{"Licence.md": mit}, "MIT", ""},
		{"copyleft", map[string]string{"COPYING": gpl}, "", "GPL-3.0"},
		{"copyleft in a linked folder", map[string]string{"LICENSE": mit, "sub/LICENSE": gpl}, "", "GPL-3.0"},
		{"copyleft beside a permissive one", map[string]string{"LICENSE": mit, "LICENSE.GPL": gpl}, "", "GPL-3.0"},
		{"unknown", map[string]string{"LICENSE": "Ask me first."}, "", "none that is known"},
		{"none", map[string]string{"main.go": "package main"}, "", "no licence file"},
		{"none at the root", map[string]string{"sub/LICENSE": mit}, "", "no licence file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			names, err := moduleWith(t, c.files).licences()
			switch {
			case c.err == "" && err != nil:
				t.Fatal(err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Fatalf("error %v, want one with %q", err, c.err)
			case c.err == "" && strings.Join(names, ",") != c.want:
				t.Errorf("licences %v, want %s", names, c.want)
			}
		})
	}
}

func TestNoticesAreRepeated(t *testing.T) {
	m := moduleWith(t, map[string]string{"LICENSE": mit, "NOTICE.txt": "Example\nCopyright 2020 Example\n"})
	if err := m.repeatedIn([]byte("ours\n\nExample\n  Copyright 2020 Example\n")); err != nil {
		t.Error(err)
	}
	if err := m.repeatedIn([]byte("ours\n\nExample\n")); err == nil || !strings.Contains(err.Error(), "Copyright 2020 Example") {
		t.Errorf("a missing line of a NOTICE: %v", err)
	}
}
