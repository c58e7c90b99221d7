//go:build interop && full

package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/s3compact/s3compact/internal/interop"
	"github.com/s3compact/s3compact/internal/s3test"
)

// TestSparkReadsTheTable: by the statements of ddl.
func TestSparkReadsTheTable(t *testing.T) {
	askPython(t, interop.Spark(t), "spark", "logs.", engineTables(t))
}

// TestTrinoReadsTheTable: Athena is made of it.
func TestTrinoReadsTheTable(t *testing.T) {
	store := s3test.Start(t)
	store.Setenv(t)
	server := interop.StartTrino(t, "fs.native-s3.enabled=true", "s3.path-style-access=true", "s3.endpoint="+store.Endpoint,
		"s3.region="+store.Region, "s3.aws-access-key="+store.AccessKey, "s3.aws-secret-key="+store.SecretKey)
	server.Query(t, "CREATE SCHEMA hive.logs")
	tables := engineTables(t)
	inS3 := tables["requests"]
	inS3.copied = "s3://" + store.Bucket(t) + "/it's a table é/"
	convertCorpus(t, inS3.copied)
	tables["in_s3"] = inS3
	for name, table := range tables {
		t.Run(name, func(t *testing.T) {
			a := table.askTrino(t, server, "hive.logs."+name)
			table.check(t, a)
			table.checkFiltered(t, a)
		})
	}
}

// askTrino asks what askPython asks. Names of columns are lower case in Hive.
func (e *engineTable) askTrino(t *testing.T, server *interop.Trino, name string) (a engineAnswer) {
	t.Helper()
	for _, s := range strings.Split(e.statements(t, "trino", name), ";\n") {
		if strings.TrimSpace(s) != "" {
			server.Query(t, s)
		}
	}
	names := map[string]string{}
	for _, row := range e.rows[:min(1, len(e.rows))] {
		for column := range row {
			names[strings.ToLower(column)] = column
		}
	}
	isText := map[string]bool{} // partitions by time, which Trino doesn't have
	for _, p := range e.partitions {
		isText[p[0]] = p[1] == "timestamp"
	}
	var all interop.TrinoResult
	if len(e.rows) > 0 {
		all = server.Query(t, "SELECT * FROM "+name)
	}
	for _, values := range all.Rows {
		row := map[string]any{}
		for i, c := range all.Columns {
			if name := names[c.Name]; isText[name] {
				row[name] = trinoValue(t, interop.TrinoType{RawType: "timestamp"}, values[i])
			} else {
				row[name] = trinoValue(t, c.Signature, values[i])
			}
		}
		a.Rows = append(a.Rows, row)
	}
	if e.figures != "" {
		figures := server.Query(t, e.figures+name)
		for i, c := range figures.Columns {
			a.Figures = append(a.Figures, trinoValue(t, c.Signature, figures.Rows[0][i]))
		}
	}
	a.Counts = map[string]int{}
	for condition := range e.conditions {
		r := server.Query(t, "SELECT count(*) FROM "+name+" WHERE "+condition)
		a.Counts[condition] = trinoCounts(t, r)[0]
		// Rows are in the order of id, so its statistics leave out other row groups and pages; note has bloom filters.
		if column := strings.Fields(condition)[0]; (column == "id" || column == "note") && r.ProcessedRows > wideRows/3 {
			t.Errorf("%s: %d of %d rows were read", condition, r.ProcessedRows, wideRows)
		}
	}
	for _, f := range e.filters {
		where := fmt.Sprintf(`"%s" IS NULL`, f.Column)
		if f.Value != nil {
			text := "'" + strings.ReplaceAll(*f.Value, "'", "''") + "'"
			switch f.Kind {
			case "boolean", "int32", "int64":
				text = *f.Value
			case "date":
				text = "DATE " + text
			}
			where = fmt.Sprintf(`"%s" = %s`, f.Column, text)
		}
		r := server.Query(t, `SELECT count(id), count(DISTINCT "$path") FROM `+name+" WHERE "+where)
		counts := trinoCounts(t, r)
		if r.ProcessedRows != counts[0] {
			t.Errorf("%s: %d rows were read, expected those of its partitions, %d", where, r.ProcessedRows, counts[0])
		}
		a.Filtered = append(a.Filtered, filtered{Rows: counts[0], Files: counts[1]})
	}
	return a
}

// trinoCounts are the whole numbers of a result of one row.
func trinoCounts(t *testing.T, r interop.TrinoResult) (counts []int) {
	t.Helper()
	for _, v := range r.Rows[0] {
		n, err := strconv.Atoi(v.(json.Number).String())
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, n)
	}
	return counts
}

// trinoValue is a value in the form that the oracle has.
func trinoValue(t *testing.T, s interop.TrinoType, v any) any {
	t.Helper()
	argument := func(i int) (elem interop.TrinoType) {
		if err := json.Unmarshal(s.Arguments[i].Value, &elem); err != nil {
			t.Fatal(err)
		}
		return elem
	}
	if v == nil {
		return nil
	}
	switch s.RawType {
	case "boolean", "varchar", "date":
		return v
	case "decimal":
		return plainDecimal(v.(string))
	case "integer", "bigint":
		return v.(json.Number).String()
	case "double", "real":
		f, err := v.(json.Number).Float64()
		if err != nil {
			t.Fatal(err)
		}
		return f
	case "varbinary":
		b, err := base64.StdEncoding.DecodeString(v.(string))
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(b)
	case "timestamp":
		at, err := time.Parse("2006-01-02 15:04:05.999999", v.(string))
		if err != nil {
			t.Fatal(err)
		}
		return strconv.FormatInt(at.UnixMicro(), 10)
	case "array":
		elem, all := argument(0), []any{}
		for _, x := range v.([]any) {
			all = append(all, trinoValue(t, elem, x))
		}
		return all
	case "map":
		elem, all := argument(1), map[string]any{}
		for name, x := range v.(map[string]any) {
			all[name] = trinoValue(t, elem, x)
		}
		return all
	case "row":
		all := map[string]any{}
		for i, x := range v.([]any) {
			var field struct {
				FieldName     struct{ Name string }
				TypeSignature interop.TrinoType
			}
			if err := json.Unmarshal(s.Arguments[i].Value, &field); err != nil {
				t.Fatal(err)
			}
			all[field.FieldName.Name] = trinoValue(t, field.TypeSignature, x)
		}
		return all
	}
	t.Fatalf("a value of type %s", s.RawType)
	return nil
}
