package inventory

import (
	"regexp"
	"strings"
)

// Refusal is the reason, in compact's words, for which it will not join objects
// of this kind; "" where the report shows none. What a report does not show
// (tags, metadata, the bytes themselves) only compact finds.
func (k *Kind) Refusal() string {
	switch k.StorageClass {
	case "GLACIER", "DEEP_ARCHIVE":
		return "archived"
	case "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR":
		return reasonStorageClass
	}
	switch {
	case archivedTier(k.AccessTier):
		return "archived"
	case !kept[k.Encryption]:
		return "encryption"
	case k.Locked:
		return reasonLocked
	case !replicated[k.Replication]:
		return "replication"
	}
	return ""
}

// kept are the encryption statuses that an output can have as its members have
// them; objects under different keys are not joined with one another.
// Source: Amazon S3 User Guide, "Amazon S3 Inventory", Encryption Status.
var kept = map[string]bool{"": true, "NOT-SSE": true, "SSE-S3": true, "SSE-KMS": true, "DSSE-KMS": true}

// replicated are the replication statuses of objects that wait for nothing.
var replicated = map[string]bool{"": true, "COMPLETED": true, "COMPLETE": true, "REPLICA": true}

const (
	reasonStorageClass = "storage_class"
	reasonLocked       = "locked"
	reasonManaged      = "managed"
)

// archivedTier says whether the bytes of an access tier of Intelligent-Tiering
// can't be read at once: those of both Archive Access tiers, and not of Archive
// Instant Access.
func archivedTier(tier string) bool {
	return strings.Contains(tier, "ARCHIVE") && !strings.Contains(tier, "INSTANT")
}

// readable says whether a GET returns the bytes. A customer's key is taken to be
// at hand for those who read such objects.
func (k *Kind) readable() bool { return k.Refusal() != "archived" }

// seenByListing says whether compact finds the reason in its listing, so that it
// sends no GET for the object.
func seenByListing(reason string) bool {
	return reason == "archived" || reason == reasonStorageClass || reason == reasonLocked || reason == reasonManaged
}

// managed are the places of CloudTrail's logs and digests: a digest names each
// file with its hash, so a joined file could not be validated any more.
// Source: AWS CloudTrail user guide, "Validating CloudTrail log file integrity".
var managed = regexp.MustCompile(`(^|/)AWSLogs/([^/]+/)?\d{12}/CloudTrail(-Digest|-Insight)?/`)

// hidden says whether engines and compact pass over everything below the prefix:
// one of its segments begins with _ or a dot.
func hidden(prefix string) bool {
	for segment := range strings.SplitSeq(prefix, "/") {
		if segment != "" && (segment[0] == '_' || segment[0] == '.') {
			return true
		}
	}
	return false
}
