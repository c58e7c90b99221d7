package scan

import "github.com/s3compact/s3compact/parquetconv/schema"

// Layout is schema.Layout.
//
// Deprecated: use schema.Layout.
type Layout = schema.Layout

// The layouts.
//
// Deprecated: use schema.LayoutLines and so on.
const (
	Lines     = schema.LayoutLines
	Documents = schema.LayoutDocuments
	Array     = schema.LayoutArray
)
