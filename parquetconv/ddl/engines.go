package ddl

import (
	"fmt"
	"strings"

	"github.com/s3compact/s3compact/parquetconv/value"
)

// Hive is Hive's name of a type, as Athena and Glue take it.
func Hive(t value.Type) (string, error) { return hive.of(t) }

var hive = words{
	boolean: "boolean", int32: "int", int64: "bigint", float: "float", double: "double",
	text: "string", binary: "binary", date: "date", timestamp: "timestamp",
	list: func(e string) string { return "array<" + e + ">" },
	dict: func(e string) string { return "map<string," + e + ">" },
	record: func(names, types []string) (string, error) {
		fields := make([]string, len(names))
		for i, n := range names {
			if !plainField(n) {
				return "", fmt.Errorf("the field %q of a struct has a name that Hive's types can't hold: make the column json, or choose another path", n)
			}
			fields[i] = n + ":" + types[i]
		}
		return "struct<" + strings.Join(fields, ",") + ">", nil
	},
}

// staysAsItIs stands before a statement that creates a table unless there is one.
const staysAsItIs = "-- A table of this name that exists stays as it is. Where the schema has changed, drop it first: it is external, its files stay.\n"

// athena writes CREATE EXTERNAL TABLE (Athena User Guide, "CREATE TABLE"), with
// partition projection where it can name every folder ("Partition projection").
func athena(t Table) (string, error) {
	columns, err := hive.columns(t.Columns, backticks)
	if err != nil {
		return "", err
	}
	partitions, err := hive.columns(t.partitionColumns(), backticks)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(staysAsItIs)
	projected, why := t.projection()
	if why != "" {
		fmt.Fprintf(&b, "-- Without partition projection: %s.\n-- New partitions are found by the second statement, or as convert --register glue://database/table adds them.\n", why)
	}
	fmt.Fprintf(&b, "CREATE EXTERNAL TABLE IF NOT EXISTS %s (\n  %s\n)\n", quoted(t.Name, backticks), strings.Join(columns, ",\n  "))
	if len(partitions) > 0 {
		fmt.Fprintf(&b, "PARTITIONED BY (\n  %s\n)\n", strings.Join(partitions, ",\n  "))
	}
	fmt.Fprintf(&b, "STORED AS PARQUET\nLOCATION %s", hiveLiteral(t.Location))
	if len(projected) > 0 {
		b.WriteString("\nTBLPROPERTIES (\n")
		for i, p := range projected {
			if i > 0 {
				b.WriteString(",\n")
			}
			fmt.Fprintf(&b, "  %s = %s", literal(p[0]), literal(p[1]))
		}
		b.WriteString("\n)")
	}
	b.WriteString(";\n")
	if len(partitions) > 0 && len(projected) == 0 {
		fmt.Fprintf(&b, "\nMSCK REPAIR TABLE %s;\n", quoted(t.Name, backticks))
	}
	return b.String(), nil
}

// Projection is the table properties of partition projection; none where it
// would not show every folder.
func (t *Table) Projection() [][2]string {
	properties, _ := t.projection()
	return properties
}

// projection is the properties, or why there are none: projection shows only
// the folders that it can count through.
func (t *Table) projection() (properties [][2]string, why string) {
	if len(t.Partitions) == 0 {
		return nil, ""
	}
	properties = [][2]string{{"projection.enabled", "true"}}
	template := strings.TrimSuffix(t.Location, "/")
	for _, p := range t.Partitions {
		at := "projection." + p.Name + "."
		switch {
		case p.HasNull:
			return nil, fmt.Sprintf("some rows have no %s, and projection does not show their folder", p.Name)
		case p.Name != strings.ToLower(p.Name):
			return nil, fmt.Sprintf("%s has upper-case letters, which Athena makes lower case", p.Name)
		case p.Type.Kind == value.Date:
			if p.First == "" {
				return nil, fmt.Sprintf("no day of %s is known yet: run convert first", p.Name)
			}
			if p.Last > t.Today {
				return nil, fmt.Sprintf("%s has the day %s, which is yet to come, and projection ends with today", p.Name, p.Last)
			}
			properties = append(properties, [2]string{at + "type", "date"}, [2]string{at + "format", "yyyy-MM-dd"}, [2]string{at + "range", p.First + ",NOW"})
		case p.Buckets > 0:
			properties = append(properties, [2]string{at + "type", "integer"}, [2]string{at + "range", fmt.Sprintf("0,%d", p.Buckets-1)})
		default:
			return nil, fmt.Sprintf("the values of %s can't be counted through; a date or bucket(n, x) can", p.Name)
		}
		template += "/" + p.Name + "=${" + p.Name + "}"
	}
	return append(properties, [2]string{"storage.location.template", template + "/"}), ""
}

