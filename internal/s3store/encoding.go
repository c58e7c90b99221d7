package s3store

import (
	"fmt"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"
)

// decodeKey undoes the URL encoding of a listing, which keeps keys with
// characters that XML cannot hold. A server that ignores the request for it
// says so by not naming an encoding.
func decodeKey(encoded bool, key string) (string, error) {
	if !encoded {
		return key, nil
	}
	plain, err := url.QueryUnescape(key)
	if err != nil {
		return "", fmt.Errorf("undecodable key %q in the listing: %w", key, err)
	}
	return plain, nil
}

// xmlHolds says whether XML 1.0 can hold the key, so that a request body can
// name it. Source: Extensible Markup Language 1.0, section 2.2.
func xmlHolds(key string) bool {
	for _, r := range key {
		switch {
		case r == utf8.RuneError, r == 0xFFFE, r == 0xFFFF, r < 0x20 && r != '\t' && r != '\n' && r != '\r':
			return false
		}
	}
	return true
}

// expires reads the Expires header of an object that is written again; a
// value that is no HTTP date is not carried over.
func expires(s string) *time.Time {
	if t, err := http.ParseTime(s); err == nil {
		return &t
	}
	return nil
}
