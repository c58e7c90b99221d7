package inventory

import (
	"fmt"
	"strings"
)

// columns are the places, in a file or a CSV row, of what is read of a report;
// -1 where it has none. They are found by name, since AWS adds columns and
// users choose them.
type columns struct {
	key, size, modified, class, latest, deleteMarker int
}

// bindColumns finds the columns by their names, which CSV and ORC write
// differently: "LastModifiedDate" and "last_modified_date".
// Source: Amazon S3 User Guide, "Amazon S3 Inventory list".
func bindColumns(names []string) (columns, error) {
	c := columns{-1, -1, -1, -1, -1, -1}
	for _, bind := range []struct {
		place    *int
		name     string
		required bool
	}{
		{&c.key, "key", true},
		{&c.size, "size", true},
		{&c.modified, "lastmodifieddate", true},
		{&c.class, "storageclass", false},
		{&c.latest, "islatest", false},
		{&c.deleteMarker, "isdeletemarker", false},
	} {
		for i, n := range names {
			if foldColumn(n) != bind.name {
				continue
			}
			if *bind.place >= 0 {
				return c, fmt.Errorf("the column %s is there twice", n)
			}
			*bind.place = i
		}
		if bind.required && *bind.place < 0 {
			return c, fmt.Errorf("the column %s is missing (there are: %s): add the field to the inventory configuration and wait for the next report, or use --listing",
				bind.name, strings.Join(names, ", "))
		}
	}
	return c, nil
}

func foldColumn(name string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "_", ""))
}
