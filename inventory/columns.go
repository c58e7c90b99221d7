package inventory

import (
	"fmt"
	"strings"
)

// column is one of the columns of a report that are read.
type column int

const (
	colKey column = iota
	colSize
	colModified
	colLatest
	colMarker
	colBucket
	colClass
	colTier
	colEncryption
	colChecksum
	colReplication
	colLockMode
	colLockUntil
	colLegalHold
	colETag // of single objects only
	numColumns
)

// columnNames are the columns as bindColumns compares them.
// Source: Amazon S3 User Guide, "Amazon S3 Inventory list".
var columnNames = [numColumns]string{
	"key", "size", "lastmodifieddate", "islatest", "isdeletemarker", "bucket", "storageclass", "intelligenttieringaccesstier",
	"encryptionstatus", "checksumalgorithm", "replicationstatus", "objectlockmode", "objectlockretainuntildate", "objectlocklegalholdstatus", "etag",
}

// attribute is what the column's words are, as they are. The columns from
// colClass to colReplication have one each, in the same order; the three of
// object lock make attrLock together, see locked.
func (c column) attribute() attribute { return attrClass + attribute(c-colClass) }

// columns are the places of the columns in a file or a CSV row, -1 where it has
// none. They are found by name, since AWS adds columns and users choose them.
type columns [numColumns]int

// bindColumns finds the columns by their names, which CSV and ORC write
// differently: "LastModifiedDate" and "last_modified_date". Unknown ones are
// left alone, and so are ETags unless they are wanted.
func bindColumns(names []string, etags bool) (columns, error) {
	var c columns
	for col := range c {
		c[col] = -1
		if column(col) == colETag && !etags {
			continue
		}
		for i, n := range names {
			if foldColumn(n) != columnNames[col] {
				continue
			}
			if c[col] >= 0 {
				return c, fmt.Errorf("the column %s is there twice", n)
			}
			c[col] = i
		}
		if c[col] < 0 && column(col) <= colModified {
			return c, fmt.Errorf("the column %s is missing (there are: %s): add the field to the inventory configuration and wait for the next report, or use --listing",
				columnNames[col], strings.Join(names, ", "))
		}
	}
	if etags && c[colETag] < 0 {
		return c, fmt.Errorf("the column %s, by which an object is told from a later one, is missing (there are: %s): add the field to the inventory configuration and wait for the next report",
			columnNames[colETag], strings.Join(names, ", "))
	}
	return c, nil
}

// forecastColumns are those by which compact refuses objects and by which they
// are priced, under the names of the inventory configuration. Of object lock's three
// columns one will do.
var forecastColumns = []struct {
	column column
	name   string
}{
	{colEncryption, "EncryptionStatus"},
	{colTier, "IntelligentTieringAccessTier"},
	{colLockMode, "ObjectLockMode"},
	{colReplication, "ReplicationStatus"},
	{colClass, "StorageClass"},
}

// unreported are the fields that a forecast needs and that are not there, in the
// order of their names.
func (c columns) unreported() []string {
	var names []string
	for _, f := range forecastColumns {
		if c[f.column] < 0 && (f.column != colLockMode || max(c[colLockUntil], c[colLegalHold]) < 0) {
			names = append(names, f.name)
		}
	}
	return names
}

func foldColumn(name string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "_", ""))
}

// locked says whether one value of the three columns of object lock means that
// the object is locked. A mode or a date is there only where there is a
// retention; one that has ended may still be named, as in the headers by which
// compact decides.
func locked(c column, word []byte) bool {
	if c == colLegalHold {
		return strings.EqualFold(string(word), "on")
	}
	return len(word) > 0
}

// wrongBucket is the error of a row that belongs to another bucket than the
// manifest's sourceBucket.
func wrongBucket(row int64, got []byte, want string) error {
	return fmt.Errorf("row %d is of the bucket %.80q, but the manifest's sourceBucket is %q: the file belongs to another report", row, got, want)
}
