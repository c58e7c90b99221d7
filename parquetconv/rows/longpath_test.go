package rows

import (
	"strings"
	"testing"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// TestPathsTooLongAreRejected: each folder's name may be fine and the path not.
func TestPathsTooLongAreRejected(t *testing.T) {
	s, err := schema.Parse([]byte(`{version: 1, columns: [{name: id, type: int64}, {name: a, type: string}, {name: b, type: string}], partitions: [{name: a}, {name: b}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(s, Options{MaxPathBytes: 100})
	if err != nil {
		t.Fatal(err)
	}
	x := strings.Repeat("x", 47) // a=…/b=…: 2 + 47 + 1 + 2 + 48
	text := `{"id":1,"a":"` + x + `","b":"` + x + `y"}` + "\n" + `{"id":2,"a":"` + x + `","b":"` + x + `yz"}` + "\n" + `{"id":3,"a":"q","b":"` + x + x + `"}`
	d.Begin(0, Source{})
	if _, err := d.Decode([]byte(text), true); err != nil {
		t.Fatal(err)
	}
	b, err := d.Take()
	if err != nil {
		t.Fatal(err)
	}
	if b.Rows != 2 || len(b.Rejects) != 1 || b.Rejects[0].Reason != "too_long" || b.Rejects[0].Column != "b" || !strings.HasPrefix(string(b.Rejects[0].Raw), `{"id":2`) {
		t.Errorf("%d rows, rejects %+v", b.Rows, b.Rejects)
	}
}
