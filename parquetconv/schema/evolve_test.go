package schema

import (
	"strings"
	"testing"
)

func TestExtends(t *testing.T) {
	const old = `
version: 1
columns: [{name: ts, type: timestamp}, {name: status, type: int32, required: true}, {name: app, type: string}]
partitions: [{name: dt, type: date, expr: "cast(ts as date)"}, {name: app}]
`
	for _, tt := range []struct{ name, from, to, says string }{
		{"the same", "", "", ""},
		{"a column more", "{name: app", "{name: tags, type: list<string>}, {name: app", ""},
		{"another order", "{name: ts, type: timestamp}, {name: status, type: int32, required: true}", "{name: status, type: int32, required: true}, {name: ts, type: timestamp}", ""},
		{"read at another place", "{name: ts, type: timestamp}", "{name: ts, type: timestamp, path: $.time}", ""},
		{"not required any more", "required: true", "required: false", ""},
		{"kept fields", "version: 1", "version: 1\nunknown_fields: keep", ""},
		{"a type", "type: int32", "type: int64", `column "status" is int32 in the table, and int64 in this schema`},
		{"a column less", "{name: status, type: int32, required: true}, ", "", `column "status" is in the table, but not in this schema`},
		{"another case", "name: status", "name: Status", `column "Status" was "status"`},
		{"a partition less", `, {name: app}]`, "]", "partitioned by (dt date, app string), and this schema by (dt date)"},
		{"a partition's type", "name: dt, type: date, expr: \"cast(ts as date)\"", "name: dt, type: timestamp, expr: \"ts\"", "partitioned by (dt date, app string), and this schema by (dt timestamp, app string)"},
		{"a partition's expression", "cast(ts as date)", "cast(date_trunc('month', ts) as date)", `partition "dt" is computed by another expression than in the table (cast(ts as date))`},
	} {
		changed := strings.Replace(old, tt.from, tt.to, 1)
		if tt.from != "" && changed == old {
			t.Fatalf("%s: nothing was replaced", tt.name)
		}
		a, err := Parse([]byte(old), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Parse([]byte(changed), nil)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		switch err := b.Extends(a); {
		case tt.says == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s: %v, expected %q", tt.name, err, tt.says)
		}
	}
}
