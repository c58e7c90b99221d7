package schema

import "github.com/s3compact/s3compact/parquetconv/value"

// Pseudo names a pseudo-column: what is known of a row beside its text.
type Pseudo uint8

// The pseudo-columns. NoPseudo is every other column.
const (
	NoPseudo     Pseudo = iota
	SourceKey           // _source_key: the key of the object that held the row, or the path of the file
	SourceETag          // _source_etag: its ETag
	SourceOffset        // _source_offset: where the row begins in the uncompressed source, in bytes
	BatchID             // _batch_id: the batch that loaded the row
)

var pseudoColumns = map[string]Pseudo{"_source_key": SourceKey, "_source_etag": SourceETag, "_source_offset": SourceOffset, "_batch_id": BatchID}

// Type is the type of the pseudo-column's values, which are never null.
func (p Pseudo) Type() value.Type {
	if p == SourceOffset {
		return value.Type{Kind: value.Int64}
	}
	return value.Type{Kind: value.String}
}
