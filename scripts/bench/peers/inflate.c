/* Inflates a corpus (see corpus.py) again and again, with the library that it
 * is compiled for: USE_ZLIB, USE_LIBDEFLATE or USE_ISAL.
 *
 *     inflate CORPUS ROUNDS     or: inflate version
 *
 * One round more than ROUNDS is done, whose output is held against the CRC-32
 * in the corpus: a run of 0 rounds is the start-up that a run of ROUNDS is
 * compared with. The CRC-32 of gzip members is checked by the library in every
 * round. The output of all streams goes into one buffer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(USE_ZLIB)
#include <zlib.h>
#elif defined(USE_LIBDEFLATE)
#include <libdeflate.h>
#elif defined(USE_ISAL)
#include <isa-l.h>
#endif

enum { RAW = 0, GZIP = 1 };

static void fail(const char *what, unsigned stream) {
	fprintf(stderr, "stream %u: %s\n", stream, what);
	exit(1);
}

/* inflates one stream into out, of exactly out_bytes; returns 0 if all is right */
#if defined(USE_ZLIB)
static z_stream z;
static void start(int kind) { if (inflateInit2(&z, kind == GZIP ? 31 : -15) != Z_OK) fail("inflateInit2", 0); }
static int one(int kind, const uint8_t *in, uint32_t in_bytes, uint8_t *out, uint32_t out_bytes) {
	(void)kind;
	if (inflateReset(&z) != Z_OK) return 1;
	z.next_in = (Bytef *)in; z.avail_in = in_bytes;
	z.next_out = out; z.avail_out = out_bytes;
	return inflate(&z, Z_FINISH) != Z_STREAM_END || z.avail_in != 0 || z.avail_out != 0;
}
static const char *version(void) { return zlibVersion(); }
#elif defined(USE_LIBDEFLATE)
static struct libdeflate_decompressor *d;
static void start(int kind) { (void)kind; if (!(d = libdeflate_alloc_decompressor())) fail("no memory", 0); }
static int one(int kind, const uint8_t *in, uint32_t in_bytes, uint8_t *out, uint32_t out_bytes) {
	size_t used = 0, made = 0;
	enum libdeflate_result r = kind == GZIP
		? libdeflate_gzip_decompress_ex(d, in, in_bytes, out, out_bytes, &used, &made)
		: libdeflate_deflate_decompress_ex(d, in, in_bytes, out, out_bytes, &used, &made);
	return r != LIBDEFLATE_SUCCESS || used != in_bytes || made != out_bytes;
}
static const char *version(void) { return LIBDEFLATE_VERSION_STRING; }
#elif defined(USE_ISAL)
static struct inflate_state s;
static void start(int kind) { (void)kind; }
static int one(int kind, const uint8_t *in, uint32_t in_bytes, uint8_t *out, uint32_t out_bytes) {
	isal_inflate_init(&s);
	s.crc_flag = kind == GZIP ? ISAL_GZIP : ISAL_DEFLATE;
	s.next_in = (uint8_t *)in; s.avail_in = in_bytes;
	s.next_out = out; s.avail_out = out_bytes;
	return isal_inflate(&s) != ISAL_DECOMP_OK || s.block_state != ISAL_BLOCK_FINISH || s.avail_out != 0;
}
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
static const char *version(void) { return TEXT(ISAL_MAJOR_VERSION) "." TEXT(ISAL_MINOR_VERSION) "." TEXT(ISAL_PATCH_VERSION); }
#endif

static uint32_t crc_table[256];
static uint32_t crc(const uint8_t *p, uint32_t n) {
	if (!crc_table[1])
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;
			for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
			crc_table[i] = c;
		}
	uint32_t c = ~0u;
	while (n--) c = crc_table[(c ^ *p++) & 255] ^ c >> 8;
	return ~c;
}

static uint32_t u32(const uint8_t *p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }

int main(int argc, char **argv) {
	if (argc == 2 && !strcmp(argv[1], "version")) { puts(version()); return 0; }
	if (argc != 3) return 2;
	FILE *f = fopen(argv[1], "rb");
	if (!f || fseek(f, 0, SEEK_END)) fail("can't open the corpus", 0);
	long size = ftell(f);
	rewind(f);
	uint8_t *b = malloc(size);
	if (!b || size < 12 || fread(b, 1, size, f) != (size_t)size || memcmp(b, "S3CB", 4)) fail("can't read the corpus", 0);
	int kind = u32(b + 4);
	uint32_t streams = u32(b + 8), most = 0;
	const uint8_t *p = b + 12;
	for (uint32_t i = 0; i < streams; i++) {
		if (u32(p + 4) > most) most = u32(p + 4);
		p += 12 + u32(p);
	}
	uint8_t *out = malloc(most + 1);
	if (!out) fail("no memory", 0);
	start(kind);
	for (long round = 0, rounds = atol(argv[2]); round <= rounds; round++) {
		p = b + 12;
		for (uint32_t i = 0; i < streams; i++) {
			if (one(kind, p + 12, u32(p), out, u32(p + 4))) fail("does not inflate", i);
			if (round == 0 && crc(out, u32(p + 4)) != u32(p + 8)) fail("wrong output", i);
			p += 12 + u32(p);
		}
	}
	return 0;
}
