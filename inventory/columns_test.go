package inventory

import (
	"slices"
	"testing"
)

func TestFieldsThatAForecastLacks(t *testing.T) {
	for _, tc := range []struct {
		fields []string
		want   []string
	}{
		{[]string{"Key", "Size", "LastModifiedDate"}, []string{"EncryptionStatus", "IntelligentTieringAccessTier", "ObjectLockMode", "ReplicationStatus", "StorageClass"}},
		{[]string{"key", "size", "last_modified_date", "storage_class", "intelligent_tiering_access_tier", "replication_status", "object_lock_mode"}, []string{"EncryptionStatus"}},
		{[]string{"Key", "Size", "LastModifiedDate", "StorageClass", "IntelligentTieringAccessTier", "EncryptionStatus", "ReplicationStatus", "ObjectLockLegalHoldStatus"}, nil},
	} {
		c, err := bindColumns(tc.fields, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.unreported(); !slices.Equal(got, tc.want) {
			t.Errorf("%v: %v, want %v", tc.fields, got, tc.want)
		}
	}
}
