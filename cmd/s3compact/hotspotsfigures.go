package main

// figure is a number that hotspots tells, by its name in JSON, with how it is
// made. docs/hotspots.md has all of them under the same names and words, and so
// has an HTML report; a test holds code and document together.
type figure struct {
	Name    string // path in a hotspot's line
	Formula string
}

// groupFigures are those of a hotspot's line that the report itself shows.
var groupFigures = []figure{
	{"prefix", "the group: what all its keys begin with, with the closing slash; empty for the root"},
	{"objects", "objects of the group that are small (below `--small-size`) and match (`--match`)"},
	{"bytes", "their sizes together"},
	{"mean_bytes", "`bytes` / `objects`; in CSV and tables"},
	{"outputs", "what compact will join them into, `estimate.compacting.outputs`"},
	{"oldest", "the earliest time at which one of them was last modified"},
	{"newest", "the latest"},
	{"storage_classes", "of them, objects of each storage class"},
	{"access_tiers", "of them, objects of each access tier of Intelligent-Tiering"},
	{"encryption", "of them, objects of each encryption status"},
	{"checksums", "of them, objects of each checksum algorithm"},
	{"replication", "of them, objects of each replication status"},
	{"locked", "of them, objects under object lock: a retention or a legal hold"},
	{"kinds", "the same objects by everything that the report says of them; every other figure is a sum over the kinds"},
	{"kinds.storage_class", "storage class of the kind"},
	{"kinds.access_tier", "access tier of the kind"},
	{"kinds.encryption", "encryption status of the kind"},
	{"kinds.checksum", "checksum algorithm of the kind"},
	{"kinds.replication", "replication status of the kind"},
	{"kinds.locked", "whether objects of the kind are under object lock"},
	{"kinds.objects", "objects of the kind"},
	{"kinds.bytes", "their sizes together"},
	{"kinds.short_bytes", "Σ max(0, 128 KiB − size) over the objects of the kind"},
	{"kinds.minimum_kib_days", "Σ max(128, ⌈size / 1 KiB⌉) × days left, over the objects of the kind: the class's minimum duration (30 days for Standard-IA and One Zone-IA, 90 for Glacier Instant and Flexible Retrieval, 180 for Deep Archive) less the whole days from the last modification to the report's time; a day that has begun counts as left"},
	{"all_objects", "objects of the group, of every size and name"},
	{"all_bytes", "their sizes together"},
	{"size_histogram", "`all_objects` by size, in 13 counts: empty, below 1 KiB, 4 KiB, 16 KiB, 64 KiB, 256 KiB, 1 MiB, 4 MiB, 16 MiB, 64 MiB, 256 MiB, 1 GiB, and from 1 GiB on"},
}

