// Command licences checks what the project links and names:
//
//   - every module linked into the binary has a permissive licence, found by
//     its text in every folder that a linked package lies in;
//   - every NOTICE file of these modules is repeated in the project's NOTICE,
//     as section 4(d) of the Apache License asks;
//   - docs/dependencies.md has a line for every module that the project imports
//     itself, tests included, and none for a module that it does not.
//
// It prints the modules with their licences, and exits 1 with every fault.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// permissive are the licences (SPDX names) that the project may link.
var permissive = map[string]bool{
	"Apache-2.0": true, "BSD-2-Clause": true, "BSD-3-Clause": true, "ISC": true, "MIT": true,
}

// platforms are those that binaries are released for: their imports differ.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}

var (
	licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)([.-].*)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^notice(\..*)?$`)
	// documented is a row of the table in docs/dependencies.md.
	documented = regexp.MustCompile("(?m)^\\| *`([^` ]+)` *\\|")
)

func main() {
	root := flag.String("root", ".", "the project's folder")
	flag.Parse()
	if err := check(*root, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "licences: %v\n", err)
		os.Exit(1)
	}
}

func check(root string, out io.Writer) error {
	modules, err := linked(root)
	if err != nil {
		return err
	}
	var faults []error
	notice, err := os.ReadFile(filepath.Join(root, "NOTICE"))
	if err != nil {
		return err
	}
	for _, m := range modules {
		names, err := m.licences()
		faults = append(faults, err, m.repeatedIn(notice))
		fmt.Fprintf(out, "%-60s %-12s %s\n", m.Path, m.Version, strings.Join(names, ", "))
	}
	fmt.Fprintf(out, "%d modules linked\n", len(modules))
	return errors.Join(append(faults, checkDocumented(root))...)
}

// module is a module with the folders of its packages that are linked.
type module struct {
	Path, Version, Dir string
	folders            map[string]bool
}

// goPackage is what `go list -json` tells of a package.
type goPackage struct {
	ImportPath, Dir string
	Standard        bool
	Module          *struct {
		Path, Version, Dir string
		Main               bool
	}
	Imports, TestImports, XTestImports []string
}

// goList runs go list in the project and decodes its packages.
func goList(root string, env []string, args ...string) ([]goPackage, error) {
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Standard,Module,Imports,TestImports,XTestImports"}, args...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	var packages []goPackage
	for d := json.NewDecoder(bytes.NewReader(stdout)); ; {
		var p goPackage
		if err := d.Decode(&p); err == io.EOF {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the answer of go list: %w", err)
		}
		packages = append(packages, p)
	}
}

// linked returns the modules of the binary on any platform, by path.
func linked(root string) ([]*module, error) {
	modules := map[string]*module{}
	for _, platform := range platforms {
		system, machine, _ := strings.Cut(platform, "/")
		packages, err := goList(root, []string{"CGO_ENABLED=0", "GOOS=" + system, "GOARCH=" + machine}, "-deps", "./cmd/...")
		if err != nil {
			return nil, err
		}
		for _, p := range packages {
			if p.Standard || p.Module == nil || p.Module.Main {
				continue
			}
			m := modules[p.Module.Path]
			if m == nil {
				m = &module{p.Module.Path, p.Module.Version, p.Module.Dir, map[string]bool{}}
				modules[m.Path] = m
			}
			for dir := p.Dir; strings.HasPrefix(dir, m.Dir); dir = filepath.Dir(dir) {
				m.folders[dir] = true
			}
		}
	}
	return slices.SortedFunc(maps.Values(modules), func(a, b *module) int { return cmp.Compare(a.Path, b.Path) }), nil
}

// files returns the module's files of this name, its root's first.
func (m *module) files(name *regexp.Regexp) ([]string, error) {
	var paths []string
	for _, dir := range slices.Sorted(maps.Keys(m.folders)) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && name.MatchString(e.Name()) {
				paths = append(paths, filepath.Join(dir, e.Name()))
			}
		}
	}
	return paths, nil
}

// licences returns the names of all licences whose text the module holds, and
// an error for each that is not permissive or not known.
func (m *module) licences() ([]string, error) {
	paths, err := m.files(licenceFile)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 || filepath.Dir(paths[0]) != m.Dir {
		return nil, fmt.Errorf("%s %s has no licence file", m.Path, m.Version)
	}
	var faults []error
	found := map[string]bool{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		matches := licensecheck.Scan(text).Match
		if len(matches) == 0 {
			faults = append(faults, fmt.Errorf("%s %s: the licence in %s is none that is known", m.Path, m.Version, path))
		}
		for _, match := range matches {
			found[match.ID] = true
			if !permissive[match.ID] {
				faults = append(faults, fmt.Errorf("%s %s: %s has the licence %s, which is not on the list of permissive ones", m.Path, m.Version, path, match.ID))
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), errors.Join(faults...)
}

// repeatedIn checks that the project's NOTICE has every line of the module's.
func (m *module) repeatedIn(notice []byte) error {
	paths, err := m.files(noticeFile)
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); !bytes.Contains(notice, line) {
				return fmt.Errorf("%s %s: NOTICE lacks the line %q of %s; repeat that file there", m.Path, m.Version, line, path)
			}
		}
	}
	return nil
}

// checkDocumented compares the modules that the project imports itself with
// the table of docs/dependencies.md.
func checkDocumented(root string) error {
	packages, err := goList(root, nil, "-deps", "-test", "-tags", "interop", "./...")
	if err != nil {
		return err
	}
	moduleOf := map[string]string{}
	for _, p := range packages {
		if !p.Standard && p.Module != nil && !p.Module.Main {
			moduleOf[p.ImportPath] = p.Module.Path
		}
	}
	direct := map[string]bool{}
	for _, p := range packages {
		if p.Module == nil || !p.Module.Main {
			continue
		}
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if m := moduleOf[path]; m != "" {
				direct[m] = true
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		return err
	}
	lines := map[string]bool{}
	for _, row := range documented.FindAllSubmatch(text, -1) {
		lines[string(row[1])] = true
	}
	var faults []error
	for _, m := range slices.Sorted(maps.Keys(direct)) {
		if !lines[m] {
			faults = append(faults, fmt.Errorf("docs/dependencies.md has no line for %s, which the project imports", m))
		}
	}
	for _, m := range slices.Sorted(maps.Keys(lines)) {
		if !direct[m] {
			faults = append(faults, fmt.Errorf("docs/dependencies.md has a line for %s, which the project does not import", m))
		}
	}
	return errors.Join(faults...)
}
