package inventory

import (
	"fmt"
	"slices"
	"strings"
)

// fileSchema is what the manifest's fileSchema says of the columns of ORC and
// Parquet data files: their types by names as [foldColumn] makes them. The
// manifest has a checksum; the part of such a file that names its columns has
// none, and a column that it no longer names would not be missed. nil: nothing
// is said that is understood.
//
// Source: Amazon S3 User Guide, "Locating your inventory list", the manifests of
// reports in ORC ("struct<bucket:string,key:string,…>") and in Parquet ("message
// s3.inventory { required binary bucket (UTF8); … }").
type fileSchema map[string]string

func parseFileSchema(format, text string) fileSchema {
	s := fileSchema{}
	text = strings.TrimSpace(text)
	if format == formatORC {
		inner, ok := between(text, "struct<", '>')
		if !ok {
			return nil
		}
		for _, part := range splitOutside(inner, ',') {
			if name, kind, ok := strings.Cut(part, ":"); ok {
				s[foldColumn(name)] = strings.ToLower(strings.TrimSpace(kind))
			}
		}
		return s
	}
	inner, ok := between(text, "message ", '}')
	if !ok {
		return nil
	}
	_, inner, _ = strings.Cut(inner, "{")
	for _, part := range splitOutside(inner, ';') {
		if words := strings.Fields(part); len(words) >= 3 { // such as: optional int64 size
			s[foldColumn(words[2])] = strings.ToLower(words[1])
		}
	}
	return s
}

// between is what stands between a beginning and an end.
func between(text, begin string, end byte) (string, bool) {
	inner, ok := strings.CutPrefix(text, begin)
	if n := len(inner); ok && n > 0 && inner[n-1] == end {
		return inner[:n-1], true
	}
	return "", false
}

// splitOutside splits text at separators that are in no brackets.
func splitOutside(text string, separator byte) (parts []string) {
	depth, start := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case strings.IndexByte("<({", c) >= 0:
			depth++
		case strings.IndexByte(">)}", c) >= 0:
			depth--
		case c == separator && depth == 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

// usualType says whether S3 gives a column this type. It is asked of those that
// are left alone where their type is another.
func (c column) usualType(name string) bool {
	if c == colLockUntil {
		return name == "timestamp" || name == "int64"
	}
	return name == "string" || name == "binary"
}

// check holds the columns of a file, which have these names, against the schema.
// found are those of them that are read. A column that the schema does not name,
// or gives another type than S3 does today, may be there or not; who wants ETags
// finds that they are missing, see bindColumns.
func (s fileSchema) check(names []string, found *columns) error {
	for c, name := range columnNames {
		kind, ok := s[name]
		if !ok || found[c] >= 0 || column(c) == colETag {
			continue
		}
		if !slices.ContainsFunc(names, func(n string) bool { return foldColumn(n) == name }) {
			return fmt.Errorf("the column %s is missing, but fileSchema in the manifest names it: the file is damaged or of another report", name)
		}
		if column(c).usualType(kind) {
			return fmt.Errorf("the column %s is not of the type %s that fileSchema in the manifest gives it: the file is damaged or of another report", name, kind)
		}
	}
	return nil
}