// trino writes for the Hive connector (Trino documentation, "Hive connector").
func trino(t Table) (string, error) {
	w := words{
		boolean: "boolean", int32: "integer", int64: "bigint", float: "real", double: "double",
		text: "varchar", binary: "varbinary", date: "date", timestamp: "timestamp(6)",
		list: func(e string) string { return "array(" + e + ")" },
		dict: func(e string) string { return "map(varchar, " + e + ")" },
		record: func(names, types []string) (string, error) {
			fields := make([]string, len(names))
			for i, n := range names {
				fields[i] = doubleQuotes(n) + " " + types[i]
			}
			return "row(" + strings.Join(fields, ", ") + ")", nil
		},
	}
	partitions, mode := t.partitionColumns(), "'FULL'"
	var notes strings.Builder
	for i, p := range partitions {
		if p.Type.Kind == value.Timestamp {
			partitions[i].Type.Kind = value.String
			fmt.Fprintf(&notes, "-- %[1]s is text, since a partition can't be a timestamp of microseconds: cast(%[1]s AS timestamp(6)).\n", doubleQuotes(p.Name))
		}
		if p.Name != strings.ToLower(p.Name) {
			mode = "'FULL', false" // folders are found whatever their case
		}
	}
	columns, err := w.columns(append(append([]Column(nil), t.Columns...), partitions...), doubleQuotes)
	if err != nil {
		return "", err
	}
	parts := strings.Split(t.Name, ".")
	if len(parts) != 3 {
		return "", fmt.Errorf("the name %q: Trino needs catalog.schema.table, such as hive.logs.requests", t.Name)
	}
	var b strings.Builder
	b.WriteString(staysAsItIs)
	b.WriteString("-- The catalog reads microseconds with hive.timestamp-precision = MICROSECONDS; times are UTC.\n")
	location := t.Location
	if strings.HasPrefix(location, "/") {
		b.WriteString("-- It reads local folders with fs.native-local.enabled = true and local.location = /.\n")
		location = "local://" + location
	}
	b.WriteString(notes.String())
	fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %s (\n  %s\n)\nWITH (\n  external_location = %s,\n  format = 'PARQUET'", quoted(t.Name, doubleQuotes), strings.Join(columns, ",\n  "), literal(location))
	var names []string
	for _, p := range t.Partitions {
		names = append(names, literal(strings.ToLower(p.Name)))
	}
	if len(names) > 0 {
		fmt.Fprintf(&b, ",\n  partitioned_by = ARRAY[%s]", strings.Join(names, ", "))
	}
	b.WriteString("\n);\n")
	if len(names) > 0 {
		fmt.Fprintf(&b, "\nCALL %s.system.sync_partition_metadata(%s, %s, %s);\n", doubleQuotes(parts[0]), literal(parts[1]), literal(parts[2]), mode)
	}
	return b.String(), nil
}

// spark writes CREATE TABLE … USING PARQUET (Spark SQL Reference, "CREATE DATASOURCE TABLE").
func spark(t Table) (string, error) {
	w := hive
	w.record = func(names, types []string) (string, error) {
		fields := make([]string, len(names))
		for i, n := range names {
			fields[i] = backticks(n) + ": " + types[i]
		}
		return "struct<" + strings.Join(fields, ", ") + ">", nil
	}
	columns, err := w.columns(append(append([]Column(nil), t.Columns...), t.partitionColumns()...), backticks)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(staysAsItIs)
	fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %s (\n  %s\n)\nUSING PARQUET\n", quoted(t.Name, backticks), strings.Join(columns, ",\n  "))
	var names []string
	for _, p := range t.Partitions {
		names = append(names, backticks(p.Name))
	}
	if len(names) > 0 {
		fmt.Fprintf(&b, "PARTITIONED BY (%s)\n", strings.Join(names, ", "))
	}
	location := t.Location
	if rest, ok := strings.CutPrefix(location, "s3://"); ok {
		location = "s3a://" + rest
	}
	fmt.Fprintf(&b, "LOCATION %s;\n", hiveLiteral(location))
	if len(names) > 0 {
		fmt.Fprintf(&b, "\nMSCK REPAIR TABLE %s;\n", quoted(t.Name, backticks))
	}
	return b.String(), nil
}

// duckdb writes a view, as DuckDB reads folders without a catalogue
// (DuckDB documentation, "Hive Partitioning").
func duckdb(t Table) (string, error) {
	w := words{
		boolean: "BOOLEAN", int32: "INTEGER", int64: "BIGINT", date: "DATE", timestamp: "TIMESTAMP",
		text: "VARCHAR", float: "FLOAT", double: "DOUBLE", binary: "BLOB",
	}
	var types []string
	glob := t.Location
	for _, p := range t.Partitions {
		word, err := w.of(p.Type)
		if err != nil {
			return "", err
		}
		types = append(types, literal(p.Name)+": "+word)
		glob += p.Name + "=*/"
	}
	glob += "*.parquet"
	hiveTypes := "hive_partitioning = false"
	if len(types) > 0 {
		hiveTypes = "hive_partitioning = true, hive_types = {" + strings.Join(types, ", ") + "}"
	}
	return fmt.Sprintf("CREATE OR REPLACE VIEW %s AS\nSELECT * FROM read_parquet(%s, union_by_name = true, %s);\n", quoted(t.Name, doubleQuotes), literal(glob), hiveTypes), nil
}
