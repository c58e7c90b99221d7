package linerows

import (
	"errors"
	"fmt"

	"github.com/s3compact/s3compact/parquetconv/schema"
)

// supported says what of a schema this decoder cannot do.
func supported(s *schema.Schema) error {
	for _, c := range s.Columns {
		if c.Type.Nested() || c.Time.Kind != schema.TimeRFC3339 || c.Pseudo != schema.NoPseudo {
			return fmt.Errorf("column %q: nested types, times other than RFC 3339 and pseudo-columns are not supported yet", c.Name)
		}
	}
	if s.Format != schema.FormatNDJSON || s.Layout != schema.LayoutLines || len(s.SortBy)+len(s.Bloom) > 0 {
		return errors.New("csv, layouts other than lines, sort_by and bloom are not supported yet")
	}
	return nil
}