// estimateFigures are those of an estimate, of one hotspot or of all together.
var estimateFigures = []figure{
	{"before.objects", "`objects`"},
	{"before.bytes", "`bytes`"},
	{"before.mean_bytes", "`before.bytes` / `before.objects`"},
	{"before.get", "one GET for each object that can be read: `before.objects` without the archived ones. Readers that send a HEAD first, or several ranged GETs, send more"},
	{"before.list", "⌈`all_objects` / 1,000⌉, at least 1: the whole group is listed, whatever of it is small. Of many hotspots the sum"},
	{"before.usd", "Σ over storage classes (GETs × GET price of the class + bytes read × its retrieval price) + `before.list` × LIST price"},
	{"after.objects", "`before.objects` − `compacting.objects` + `compacting.outputs`: what is refused or ignored stays"},
	{"after.bytes", "`before.bytes`: the members are joined as they are (21 bytes more for each that does not end its last line, which no report shows)"},
	{"after.mean_bytes", "`after.bytes` / `after.objects`"},
	{"after.get", "`before.get` − `compacting.objects` + `compacting.outputs`: one GET for each output; readers that read it in ranges send more"},
	{"after.list", "⌈(`all_objects` − `compacting.objects` + `compacting.outputs`) / 1,000⌉, at least 1"},
	{"after.usd", "as `before.usd`, for `after.get` and `after.list`; the bytes read, and so the price of retrieval, stay"},
	{"saved_usd", "`before.usd` − `after.usd`, for each full scan"},
	{"compacting.objects", "`objects` without those refused or ignored: what compact will join"},
	{"compacting.bytes", "their sizes together"},
	{"compacting.outputs", "for each storage class and encryption: max(⌈bytes / `--target-size`⌉, ⌈objects / 20,000⌉), where there are at least 2 objects. Extensions, content types and `name=value` directories divide further, which no report shows"},
	{"compacting.get", "`compacting.objects`, and those whose refusal only reading shows (encryption, replication). An object of more than 16 MiB is read twice, which is not in the figure"},
	{"compacting.put", "for each output: start, ⌈bytes of an output / part size⌉ parts, completion; for each attempt 2 entries of the group's log. Part size: max(8 MiB, `--target-size` / 5,000). An attempt has at most 20,000 members and 16 outputs"},
	{"compacting.list", "1 for the group's log; 2 for each 1,000 keys that the group has at the time, in each attempt; 1 for each 1,000 keys that it has at the end. A group that is refused as a whole is listed once"},
	{"compacting.head", "2 for each attempt, 1 for each output, 1 at the end"},
	{"compacting.get_usd", "Σ over storage classes GETs × GET price of the class"},
	{"compacting.retrieval_usd", "Σ over storage classes bytes read × retrieval price of the class"},
	{"compacting.put_usd", "Σ over storage classes PUTs of outputs × PUT price of the class + entries of logs × PUT price of STANDARD"},
	{"compacting.list_usd", "`compacting.list` × LIST price, which is the same for all classes"},
	{"compacting.head_usd", "`compacting.head` × GET price of STANDARD"},
	{"compacting.early_delete_usd", "Σ over storage classes `kinds.minimum_kib_days` of what is joined × 1,024 / 2^30 × storage price by GB and month / 30. An object that a lifecycle rule moved to its class has been there for less time than since its last modification, so that this is a lower bound"},
	{"compacting.usd", "the sum of the six above. DELETE is free. The start of each run, some 35 requests ($0.0001) that ask what the endpoint enforces and open the state, is not in it"},
	{"payback_scans", "`compacting.usd` / `saved_usd`: after so many full scans compacting has paid for itself. Left out where nothing is saved, or where a class has no known price"},
	{"wasted_bytes", "Σ `kinds.short_bytes` over the classes with a minimum billable size of 128 KiB (Standard-IA, One Zone-IA, Glacier Instant Retrieval)"},
	{"wasted_usd_month", "Σ over those classes `kinds.short_bytes` × storage price by GB and month"},
	{"refused", "objects that compact will refuse, by its reasons, as far as the report shows them; see below"},
	{"ignored", "objects that compact leaves alone without a word: below a name that begins with `_` or a dot, or one alone of its class. Empty objects, folder markers, objects whose own name begins so and, with `--group-by depth=N`, those below such a name inside the group are left alone too; here they count as joined, since a report is not summed up by them. `compact --dry-run`, which lists the keys, counts them as ignored"},
	{"cold.objects", "objects that are refused as `storage_class`, at least 2 of a class: those of Standard-IA, One Zone-IA and Glacier Instant Retrieval. No other figure of compacting holds them; `cold` is what joining them as well would cost"},
	{"cold.bytes", "their sizes together"},
	{"cold.get_usd", "`cold.objects` × GET price of the class"},
	{"cold.retrieval_usd", "`cold.bytes` × retrieval price of the class"},
	{"cold.put_usd", "PUTs of their outputs, as in `compacting.put`, × PUT price of the class"},
	{"cold.early_delete_usd", "as `compacting.early_delete_usd`, for them"},
	{"cold.usd", "the sum of the four above"},
	{"unpriced", "objects of storage classes without a price in the list, by class: their requests are counted, but no dollar of theirs is in any figure"},
}
